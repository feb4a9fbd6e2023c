"""The app announces the end of a run that it saw training, once."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App

from tests.viewing.test_announcements import ended_view
from tui_charrnn.preferences import Preferences
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.tui import run_controls


def test_the_end_is_announced_once_and_only_for_a_run_that_was_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(run_controls, "send_to_terminal", lambda _app, text: sent.append(text))
    announcer = run_controls.RunAnnouncer(Preferences(notify="osc9"))
    ended = ended_view(tmp_path)

    async def look() -> None:
        app = App[None]()
        async with app.run_test():
            await app.mount(announcer)
            announcer.observe(ended)
            unread = replace(ended, ended=None, life="silent", status=None)
            announcer.observe(unread)
            announcer.observe(ended)
            assert sent == []
            announcer.observe(
                replace(ended, ended=None, life="alive", status=RunStatus(state=RunState.TRAINING))
            )
            announcer.observe(ended)
            announcer.observe(ended)

    asyncio.run(look())
    assert sum("\x1b]9;" in text and "finished" in text for text in sent) == 1
