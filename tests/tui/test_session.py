"""Which run the app reopens, and what it knows of the trainers that it started."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tui_charrnn.folders import DEFAULT_MODEL
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.app import find_run_to_show, run_of_model
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.viewing.run_view import RunView


def age(run: RunDirectory, seconds: float) -> None:
    """Set all modification times of a run to some time ago."""
    then = time.time() - seconds
    for path in [run.path, *run.path.rglob("*")]:
        os.utime(path, (then, then))


def test_a_training_run_is_preferred_to_a_newer_ended_one(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path, name="training")) as trainer:
        trainer.start()
        age(RunDirectory(tmp_path / "training"), 2)
        fake_run(tmp_path, name="ended")
        found = find_run_to_show(tmp_path)
    assert found is not None
    assert found.name == "training"


def test_a_created_run_without_a_trainer_is_not_in_training(tmp_path: Path) -> None:
    age(created_run(tmp_path, name="waiting"), 2)
    fake_run(tmp_path, name="ended")
    found = find_run_to_show(tmp_path)
    assert found is not None
    assert found.name == "ended"


def test_without_one_the_newest_that_ended_is_shown(tmp_path: Path) -> None:
    age(fake_run(tmp_path, name="older"), 60)
    fake_run(tmp_path, name="newer")
    found = find_run_to_show(tmp_path)
    assert found is not None
    assert found.name == "newer"


def test_what_ended_long_ago_is_left_alone(tmp_path: Path) -> None:
    age(fake_run(tmp_path), 8 * 86_400)
    assert find_run_to_show(tmp_path) is None


def test_a_missing_folder_holds_nothing_to_show(tmp_path: Path) -> None:
    assert find_run_to_show(tmp_path / "missing") is None


def test_a_model_belongs_to_a_run_by_its_name_its_path_or_a_file_in_it(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", name="mine")
    file = run.path / "checkpoints" / "step-00000002" / "model.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    (tmp_path / "other.safetensors").touch()

    def name_of(model: str) -> str | None:
        found = run_of_model(model, tmp_path / "runs")
        return found.name if found is not None else None

    assert [name_of(model) for model in ("mine", str(run.path), str(file))] == ["mine"] * 3
    others = ("shakespeare", str(tmp_path / "other.safetensors"), "no/such/mine", "\0")
    assert [name_of(model) for model in others] == [None] * 4


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session that started a trainer, which has ended."""
    run = RunDirectory(tmp_path / "moby")
    session = Session(runs_folder=tmp_path)
    session.view = RunView(run)
    session.trainers[run.path] = subprocess.Popen([sys.executable, "-c", ""])
    session.trainers[run.path].wait()
    return session


def is_lost(session: Session, status: RunStatus | None) -> bool:
    assert session.run is not None
    return session.exit_code(session.run, status) is not None


def written_by(pid: int, host: str) -> RunStatus:
    return RunStatus(state=RunState.TRAINING, pid=pid, host=host)


def test_a_trainer_that_ended_before_it_wrote_its_number_is_lost(session: Session) -> None:
    assert is_lost(session, None)
    assert is_lost(session, written_by(0, socket.gethostname()))


def test_a_trainer_that_ended_is_lost_for_as_long_as_it_was_the_last(session: Session) -> None:
    (trainer,) = session.trainers.values()
    assert is_lost(session, written_by(trainer.pid, socket.gethostname()))
    assert is_lost(session, written_by(trainer.pid, socket.gethostname()))


@pytest.mark.parametrize("place", ["here", "on-another-machine"])
def test_a_run_resumed_by_another_process_is_not_lost(session: Session, place: str) -> None:
    (trainer,) = session.trainers.values()
    other = (
        (trainer.pid + 1, socket.gethostname()) if place == "here" else (trainer.pid, "elsewhere")
    )
    assert not is_lost(session, written_by(*other))
    assert session.trainers == {}


def test_without_a_run_the_model_that_generates_has_its_name(tmp_path: Path) -> None:
    session = Session(tmp_path, source=WeightsSource.NEWEST)
    assert session.source_name == DEFAULT_MODEL
    session.model = str(tmp_path / "mine.safetensors")
    assert session.source_name == "mine.safetensors"
    session.view = RunView(RunDirectory(tmp_path / "run"))
    assert session.source_name == "the run's newest weights"
