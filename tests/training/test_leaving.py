"""A signal ends a training in every phase: timing, evaluating, sampling, waiting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.small_run import before_batches, new_run, of_kind, records_of, status_of, train
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import CheckpointSaved, RunEnded, RunPlanned, RunPreempted
from tui_charrnn.training.interruption import Interruption, Reason

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def interruption() -> Interruption:
    return Interruption()


def preempt(interruption: Interruption) -> None:
    interruption.request(Reason.SIGTERM)


def test_what_was_trained_is_saved_and_the_cause_is_recorded_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: Interruption
) -> None:
    run = new_run(tmp_path)

    def leave_at(step: int) -> None:
        if step == 5:
            preempt(interruption)

    before_batches(monkeypatch, leave_at)
    assert train(run, interruption) is ExitCode.RESUME_ME
    last = [type(record) for record in records_of(run)[-3:]]
    assert last == [RunPreempted, CheckpointSaved, RunEnded]
    assert of_kind(run, RunPreempted) == [RunPreempted("SIGTERM")]
    assert newest_valid(run) == run.checkpoint(5)


def test_within_a_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: Interruption
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    evaluate = Engine.evaluate
    looks = 0

    def evaluated(self: Any, windows: Any, should_stop: Callable[[], bool]) -> float | None:
        def look() -> bool:
            nonlocal looks
            looks += 1
            preempt(interruption)
            return should_stop()

        return evaluate(self, windows, look)

    monkeypatch.setattr(Engine, "evaluate", evaluated)
    run = new_run(tmp_path)
    assert train(run, interruption) is ExitCode.RESUME_ME
    assert looks == 1
    assert newest_valid(run) == run.checkpoint(3)
    assert of_kind(run, RunPreempted) == [RunPreempted("SIGTERM")]


def test_after_the_first_compilation_nothing_more_is_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: Interruption
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    trained, rates = Engine.train_batches, []

    def train_batches(self: Any, batches: Any, step: int, given: list[float]) -> Any:
        rates.extend(given)
        preempt(interruption)
        return trained(self, batches, step, given)

    monkeypatch.setattr(Engine, "train_batches", train_batches)
    run = new_run(tmp_path)
    assert train(run, interruption) is ExitCode.RESUME_ME
    assert rates == [0.0]
    assert of_kind(run, RunPlanned) == []
    assert status_of(run).state is RunState.SAVED
    assert train(run) is ExitCode.OK


def test_a_request_to_stop_is_no_preemption(tmp_path: Path, interruption: Interruption) -> None:
    run = new_run(tmp_path)
    interruption.request(Reason.STOPPED)
    assert train(run, interruption) is ExitCode.OK
    assert of_kind(run, RunPreempted) == []
