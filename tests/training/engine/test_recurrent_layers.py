"""The hand-written layers, held against finite differences, Keras and themselves.

All dimensions differ, so that none can be mistaken for another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytestmark = pytest.mark.tensorflow

T, B, H, D = 5, 3, 4, 6
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
Array = npt.NDArray[np.floating[Any]]


def random_arguments(cell: str, dtype: type[np.floating[Any]]) -> list[Array]:
    """Inputs a gate, recurrent kernel, a GRU's candidate bias, states."""
    rng = np.random.default_rng(len(cell) * 7)
    shapes: list[tuple[int, ...]] = [(T, H, B)] * GATES[cell] + [(H, GATES[cell] * H)]
    shapes += [(H,)] if cell == "gru" else []
    shapes += [(H, B)] * (2 if cell == "lstm" else 1)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def run_cell(cell: str, arguments: list[Any]) -> tuple[Any, list[Any]]:
    from tui_charrnn.training.engine import gru, lstm
    from tui_charrnn.training.engine.precision import Arithmetic

    inputs, rest = arguments[: GATES[cell]], arguments[GATES[cell] :]
    match cell:
        case "lstm":
            return lstm.run_lstm(inputs, rest[0], rest[1:], Arithmetic())
        case "gru":
            return gru.run_gru(inputs, rest[0], rest[1], rest[2:], Arithmetic())
        case _:
            return gru.run_rnn(inputs, rest[0], rest[1:], Arithmetic())


def weighted_sum(cell: str) -> Callable[[list[Any]], Any]:
    """A number that depends on every output and every last state, each in its own way."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(T, H, B))
    last = [rng.normal(size=(H, B)) for _ in range(2 if cell == "lstm" else 1)]

    def total(arguments: list[Any]) -> Any:
        sequence, states = run_cell(cell, arguments)
        parts = zip([sequence, *states], [outputs, *last], strict=True)
        return tf.add_n([tf.reduce_sum(x * tf.cast(w, x.dtype)) for x, w in parts])

    return total


@pytest.mark.parametrize("cell", GATES)
def test_every_gradient_is_that_of_finite_differences(cell: str) -> None:
    import tensorflow as tf

    values = random_arguments(cell, np.float64)
    total = tf.function(weighted_sum(cell), autograph=False)
    tensors = [tf.constant(value) for value in values]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = total(tensors)
    gradients = tape.gradient(result, tensors)
    shift = 1e-6
    for number, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        for place in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                moved = [v.copy() for v in values]
                moved[number][place] += sign * shift
                sides.append(float(total([tf.constant(v) for v in moved])))
            expected = (sides[0] - sides[1]) / (2 * shift)
            assert float(gradient[place]) == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("cell", GATES)
def test_the_compiled_layer_gives_the_same_numbers(cell: str) -> None:
    import tensorflow as tf

    tensors = [tf.constant(value) for value in random_arguments(cell, np.float32)]
    total = weighted_sum(cell)

    def value_and_gradients(arguments: list[Any]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            result = total(arguments)
        return [result, *tape.gradient(result, arguments)]

    plain = tf.function(value_and_gradients, autograph=False)(tensors)
    compiled = tf.function(value_and_gradients, autograph=False, jit_compile=True)(tensors)
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("layer_count", [1, 2])
@pytest.mark.parametrize("cell", GATES)
def test_loss_states_and_every_gradient_are_those_of_keras(cell: str, layer_count: int) -> None:
    """The whole network both ways: embedding, layers, softmax, on one window."""
    import tensorflow as tf

    from tui_charrnn.config import ModelConfig
    from tui_charrnn.training.engine.library_network import LibraryNetwork, keras_layers
    from tui_charrnn.training.engine.network import HandwrittenNetwork, initial_tensors
    from tui_charrnn.training.engine.precision import Arithmetic

    vocabulary_size = 9
    config = ModelConfig(cell=cell, embedding_size=D, hidden_size=H, layer_count=layer_count)
    rng = np.random.default_rng(2)
    values = [
        tf.constant(value + rng.normal(size=value.shape, scale=0.3).astype(np.float32))
        for value in initial_tensors(config, vocabulary_size, 0).values()
    ]
    inputs = tf.constant(rng.integers(0, vocabulary_size, (T, B)), tf.int32)
    targets = tf.constant(rng.integers(0, vocabulary_size, (T, B)), tf.int32)
    count = layer_count * (2 if cell == "lstm" else 1)
    states = [tf.constant(rng.normal(size=(B, H)), tf.float32) for _ in range(count)]

    def everything(network: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch([*values, *states])
            logits, after = network.forward(values, inputs, states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_sum(losses)
        gradients = tape.gradient(loss, [*values, *states])
        return [loss, *after, *(tf.convert_to_tensor(each) for each in gradients)]

    ours = everything(HandwrittenNetwork(config, vocabulary_size, Arithmetic()))
    keras = everything(LibraryNetwork(config, vocabulary_size, keras_layers(config)))
    assert len(ours) == len(keras)
    for one, other in zip(ours, keras, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5)


def test_a_large_vocabulary_is_looked_up_as_a_small_one() -> None:
    """Above `ONE_HOT_LIMIT` a gather takes the place of a product."""
    import tensorflow as tf

    from tui_charrnn.config import ModelConfig
    from tui_charrnn.training.engine import network
    from tui_charrnn.training.engine.network import initial_tensors
    from tui_charrnn.training.engine.precision import Arithmetic

    config = ModelConfig(embedding_size=D, hidden_size=H)
    large, small = network.ONE_HOT_LIMIT + 1, network.ONE_HOT_LIMIT
    tensors = initial_tensors(config, large, 0)
    rng = np.random.default_rng(3)
    inputs = tf.constant(rng.integers(0, small, (T, B)), tf.int32)
    states = [tf.zeros((B, H))] * 2

    def logits_and_gradient(size: int) -> tuple[Any, Any]:
        cut = {
            "embedding": lambda x: x[:size],
            "output.kernel": lambda x: x[:, :size],
            "output.bias": lambda x: x[:size],
        }
        values = [tf.constant(cut.get(n, lambda x: x)(x)) for n, x in tensors.items()]
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits, _ = network.HandwrittenNetwork(config, size, Arithmetic()).forward(
                values, inputs, states
            )
            total = tf.reduce_sum(tf.tanh(logits[..., :small]))
        gradient = tf.convert_to_tensor(tape.gradient(total, values)[0])
        return logits[..., :small], gradient[:small]

    for one, other in zip(logits_and_gradient(large), logits_and_gradient(small), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
