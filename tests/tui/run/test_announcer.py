"""The app announces the end of a run that it saw training, once."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from tests.support.fake_run import FakeTrainer, fake_run
from tests.support.open_app import tiny_app
from tests.support.waiting import wait_until
from tests.viewing.test_announcements import ended_view
from tui_charrnn.preferences import Preferences
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Verdict
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.run import announcer
from tui_charrnn.tui.run.announcer import RunAnnouncer
from tui_charrnn.tui.session import Session
from tui_charrnn.viewing.run_view import RunView

BEFORE = RunStatus(state=RunState.TRAINING)
NOW = replace(BEFORE, beat=1)
FAILED = replace(NOW, state=RunState.FAILED)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr(announcer, "send_to_terminal", lambda _app, text: sent.append(text))
    return sent


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[RunDirectory]:
    """The runs left in training, as often as they are looked at."""
    looks: list[RunDirectory] = []

    def look(run: RunDirectory) -> RunStatus | None:
        looks.append(run)
        return read_status(run)

    monkeypatch.setattr(announcer, "read_status", look)
    monkeypatch.setattr(announcer, "POLL_INTERVAL", 0.01)
    return looks


def session_in(folder: Path) -> Session:
    return Session(runs_folder=folder, preferences=Preferences(notify="osc9"))


def ends_in(sent: list[str]) -> list[str]:
    return [text for text in sent if "\x1b]9;" in text and "at step" in text]


def test_the_end_is_announced_once_and_only_for_a_run_that_was_live(
    tmp_path: Path, sent: list[str]
) -> None:
    watcher = RunAnnouncer(session_in(tmp_path))
    ended = ended_view(tmp_path)

    async def look() -> None:
        app = App[None]()
        async with app.run_test():
            await app.mount(watcher)
            watcher.observe(ended)
            unread = replace(ended, ended=None, life="silent", status=None)
            watcher.observe(unread)
            watcher.observe(ended)
            assert sent == []
            watcher.observe(replace(ended, ended=None, life="alive", status=BEFORE))
            watcher.observe(ended)
            watcher.observe(ended)

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
    monkeypatch.setattr(RunAnnouncer, "set_timer", lambda _self, _delay, call: later.append(call))
    watcher = RunAnnouncer(session_in(tmp_path))
    ended = ended_view(tmp_path)
    view = replace(ended, ended=None)

    async def look() -> None:
        app = App[None]()
        async with app.run_test():
            await app.mount(watcher)
            for view.status, view.life in looks:
                watcher.observe(view)
            watcher.observe(view)
            if is_recorded:
                view.ended = ended.ended
                watcher.observe(view)
            for call in later:
                call()

    asyncio.run(look())
    words = ("lost", "finished", "failed")
    assert [word for end in ends_in(sent) for word in words if word in end] == expected


class NoteHost(App[None]):
    """Holds an announcer and keeps the notes that it posts."""

    def __init__(self, announcer: RunAnnouncer) -> None:
        super().__init__()
        self.announcer = announcer
        self.notes: list[tuple[str, bool]] = []

    def compose(self) -> ComposeResult:
        yield self.announcer

    def on_note_written(self, note: NoteWritten) -> None:
        self.notes.append((note.sentence, note.is_problem))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (lambda trainer: trainer.end("finished"), ("fake: finished at step 2", False)),
        (lambda trainer: trainer.fail("The disk broke."), ("fake: failed at step 2", True)),
    ],
    ids=["finished", "failed"],
)
async def test_the_end_of_a_run_is_announced_once_while_another_is_shown(
    tmp_path: Path,
    trainer: FakeTrainer,
    sent: list[str],
    looks: list[RunDirectory],
    end: Callable[[FakeTrainer], None],
    expected: tuple[str, bool],
) -> None:
    ended_before = fake_run(tmp_path, name="before")
    app = NoteHost(RunAnnouncer(session_in(tmp_path)))
    async with app.run_test() as pilot:
        for run in (ended_before, trainer.run):
            app.announcer.leave(run)
        await wait_until(pilot, "a look at work", lambda: looks.count(trainer.run) > 1)
        end(trainer)
        await wait_until(pilot, "the note", lambda: bool(app.notes))
        seen = looks.count(ended_before)
        await wait_until(pilot, "later looks", lambda: looks.count(ended_before) > seen + 2)
    assert app.notes == [expected]
    assert len(ends_in(sent)) == 1


async def test_a_run_that_is_opened_again_is_not_one_of_those_left(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    other = fake_run(tmp_path / "runs", name="other")
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        app.main.open_run(other)
        assert trainer.run.path in app.session.left_training
        app.main.open_run(trainer.run)
        assert trainer.run.path not in app.session.left_training


async def test_an_announced_end_is_not_announced_again_when_the_run_is_opened(
    tmp_path: Path, trainer: FakeTrainer, sent: list[str], looks: list[RunDirectory]
) -> None:
    app = NoteHost(RunAnnouncer(session_in(tmp_path)))
    training = RunView(trainer.run, status=read_status(trainer.run), life="alive")
    async with app.run_test() as pilot:
        app.announcer.observe(training)
        app.announcer.leave(trainer.run)
        await wait_until(pilot, "a look at work", lambda: bool(looks))
        trainer.end("finished")
        await wait_until(pilot, "the note", lambda: bool(app.notes))
        ended = replace(training, status=read_status(trainer.run), life="ended")
        ended.take(RunReader(trainer.run).read_all())
        app.announcer.observe(ended)
    assert len(ends_in(sent)) == 1


async def test_a_left_run_is_not_lost_because_its_file_looks_old(
    tmp_path: Path, trainer: FakeTrainer, looks: list[RunDirectory]
) -> None:
    app = NoteHost(RunAnnouncer(session_in(tmp_path)))
    async with app.run_test() as pilot:
        app.announcer.leave(trainer.run)
        await wait_until(pilot, "a look at work", lambda: bool(looks))
        os.utime(trainer.run.status, (0, 0))  # as after hours in which the machine slept
        seen = len(looks)
        await wait_until(pilot, "later looks", lambda: len(looks) > seen + 2)
    assert app.notes == []
