"""Trainers in processes of their own that kill themselves, with SIGKILL, at a stated point.

outcome = train_in_process(run, Scenario(kill=Kill("batch", 8)))     # -9
outcome = train_in_process(run, Scenario())                          # 0

The processes are forked from one that has loaded TensorFlow but done nothing with it yet.
"""

import math
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.command import PATIENCE
from tests.support.record_reading import read_new
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.records import (
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RunRolledBack,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import BatchResult
from tui_charrnn.training.plan import learning_rate_at
from tui_charrnn.training.worker import run_training

KILLED: Final = -signal.SIGKILL
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tensorflow", "keras"])
_RECORDS: Final = {
    "batch": BatchTrained,
    "checkpointed": CheckpointSaved,
    "learning_rate_changed": LearningRateChanged,
    "rolled_back": RunRolledBack,
}

TRAINING: Final = TrainingConfig(
    batch_size=32, sequence_length=8, steps=12, evaluations=4, precision="float32"
)
"""Scored and saved after steps 3, 6, 9 and 12; an epoch has 6 steps."""
NETWORKS: Final = {
    "lstm": (
        ModelConfig(cell="lstm", embedding_size=5, hidden_size=7),
        replace(TRAINING, dropout=0.3, cold_start_fraction=0.25, average_decay=0.8),
    ),
    "normalized": (
        ModelConfig(embedding_size=5, hidden_size=7, layer_count=2, layer_norm=True),
        replace(TRAINING, recurrent_weight_dropout=0.2, average_decay=0.8, records="line"),
    ),
    "gru": (
        ModelConfig(cell="gru", embedding_size=6, hidden_size=6, tied_output=True),
        replace(TRAINING, cold_start_fraction=0.0, optimizer="adam"),
    ),
    "rnn": (
        ModelConfig(cell="rnn", embedding_size=3, hidden_size=9, layer_count=3),
        replace(TRAINING, dropout=0.5, recurrent_weight_dropout=0.2, precision="bfloat16"),
    ),
}
"""Every cell, and between them all that an engine keeps from one step to the next."""


class Kill(NamedTuple):
    """Where a trainer dies."""

    point: str
    """Right after a record of that kind; `paused`: while it waits after that step, on request;
    `evaluating`: between two windows of the held-out text; `writing`, `renaming`, `naming_best`,
    `naming_latest`: within the saving of a checkpoint."""
    step: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to a trainer."""

    kill: Kill | None = None
    request: tuple[int, float] | None = None
    """After this step the peak of the learning rate is asked to be so high, once."""
    diverges_at: int | None = None
    """This step fails with the planned learning rate, and with more than three quarters of it."""
    steps_per_call: int = 1
    """More than one takes Keras's layers in one shard, as on a GPU."""


def train_in_process(run: RunDirectory, scenario: Scenario) -> int:
    """Train a run in a process of its own.

    Returns:
        Its exit code, or a negative number if a signal ended it.
    """
    process = _PROCESSES.Process(target=_train, args=(run.path, scenario))
    process.start()
    process.join(PATIENCE)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    process.close()
    assert code is not None, f"a trainer did not end within {PATIENCE:g} s"
    return code


def _train(path: Path, scenario: Scenario) -> None:
    run = RunDirectory(path)
    if scenario.diverges_at is not None:
        _let_diverge(run, scenario.diverges_at)
    if scenario.kill is not None and scenario.kill.point == "evaluating":
        _die_evaluating(scenario.kill.step)
    if scenario.kill is not None and scenario.kill.point == "paused":
        _die_paused()
    if scenario.steps_per_call > 1:
        take_strides(scenario.steps_per_call)
    _watch_records(run, scenario)
    _watch_files(run, scenario.kill)
    os._exit(int(run_training(run, Interruption())))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _let_diverge(run: RunDirectory, step: int) -> None:
    from tui_charrnn.training.engine.engine import Engine

    trained, config = Engine.train_batches, read_description(run).training
    limit = 0.75 * learning_rate_at(step, config.steps or 0, config)

    def train_batches(self: Any, batches: Any, at: int, rates: list[float]) -> list[BatchResult]:
        if at == step and rates[0] > limit:
            return [BatchResult(float("nan"), float("nan"))]
        return trained(self, batches, at, rates)

    setattr(Engine, "train_batches", train_batches)  # noqa: B010  not a method for mypy to check


def _die_evaluating(step: int) -> None:
    from tui_charrnn.training.engine.engine import Engine

    trained, evaluated = Engine.train_batches, Engine.evaluate
    last = 0

    def train_batches(self: Any, batches: Any, at: int, rates: list[float]) -> list[BatchResult]:
        nonlocal last
        last = at
        return trained(self, batches, at, rates)

    def evaluate(self: Any, windows: Any, should_stop: Callable[[], bool]) -> float | None:
        looks = 0

        def look() -> bool:
            nonlocal looks
            looks += 1
            if last == step and looks == 3:
                _die()
            return should_stop()

        return evaluated(self, windows, look)

    setattr(Engine, "train_batches", train_batches)  # noqa: B010  as above
    setattr(Engine, "evaluate", evaluate)  # noqa: B010  as above


def _die_paused() -> None:
    def sleep(_self: Interruption, _seconds: float) -> None:
        _die()

    setattr(Interruption, "sleep", sleep)  # noqa: B010  as above


def take_strides(steps: int) -> None:
    """Let calls grow to so many steps, however long these take."""
    from tui_charrnn.training import loop, start
    from tui_charrnn.training.engine.path_choice import PathChoice
    from tui_charrnn.training.engine.paths import ComputePath

    def choose(*_: Any) -> PathChoice:
        return PathChoice(ComputePath("GPU", "keras", steps_per_call=steps), {})

    setattr(start, "choose_path", choose)  # noqa: B010  as above
    setattr(loop, "CALL_TIME", math.inf)  # noqa: B010  as above


def _watch_records(run: RunDirectory, scenario: Scenario) -> None:
    append, kill = RunWriter.append, scenario.kill
    fatal = _RECORDS.get(kill.point) if kill else None
    is_to_pause = kill is not None and kill.point == "paused"

    def watched(self: RunWriter, record: Record) -> None:
        append(self, record)
        if scenario.request and isinstance(record, BatchTrained):
            step, rate = scenario.request
            if record.step == step and not _has_changed(run):
                send_request(run, "learning_rate", value=rate)
        is_due = kill is not None and getattr(record, "step", None) == kill.step
        if is_due and is_to_pause and isinstance(record, BatchTrained):
            send_request(run, "pause")
        if is_due and fatal is not None and isinstance(record, fatal):
            _die()

    setattr(RunWriter, "append", watched)  # noqa: B010  as above


def _has_changed(run: RunDirectory) -> bool:
    return any(isinstance(record, LearningRateChanged) for record in read_new(RunReader(run)))


def _watch_files(run: RunDirectory, kill: Kill | None) -> None:
    """Die just before one of the operations that a checkpoint is saved with."""
    if kill is None:
        return
    folder = run.checkpoint(kill.step).path
    hidden = folder.with_name(f".saving-{folder.name}")
    targets = {"renaming": folder, "naming_best": run.best, "naming_latest": run.latest}
    opened, replaced = FileSystem.open, FileSystem.replace

    def open_watched(self: FileSystem, path: Path, flags: int, parent: int | None = None) -> int:
        is_due = path.parent == hidden and "manifest.json" in path.name  # the last of three files
        if kill.point == "writing" and is_due:
            _die()
        return opened(self, path, flags, parent)

    def replace_watched(
        self: FileSystem,
        source: Path,
        target: Path,
        folders: tuple[int | None, int | None] = (None, None),
    ) -> None:
        is_due = kill.point == "renaming" or folder.exists()
        if target == targets.get(kill.point) and is_due:
            _die()
        replaced(self, source, target, folders)

    setattr(FileSystem, "open", open_watched)  # noqa: B010  as above
    setattr(FileSystem, "replace", replace_watched)  # noqa: B010  as above
