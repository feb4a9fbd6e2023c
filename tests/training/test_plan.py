"""How long a run is, and when it is evaluated."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import TrainingConfig
from tui_charrnn.runs.records import RunPlanned
from tui_charrnn.training.plan import (
    EVALUATION_SHARE,
    plan_by_count,
    plan_by_time,
    recorded_plan,
    with_chosen_batch,
)


def test_epochs_become_steps_rounded_up() -> None:
    assert plan_by_count(TrainingConfig(epochs=2.5), steps_per_epoch=7).total_steps == 18


def test_steps_are_taken_as_they_are() -> None:
    assert plan_by_count(TrainingConfig(steps=5), steps_per_epoch=7).total_steps == 5


@given(
    total=st.integers(1, 500),
    evaluations=st.integers(1, 60),
)
def test_the_last_step_is_evaluated_and_early_ones_are_a_third_more_at_most(
    total: int, evaluations: int
) -> None:
    plan = plan_by_count(TrainingConfig(steps=total, evaluations=evaluations), 7)
    evaluated = [step for step in range(total + 1) if plan.is_evaluated(step)]
    assert evaluated[-1] == total
    assert len(evaluated) - len(plan.early_evaluations) <= evaluations
    assert len(plan.early_evaluations) <= evaluations // 3


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


def test_the_greatest_number_of_epochs_ends_a_run_before_its_time() -> None:
    config = TrainingConfig(train_time=1000.0, evaluations=10, max_epochs=3.0)
    plan = plan_by_time(config, 900, seconds_per_step=0.01, seconds_per_evaluation=1.0)
    assert (plan.total_steps, plan.evaluate_every, plan.bound) == (2700, 270, "max_epochs")


def test_a_time_that_is_over_before_the_greatest_number_of_epochs_holds() -> None:
    config = TrainingConfig(train_time=100.0, evaluations=10, max_epochs=40.0)
    plan = plan_by_time(config, 900, seconds_per_step=0.5, seconds_per_evaluation=1.0)
    assert (plan.total_steps, plan.bound) == (180, "train_time")


def test_of_a_small_text_the_greatest_number_of_epochs_leaves_enough_steps() -> None:
    config = TrainingConfig(train_time=1000.0, evaluations=10, max_epochs=3.0, least_steps=2_000)
    plan = plan_by_time(config, 90, seconds_per_step=0.01, seconds_per_evaluation=0.1)
    assert (plan.total_steps, plan.bound) == (2_000, "max_epochs")
    plan = plan_by_time(config, 9, seconds_per_step=0.01, seconds_per_evaluation=0.1)
    assert (plan.total_steps, plan.bound) == (900, "max_epochs")
    by_hand = replace(config, **TrainingConfig.read("max_epochs", "1"))
    plan = plan_by_time(by_hand, 9, seconds_per_step=0.01, seconds_per_evaluation=0.1)
    assert (plan.total_steps, plan.bound) == (9, "max_epochs")


def test_the_greatest_number_of_epochs_bounds_epochs_and_steps_too() -> None:
    for config in (
        TrainingConfig(max_epochs=3.0, epochs=9.0),
        TrainingConfig(max_epochs=3.0, steps=9000),
    ):
        plan = plan_by_count(config, steps_per_epoch=900)
        assert (plan.total_steps, plan.bound) == (2700, "max_epochs")


@given(total=st.integers(1, 300), evaluations=st.integers(1, 40), data=st.data())
def test_the_evaluations_so_far_are_counted_right(
    total: int, evaluations: int, data: st.DataObject
) -> None:
    plan = plan_by_count(TrainingConfig(steps=total, evaluations=evaluations), 7)
    step = data.draw(st.integers(0, total))
    so_far = [earlier for earlier in range(1, step + 1) if plan.is_evaluated(earlier)]
    assert plan.evaluations_until(step) == len(so_far)


def test_settings_take_what_the_plan_settled() -> None:
    config = TrainingConfig(steps=5, batch_size=32, learning_rate=0.01, warmup_fraction=0.05)
    record = RunPlanned(5, 7, 2, 64, 0.5, learning_rate=0.02)
    assert with_chosen_batch(config, recorded_plan(record)) == replace(
        config, batch_size=64, learning_rate=0.02, warmup_fraction=0.1
    )


def test_settings_stay_where_nothing_was_chosen() -> None:
    config = TrainingConfig(steps=5, batch_size=32, learning_rate=0.01)
    assert with_chosen_batch(config, recorded_plan(RunPlanned(5, 7, 2, 20, 0.5))) == config
    assert with_chosen_batch(config, None) == config


def test_slow_evaluations_are_made_fewer() -> None:
    config = TrainingConfig(train_time=100.0, evaluations=20)
    plan = plan_by_time(config, 50, seconds_per_step=0.1, seconds_per_evaluation=5.0)
    evaluations = sum(plan.is_evaluated(step) for step in range(1, plan.total_steps + 1))
    assert evaluations * 5.0 <= EVALUATION_SHARE * 100


def test_a_time_that_is_too_short_still_trains_one_step() -> None:
    config = TrainingConfig(train_time=0.1)
    assert plan_by_time(config, 9, 1.0, 1.0).total_steps == pytest.approx(1)


def test_a_long_run_is_scored_at_logarithmic_steps_first() -> None:
    plan = plan_by_count(TrainingConfig(steps=20_000, evaluations=20), 500)
    scored = [step for step in range(plan.total_steps + 1) if plan.is_evaluated(step)]
    assert scored[:7] == [10, 30, 100, 300, 1_000, 2_000, 3_000]
    assert scored[-1] == 20_000


def test_early_evaluations_are_paid_by_the_time_of_a_run() -> None:
    config = TrainingConfig(train_time=1_000.0)
    plan = plan_by_time(config, 500, seconds_per_step=0.05, seconds_per_evaluation=2.0)
    assert plan.early_evaluations == (10, 30, 100, 300)
    count = plan.evaluations_until(plan.total_steps)
    assert plan.total_steps * 0.05 + count * 2.0 == pytest.approx(1_000.0, rel=0.01)


def test_few_evaluations_are_affordable_where_each_takes_long() -> None:
    config = TrainingConfig(train_time=100.0)
    plan = plan_by_time(config, 500, seconds_per_step=0.001, seconds_per_evaluation=5.0)
    assert plan.evaluations_until(plan.total_steps) <= 4  # a fifth of the time


def test_a_plan_of_an_earlier_version_keeps_its_evaluations() -> None:
    plan = recorded_plan(RunPlanned(20_000, 500, 1_000, 32, 0.05))
    assert [step for step in range(1, 2_001) if plan.is_evaluated(step)] == [1_000, 2_000]
