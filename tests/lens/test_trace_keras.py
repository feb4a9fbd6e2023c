"""States and gates against Keras's own LSTM layer."""

from typing import Any

import numpy as np
import pytest

from tests.support.naive_steps import indices_of, sigmoid
from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.lens.reading import TraceReader

TEXT = "\nbad cab\nhide"

pytestmark = pytest.mark.tensorflow


def test_states_and_gates_are_those_of_keras() -> None:
    # imported here: TensorFlow is loaded for this test only
    import keras

    model = tiny_model(config=tiny_config(layer_count=2, hidden_size=6))
    trace = TraceReader(model).read(TEXT[1:])
    inputs = model.weights.embedding[indices_of(model, TEXT)]

    for weights, ours in zip(model.weights.layers, trace.layers, strict=True):
        layer: Any = keras.layers.LSTMCell(6)
        layer.build((1, inputs.shape[1]))
        layer.set_weights([weights.kernel, weights.recurrent_kernel, weights.bias])
        states = [keras.ops.zeros((1, 6)), keras.ops.zeros((1, 6))]
        hidden = []
        for place, values in enumerate(inputs):
            before = np.asarray(keras.ops.convert_to_numpy(states[0]))
            old_cell = np.asarray(keras.ops.convert_to_numpy(states[1]))
            _, states = layer(keras.ops.convert_to_tensor(values[None]), states)
            h, c = (np.asarray(keras.ops.convert_to_numpy(state))[0] for state in states)
            hidden.append(h)
            if place == 0:
                continue  # the line feed before the text
            row = place - 1
            np.testing.assert_allclose(ours.hidden[row], h, atol=1e-5)
            assert ours.cell_state is not None
            np.testing.assert_allclose(ours.cell_state[row], c, atol=1e-5)
            z = np.asarray(
                keras.ops.convert_to_numpy(
                    keras.ops.matmul(values[None], layer.kernel)
                    + keras.ops.matmul(before, layer.recurrent_kernel)
                    + layer.bias
                )
            )[0]
            zi, zf, zc, zo = np.split(z.astype(np.float64), 4)
            expected = [sigmoid(zi), sigmoid(zf), np.tanh(zc), sigmoid(zo)]
            gates = [ours.gates[name][row] for name in ("input", "forget", "candidate", "output")]
            np.testing.assert_allclose(gates, expected, atol=1e-5)
            # Keras's own states come from these very gates
            np.testing.assert_allclose(gates[1] * old_cell[0] + gates[0] * gates[2], c, atol=1e-5)
            np.testing.assert_allclose(gates[3] * np.tanh(c), h, atol=1e-5)
        inputs = np.array(hidden)
