"""The origin of a text: posterior of two models, however the text was typed."""

import numpy as np
import pytest

from tests.support.tiny_model import tiny_model
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.generation.text_scores import Origin, OriginReader, ScoreTotal
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.viewing.probability_rows import bar_rows, path_rows

MODELS = {"one": tiny_model(rng_seed=1), "other": tiny_model(vocabulary="\n abcdefg", rng_seed=2)}
TEXT = "a bad cab\nhigh"


def scored(model: Model, text: str) -> float:
    total = ScoreTotal()
    total.add(TextScorer(model, streams=1).score(text))
    return total.comparable_bits


def read(text: str) -> Origin:
    return OriginReader(MODELS).read(text)


def test_the_log_of_the_ratio_is_the_difference_of_two_scores() -> None:
    first, second = read(TEXT).probabilities
    difference = scored(MODELS["other"], TEXT) - scored(MODELS["one"], TEXT)
    assert np.log2(first / second) == pytest.approx(difference, abs=1e-9)


def test_a_text_that_is_typed_is_the_text_read_at_once() -> None:
    reader = OriginReader(MODELS)
    for typed in ["a", "a b", "a bad c", "a b", "a bad", TEXT]:
        origin = reader.read(typed)
        np.testing.assert_allclose(origin.bits, read(typed).bits, atol=1e-5)
        np.testing.assert_allclose(origin.path.sum(axis=0), 1)
    assert origin.unknown == (0, 3)


def test_models_are_equally_likely_before_the_first_character() -> None:
    assert read("").probabilities.tolist() == [0.5, 0.5]
    assert read(TEXT).path[:, 0].tolist() == [0.5, 0.5]


def test_rows_have_their_width_whatever_the_text_is() -> None:
    for text in ["", "a", TEXT * 9, "한글 \x1b[2J bad"]:
        origin = read(text)
        assert all(len(row) <= 40 for row in bar_rows(origin, 40))
        assert all(len(row) <= 40 and "\x1b" not in row for row in path_rows(origin, 40))
    assert bar_rows(read(TEXT), 40)[1].startswith(read(TEXT).names[read(TEXT).order[0]])
