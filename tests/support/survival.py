"""What must be true of a run whatever happened to its trainer or to the disk."""

from pathlib import Path
from typing import Final

import numpy as np

from tests.support.fake_run import created_run
from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import MODEL, TRAINING
from tests.support.record_reading import read_new
from tests.support.small_run import weights_of
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ExitCode
from tui_charrnn.model.weights import Float32
from tui_charrnn.runs.checkpoints import best_or_newest, checkpoint_to_resume_from, is_whole
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.runs.records import (
    BatchTrained,
    Record,
    RunFailed,
    RunResumed,
    RunRolledBack,
    SplitEvaluated,
)
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.worker import run_training

TEXT: Final = "to be, or not to be: that is the question.\n" * 9
Series = dict[tuple[str, int], tuple[float, ...]]


def small_run(folder: Path, training: TrainingConfig = TRAINING, name: str = "run") -> RunDirectory:
    """A run for `numpy_training`."""
    return created_run(folder, name=name, text=TEXT, model=MODEL, training=training)


def train(run: RunDirectory) -> ExitCode:
    """Train a run to its end, or resume it."""
    return run_training(run, Interruption())


def series_of(run: RunDirectory) -> Series:
    """Everything that was measured, by step, without what was taken back."""
    return fold(read_new(RunReader(run), 1 << 26))


def fold(records: list[Record]) -> Series:
    """The same of records."""
    series: Series = {}
    for record in records:
        if isinstance(record, RunResumed | RunRolledBack):
            step = record.step if isinstance(record, RunResumed) else record.to_step
            series = {key: value for key, value in series.items() if key[1] <= step}
        elif isinstance(record, BatchTrained):
            series["batch", record.step] = record.loss, record.gradient_norm, record.learning_rate
        elif isinstance(record, SplitEvaluated):
            series["evaluated", record.step] = (record.loss,)
    return series


def assert_opens(run: RunDirectory, *, torn: int = 1) -> int:
    """The run can be opened, attached to and resumed.

    Args:
        run: The run.
        torn: So many lines of its events may be unreadable.

    Returns:
        The step that a trainer would go on from; 0: the beginning.
    """
    assert read_description(run).model == MODEL
    assert read_status(run) is not None
    reader = RunReader(run)
    read_new(reader, 1 << 26)
    assert reader.unreadable <= torn
    checkpoint = checkpoint_to_resume_from(run)
    best = best_or_newest(run)
    assert (checkpoint is None) == (best is None)
    if checkpoint is None or best is None:
        return 0
    assert is_whole(checkpoint)
    assert is_whole(best, model_only=True)
    return checkpoint.step


def assert_ends_as(run: RunDirectory, control: Series, weights: dict[str, Float32]) -> None:
    """The resumed run ends bit-identical to the undisturbed one."""
    assert train(run) is ExitCode.OK
    assert series_of(run) == control
    found = weights_of(run)
    for name, tensor in weights.items():
        np.testing.assert_array_equal(found[name], tensor, err_msg=name)


def stop_at(run: RunDirectory, step: int) -> None:
    """Train up to a step and leave."""
    interruption = Interruption()

    def leave(at: int) -> None:
        if at == step:
            interruption.request(Reason.SIGTERM)

    with after_batches(leave):
        assert run_training(run, interruption) is ExitCode.RESUME_ME


def failure_of(run: RunDirectory) -> str:
    """The only failure that a trainer recorded."""
    (failed,) = [each for each in read_new(RunReader(run)) if isinstance(each, RunFailed)]
    return failed.message
