"""Hints by the pane and the state of the run."""

from pathlib import Path

import pytest

from tests.support.fake_run import created_run
from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    BatchTrained,
    CheckpointSaved,
    Record,
    RunPlanned,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.tui.hints import hint_for
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.viewing.run_view import RunView

PLAN = RunPlanned(1_000, 100, 50, 4, 0.1)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    run = created_run(tmp_path, training=TrainingConfig(train_time=300.0))
    session = Session(tmp_path)
    session.view = RunView(run, read_description(run))
    return session


def stand(session: Session, *records: Record, state: str = "training", **status: float) -> None:
    """Set the state of the run; `lost` is a verdict of the viewer."""
    assert session.view is not None
    session.view.take(records)
    reported = RunStatus(state=RunState("training" if state == "lost" else state), **status)  # type: ignore[arg-type]  # counts and seconds
    session.view.observe(reported, "lost" if state == "lost" else "alive", 0.0)


def scores(*losses: float) -> list[Record]:
    return [
        SplitEvaluated(50 * number, loss, False, 1.0) for number, loss in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("pane", "words"),
    [
        ("text", "^o changes the model"),
        ("training", "read the values out"),
        ("runs", "Enter shows a run"),
        ("childhood", "Space plays how it learned, + and - change the speed."),
        ("log", "o shows what the trainer's process printed"),
    ],
)
def test_each_pane_has_its_own(session: Session, pane: str, words: str) -> None:
    stand(session, PLAN, BatchTrained(1, 3.0, 0.003, 0.5, 0.1), SampleTaken(1, "a", "b", 0, 0.8))
    assert words in hint_for(pane, session)


@pytest.mark.parametrize("pane", ["training", "childhood"])
def test_an_empty_pane_offers_no_key_that_does_nothing_there(session: Session, pane: str) -> None:
    stand(session, PLAN)
    assert hint_for(pane, session) == "F2 back to the text · F1 help"


@pytest.mark.parametrize("pane", ["training", "runs", "childhood", "log"])
def test_without_a_run_every_pane_leads_to_one(tmp_path: Path, pane: str) -> None:
    words = "^n trains on your own text · F2 back to the text · F1 help"
    assert hint_for(pane, Session(tmp_path)) == words


def test_without_a_run_it_is_about_the_seed_and_training(tmp_path: Path) -> None:
    assert "trains on your own text" in hint_for("text", Session(tmp_path))


@pytest.mark.parametrize("pane", ["text", "training", "runs", "childhood", "log"])
def test_a_reader_without_a_run_is_not_told_to_train(tmp_path: Path, pane: str) -> None:
    hint = hint_for(pane, Session(tmp_path, is_readonly=True))
    assert "F1 help" in hint
    assert "^n" not in hint


def test_a_lost_run_can_be_resumed(session: Session) -> None:
    stand(session, CheckpointSaved(50, "x", 0.1), state="lost")
    assert hint_for("text", session) == "F3, Tab, then r resumes at step 50."
    session.is_readonly = True
    assert "then r" not in hint_for("text", session)


def test_a_trainer_that_cannot_save_is_reported_in_every_pane(session: Session) -> None:
    assert session.view is not None
    status = RunStatus(state=RunState.TRAINING, degraded="no space left on device")
    session.view.observe(status, "alive", 0.0)
    assert hint_for("text", session).startswith("The trainer cannot save: ^l shows why.")


def test_the_hint_of_a_paused_run_has_the_key_to_continue(session: Session) -> None:
    stand(session, state="paused")
    assert hint_for("runs", session) == "Paused. F5 resumes."


def test_the_hint_of_a_finished_run_has_samples_and_models(session: Session) -> None:
    stand(session, SampleTaken(50, "a", "b", 0, 0.8), state="finished")
    words = "The run has finished. ^t shows how it learned, ^o picks a model."
    assert hint_for("text", session) == words
    assert "plays" in hint_for("childhood", session)


def test_the_hint_of_a_run_that_overfitted_names_the_best_weights_if_they_generate(
    session: Session,
) -> None:
    assert session.view is not None
    stand(session, PLAN, *scores(2.0, 1.5, 1.6), BatchTrained(150, 1.0, 0.003, 0.5, 0.1))
    stand(session, CheckpointSaved(100, "x", 0.1), state="finished")
    best = "Its best weights, of step 100, generate from the next seed on."
    assert best not in hint_for("text", session)
    session.started = session.view.run
    assert hint_for("text", session) == f"The run has finished. {best} ^o picks a model."
    session.started, session.source = None, WeightsSource.BEST
    assert best in hint_for("text", session)


def test_the_hint_of_a_run_that_ended_at_its_best_names_no_step(session: Session) -> None:
    assert session.view is not None
    stand(session, PLAN, *scores(2.0, 1.5), BatchTrained(100, 1.0, 0.003, 0.5, 0.1))
    stand(session, CheckpointSaved(100, "x", 0.1), state="finished")
    session.started = session.view.run
    assert hint_for("text", session) == "The run has finished. ^o picks a model."


def test_the_hint_for_overfitting_has_remedies(session: Session) -> None:
    stand(session, PLAN, *scores(2.0, 1.5, 1.6, 1.7, 1.8, 1.9), step=300)
    words = "It overfits: its best score was 200 steps ago. F9 stops, ^o takes the best."
    assert hint_for("training", session) == words
    session.is_readonly = True
    assert "F9" not in hint_for("training", session)


def test_a_loss_far_above_counting_suggests_a_lower_rate(session: Session) -> None:
    stand(session, PLAN, BaselinesMeasured((0, 5), (4.0, 1.5)), *scores(3.2), step=100)
    assert "lower rate" not in hint_for("training", session)  # it has hardly begun
    stand(session, step=300)
    words = "1.70 nats worse than counting n-grams: try a lower rate, ^r."
    assert hint_for("training", session) == words


def test_the_hint_of_a_run_over_its_time_limit_reports_it(session: Session) -> None:
    stand(session, PLAN, step=100, elapsed=100.0, eta=205.0)
    assert "Asked" not in hint_for("training", session)
    stand(session, step=100, elapsed=100.0, eta=320.0)
    words = "Asked 5m, now about 7m: this machine is busier than when it was timed."
    assert hint_for("training", session) == words
