"""Speed and remaining time."""

import pytest

from tui_charrnn.training.context import SpeedMeter
from tui_charrnn.training.plan import Plan

PLAN = Plan(total_steps=100, steps_per_epoch=30, evaluate_every=10)


def test_the_time_left_counts_the_evaluations_in() -> None:
    meter = SpeedMeter(elapsed=0.0)
    meter.batch_trained(100.0)
    meter.batch_trained(102.0)
    meter.evaluated(107.0)
    meter.batch_trained(109.0)
    assert meter.seconds_left(PLAN, 50) == pytest.approx(50 * 2.0 + 5 * 5.0)


def test_saving_is_no_part_of_a_step() -> None:
    meter = SpeedMeter(elapsed=10.0)
    meter.batch_trained(10.5)
    meter.batch_trained(12.5)
    meter.saved(30.0)
    meter.batch_trained(44.5)
    assert meter.characters_per_second(64) == pytest.approx(32.0)


def test_nothing_is_claimed_of_the_first_step_which_may_be_compiled() -> None:
    meter = SpeedMeter(elapsed=0.0)
    meter.batch_trained(30.0)
    assert meter.characters_per_second(64) is None
    assert meter.seconds_left(PLAN, 0) is None
