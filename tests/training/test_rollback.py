"""Runs whose values become non-finite, in whole runs in this process."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.small_run import (
    TRAINING,
    assert_same_weights,
    before_batches,
    new_run,
    of_kind,
    pointer_of,
    records_of,
    score,
    status_of,
    train,
)
from tui_charrnn.errors import ExitCode
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.checkpoints import best_or_newest
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BatchTrained,
    CheckpointSaved,
    LearningRateChanged,
    RunDiverged,
    RunEnded,
    RunRolledBack,
)
from tui_charrnn.training.loop import BatchResult
from tui_charrnn.training.plan import RateChange, learning_rate_at

pytestmark = pytest.mark.tensorflow

NAN, INF = float("nan"), float("inf")
SPOILED = BatchResult(NAN, NAN)
RATE = TRAINING.learning_rate


def spoil(monkeypatch: pytest.MonkeyPatch, step: int, times: int = 1) -> None:
    """Make a step fail the first time, or the first `times` times."""
    failures = itertools.repeat(SPOILED, times)
    before_batches(monkeypatch, lambda at: next(failures, None) if at == step else None)


def rates_of(run: RunDirectory) -> list[tuple[int, float]]:
    return [(record.step, record.learning_rate) for record in of_kind(run, BatchTrained)]


def asked_for(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, step: int, rate: float) -> None:
    """Train a run whose peak learning rate is changed by a request from a step on."""

    def ask(at: int) -> None:
        if at == step - 1:
            send_request(run, "learning_rate", value=rate)

    if step == 1:
        ask(0)
    before_batches(monkeypatch, ask)
    assert train(run) is ExitCode.OK


def test_it_goes_back_to_the_checkpoint_with_half_the_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 8)
    run = new_run(tmp_path)
    assert train(run) is ExitCode.OK
    assert of_kind(run, RunRolledBack) == [RunRolledBack(8, 6, "loss", "nan", RATE / 2, 1)]
    assert of_kind(run, LearningRateChanged) == [LearningRateChanged(7, RATE / 2, "divergence")]
    assert not of_kind(run, RunDiverged)
    changes = [RateChange(7, RATE / 2)]
    first = [(step, learning_rate_at(step, 12, TRAINING)) for step in range(1, 8)]
    again = [(step, learning_rate_at(step, 12, TRAINING, changes)) for step in range(7, 13)]
    assert rates_of(run) == first + again
    assert status_of(run).state is RunState.FINISHED


def test_it_goes_on_as_if_the_rate_had_been_that_low_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, diverged = new_run(tmp_path / "asked"), new_run(tmp_path / "diverged")
    with monkeypatch.context() as patch:
        asked_for(asked, patch, 7, RATE / 2)
    spoil(monkeypatch, 9)
    assert train(diverged) is ExitCode.OK
    assert_same_weights(asked, diverged)


def test_without_a_checkpoint_it_goes_back_to_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = replace(TRAINING, evaluations=1)
    asked = new_run(tmp_path / "asked", training)
    diverged = new_run(tmp_path / "diverged", training)
    with monkeypatch.context() as patch:
        asked_for(asked, patch, 1, RATE / 2)
    spoil(monkeypatch, 5)
    assert train(diverged) is ExitCode.OK
    assert of_kind(diverged, RunRolledBack) == [RunRolledBack(5, 0, "loss", "nan", RATE / 2, 1)]
    assert_same_weights(asked, diverged)


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_validation_loss_that_is_not_finite_is_rolled_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    score(monkeypatch, [2.0, 1.75, value, 1.5, 1.25])
    run = new_run(tmp_path)
    assert train(run) is ExitCode.OK
    assert of_kind(run, RunRolledBack) == [
        RunRolledBack(9, 6, "validation_loss", repr(value), RATE / 2, 1)
    ]
    assert pointer_of(run.best) == (12, 1.25)


def test_a_checkpoint_that_fails_by_itself_is_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step 7 starts from the state after step 6, where the same batch would fail again."""
    pointers: list[tuple[int, float | None]] = []

    def fail_once(step: int) -> BatchResult | None:
        if of_kind(run, RunRolledBack) and not pointers:
            pointers.extend(map(pointer_of, (run.latest, run.best)))
        return SPOILED if step == 7 and not pointers else None

    score(monkeypatch, [2.0, 1.5, 1.75, 1.25, 1.0])
    run = new_run(tmp_path)
    before_batches(monkeypatch, fail_once)
    assert train(run) is ExitCode.OK
    (rolled_back,) = of_kind(run, RunRolledBack)
    assert (rolled_back.step, rolled_back.to_step) == (7, 3)
    assert pointers == [(3, 2.0), (3, 2.0)]
    assert pointer_of(run.best) == (12, 1.0)
    assert [record.step for record in of_kind(run, CheckpointSaved)] == [3, 6, 6, 9, 12]


