"""Levels of the x-ray: from numbers to levels and the words that explain them."""

import pytest

from tui_charrnn.lens.prediction import Prediction
from tui_charrnn.viewing.xray import LEVELS, MEASURES, Measure, next_measure

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
    words = measure.level_words()
    assert len(words) == LEVELS == len(set(words))
    for border in measure.borders:
        assert (
            sum(
                f"{border:g}" in word.replace("\N{EN DASH}", " ").strip("<≥").split()
                for word in words
            )
            == 2
        )


def test_the_measures_are_gone_through_and_end_in_none() -> None:
    seen, measure = [], next_measure(None)
    while measure is not None:
        seen.append(measure.name)
        measure = next_measure(measure)
    assert seen == ["probability", "surprise", "entropy"]
