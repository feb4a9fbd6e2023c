"""The learning rate over a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.plan import RateChange, learning_rate_at, with_changes

COSINE = TrainingConfig(
    steps=100, learning_rate=0.5, warmup_fraction=0.1, final_learning_rate=0.2, schedule="cosine"
)


def test_it_rises_linearly_over_the_warm_up() -> None:
    rates = [learning_rate_at(step, 100, COSINE) for step in range(1, 11)]
    assert rates == pytest.approx([0.05 * step for step in range(1, 11)])


def test_the_cosine_is_half_way_in_the_middle_and_ends_at_its_share() -> None:
    assert learning_rate_at(55, 100, COSINE) == pytest.approx(0.5 * (0.2 + 0.8 * 0.5))
    assert learning_rate_at(100, 100, COSINE) == pytest.approx(0.1)


def test_it_never_rises_after_the_warm_up() -> None:
    rates = [learning_rate_at(step, 100, COSINE) for step in range(10, 101)]
    assert rates == sorted(rates, reverse=True)


def test_a_constant_schedule_stays_at_the_peak() -> None:
    config = TrainingConfig(steps=7, schedule="constant", warmup_fraction=0.0, learning_rate=0.3)
    assert [learning_rate_at(step, 7, config) for step in range(1, 8)] == [0.3] * 7


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_change_replaces_the_peak_from_its_step_on_and_keeps_the_shape(schedule: str) -> None:
    config = TrainingConfig(steps=100, learning_rate=0.5, schedule=schedule)
    changes = [RateChange(2, 1.0), RateChange(40, 0.125)]
    for step in range(1, 101):
        share = 1.0 if step < 2 else 2.0 if step < 40 else 0.25
        expected = share * learning_rate_at(step, 100, config)
        assert learning_rate_at(step, 100, config, changes) == expected, step


def test_a_change_to_come_changes_nothing_yet() -> None:
    changes = [RateChange(41, 7.0)]
    assert learning_rate_at(40, 100, COSINE, changes) == learning_rate_at(40, 100, COSINE)


def test_what_is_decided_later_is_not_overruled_by_what_was_decided_before() -> None:
    changes = with_changes((), [RateChange(10, 0.1), RateChange(50, 0.2), RateChange(80, 0.3)])
    assert with_changes(changes, [RateChange(50, 0.4)]) == (
        RateChange(10, 0.1),
        RateChange(50, 0.4),
    )
    assert with_changes(changes, [RateChange(1, 0.5)]) == (RateChange(1, 0.5),)


decisions = st.lists(st.builds(RateChange, st.integers(1, 9), st.floats(0.1, 1)), max_size=6)


@given(decisions, decisions)
def test_changes_rise_and_can_be_folded_in_any_portions(
    first: list[RateChange], second: list[RateChange]
) -> None:
    folded = with_changes(with_changes((), first), second)
    assert folded == with_changes((), first + second)
    steps = [change.from_step for change in folded]
    assert steps == sorted(set(steps))
