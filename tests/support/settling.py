"""When an app has settled: Textual's own pause, for apps that are at work all the time.

Textual lets a test go on when the process has rested for 20 ms, and after a second in any case. An
app that speaks never rests, so each key took two seconds.
"""

from asyncio import sleep
from time import monotonic, process_time
from typing import Final

from textual._context import active_app
from textual._wait import SLEEP_GRANULARITY, SLEEP_IDLE
from textual.app import App

AT_WORK: Final = 0.1
"""Seconds of processor time, not of the clock: a busy machine needs longer for a key."""


async def settle(min_sleep: float = SLEEP_GRANULARITY, max_sleep: float = 1.0) -> None:
    """Wait until the process rests, or has been at work and has taken all that was sent.

    Takes the place of `textual._wait.wait_for_idle`, and never waits longer than that.

    Args:
        min_sleep: Seconds to wait at least.
        max_sleep: Seconds to wait at most.
    """
    begin, begin_of_work = monotonic(), process_time()
    while True:
        before = process_time()
        await sleep(SLEEP_GRANULARITY)
        now, waited = process_time(), monotonic() - begin
        if waited >= max_sleep:
            return
        if waited > min_sleep and now - before < SLEEP_IDLE:
            return
        if now - begin_of_work > AT_WORK and _has_taken_all(active_app.get(None)):
            return


def _has_taken_all(app: App[object] | None) -> bool:
    """Whether no message waits for the app or for anything on its screen."""
    if app is None or not app.screen_stack:
        return False
    pumps = (app, *app.screen.walk_children(with_self=True))
    return all(pump.message_queue_size == 0 for pump in pumps)
