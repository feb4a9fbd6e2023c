"""The step against Keras's own layers, with the same weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.tiny_model import random_tensors
from tui_charrnn.config import ModelConfig
from tui_charrnn.generation.lstm import LayerState, RecurrentState, fold_embedding, step
from tui_charrnn.model.weights import STATES_PER_LAYER, ModelWeights, weights_from_tensors

TEXT = (3, 0, 10, 10, 1, 5, 2)
VOCABULARY_SIZE = 11

pytestmark = pytest.mark.tensorflow


def keras_layer(cell: str, size: int) -> Any:
    # imported here: TensorFlow is loaded for this test only
    import keras

    if cell == "gru":
        return keras.layers.GRU(size, return_sequences=True, reset_after=True)
    layer = {"lstm": keras.layers.LSTM, "rnn": keras.layers.SimpleRNN}[cell]
    return layer(size, return_sequences=True)


def keras_logits(
    weights: ModelWeights, config: ModelConfig, start: RecurrentState
) -> npt.NDArray[np.float32]:
    import keras

    values = keras.ops.convert_to_tensor(weights.embedding[np.array([TEXT])])  # (1, 7, E)
    for layer_weights, state in zip(weights.layers, start, strict=True):
        layer = keras_layer(config.cell, config.hidden_size)
        layer.build(values.shape)
        layer.set_weights([
            layer_weights.kernel,
            layer_weights.recurrent_kernel,
            layer_weights.bias,
        ])
        arrays = [state.hidden[None], state.cell[None]][: STATES_PER_LAYER[config.cell]]
        initial = [keras.ops.convert_to_tensor(array) for array in arrays]
        values = layer(values, initial_state=initial)
    output = keras.layers.Dense(VOCABULARY_SIZE)
    output.build(values.shape)
    output.set_weights([weights.output_kernel, weights.output_bias])
    return np.asarray(keras.ops.convert_to_numpy(output(values))[0], np.float32)


def random_state(config: ModelConfig) -> RecurrentState:
    rng = np.random.default_rng(5)
    cell_size = config.hidden_size if STATES_PER_LAYER[config.cell] == 2 else 0
    return tuple(
        LayerState(
            rng.uniform(-1, 1, config.hidden_size).astype(np.float32),
            rng.normal(size=cell_size).astype(np.float32),
        )
        for _ in range(config.layer_count)
    )


@pytest.mark.parametrize("layer_count", [1, 2, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_logits_are_those_of_keras(cell: str, layer_count: int) -> None:
    config = ModelConfig(cell=cell, embedding_size=4, hidden_size=6, layer_count=layer_count)
    tensors = random_tensors(config, VOCABULARY_SIZE, rng_seed=layer_count)
    weights = weights_from_tensors(tensors, config)
    start = random_state(config)
    folded, state, rows = fold_embedding(weights, config), start, []
    for index in TEXT:
        logits, state = step(folded, index, state)
        rows.append(logits)

    np.testing.assert_allclose(
        np.array(rows), keras_logits(weights, config, start), rtol=0, atol=1e-5
    )
