"""A run that the app started generates from its first checkpoint on, unless the user chooses."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, fake_run
from tests.support.open_app import RecordingLauncher, note_of, tiny_app
from tests.support.tiny_model import tiny_config
from tests.support.waiting import wait_until
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import CheckpointSaved
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.messages import ResumeRequested, RunMoved, TrainerStarted
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.tui.text.model_loader import ModelRequest
from tui_charrnn.viewing.run_view import RunView

BUNDLED = "Seed · next: tiny.safetensors (^o)"
NEWEST = "Seed · next: the run's newest weights (^o)"
NOW = "From the next Enter on, the run's newest weights will generate; ^o chooses another model."
LATER = "It generates from its first checkpoint on; ^o chooses another model."


def show_start(app: CharRNNApp, run: RunDirectory, launch: RecordingLauncher) -> None:
    """Show a run as the form does once it has started it."""
    app.main.show_start(TrainerStarted(run, launch(run), "Training starts.", can_generate=True))


def title_of(app: CharRNNApp) -> str:
    return str(app.text_pane.seed.border_title)


def viewed(run: RunDirectory, *steps: int) -> RunView:
    """A view of a run with checkpoints."""
    view = RunView(run)
    view.take(CheckpointSaved(step, f"checkpoints/{step}", 0.1) for step in steps)
    return view


async def test_its_first_checkpoint_makes_it_the_next_model(
    tmp_path: Path, trainer: FakeTrainer, launch: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "a text", lambda: app.text_pane.text.opening is not None)
        show_start(app, trainer.run, launch)
        assert note_of(app) == f"Training starts. {LATER}"
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await wait_until(pilot, "the model", lambda: title_of(app) == BUNDLED)
        before = app.text_pane.text.generation
        trainer.save()
        await wait_until(pilot, "the note", lambda: note_of(app) == NOW)
        await wait_until(pilot, "the run next", lambda: title_of(app) == NEWEST)
        assert app.text_pane.text.generation is before
        await pilot.press(*"be", "enter")
        await wait_until(
            pilot,
            "a request to publish",
            lambda: [asked.request for asked in take_requests(trainer.run)] == ["publish"],
        )
        trainer.publish()
        frame = app.text_pane.view
        await wait_until(pilot, "its text", lambda: "run fake" in str(frame.border_title))


async def test_a_choice_of_the_user_stays(
    tmp_path: Path, trainer: FakeTrainer, launch: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        show_start(app, trainer.run, launch)
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+o", "pageup", "down", "enter")
        chosen = "From the next Enter on, the run's best checkpoint will generate."
        await wait_until(pilot, "the choice", lambda: note_of(app) == chosen)
        trainer.save()
        view = app.session.view
        await wait_until(pilot, "it", lambda: view is not None and view.checkpoint_step == 2)
        assert app.session.next_source is WeightsSource.BEST
        assert note_of(app) != NOW


async def test_a_resumed_run_is_the_next_source_at_once(
    tmp_path: Path, launch: RecordingLauncher
) -> None:
    run = fake_run(tmp_path / "runs", evaluations={2: 2.4}, end="stopped")
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "a text", lambda: app.text_pane.text.opening is not None)
        app.post_message(ResumeRequested(run))
        told = f"Resumed fake. {NOW}"
        await wait_until(pilot, "the note", lambda: note_of(app) == told)
        await wait_until(pilot, "the run next", lambda: title_of(app) == NEWEST)


async def test_a_run_that_reads_both_directions_is_not_chosen(
    tmp_path: Path, launch: RecordingLauncher
) -> None:
    model = replace(tiny_config(), direction="both")
    run = fake_run(tmp_path / "runs", model=model, evaluations={2: 2.4}, end="stopped")
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "a text", lambda: app.text_pane.text.opening is not None)
        app.post_message(ResumeRequested(run))
        await wait_until(pilot, "the note", lambda: note_of(app) == "Resumed fake.")
        view = app.session.view
        await wait_until(pilot, "it", lambda: view is not None and view.checkpoint_step == 2)
        assert app.session.next_source is WeightsSource.DEFAULT


@pytest.mark.parametrize("kind", ["model_is_named", "is_readonly"])
async def test_a_named_model_and_a_read_only_view_change_only_by_key(
    tmp_path: Path, trainer: FakeTrainer, launch: RecordingLauncher, kind: str
) -> None:
    trainer.save()
    app = tiny_app(tmp_path)
    setattr(app.session, kind, True)
    async with app.run_test(size=(120, 36)) as pilot:
        process = launch(trainer.run)
        app.main.show_start(TrainerStarted(trainer.run, process, "Training starts.", True))
        note = "Training starts. ^o generates with the run itself."
        assert note_of(app) == note
        view = app.session.view
        await wait_until(pilot, "it", lambda: view is not None and view.checkpoint_step == 2)
        assert app.session.next_source is WeightsSource.DEFAULT


async def test_a_started_run_keeps_its_place_under_a_new_name_and_loses_it_with_its_files(
    tmp_path: Path,
) -> None:
    run, renamed = RunDirectory(tmp_path / "a"), RunDirectory(tmp_path / "b")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        app.session.started = run
        app.main.post_message(RunMoved(run, renamed))
        await wait_until(pilot, "the new name", lambda: app.session.started == renamed)
        app.main.post_message(RunMoved(renamed, None))
        await wait_until(pilot, "none", lambda: app.session.started is None)


def test_only_the_started_run_with_a_checkpoint_generates(tmp_path: Path) -> None:
    first, second = RunDirectory(tmp_path / "first"), RunDirectory(tmp_path / "second")
    session = Session(tmp_path, started=first)

    def source_of(view: RunView | None) -> WeightsSource:
        session.view = view
        return ModelRequest.of(session).source

    assert source_of(None) is WeightsSource.DEFAULT
    assert source_of(viewed(first)) is WeightsSource.DEFAULT
    assert not session.is_model_chosen
    assert source_of(viewed(first, 10)) is WeightsSource.NEWEST
    assert session.is_model_chosen
    assert source_of(viewed(second, 10)) is WeightsSource.DEFAULT
    finished = viewed(first, 10)
    finished.status = RunStatus(state=RunState.FINISHED)
    assert source_of(finished) is WeightsSource.BEST
    session.started = second  # a second run is started
    assert source_of(viewed(second)) is WeightsSource.DEFAULT
    assert source_of(viewed(first, 10)) is WeightsSource.DEFAULT
