"""A paused run waits, answers requests, and continues unchanged."""

import math
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import wait_for
from tests.support.paused_run import is_paused, once_paused, pause_at
from tests.support.small_run import (
    TRAINING,
    assert_same_weights,
    new_run,
    of_kind,
    status_of,
    train,
)
from tui_charrnn.errors import ExitCode, StorageError
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BatchTrained,
    LearningRateChanged,
    ModelPublished,
    RequestAnswered,
    RunEnded,
    SplitEvaluated,
)
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.plan import RateChange, learning_rate_at

pytestmark = pytest.mark.tensorflow


def losses_of(run: RunDirectory) -> list[tuple[int, float]]:
    """Return the losses of batches and of evaluations."""
    batches = [(batch.step, batch.loss) for batch in of_kind(run, BatchTrained)]
    return batches + [(scored.step, scored.loss) for scored in of_kind(run, SplitEvaluated)]


def answers_of(run: RunDirectory) -> list[tuple[str, bool, str]]:
    return [(each.request, each.accepted, each.message) for each in of_kind(run, RequestAnswered)]


def test_a_pause_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, paused = new_run(tmp_path / "whole"), new_run(tmp_path / "paused")
    train(whole)
    pause_at(monkeypatch, paused, 5)
    with once_paused(paused, lambda: send_request(paused, "resume")):
        assert train(paused) is ExitCode.OK
    assert_same_weights(whole, paused)
    assert losses_of(whole) == losses_of(paused)
    assert answers_of(paused) == [
        ("pause", True, "paused at step 5"),
        ("resume", True, "training continues at step 5"),
    ]


def test_whoever_kills_a_paused_run_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 5)
    saved: list[str] = []

    def look() -> None:
        checkpoint = newest_valid(run)
        saved.append(checkpoint.path.name if checkpoint else "")
        send_request(run, "resume")

    with once_paused(run, look):
        train(run)
    assert saved == ["step-00000005"]


def test_a_disk_that_refuses_does_not_keep_a_run_from_pausing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import saving

    def refuse(*_: Any, **__: Any) -> None:
        raise StorageError("The disk is full.")

    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 2)
    messages: list[str] = []

    def resume() -> None:
        messages.append(status_of(run).message)
        patch.undo()
        send_request(run, "resume")

    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", refuse)
        with once_paused(run, resume):
            assert train(run) is ExitCode.OK
    assert "The disk is full" in messages[0]


def test_a_paused_run_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 5)

    def ask() -> None:
        for word in ("checkpoint", "publish", "pause", "sing"):
            send_request(run, word)
        send_request(run, "learning_rate", value=1.0)
        wait_for("all are answered", lambda: len(answers_of(run)) == 6)
        assert is_paused(run)
        send_request(run, "resume")

    with once_paused(run, ask):
        train(run)
    assert [word for word, accepted, _ in answers_of(run) if not accepted] == ["sing"]
    assert ("pause", True, "it was paused already, at step 5") in answers_of(run)
    assert [each.step for each in of_kind(run, ModelPublished)] == [5]
    assert of_kind(run, LearningRateChanged) == [LearningRateChanged(6, 1.0, "request")]
    rates = {each.step: each.learning_rate for each in of_kind(run, BatchTrained)}
    assert rates[6] == learning_rate_at(6, 12, TRAINING, [RateChange(6, 1.0)])


def test_what_is_not_paused_cannot_go_on(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    send_request(run, "resume")
    assert train(run) is ExitCode.OK
    assert answers_of(run) == [("resume", True, "it was not paused: training continues at step 0")]


def test_a_pause_that_is_taken_back_at_once_is_none(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    send_request(run, "pause")
    send_request(run, "resume")
    assert train(run) is ExitCode.OK


def test_a_stop_ends_the_pause_and_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 5)
    with once_paused(run, lambda: send_request(run, "stop")):
        assert train(run) is ExitCode.OK
    assert (status_of(run).state, status_of(run).step) == (RunState.STOPPED, 5)


@pytest.mark.parametrize("reason", [Reason.SIGTERM, Reason.SIGINT])
def test_a_signal_ends_the_pause_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    from tui_charrnn.training import session

    monkeypatch.setattr(session, "PAUSED_POLL", 3600.0)
    run, interruption = new_run(tmp_path), Interruption()
    pause_at(monkeypatch, run, 5)
    with once_paused(run, lambda: interruption.request(reason)):
        assert train(run, interruption) is reason.exit_code
    assert (status_of(run).state, status_of(run).step) == (reason.state, 5)


def test_the_time_limit_holds_while_a_run_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import interruption

    run = new_run(tmp_path, max_time=3600.0)
    pause_at(monkeypatch, run, 5)
    with once_paused(run, lambda: monkeypatch.setattr(interruption, "time", EndOfTime())):
        assert train(run) is ExitCode.RESUME_ME
    assert (status_of(run).state, status_of(run).step) == (RunState.SAVED, 5)


class EndOfTime:
    """Replaces the module `time` with one at which every deadline has passed."""

    def monotonic(self) -> float:
        return math.inf


def test_time_that_is_waited_is_not_time_of_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training import context as work_clock

    run = new_run(tmp_path)
    pause_at(monkeypatch, run, 5)
    clock = LeapingTime()
    monkeypatch.setattr(work_clock.WorkClock.__init__, "__defaults__", (clock,))

    def wait_an_hour() -> None:
        clock.now += 3600.0
        send_request(run, "checkpoint")
        send_request(run, "resume")

    with once_paused(run, wait_an_hour):
        train(run)
    (ended,) = of_kind(run, RunEnded)
    assert 0 < ended.elapsed < 3600.0
    speed = status_of(run).characters_per_second
    assert speed is not None
    assert speed > 3 * 8 / 3600.0


class LeapingTime:
    """A clock by which every look takes a millisecond, and that can be set forward.

    How often a busy machine looks while it waits is then no matter.
    """

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def test_an_evaluation_can_be_paused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui_charrnn.training.engine.engine import Engine

    whole, run = new_run(tmp_path / "whole"), new_run(tmp_path / "paused")
    train(whole)
    evaluate = Engine.evaluate
    asked: list[str] = []

    def ask(self: Any, windows: Any, should_stop: Any) -> float | None:
        if not asked:
            asked.append(send_request(run, "pause"))
        loss: float | None = evaluate(self, windows, should_stop)
        return loss

    monkeypatch.setattr(Engine, "evaluate", ask)
    with once_paused(run, lambda: send_request(run, "resume")):
        assert train(run) is ExitCode.OK
    assert [each.loss for each in of_kind(run, SplitEvaluated)] == [
        each.loss for each in of_kind(whole, SplitEvaluated)
    ]
    assert_same_weights(whole, run)
