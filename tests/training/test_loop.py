"""The training loop, with a fake engine."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tui_charrnn.config import TrainingConfig
from tui_charrnn.model.weights import Float32
from tui_charrnn.runs.records import BatchTrained, RunDiverged, SplitEvaluated
from tui_charrnn.text.batches import ContiguousStreams
from tui_charrnn.training import loop
from tui_charrnn.training.loop import (
    Batch,
    BatchResult,
    Material,
    Progress,
    Windows,
    batch_at,
    has_stopped_gaining,
    train,
)
from tui_charrnn.training.plan import Plan, RateChange, learning_rate_at, plan_by_count

CONFIG = TrainingConfig(steps=6, batch_size=2, sequence_length=3, evaluations=3)
MATERIAL = Material(
    ContiguousStreams(np.arange(20, dtype=np.int32), batch_size=2, sequence_length=3, rng_seed=0),
    heldout=[],
)
PLAN = plan_by_count(CONFIG, MATERIAL.streams.steps_per_epoch)


class ScriptedEngine:
    """A fake engine that returns losses from a list and records its calls."""

    def __init__(
        self, losses: list[float], heldout_losses: list[float], steps_per_call: int = 1
    ) -> None:
        self.steps_per_call = steps_per_call
        self._losses = iter(losses)
        self._heldout_losses = iter(heldout_losses)
        self.seen: list[object] = []
        self.carried: list[Float32] = []

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        single = self.steps_per_call == 1
        self.seen.append(first_step if single else (first_step, len(batches)))
        self.carried += [batch.carried for batch in batches]
        results = []
        for _, loss in zip(learning_rates, self._losses, strict=False):
            results.append(BatchResult(loss, 1.0))
            if not math.isfinite(loss):
                break
        return results

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        self.seen.append("evaluate")
        return None if should_stop() else next(self._heldout_losses)


def records_of(
    engine: ScriptedEngine, progress: Progress, plan: Plan = PLAN
) -> list[BatchTrained | SplitEvaluated | RunDiverged]:
    return list(train(engine, MATERIAL, CONFIG, plan, progress))


def test_states_are_forgotten_exactly_where_an_epoch_starts() -> None:
    config = replace(CONFIG, cold_start_fraction=0.0)
    carried = [batch_at(MATERIAL, config, step).carried.tolist() for step in range(1, 7)]
    assert MATERIAL.streams.steps_per_epoch == 3
    assert carried == [[0, 0], [1, 1], [1, 1], [0, 0], [1, 1], [1, 1]]


def test_a_share_of_the_streams_starts_from_nothing_in_between() -> None:
    streams = ContiguousStreams(
        np.zeros(400 * 26 + 1, dtype=np.int32), batch_size=400, sequence_length=2, rng_seed=0
    )
    config = replace(CONFIG, cold_start_fraction=0.25)
    material = Material(streams, heldout=[])
    carried = [batch_at(material, config, step).carried for step in range(2, 14)]
    assert np.mean(carried) == pytest.approx(0.75, abs=0.03)
    assert not np.array_equal(carried[0], carried[1])
    np.testing.assert_array_equal(carried[0], batch_at(material, config, 2).carried)


def test_dropout_grows_with_the_passes_over_the_text_up_to_a_limit() -> None:
    """It grows by the same amount at each of three steps per epoch, and only if configured."""
    config = replace(CONFIG, dropout=0.4, dropout_growth=0.15)
    added = [batch_at(MATERIAL, config, step).added_dropout for step in range(1, 10)]
    assert added == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.3, 0.3])
    assert batch_at(MATERIAL, CONFIG, 9).added_dropout == 0
    for dropout in (0.0, 0.8):
        assert batch_at(MATERIAL, replace(config, dropout=dropout), 9).added_dropout == 0


def test_best_means_best() -> None:
    progress = Progress()
    records = records_of(ScriptedEngine([3.0] * 6, [3.0, 1.0, 2.0]), progress)
    scored = [record for record in records if isinstance(record, SplitEvaluated)]
    assert [record.is_best for record in scored] == [True, True, False]
    assert (progress.best_step, progress.best_loss) == (4, 1.0)
    assert progress.validation_loss == 2.0


def test_an_early_score_is_never_the_best() -> None:
    plan = replace(PLAN, early_evaluations=(1,))
    records = records_of(
        ScriptedEngine([4.0] * 6, [1.0, 3.0, 2.0, 2.5]), progress := Progress(), plan
    )
    scored = [each for each in records if isinstance(each, SplitEvaluated)]
    assert [(each.step, each.is_best) for each in scored] == [
        *((1, False), (2, True)),
        *((4, True), (6, False)),
    ]
    assert (progress.best_step, progress.best_loss) == (4, 2.0)


def test_the_learning_rate_is_that_of_the_schedule_with_its_changes() -> None:
    progress = Progress(changes=(RateChange(3, 0.25),))
    records = records_of(ScriptedEngine([3.0] * 6, [2.0] * 3), progress)
    rates = [record.learning_rate for record in records if isinstance(record, BatchTrained)]
    assert rates == [learning_rate_at(step, 6, CONFIG, progress.changes) for step in range(1, 7)]
    assert rates[2] != learning_rate_at(3, 6, CONFIG)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_loop_before_its_step(value: float) -> None:
    progress = Progress()
    records = records_of(ScriptedEngine([3.0, value], []), progress)
    last = records[-1]
    assert isinstance(last, RunDiverged)
    assert (last.step, last.quantity, last.value) == (2, "loss", repr(value))
    assert progress.step == 1


def test_a_validation_loss_that_is_not_finite_ends_the_loop_before_it_counts() -> None:
    progress = Progress()
    records = records_of(ScriptedEngine([3.0] * 6, [float("nan")]), progress)
    rate = learning_rate_at(2, 6, CONFIG)
    assert records[-1] == RunDiverged(2, "validation_loss", "nan", rate)
    assert (progress.step, progress.evaluated_step, progress.best_step) == (2, 0, None)


def test_going_back_undoes_steps_but_neither_time_nor_decisions() -> None:
    progress = Progress(9, 8, 1.5, 1.25, 6, 30.0, (RateChange(3, 0.5),), 2)
    progress.go_back_to(Progress(4, 2, 2.5, 2.25, 1, 10.0))
    assert progress == Progress(4, 2, 2.5, 2.25, 1, 30.0, (RateChange(3, 0.5),), 2)


def test_it_goes_on_from_any_step_as_if_it_had_never_stopped() -> None:
    whole = ScriptedEngine([3.0] * 6, [2.0] * 3)
    records_of(whole, Progress())
    first, second = ScriptedEngine([3.0] * 6, [2.0] * 3), ScriptedEngine([3.0] * 6, [2.0] * 3)
    progress = Progress()
    for record in train(first, MATERIAL, CONFIG, PLAN, progress):
        if isinstance(record, BatchTrained) and record.step == 3:
            break
    records_of(second, progress)
    assert first.seen + second.seen == whole.seen
    np.testing.assert_array_equal(first.carried + second.carried, whole.carried)


def test_an_evaluation_that_was_broken_off_is_made_up_for() -> None:
    progress, stops = Progress(), iter([False] * 3 + [True] * 9)
    engine = ScriptedEngine([3.0] * 6, [2.0] * 3)
    list(train(engine, MATERIAL, CONFIG, PLAN, progress, should_stop=lambda: next(stops)))
    assert (progress.step, progress.evaluated_step) == (2, 0)
    resumed = records_of(ScriptedEngine([3.0] * 6, [2.0] * 3), progress)
    assert isinstance(resumed[0], SplitEvaluated)
    assert resumed[0].step == 2


def test_nothing_is_trained_past_the_plan() -> None:
    engine = ScriptedEngine([], [])
    assert records_of(engine, Progress(step=6, evaluated_step=6)) == []
    assert engine.seen == []


PATIENT = replace(CONFIG, steps=12, evaluations=6, stop_early=2)
PATIENT_PLAN = plan_by_count(PATIENT, MATERIAL.streams.steps_per_epoch)
"""Scored after every second step."""


def train_patiently(heldout_losses: list[float], progress: Progress) -> list[int]:
    """Return the steps with an evaluation."""
    engine = ScriptedEngine([3.0] * 12, heldout_losses)
    records = train(engine, MATERIAL, PATIENT, PATIENT_PLAN, progress)
    return [record.step for record in records if isinstance(record, SplitEvaluated)]


def test_it_stops_after_as_many_validations_without_a_lower_loss() -> None:
    progress = Progress()
    assert train_patiently([3.0, 2.0, 2.0, 2.5, 1.0, 0.5], progress) == [2, 4, 6, 8]
    assert (progress.step, progress.best_step) == (8, 4)
    assert has_stopped_gaining(progress, PATIENT_PLAN, PATIENT)


def test_a_lower_loss_in_time_keeps_it_going() -> None:
    progress = Progress()
    assert train_patiently([3.0, 2.0, 2.5, 1.5, 1.75, 1.0], progress) == [2, 4, 6, 8, 10, 12]
    assert not has_stopped_gaining(progress, PATIENT_PLAN, PATIENT)


def test_a_run_that_is_done_has_not_stopped_early() -> None:
    progress = Progress()
    assert train_patiently([3.0, 2.5, 2.25, 2.0, 2.0, 2.0], progress) == [2, 4, 6, 8, 10, 12]
    assert not has_stopped_gaining(progress, PATIENT_PLAN, PATIENT)


@pytest.mark.parametrize("step", range(1, 9))
def test_resumed_at_any_step_it_stops_where_it_would_have_stopped(step: int) -> None:
    losses, progress = [3.0, 2.0, 2.0, 2.5, 1.0, 0.5], Progress()
    engine = ScriptedEngine([3.0] * 12, losses)
    for record in train(engine, MATERIAL, PATIENT, PATIENT_PLAN, progress):
        if record.step == step:
            break
    train_patiently(losses[progress.evaluated_step // 2 :], progress)
    assert progress.step == 8


def test_once_it_has_stopped_it_does_nothing_more() -> None:
    progress = Progress(step=8, evaluated_step=8, best_loss=2.0, best_step=4)
    assert train_patiently([], progress) == []
    assert progress.step == 8


LONG = replace(CONFIG, steps=24, evaluations=2, warmup_fraction=0.5)
LONG_MATERIAL = Material(
    ContiguousStreams(np.arange(62, dtype=np.int32), batch_size=2, sequence_length=3, rng_seed=0),
    heldout=[],
)
LONG_PLAN = plan_by_count(LONG, LONG_MATERIAL.streams.steps_per_epoch)
"""Scored after steps 12 and 24; epochs end after steps 10 and 20."""


def train_long(
    engine: ScriptedEngine,
    progress: Progress,
    stops: Sequence[bool] = (),
    clock: Callable[[], float] = lambda: 0.0,
) -> list[BatchTrained | SplitEvaluated | RunDiverged]:
    answers = iter(stops)
    return list(
        train(
            engine,
            LONG_MATERIAL,
            LONG,
            LONG_PLAN,
            progress,
            should_stop=lambda: next(answers, False),
            clock=clock,
        )
    )


def without_time(
    records: list[BatchTrained | SplitEvaluated | RunDiverged],
) -> list[BatchTrained | SplitEvaluated | RunDiverged]:
    return [
        record if isinstance(record, RunDiverged) else replace(record, elapsed=0.0)
        for record in records
    ]


def test_calls_of_several_steps_end_where_something_happens() -> None:
    engine = ScriptedEngine([3.0] * 24, [2.0] * 2, steps_per_call=4)
    train_long(engine, Progress())
    calls = [
        (1, 1),
        (2, 2),
        (4, 4),
        (8, 3),
        (11, 2),
        "evaluate",
        (13, 4),
        (17, 4),
        (21, 4),
        "evaluate",
    ]
    assert LONG_PLAN.steps_per_epoch == 10
    assert engine.seen == calls


def test_calls_of_several_steps_yield_the_records_of_single_steps() -> None:
    losses = [3.0 - step / 100 for step in range(24)]
    single, several = (ScriptedEngine(losses, [2.0, 1.0], steps_per_call=k) for k in (1, 8))
    one, other = Progress(), Progress()
    expected, found = train_long(single, one), train_long(several, other)
    assert without_time(found) == without_time(expected)
    assert replace(other, elapsed=0.0) == replace(one, elapsed=0.0)
    np.testing.assert_array_equal(several.carried, single.carried)


def test_the_time_of_a_call_is_spread_over_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reading of the clock is one second later."""
    seconds = map(float, itertools.count())
    monkeypatch.setattr(loop, "CALL_TIME", 100.0)
    engine = ScriptedEngine([3.0] * 24, [2.0] * 2, steps_per_call=4)
    records = train_long(engine, Progress(), clock=lambda: next(seconds))
    times = [each.elapsed for each in records if not isinstance(each, RunDiverged)]
    assert times[:7] == [2, 3.5, 4, 5.25, 5.5, 5.75, 6]


