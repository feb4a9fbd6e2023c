"""What one process trains, to be held against what several train together."""

import shutil
from pathlib import Path

import pytest

from tests.support.record_reading import read_new
from tests.support.small_run import before_batches
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.worker import run_training


def train_alone(run: RunDirectory, until: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a run in this process up to a step, and save it there."""
    interruption = Interruption()

    def stop(step: int) -> None:
        if step >= until:
            interruption.request(Reason.SIGTERM)

    with monkeypatch.context() as patch:
        before_batches(patch, stop)
        assert run_training(run, interruption) is ExitCode.RESUME_ME


def untrained_twin(run: RunDirectory, folder: Path) -> RunDirectory:
    """A run of the same description that nobody has trained."""
    twin = RunDirectory(folder / run.name)
    for each in (twin.control, twin.checkpoints, twin.live_model.parent):
        each.mkdir(parents=True)
    shutil.copy(run.description, twin.description)
    twin.events.touch()
    return twin


def losses_of(run: RunDirectory) -> dict[int, float]:
    """The loss of every step, as it was trained last."""
    records = read_new(RunReader(run))
    return {each.step: each.loss for each in records if isinstance(each, BatchTrained)}


def train_to_the_end(run: RunDirectory) -> None:
    """Train a run in this process until it is finished."""
    assert run_training(run, Interruption()) is ExitCode.OK