def test_after_three_times_it_ends_with_4_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 8, times=99)
    run = new_run(tmp_path)
    assert train(run) is ExitCode.DIVERGED
    tried = [(each.attempt, each.learning_rate) for each in of_kind(run, RunRolledBack)]
    assert tried == [(1, RATE / 2), (2, RATE / 4), (3, RATE / 8)]
    (diverged,) = of_kind(run, RunDiverged)
    assert (diverged.step, diverged.quantity, diverged.value) == (8, "loss", "nan")
    ended = records_of(run)[-1]
    assert isinstance(ended, RunEnded)
    assert (ended.reason, ended.exit_code, ended.step) == ("diverged", 4, 7)
    status = status_of(run)
    assert status.state is RunState.DIVERGED
    assert "nan at step 8, after 3 rollbacks" in status.message
    assert "The checkpoint step-00000006 is good" in status.message
    assert f"--learning-rate {RATE / 16:g}." in status.message


def test_the_last_good_model_is_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, 8, times=99)
    run = new_run(tmp_path)
    train(run)
    best = best_or_newest(run)
    assert best == run.checkpoint(6)
    model = load_model(best.model)
    assert model.training["step"] == 6
    assert np.isfinite(model.weights.output_kernel).all()


def test_the_count_of_rollbacks_survives_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, is_stopped = new_run(tmp_path), False

    def fail(step: int) -> BatchResult | None:
        nonlocal is_stopped
        if len(of_kind(run, RunRolledBack)) == 2 and not is_stopped:
            is_stopped = True
            send_request(run, "stop")
        return SPOILED if step == 8 else None

    before_batches(monkeypatch, fail)
    assert train(run) is ExitCode.OK
    assert status_of(run).state is RunState.STOPPED
    assert train(run) is ExitCode.DIVERGED
    assert [record.attempt for record in of_kind(run, RunRolledBack)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("settings", "step"),
    [({}, 1), ({"keep_checkpoints": 1}, 7)],
    ids=["at-the-first-step", "right-after-the-only-checkpoint"],
)
def test_where_there_is_nothing_to_go_back_to_it_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], step: int
) -> None:
    spoil(monkeypatch, step, times=99)
    run = new_run(tmp_path, **settings)
    assert train(run) is ExitCode.DIVERGED
    assert not of_kind(run, RunRolledBack)
    assert f"The loss became nan at step {step}. Start again" in status_of(run).message


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(1.0, RATE), (1.5 * RATE, 0.75 * RATE), (RATE / 4, RATE / 8)],
    ids=["raised-a-lot", "raised-a-bit", "lowered"],
)
def test_a_rate_that_was_asked_for_is_no_excuse_to_go_on_with_a_higher_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: float, expected: float
) -> None:
    """Half the failed rate, or the rate at the restored step if that is lower."""
    failures = iter([SPOILED])

    def ask_and_fail(step: int) -> BatchResult | None:
        if step == 7 and not of_kind(run, RunRolledBack):
            send_request(run, "learning_rate", value=asked)
        return next(failures, None) if step == 8 else None

    run = new_run(tmp_path)
    before_batches(monkeypatch, ask_and_fail)
    assert train(run) is ExitCode.OK
    (rolled_back,) = of_kind(run, RunRolledBack)
    assert (rolled_back.to_step, rolled_back.learning_rate) == (6, expected)
    changes = [RateChange(7, expected)]
    after = {step: rate for step, rate in rates_of(run)[7:] if step >= 8}
    assert after == {step: learning_rate_at(step, 12, TRAINING, changes) for step in range(8, 13)}


def test_the_status_has_the_lower_step_immediately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def fail_once(step: int) -> BatchResult | None:
        if of_kind(run, RunRolledBack):
            steps.append(status_of(run).step)
            return None
        return SPOILED if step == 9 else None

    run = new_run(tmp_path)
    before_batches(monkeypatch, fail_once)
    train(run)
    assert steps[0] == 6
