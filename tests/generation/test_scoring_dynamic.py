"""Dynamic evaluation, against gradients by finite differences."""

import dataclasses

import numpy as np
import pytest

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.scoring import WINDOW, DynamicScorer, TextScorer
from tui_charrnn.model.checkpoint import Model

TEXT = "bad cab a jig\n hide a bad cab\n" * 5


def dynamic_bits(model: Model, rate: float, *blocks: str) -> float:
    scorer = DynamicScorer(model, rate)
    for block in blocks:
        scorer.add(block)
    bits = scorer.end()
    assert bits is not None
    return bits


def with_output(model: Model, kernel: np.ndarray, bias: np.ndarray) -> Model:
    weights = dataclasses.replace(model.weights, output_kernel=kernel, output_bias=bias)
    return dataclasses.replace(model, weights=weights)


def plain_nats(model: Model, text: str) -> np.ndarray:
    nats: np.ndarray = TextScorer(model, streams=1).score(text) * np.log(2)
    return nats


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_nothing_is_learned_before_a_window_is_scored(cell: str) -> None:
    model, text = tiny_model(cell=cell, layer_count=2), TEXT[:WINDOW]

    expected = plain_nats(model, text).mean() / np.log(2)

    assert dynamic_bits(model, 1.0, text) == pytest.approx(expected, rel=1e-5)


def test_the_step_goes_against_the_gradient_of_the_mean_loss() -> None:
    model, rate, width = tiny_model(), 0.5, 0.02
    text = "bad cab a jig\n hide a bad cab\n " * 2
    first, whole = text[:WINDOW], text[: 2 * WINDOW]
    parameters = [model.weights.output_kernel, model.weights.output_bias]
    learned = []
    for place, parameter in enumerate(parameters):
        gradient = np.zeros_like(parameter)
        for index in np.ndindex(*parameter.shape):
            losses = []
            for sign in (1, -1):
                moved = [each.copy() for each in parameters]
                moved[place][index] += sign * width
                losses.append(plain_nats(with_output(model, *moved), first).mean())
            gradient[index] = (losses[0] - losses[1]) / (2 * width)
        learned.append(parameter - np.float32(rate) * gradient)

    after = plain_nats(with_output(model, *learned), whole)[WINDOW:]

    expected = (plain_nats(model, first).sum() + after.sum()) / np.log(2) / len(whole)
    assert dynamic_bits(model, rate, whole) == pytest.approx(expected, rel=2e-5)
    assert abs(expected - plain_nats(model, whole).mean() / np.log(2)) > 1e-3


def test_learning_helps_where_a_text_repeats_itself() -> None:
    model = tiny_model()
    plain = plain_nats(model, "bad " * 100).mean() / np.log(2)

    assert dynamic_bits(model, 0.5, "bad " * 100) < plain - 0.5


def test_blocks_make_no_difference() -> None:
    model = tiny_model()
    blocks = [TEXT[first : first + 7] for first in range(0, len(TEXT), 7)]

    assert dynamic_bits(model, 0.3, *blocks) == dynamic_bits(model, 0.3, TEXT)


def test_a_new_text_begins_from_the_models_own_weights() -> None:
    model = tiny_model(config=tiny_config(tied_output=True))
    before = model.weights.output_kernel.copy()
    scorer = DynamicScorer(model, 0.5)
    scorer.add(TEXT)
    first = scorer.end()
    scorer.begin()
    scorer.add(TEXT)

    assert scorer.end() == first
    np.testing.assert_array_equal(model.weights.output_kernel, before)


def test_unknown_characters_are_passed_over() -> None:
    model = tiny_model()

    assert dynamic_bits(model, 0.3, "Ωba한d") == dynamic_bits(model, 0.3, "bad")
    scorer = DynamicScorer(model, 0.3)
    scorer.add("ΩΩ")
    assert scorer.end() is None


def test_scores_that_are_not_finite_are_refused() -> None:
    model = tiny_model()
    model.weights.output_bias[:] = np.inf

    with pytest.raises(ModelFileError, match="rate is too high"):
        dynamic_bits(model, 0.1, "abc")
