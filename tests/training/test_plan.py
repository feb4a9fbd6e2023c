"""How long a run is, and when it is evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.plan import EVALUATION_SHARE, plan_by_count, plan_by_time


def test_epochs_become_steps_rounded_up() -> None:
    assert plan_by_count(TrainingConfig(epochs=2.5), steps_per_epoch=7).total_steps == 18


def test_steps_are_taken_as_they_are() -> None:
    assert plan_by_count(TrainingConfig(steps=5), steps_per_epoch=7).total_steps == 5


@given(
    total=st.integers(1, 500),
    evaluations=st.integers(1, 60),
)
def test_the_last_step_is_evaluated_and_never_more_often_than_asked(
    total: int, evaluations: int
) -> None:
    plan = plan_by_count(TrainingConfig(steps=total, evaluations=evaluations), 7)
    evaluated = [step for step in range(total + 1) if plan.is_evaluated(step)]
    assert evaluated[-1] == total
    assert len(evaluated) <= evaluations


@given(total=st.integers(1, 300), evaluations=st.integers(1, 40), data=st.data())
def test_the_evaluations_to_come_are_counted_right(
    total: int, evaluations: int, data: st.DataObject
) -> None:
    plan = plan_by_count(TrainingConfig(steps=total, evaluations=evaluations), 7)
    step = data.draw(st.integers(0, total))
    to_come = [later for later in range(step + 1, total + 1) if plan.is_evaluated(later)]
    assert plan.evaluations_after(step) == len(to_come)


@given(
    total=st.integers(1, 60),
    evaluations=st.integers(1, 9),
    epoch=st.integers(1, 20),
    data=st.data(),
)
def test_the_next_turn_is_an_evaluation_or_the_end_of_an_epoch(
    total: int, evaluations: int, epoch: int, data: st.DataObject
) -> None:
    plan = plan_by_count(TrainingConfig(steps=total, evaluations=evaluations), epoch)
    step = data.draw(st.integers(0, total - 1))
    turns = [at for at in range(step + 1, total + 1) if plan.is_evaluated(at) or at % epoch == 0]
    assert step + plan.steps_to_turn(step) == turns[0]


def test_a_time_is_filled_with_batches_and_evaluations() -> None:
    config = TrainingConfig(train_time=100.0, evaluations=10)
    plan = plan_by_time(config, 50, seconds_per_step=0.5, seconds_per_evaluation=1.0)
    assert plan.total_steps == 180  # (100 s - 10 evaluations of 1 s) / 0.5 s
    assert plan.evaluate_every == 18


def test_slow_evaluations_are_made_fewer() -> None:
    config = TrainingConfig(train_time=100.0, evaluations=20)
    plan = plan_by_time(config, 50, seconds_per_step=0.1, seconds_per_evaluation=5.0)
    evaluations = sum(plan.is_evaluated(step) for step in range(1, plan.total_steps + 1))
    assert evaluations * 5.0 <= EVALUATION_SHARE * 100


def test_a_time_that_is_too_short_still_trains_one_step() -> None:
    config = TrainingConfig(train_time=0.1)
    assert plan_by_time(config, 9, 1.0, 1.0).total_steps == pytest.approx(1)
