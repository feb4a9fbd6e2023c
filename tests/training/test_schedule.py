"""The learning rate over a run."""

import pytest

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.schedule import learning_rate_at

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
