"""The runs pane in the app: its requests are carried out; a read-only viewer writes nothing."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.open_app import RecordingLauncher, note_of, run_text_of, tiny_app
from tests.support.shown_screen import is_asked, screen_text
from tests.support.waiting import wait_until
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.dialogs import QuestionScreen
from tui_charrnn.tui.runs.pane import RunsPane
from tui_charrnn.tui.session import READ_ONLY


async def list_runs(app: CharRNNApp, pilot: Pilot[None], name: str) -> RunsPane:
    """Open the runs pane and put the cursor on a run."""
    await pilot.press("f4")
    await wait_until(pilot, "the pane", lambda: bool(app.main.query(RunsPane)))
    pane = app.main.query_one(RunsPane)
    await wait_until(pilot, "the runs", lambda: bool(pane.runs.summaries))
    await wait_until(pilot, "the focus", lambda: app.focused is pane.runs.table)
    names = [found.run.name for found in pane.runs.summaries.values()]
    pane.runs.table.put_cursor(names.index(name))
    await wait_until(pilot, "the cursor", lambda: selected_name(pane) == name)
    return pane


def selected_name(pane: RunsPane) -> str:
    return pane.runs.selected.run.name if pane.runs.selected is not None else ""


async def test_another_run_is_opened(tmp_path: Path) -> None:
    shown = fake_run(tmp_path / "runs", name="shown")
    fake_run(tmp_path / "runs", name="other", end="stopped")
    app = tiny_app(tmp_path, run=shown)
    async with app.run_test(size=(80, 24)) as pilot:
        await list_runs(app, pilot, "other")
        await pilot.press("enter")
        await wait_until(pilot, "the other", lambda: "stopped" in run_text_of(app))
        assert app.session.run == RunDirectory(tmp_path / "runs" / "other")
        assert app.main.pane == "training"


async def test_a_run_is_resumed(tmp_path: Path, launch: RecordingLauncher) -> None:
    run = fake_run(tmp_path / "runs", end="stopped")
    app = tiny_app(tmp_path, run=run, launch=launch)
    async with app.run_test(size=(80, 24)) as pilot:
        await list_runs(app, pilot, "fake")
        await pilot.press("r")
        await wait_until(pilot, "a trainer", lambda: run.path in app.session.trainers)
        assert launch.runs == [run]
        pane = await list_runs(app, pilot, "fake")
        await pilot.press("r")
        await wait_until(pilot, "no other", lambda: "already" in note_of(app))
        assert pane.is_trained(next(iter(pane.runs.summaries.values())))
        assert launch.runs == [run]


async def test_the_shown_run_is_followed_to_its_new_name(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs")
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await list_runs(app, pilot, "fake")
        await pilot.press("n")
        await wait_until(pilot, "a question", lambda: is_asked(app))
        await pilot.press(*"new", "enter")
        await wait_until(pilot, "it is told", lambda: "is now named new" in note_of(app))
        await wait_until(pilot, "it is followed", lambda: "finished" in run_text_of(app))
        assert app.session.run == RunDirectory(tmp_path / "runs" / "new")


async def test_the_shown_run_is_followed_no_longer_once_deleted(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs")
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await list_runs(app, pilot, "fake")
        await pilot.press("d")
        await wait_until(pilot, "a question", lambda: isinstance(app.screen, QuestionScreen))
        await pilot.press("d")
        await wait_until(pilot, "it is gone", lambda: app.session.run is None)
        await wait_until(pilot, "there is none", lambda: "no runs yet" in screen_text(app))
        await pilot.press("u")
        await wait_until(pilot, "it is back", lambda: "fake is restored" in note_of(app))


async def test_the_cursor_moves_to_a_run_that_starts(tmp_path: Path) -> None:
    fake_run(tmp_path / "runs", name="old")
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        pane = await list_runs(app, pilot, "old")
        app.main.open_run(created_run(tmp_path / "runs", name="new"))
        await wait_until(pilot, "the new run", lambda: selected_name(pane) == "new")


async def test_read_only_viewers_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeTrainer(created_run(tmp_path / "elsewhere")) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.evaluate(2.5)
        trainer.save(2.5, is_best=True)
        trainer.writer.beat()
        before = files_of(trainer.run)
        one = tiny_app(tmp_path / "one", run=trainer.run)
        two = tiny_app(tmp_path / "two", run=trainer.run)
        for app in (one, two):
            app.session.is_readonly = True
        async with one.run_test(size=(120, 36)) as first, two.run_test(size=(80, 24)) as second:
            await try_everything(one, first, monkeypatch)
            await try_everything(two, second, monkeypatch)
        assert files_of(trainer.run) == before


async def try_everything(
    app: CharRNNApp, pilot: Pilot[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open all panes, and try the actions that a read-only viewer refuses."""
    await wait_until(pilot, "the run", lambda: "training" in run_text_of(app))
    notes: list[str] = []  # the note line may already show the next note

    def note(sentence: str, **_: bool) -> None:
        notes.append(sentence)

    monkeypatch.setattr(app.main.note, "show_note", note)
    await pilot.press("f3", "f4", "f2", "enter", "f5", "f6", "f9", "ctrl+n")
    await wait_until(pilot, "refusals", lambda: notes.count(READ_ONLY) == 4)
    assert app.screen is app.main


def files_of(run: RunDirectory) -> dict[str, tuple[int, bytes]]:
    """The files of a run: modification times and contents by path."""
    files = [path for path in sorted(run.path.rglob("*")) if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
