"""The app announces the end of a run that it saw training, once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App

from tests.viewing.test_announcements import ended_view
from tui_charrnn.preferences import Preferences
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.tui.run import controls

BEFORE = RunStatus(state=RunState.TRAINING)
NOW = replace(BEFORE, beat=1)
FAILED = replace(NOW, state=RunState.FAILED)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(controls, "send_to_terminal", lambda _app, text: sent.append(text))
    return sent


def ends_in(sent: list[str]) -> list[str]:
    return [text for text in sent if "\x1b]9;" in text and "at step" in text]


def test_the_end_is_announced_once_and_only_for_a_run_that_was_live(
    tmp_path: Path, sent: list[str]
) -> None:
    announcer = controls.RunAnnouncer(Preferences(notify="osc9"))
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
            announcer.observe(replace(ended, ended=None, life="alive", status=BEFORE))
            announcer.observe(ended)
            announcer.observe(ended)

    asyncio.run(look())
    (end,) = ends_in(sent)
    assert "finished" in end


@pytest.mark.parametrize(
    ("looks", "is_recorded", "expected"),
    [
        pytest.param(
            [(BEFORE, "alive"), (NOW, "alive"), (NOW, "lost")], False, ["lost"], id="killed"
        ),
        pytest.param(
            [(BEFORE, "alive"), (NOW, "lost")], True, ["finished"], id="ended between two looks"
        ),
        pytest.param(
            [(BEFORE, "alive"), (BEFORE, "lost")], False, [], id="dead long before it was opened"
        ),
        pytest.param(
            [(BEFORE, "alive"), (FAILED, "ended")], False, ["failed"], id="failed on a full disk"
        ),
    ],
)
def test_an_end_without_a_record_is_announced(
    tmp_path: Path,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
    looks: list[tuple[RunStatus, Verdict]],
    is_recorded: bool,
    expected: list[str],
) -> None:
    later: list[Callable[[], None]] = []
    monkeypatch.setattr(
        controls.RunAnnouncer, "set_timer", lambda _self, _delay, call: later.append(call)
    )
    announcer = controls.RunAnnouncer(Preferences(notify="osc9"))
    ended = ended_view(tmp_path)
    view = replace(ended, ended=None)

    async def look() -> None:
        app = App[None]()
        async with app.run_test():
            await app.mount(announcer)
            for view.status, view.life in looks:
                announcer.observe(view)
            announcer.observe(view)
            if is_recorded:
                view.ended = ended.ended
                announcer.observe(view)
            for call in later:
                call()

    asyncio.run(look())
    words = ("lost", "finished", "failed")
    assert [word for end in ends_in(sent) for word in words if word in end] == expected
