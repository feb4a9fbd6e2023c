"""cuDNN's layer: its parameter layout, and its equality with the handwritten layer."""

from typing import Any

import numpy as np
import pytest

from tests.support.cudnn import GATES, gates_of, put_in_place
from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import STATES_PER_LAYER

pytestmark = pytest.mark.tensorflow

T, B, D, H, V = 4, 3, 2, 5, 7
MODES = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def random_weights(cell: str, rng: np.random.Generator) -> list[Any]:
    """Return kernel, recurrent kernel and bias of a layer."""
    wide = GATES[MODES[cell]] * H
    shapes = [(D, wide), (H, wide), (2, wide) if cell == "gru" else (wide,)]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_vector_is_the_one_that_keras_makes(cell: str, rng: np.random.Generator) -> None:
    """Call Keras's `_standardize_cudnn_weights` as its layers do on a CUDA build."""
    import tensorflow as tf
    from keras.src.backend.tensorflow.rnn import _standardize_cudnn_weights

    from tui_charrnn.training.engine.library_network import flatten_parameters

    kernel, recurrent_kernel, bias = map(tf.constant, random_weights(cell, rng))
    gates = GATES[cell]
    weights = [*tf.split(kernel, gates, axis=1), *tf.split(recurrent_kernel, gates, axis=1)]
    whole = tf.reshape(bias, [-1]) if cell == "gru" else tf.concat([tf.zeros_like(bias), bias], 0)
    biases = tf.split(whole, 2 * gates)
    if cell == "gru":
        for parts in (weights, biases):
            parts[0], parts[1], parts[3], parts[4] = parts[1], parts[0], parts[4], parts[3]
    expected = _standardize_cudnn_weights(weights, biases, tf.constant([-1]), True)
    found = flatten_parameters(cell, kernel, recurrent_kernel, bias)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("cell", "order"), [("lstm", (0, 1, 2, 3)), ("gru", (1, 0, 2)), ("rnn", (0,))]
)
def test_every_gate_is_found_where_cudnn_documents_it(
    cell: str, order: tuple[int, ...], rng: np.random.Generator
) -> None:
    from tui_charrnn.training.engine.library_network import flatten_parameters

    kernel, recurrent_kernel, bias = random_weights(cell, rng)
    flat = np.array(flatten_parameters(cell, kernel, recurrent_kernel, bias))
    found = gates_of(MODES[cell], flat, D, H)
    for place, gate in enumerate(order):
        columns = slice(gate * H, (gate + 1) * H)
        inputs, recurrent, first, second = found[place]
        np.testing.assert_array_equal(inputs, kernel[:, columns].T)
        np.testing.assert_array_equal(recurrent, recurrent_kernel[:, columns].T)
        if cell == "gru":
            np.testing.assert_array_equal((first, second), bias[:, columns])
        else:
            np.testing.assert_array_equal(first + second, bias[columns])


def assert_same_network(cell: str, layer_count: int, atol: float) -> None:
    """Compare loss, states and gradients of cuDNN's layers with the handwritten ones."""
    import tensorflow as tf

    from tui_charrnn.training.engine.library_network import LibraryNetwork, cudnn_layers
    from tui_charrnn.training.engine.network import HandwrittenNetwork, initial_tensors
    from tui_charrnn.training.engine.recurrence import Arithmetic

    rng = np.random.default_rng(2)
    config = ModelConfig(cell=cell, embedding_size=D, hidden_size=H, layer_count=layer_count)
    values = [
        tf.constant(value + rng.normal(size=value.shape, scale=0.3).astype(np.float32))
        for value in initial_tensors(config, V, 0).values()
    ]
    inputs, targets = (tf.constant(rng.integers(0, V, (T, B)), tf.int32) for _ in range(2))
    count = layer_count * STATES_PER_LAYER[cell]
    states = [tf.constant(rng.normal(size=(B, H)), tf.float32) for _ in range(count)]

    def everything(network: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch([*values, *states])
            logits, after = network.forward(values, inputs, states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            # the states are read on, so gradients come back through them too
            loss = tf.reduce_sum(losses) + sum(tf.reduce_sum(each * each) for each in after)
        gradients = tape.gradient(loss, [*values, *states])
        return [loss, *after, *(tf.convert_to_tensor(each) for each in gradients)]

    ours = everything(HandwrittenNetwork(config, V, Arithmetic()))
    theirs = everything(LibraryNetwork(config, V, cudnn_layers(config)))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(other, one, atol=atol, rtol=atol)


@pytest.mark.parametrize("layer_count", [1, 2])
@pytest.mark.parametrize("cell", MODES)
def test_a_layer_that_reads_the_vector_is_the_one_that_we_train(
    cell: str, layer_count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In NumPy from the documented layout; its gradients are differences of two runs."""
    put_in_place(monkeypatch)
    assert_same_network(cell, layer_count, 1e-4)


@pytest.mark.parametrize("layer_count", [1, 2])
@pytest.mark.parametrize("cell", MODES)
def test_cudnn_has_the_gradients_of_the_hand_written_layers(cell: str, layer_count: int) -> None:
    """On a GPU; without TF32, whose rounding would hide small mistakes."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("cuDNN needs a GPU")
    config = tf.config.experimental
    was_enabled = config.tensor_float_32_execution_enabled()
    config.enable_tensor_float_32_execution(False)
    try:
        assert_same_network(cell, layer_count, 1e-3)
    finally:
        config.enable_tensor_float_32_execution(was_enabled)
