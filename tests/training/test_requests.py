"""Requests to a trainer, in whole runs in this process."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.small_run import (
    MODEL,
    TRAINING,
    before_batches,
    new_run,
    of_kind,
    records_of,
    status_of,
    train,
)
from tui_charrnn.errors import ExitCode
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.json_values import read_owned
from tui_charrnn.runs.records import (
    BatchTrained,
    LearningRateChanged,
    ModelPublished,
    RequestAnswered,
)
from tui_charrnn.training.plan import RateChange, learning_rate_at

pytestmark = pytest.mark.tensorflow


def test_a_request_to_stop_ends_it_at_the_next_step(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    request = send_request(run, "stop")
    assert train(run) is ExitCode.OK
    assert status_of(run).state is RunState.STOPPED
    (answered,) = of_kind(run, RequestAnswered)
    assert (answered.request, answered.accepted, answered.id) == ("stop", True, request)


def test_weights_are_published_and_saved_on_request(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    for request in ("publish", "checkpoint", "sing"):
        send_request(run, request)
    (run.control / "later.json").write_text('{"format": 2, "request": "stop", "arguments": {}}')
    train(run)
    assert status_of(run).state is RunState.FINISHED
    assert of_kind(run, ModelPublished)
    answers = {record.request: record.accepted for record in of_kind(run, RequestAnswered)}
    assert answers == {"publish": True, "checkpoint": True, "sing": False, "stop": False}
    assert load_model(run.live_model).config == MODEL


def test_a_request_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path)
    send_request(run, "stop")
    owner = run.path.stat().st_uid
    monkeypatch.setattr(
        "tui_charrnn.runs.control.read_owned",
        lambda *args, **options: (read_owned(*args, **options)[0], owner + 1),
    )
    assert train(run) is ExitCode.OK
    assert status_of(run).state is RunState.FINISHED
    (answered,) = of_kind(run, RequestAnswered)
    assert (answered.accepted, "does not own this run" in answered.message) == (False, True)


def test_a_learning_rate_takes_effect_from_the_next_step_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path)

    def ask(step: int) -> None:
        if step == 5:
            send_request(run, "learning_rate", value=1)

    before_batches(monkeypatch, ask)
    assert train(run) is ExitCode.OK
    assert of_kind(run, LearningRateChanged) == [LearningRateChanged(6, 1.0, "request")]
    rates = {record.step: record.learning_rate for record in of_kind(run, BatchTrained)}
    changes = [RateChange(6, 1.0)]
    assert rates == {step: learning_rate_at(step, 12, TRAINING, changes) for step in range(1, 13)}
    kinds = [type(record) for record in records_of(run)]
    at = kinds.index(LearningRateChanged)
    assert kinds[at - 1 : at + 3] == [
        BatchTrained,
        LearningRateChanged,
        RequestAnswered,
        BatchTrained,
    ]
    (answered,) = of_kind(run, RequestAnswered)
    assert answered.message.endswith(" from step 6 on")


def test_what_is_no_learning_rate_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    values: list[Any] = [0, -1.0, 10.5, True, "0.1", None, [0.1], 10**30]
    for value in values:
        send_request(run, "learning_rate", value=value)
    send_request(run, "learning_rate", rate=0.1)
    assert train(run) is ExitCode.OK
    answers = of_kind(run, RequestAnswered)
    assert len(answers) == len(values) + 1
    for answered in answers:
        assert not answered.accepted
        assert "at least 1e-12 and at most 10." in answered.message
    assert not of_kind(run, LearningRateChanged)


def test_a_run_whose_steps_are_all_trained_takes_no_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    run = new_run(tmp_path, evaluations=1)
    evaluate = Engine.evaluate

    def ask(self: Any, windows: Any, should_stop: Any) -> float | None:
        send_request(run, "learning_rate", value=0.1)
        loss: float | None = evaluate(self, windows, should_stop)
        return loss

    monkeypatch.setattr(Engine, "evaluate", ask)
    assert train(run) is ExitCode.OK
    (answered,) = of_kind(run, RequestAnswered)
    assert (answered.accepted, answered.message) == (False, "all 12 steps are trained")


def test_a_checkpoint_that_is_asked_for_during_an_evaluation_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_charrnn.training.engine.engine import Engine

    run = new_run(tmp_path, evaluations=1)
    states: list[RunState] = []

    def evaluate(_: Any, _windows: Any, should_stop: Any) -> float:
        send_request(run, "checkpoint")
        should_stop()
        states.append(status_of(run).state)
        return 1.0

    monkeypatch.setattr(Engine, "evaluate", evaluate)
    assert train(run) is ExitCode.OK
    assert states == [RunState.EVALUATING]
