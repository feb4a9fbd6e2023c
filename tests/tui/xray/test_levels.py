"""Levels of the x-ray, and their labels."""

import pytest

from tui_charrnn.lens.reading import Prediction
from tui_charrnn.tui.xray.colorings import (
    GATE_SCALE,
    MEASURES,
    Measure,
    deviation_scale,
    full_scale,
    neuron_scale,
)

PROBABILITY, SURPRISE, ENTROPY = MEASURES


def expected(probability: float = 1, surprise: float = 0, entropy: float = 0) -> Prediction:
    return Prediction(probability, surprise, entropy, ())


@pytest.mark.parametrize(
    ("bits", "level"), [(0, 0), (0.99, 0), (1, 1), (1.99, 1), (2, 2), (4, 3), (6.9, 3), (7, 4)]
)
def test_surprise_rises_with_the_levels(bits: float, level: int) -> None:
    assert SURPRISE.level(expected(surprise=bits)) == level


@pytest.mark.parametrize(
    ("probability", "level"), [(1, 0), (0.5, 0), (0.49, 1), (0.2, 1), (0.06, 2), (0.01, 3), (0, 4)]
)
def test_the_least_probable_are_on_the_highest_level(probability: float, level: int) -> None:
    assert PROBABILITY.level(expected(probability)) == level


@pytest.mark.parametrize("measure", MEASURES)
def test_every_level_has_words_with_its_own_borders(measure: Measure) -> None:
    words = measure.level_labels()
    assert len(words) == 5 == len(set(words))
    for border in measure.borders:
        assert (
            sum(
                f"{border:g}" in word.replace("\N{EN DASH}", " ").strip("<≥").split()
                for word in words
            )
            == 2
        )


@pytest.mark.parametrize(
    ("largest", "full"),
    [(0, 1), (0.003, 0.005), (0.02, 0.02), (0.021, 0.05), (1, 1), (1.1, 2), (4.2, 5), (60, 100)],
)
def test_a_scale_ends_at_a_round_number_that_holds_all(largest: float, full: float) -> None:
    assert full_scale(largest) == pytest.approx(full)


def test_a_neuron_is_below_about_or_above_zero() -> None:
    scale = neuron_scale(1.7)  # full at 2
    values = (-2, -1.01, -0.99, -0.41, -0.39, 0, 0.39, 0.41, 0.99, 1.01, 2)
    assert [scale.level(value) for value in values] == [0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4]


def test_deviations_from_a_mean_are_levels() -> None:
    scale = deviation_scale(10, 2)
    values = (6.9, 7.1, 8.9, 9.1, 10.9, 11.1, 12.9, 13.1)
    assert [scale.level(value) for value in values] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_the_levels_of_a_gate_say_where_they_begin_and_what_the_ends_are() -> None:
    assert GATE_SCALE.level_labels() == ["<0.1 shut", "<0.3", "between", "≥0.7", "≥0.9 open"]
    assert [GATE_SCALE.level(value) for value in (0, 0.2, 0.5, 0.8, 1)] == [0, 1, 2, 3, 4]
