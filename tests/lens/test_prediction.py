"""Predictions at characters, against plain Python."""

import math

import numpy as np
import pytest

from tests.support.prediction import predict
from tui_charrnn.errors import ModelFileError
from tui_charrnn.lens.reading import predict_each


@pytest.mark.parametrize("size", [1, 7, 65, 400])  # of few characters, all are sorted
@pytest.mark.parametrize("count", [1, 5, 500])
def test_predictions_are_those_of_plain_python(size: int, count: int) -> None:
    rng = np.random.default_rng(size)
    logits = (3 * rng.standard_normal((6, size))).astype(np.float32)
    if size > 1:
        logits[2, 0] = -np.inf  # impossible characters
    targets = rng.integers(min(1, size - 1), size, 6)
    many = predict_each(logits, targets, count)

    for row, index in enumerate(targets.tolist()):
        powers = [math.exp(score) for score in logits[row].tolist()]
        chances = [power / sum(powers) for power in powers]
        best = sorted(range(size), key=lambda place: -chances[place])[:count]
        entropy = -sum(chance * math.log2(chance) for chance in chances if chance)
        found = many.of(row)
        assert found.probability == pytest.approx(chances[index])
        assert found.surprise == pytest.approx(-math.log2(chances[index]), abs=1e-12)
        assert found.entropy == pytest.approx(entropy, abs=1e-12)
        assert [place for place, _ in found.alternatives] == best
        assert [chance for _, chance in found.alternatives] == pytest.approx([
            chances[place] for place in best
        ])


def test_very_large_scores_overflow_nothing() -> None:
    logits = np.array([3e38, -3e38, 3e38], np.float32)

    found = predict(logits, 0, 3)

    assert (found.probability, found.entropy) == pytest.approx((0.5, 1))
    assert predict(logits, 1, 1).probability == 0


def test_alternatives_of_equal_probability_come_in_the_order_of_the_vocabulary() -> None:
    logits = np.array([0, 2, 1, 2, 1, 2, 0], np.float32)

    assert [index for index, _ in predict(logits, 0, 2).alternatives] == [1, 3]
    assert [index for index, _ in predict(logits, 0, 99).alternatives] == [1, 3, 5, 2, 4, 0, 6]


def test_a_character_that_can_never_come_is_no_failure() -> None:
    logits = np.array([0, -np.inf, 0], np.float32)

    found = predict(logits, 2, 3)

    assert (found.probability, found.surprise, found.entropy) == pytest.approx((0.5, 1, 1))
    assert found.alternatives == ((0, 0.5), (2, 0.5), (1, 0.0))
    assert predict(logits, 1, 1).surprise == math.inf


def test_scores_that_are_not_finite_are_told() -> None:
    with pytest.raises(ModelFileError, match="scores are not finite"):
        predict(np.array([0, np.inf], np.float32), 0, 1)
