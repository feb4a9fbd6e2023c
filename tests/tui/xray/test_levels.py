"""Levels of the x-ray, and their labels."""

from typing import cast

import pytest

from tui_charrnn.lens.reading import Prediction
from tui_charrnn.tui.xray.colorings import (
    GATE_SCALE,
    MEASURES,
    MeasureLevels,
    deviation_scale,
    full_scale,
    neuron_scale,
)
from tui_charrnn.tui.xray.reader import XrayReading


class Reading:
    """Knows one prediction, of every character."""

    def __init__(self, probability: float = 1, surprise: float = 0) -> None:
        self.prediction = Prediction(probability, surprise, 0, ())

    def expected(self, branch: int, position: int) -> Prediction:
        return self.prediction


def levels_of(name: str, reading: Reading) -> MeasureLevels:
    (measure,) = (each for each in MEASURES if each[0] == name)
    return MeasureLevels(*measure, cast("XrayReading", reading))


@pytest.mark.parametrize(
    ("bits", "level"), [(0, 0), (0.99, 0), (1, 1), (1.99, 1), (2, 2), (4, 3), (6.9, 3), (7, 4)]
)
def test_surprise_rises_with_the_levels(bits: float, level: int) -> None:
    assert levels_of("surprise", Reading(surprise=bits)).level(0, 0) == level


@pytest.mark.parametrize(
    ("probability", "level"), [(1, 0), (0.5, 0), (0.49, 1), (0.2, 1), (0.06, 2), (0.01, 3), (0, 4)]
)
def test_the_least_probable_are_on_the_highest_level(probability: float, level: int) -> None:
    assert levels_of("probability", Reading(probability)).level(0, 0) == level


@pytest.mark.parametrize(("name", "_", "borders"), MEASURES)
def test_every_level_has_words_with_its_own_borders(
    name: str, _: str, borders: tuple[float, ...]
) -> None:
    _head, words = levels_of(name, Reading()).legend()
    assert len(words) == 5 == len(set(words))
    for border in borders:
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
