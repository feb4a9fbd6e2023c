"""Gradients through time, against finite differences and exact cases."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.log_probability import log_probability
from tests.support.tiny_model import model_of, random_tensors
from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.lens.influence import Array, ForwardPass, decay_distance, measure_memory
from tui_charrnn.model.weights import LayerWeights, ModelWeights, weights_from_tensors
from tui_charrnn.viewing.formatting import format_shape

LENGTH = 14
TEXT = np.arange(LENGTH)
"""Every character once, so that its row of the embedding is its own input vector."""
CONFIGS = [
    *(
        ModelConfig(cell=cell, embedding_size=3, hidden_size=4, layer_count=layers)
        for cell in ("lstm", "gru", "rnn")
        for layers in (1, 2, 3)
    ),
    *(
        ModelConfig(embedding_size=3, hidden_size=4, layer_count=layers, layer_norm=True)
        for layers in (1, 2)
    ),
    ModelConfig(embedding_size=4, hidden_size=4, tied_output=True),
]


def name_of(config: ModelConfig) -> str:
    return f"{format_shape(config)}{'-tied' if config.tied_output else ''}"


def in_float64(config: ModelConfig, scale: float = 2.0) -> ModelWeights:
    """Random weights, large enough for the gates to be away from their middle."""
    tensors = random_tensors(config, LENGTH)
    wide: dict[str, Any] = {
        name: scale * tensor.astype(np.float64) for name, tensor in tensors.items()
    }
    weights = weights_from_tensors(wide, config)
    return replace(weights, output_kernel=weights.output_kernel.copy())


def slope(weights: ModelWeights, config: ModelConfig, place: int, target: int) -> Array:
    """The gradient with respect to the input vector of one character, by central differences."""
    step = 1e-5
    gradient = np.zeros(config.embedding_size)
    for column in range(config.embedding_size):
        ends = []
        for sign in (-1, 1):
            embedding = weights.embedding.copy()
            embedding[place, column] += sign * step
            moved = replace(weights, embedding=embedding)
            passage = ForwardPass(moved, config, TEXT)
            ends.append(log_probability(passage, moved, config, np.array([target]))[0])
        gradient[column] = (ends[1] - ends[0]) / (2 * step)
    return gradient


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_the_influence_is_the_norm_of_the_finite_differences(config: ModelConfig) -> None:
    weights, target, reach = in_float64(config), 11, 9
    found = ForwardPass(weights, config, TEXT).influence(np.array([target]), reach).inputs[0]
    wanted = [
        np.linalg.norm(slope(weights, config, target - distance, target))
        for distance in range(1, reach + 1)
    ]
    assert found == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("config", [one for one in CONFIGS if one.layer_count == 1], ids=name_of)
def test_the_gradient_of_h_is_that_of_the_finite_differences(config: ModelConfig) -> None:
    weights, target, distance, step = in_float64(config), 11, 6, 1e-5
    passage = ForwardPass(weights, config, TEXT)
    found = passage.influence(np.array([target]), distance).hidden[0, -1]
    begin = target - distance + 1
    gradient = []
    for unit in range(config.hidden_size):
        ends = []
        for sign in (-1, 1):
            state = passage.state(begin).copy()
            state[unit] += sign * step
            rest = ForwardPass(weights, config, TEXT[begin:], state)
            ends.append(log_probability(rest, weights, config, np.array([target - begin]))[0])
        gradient.append((ends[1] - ends[0]) / (2 * step))
    assert found == pytest.approx(np.linalg.norm(gradient), rel=1e-6)


@pytest.mark.parametrize("config", CONFIGS, ids=name_of)
def test_a_passage_is_read_as_the_generating_step_reads_it(config: ModelConfig) -> None:
    weights = weights_from_tensors(random_tensors(config, LENGTH), config)
    passage = ForwardPass(weights, config, TEXT)
    stepper = Stepper(fold_embedding(model_of(weights, config)))
    for place, index in enumerate(TEXT.tolist()):
        assert passage.state(place) == pytest.approx(stepper.state, abs=1e-6)
        if place:
            logits = stepper.logits.astype(np.float64)
            wanted = logits[index] - np.log(np.exp(logits).sum())
            found = log_probability(passage, weights, config, np.array([place]))
            assert found[0] == pytest.approx(wanted, abs=1e-5)
        stepper.read(index)


@pytest.mark.parametrize("rho", [0.5, 0.9, 1.0, 1.1])
def test_a_linear_network_forgets_by_its_radius_exactly(rho: float) -> None:
    size, count = 6, 60
    config = ModelConfig(cell="rnn", embedding_size=size, hidden_size=size)
    rng = np.random.default_rng(0)
    turned: list[Any] = [np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2)]
    zeros: list[Any] = [np.zeros(size), np.zeros(count)]
    layer = LayerWeights(turned[0], rho * turned[1], zeros[0])
    embedding: Any = 1e-30 * rng.standard_normal((count, size))  # of which tanh is the identity
    output: Any = rng.standard_normal((size, count))
    weights = ModelWeights(embedding, (layer,), output, zeros[1])
    passage = ForwardPass(weights, config, np.arange(count))
    found = passage.influence(np.array([count - 1]), 50)
    for norms in found:
        assert norms[0] == pytest.approx(norms[0, 0] * rho ** np.arange(50), rel=1e-12)


def test_several_targets_are_looked_back_from_as_each_by_itself() -> None:
    config = ModelConfig(embedding_size=3, hidden_size=4, layer_count=2)
    passage = ForwardPass(in_float64(config), config, TEXT)
    together = passage.influence(np.array([8, 10, 13]), 7).inputs
    for row, target in zip(together, (8, 10, 13), strict=True):
        assert row == pytest.approx(passage.influence(np.array([target]), 7).inputs[0], rel=1e-12)


def test_a_target_without_so_many_characters_before_it_is_refused() -> None:
    config = CONFIGS[0]
    with pytest.raises(ValueError, match="reach=9, first target=8"):
        ForwardPass(in_float64(config), config, TEXT).influence(np.array([8]), 9)


def test_states_that_are_no_numbers_are_reported() -> None:
    config = CONFIGS[0]
    weights = in_float64(config)
    weights.embedding[3] = np.nan
    with pytest.raises(ModelFileError, match="not finite"):
        ForwardPass(weights, config, TEXT)


def test_a_text_in_pieces_has_the_memory_that_it_has_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = ModelConfig(cell="gru", embedding_size=3, hidden_size=4)
    weights = in_float64(config)
    text = np.random.default_rng(1).integers(0, LENGTH, 200)
    whole = measure_memory(weights, config, text, reach=12, targets=50)
    monkeypatch.setattr("tui_charrnn.lens.influence._PIECE", 17)
    pieces = measure_memory(weights, config, text, reach=12, targets=50)
    assert pieces.targets == whole.targets == 50
    assert pieces.influence == pytest.approx(whole.influence, rel=1e-9)
    assert pieces.hidden == pytest.approx(whole.hidden, rel=1e-9)


def test_a_distance_is_where_the_influence_has_fallen_for_good() -> None:
    curve = np.array([8.0, 4.0, 1.0, 5.0, 3.0, 0.5])
    assert decay_distance(curve, 0.5) == 5
    assert decay_distance(curve, 0.1) == 6
    assert decay_distance(curve, 0.01) is None
    assert decay_distance(np.array([1.0, np.inf]), 0.5) is None
