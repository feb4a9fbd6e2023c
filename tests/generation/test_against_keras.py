"""The step against Keras's own layers, with the same weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.tiny_model import model_of, random_tensors
from tui_charrnn.config import ModelConfig
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import Float32, ModelWeights, weights_from_tensors

TEXT = (3, 0, 10, 10, 1, 5, 2)
VOCABULARY_SIZE = 11

pytestmark = pytest.mark.tensorflow


def keras_layer(cell: str, size: int) -> Any:
    # imported here, so that only this test loads TensorFlow
    import keras

    if cell == "gru":
        return keras.layers.GRU(size, return_sequences=True, reset_after=True)
    layer = {"lstm": keras.layers.LSTM, "rnn": keras.layers.SimpleRNN}[cell]
    return layer(size, return_sequences=True)


def keras_logits(
    weights: ModelWeights, config: ModelConfig, start: Float32
) -> npt.NDArray[np.float32]:
    import keras

    values = keras.ops.convert_to_tensor(weights.embedding[np.array([TEXT])])  # (1, 7, E)
    states = np.split(start, config.layer_count)
    for layer_weights, state in zip(weights.layers, states, strict=True):
        layer = keras_layer(config.cell, config.hidden_size)
        layer.build(values.shape)
        layer.set_weights([
            layer_weights.kernel,
            layer_weights.recurrent_kernel,
            layer_weights.bias,
        ])
        arrays = np.split(state[None], STATES_PER_LAYER[config.cell], axis=1)
        initial = [keras.ops.convert_to_tensor(array) for array in arrays]
        values = layer(values, initial_state=initial)
    output = keras.layers.Dense(VOCABULARY_SIZE)
    output.build(values.shape)
    output.set_weights([weights.output_kernel, weights.output_bias])
    return np.asarray(keras.ops.convert_to_numpy(output(values))[0], np.float32)


@pytest.mark.parametrize("layer_count", [1, 2, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_logits_are_those_of_keras(cell: str, layer_count: int) -> None:
    config = ModelConfig(cell=cell, embedding_size=4, hidden_size=6, layer_count=layer_count)
    tensors = random_tensors(config, VOCABULARY_SIZE, rng_seed=layer_count)
    weights = weights_from_tensors(tensors, config)
    stepper = Stepper(fold_embedding(model_of(weights, config)))
    start = np.random.default_rng(5).uniform(-1, 1, len(stepper.state)).astype(np.float32)
    stepper.restore(start)
    rows = [stepper.read(index).copy() for index in TEXT]

    np.testing.assert_allclose(
        np.array(rows), keras_logits(weights, config, start), rtol=0, atol=1e-5
    )
