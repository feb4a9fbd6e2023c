"""Whole runs that take several steps in a call, in this process, on Keras's layers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.small_run import assert_same_weights, new_run, of_kind, train
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    RunRolledBack,
    SplitEvaluated,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.interruption import Interruption, Reason

pytestmark = pytest.mark.tensorflow

STEPS_PER_CALL = 8
STEPS = 24
"""Scored after steps 12 and 24; an epoch has 65 steps. Calls go to 1, 3, 7, 12, 20, 24."""


@pytest.fixture(autouse=True)
def keras_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a GPU's path on the CPU, and no time limit for a call."""
    from tui_charrnn.training import loop, start
    from tui_charrnn.training.engine.path_choice import PathChoice
    from tui_charrnn.training.engine.paths import ComputePath

    def choose(*_: Any) -> PathChoice:
        path = ComputePath("GPU", "keras", steps_per_call=STEPS_PER_CALL)
        return PathChoice(path, {})

    monkeypatch.setattr(start, "choose_path", choose)
    monkeypatch.setattr(loop, "CALL_TIME", 1e9)


def train_singly(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Train the same way with one step a call."""
    with monkeypatch.context() as patch:
        patch.setattr("tui_charrnn.training.loop.CALL_TIME", 0.0)
        assert train(run) is ExitCode.OK
    return run


def at_record(monkeypatch: pytest.MonkeyPatch, step: int, action: Any) -> None:
    """Call a function once, while the record of a step is written."""
    append, pending = RunWriter.append, [action]

    def watched(self: RunWriter, record: Any) -> None:
        append(self, record)
        if isinstance(record, BatchTrained) and record.step == step and pending:
            pending.pop()()

    monkeypatch.setattr(RunWriter, "append", watched)


def long_run(folder: Path) -> RunDirectory:
    return new_run(folder, steps=STEPS, evaluations=2)


def numbers(run: RunDirectory) -> list[tuple[float, ...]]:
    batches = [
        (b.step, b.loss, b.gradient_norm, b.learning_rate) for b in of_kind(run, BatchTrained)
    ]
    return batches + [(scored.step, scored.loss) for scored in of_kind(run, SplitEvaluated)]


def test_a_run_is_the_same_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    single = train_singly(long_run(tmp_path / "single"), monkeypatch)
    run = long_run(tmp_path / "several")
    assert train(run) is ExitCode.OK
    assert numbers(run) == numbers(single)
    assert_same_weights(run, single)


def test_a_checkpoint_is_of_the_step_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if a checkpoint is due, it waits until all records of the call are written."""
    from tui_charrnn.training import saving

    clock = iter(range(0, 10**9, 10**4))
    monkeypatch.setattr(saving, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    run = long_run(tmp_path)
    train(run)
    assert [saved.step for saved in of_kind(run, CheckpointSaved)] == [1, 3, 7, 12, 20, 24]


def test_a_stop_within_a_call_takes_effect_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    single = train_singly(long_run(tmp_path / "single"), monkeypatch)
    run, interruption = long_run(tmp_path / "several"), Interruption()
    at_record(monkeypatch, 5, lambda: interruption.request(Reason.STOPPED))
    train(run, interruption)
    assert [saved.step for saved in of_kind(run, CheckpointSaved)] == [7]
    assert train(run) is ExitCode.OK
    assert numbers(run) == numbers(single)
    assert_same_weights(run, single)


def test_a_request_within_a_call_takes_effect_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = long_run(tmp_path)
    at_record(monkeypatch, 5, lambda: send_request(run, "learning_rate", value=1e-4))
    train(run)
    assert [change.step for change in of_kind(run, LearningRateChanged)] == [8]
    rates = {batch.step: batch.learning_rate for batch in of_kind(run, BatchTrained)}
    assert rates[8] < 1e-4 < rates[7]


def test_a_loss_within_a_call_that_is_not_finite_takes_the_run_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step 16 makes the weights so large that step 17 fails; both are in the call from 13."""
    run = long_run(tmp_path)
    from tui_charrnn.training import loop
    from tui_charrnn.training.plan import learning_rate_at

    thrown: list[int] = []

    def rate_at(step: int, *arguments: Any) -> float:
        if step != 16 or thrown:
            return learning_rate_at(step, *arguments)
        thrown.append(step)
        return 3e38

    monkeypatch.setattr(loop, "learning_rate_at", rate_at)
    assert train(run) is ExitCode.OK
    (back,) = of_kind(run, RunRolledBack)
    assert (back.step, back.to_step) == (17, 12)
    assert [b.step for b in of_kind(run, BatchTrained)] == [*range(1, 17), *range(13, 25)]
