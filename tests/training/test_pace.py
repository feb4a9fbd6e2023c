"""Speed and remaining time."""

import pytest

from tui_charrnn.training.context import Pace
from tui_charrnn.training.plan import Plan

PLAN = Plan(total_steps=100, steps_per_epoch=30, evaluate_every=10)


def test_the_time_left_counts_the_evaluations_in() -> None:
    pace = Pace(elapsed=0.0)
    pace.batch_trained(100.0)
    pace.batch_trained(102.0)
    pace.evaluated(107.0)
    pace.batch_trained(109.0)
    assert pace.seconds_left(PLAN, 50) == pytest.approx(50 * 2.0 + 5 * 5.0)


def test_saving_is_no_part_of_a_step() -> None:
    pace = Pace(elapsed=10.0)
    pace.batch_trained(10.5)
    pace.batch_trained(12.5)
    pace.saved(30.0)
    pace.batch_trained(44.5)
    assert pace.characters_per_second(64) == pytest.approx(32.0)


def test_nothing_is_claimed_of_the_first_step_which_may_be_compiled() -> None:
    pace = Pace(elapsed=0.0)
    pace.batch_trained(30.0)
    assert pace.characters_per_second(64) is None
    assert pace.seconds_left(PLAN, 0) is None