def test_a_stop_waits_for_the_call_that_is_under_way() -> None:
    progress = Progress()
    engine = ScriptedEngine([3.0] * 24, [], steps_per_call=4)
    records = train_long(engine, progress, stops=[False] * 3 + [True])
    assert [each.step for each in records] == list(range(1, 8))
    assert progress.step == 7


def test_a_loss_within_a_call_that_is_not_finite_ends_the_loop_before_its_step() -> None:
    progress = Progress()
    engine = ScriptedEngine([3.0] * 4 + [float("nan")], [], steps_per_call=4)
    records = train_long(engine, progress)
    assert [each.step for each in records] == [1, 2, 3, 4, 5]
    assert isinstance(records[-1], RunDiverged)
    assert records[-1].learning_rate == learning_rate_at(5, 24, LONG)
    assert progress.step == 4


def test_losses_are_per_character_whatever_the_units_are() -> None:
    engine = ScriptedEngine([2.0] * 6, [3.0] * 3)
    material = replace(MATERIAL, units_per_character=2.5)
    records = list(train(engine, material, CONFIG, PLAN, Progress()))
    assert {record.loss for record in records if isinstance(record, BatchTrained)} == {5.0}
    assert {record.loss for record in records if isinstance(record, SplitEvaluated)} == {7.5}
