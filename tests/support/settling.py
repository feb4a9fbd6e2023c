"""Waiting until an app has handled all events, in place of Textual's own waiting.

Textual's pilot waits after every key until the process is idle by the clock: 40 ms where nothing
happens, two seconds where a text streams, and not long enough on a busy machine. Here it waits
until no widget has a message left. What a thread, a process or a timer does is waited for with
`wait_until`.
"""

import asyncio
import time
from typing import Any, Final

import pytest
from textual import app, constants, pilot
from textual._context import active_app
from textual.app import App

from tests.support.command import PATIENCE

_TURNS: Final = 1_000
"""Turns of the loop for messages at most: where a text streams there is always one."""
_ROUNDS: Final = 3
"""How often the screen is drawn at most: a text that streams is never drawn to its end."""


def settle_by_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pilots wait for messages, as long as a busy machine needs, and nothing move."""

    async def settle(_min_sleep: float = 0, _max_sleep: float = 0) -> None:
        await settled(active_app.get())

    for module in (app, pilot):
        monkeypatch.setattr(module, "wait_for_idle", settle)
    wait_for_screen = pilot.Pilot._wait_for_screen

    async def wait_for_mounted_screen(self: pilot.Pilot[Any]) -> bool:
        """Wait as Textual does, but first for the screen's widgets: an app may be ready before."""
        deadline = time.monotonic() + PATIENCE
        while not self.app.screen.is_mounted and self.app.is_running:
            await asyncio.sleep(0.001)
            assert time.monotonic() < deadline, "The screen was not mounted."
        return await wait_for_screen(self, PATIENCE)

    monkeypatch.setattr(pilot.Pilot, "_wait_for_screen", wait_for_mounted_screen)
    monkeypatch.setattr(constants, "TEXTUAL_ANIMATIONS", "none")


async def settled(app: App[Any]) -> None:
    """Wait until all messages are handled, those that follow from them too, and it is drawn."""
    for _ in range(_ROUNDS):
        await _messages_handled(app)
        if app._resize_event is not None:
            app._check_resize()  # which a timer does else
        await pilot.Pilot(app)._wait_for_screen()  # also for what takes long to handle
        await _messages_handled(app)
        screen = app.screen
        if not (screen._layout_required or screen._dirty_widgets or screen._callbacks):
            break
        screen._on_timer_update()


async def _messages_handled(app: App[Any]) -> None:
    await asyncio.sleep(0)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        pumps = [app, *app.screen.walk_children(with_self=True)]
        if not any(pump.message_queue_size for pump in pumps):
            break
