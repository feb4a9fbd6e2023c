"""The handwritten layers, compared with finite differences, Keras and themselves.

All dimensions differ, so that none can be mistaken for another.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.engine_pool import take_step

pytestmark = pytest.mark.tensorflow

T, B, H, D = 5, 3, 4, 6
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LAYERS = [*GATES, "lstm in one part", "normalized lstm", "normalized lstm in one part"]
Array = npt.NDArray[np.floating[Any]]


def input_shapes(layer: str) -> list[tuple[int, ...]]:
    """Return the shapes of the gate inputs: one tensor per gate, or one for all."""
    gates = GATES[cell_of(layer)]
    return [(T, gates * H, B)] if "one part" in layer else [(T, H, B)] * gates


def cell_of(layer: str) -> str:
    return next(cell for cell in GATES if cell in layer)


def random_arguments(layer: str, dtype: type[np.floating[Any]]) -> list[Array]:
    """Return inputs, recurrent kernel, a GRU's candidate bias, states, and a norm."""
    cell = cell_of(layer)
    rng = np.random.default_rng(len(cell) * 7)
    shapes = [*input_shapes(layer), (H, GATES[cell] * H)]
    shapes += [(H,)] if cell == "gru" else []
    shapes += [(H, B)] * (2 if cell == "lstm" else 1)
    shapes += [(4 * H,), (4 * H,), (H,), (H,)] if "normalized" in layer else []
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def run_layer(layer: str, arguments: list[Any]) -> tuple[Any, list[Any]]:
    from tui_charrnn.training.engine import gru, lstm
    from tui_charrnn.training.engine.recurrence import Arithmetic

    count = len(input_shapes(layer))
    inputs, rest = arguments[:count], arguments[count:]
    match cell_of(layer):
        case "lstm":
            norm = lstm.norm_of(*rest[3:]) if "normalized" in layer else ()
            return lstm.run_lstm(inputs, rest[0], rest[1:3], Arithmetic(), norm=norm)
        case "gru":
            return gru.run_gru(inputs, rest[0], rest[1], rest[2:], Arithmetic())
        case _:
            return gru.run_rnn(inputs, rest[0], rest[1:], Arithmetic())


def weighted_sum(layer: str) -> Callable[[list[Any]], Any]:
    """Return a number that depends differently on every output and every last state."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(T, H, B))
    last = [rng.normal(size=(H, B)) for _ in range(2 if "lstm" in layer else 1)]

    def total(arguments: list[Any]) -> Any:
        sequence, states = run_layer(layer, arguments)
        parts = zip([sequence, *states], [outputs, *last], strict=True)
        return tf.add_n([tf.reduce_sum(x * tf.cast(w, x.dtype)) for x, w in parts])

    return total


@pytest.mark.parametrize("layer", LAYERS)
def test_every_gradient_is_that_of_finite_differences(layer: str) -> None:
    import tensorflow as tf

    values = random_arguments(layer, np.float64)
    total = tf.function(weighted_sum(layer), autograph=False)
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
            assert float(gradient[place]) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("layer", [*GATES, "normalized lstm"])
def test_the_compiled_layer_gives_the_same_numbers(layer: str) -> None:
    import tensorflow as tf

    tensors = [tf.constant(value) for value in random_arguments(layer, np.float32)]
    total = weighted_sum(layer)

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
    from tui_charrnn.training.engine.recurrence import Arithmetic

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
    """Above `ONE_HOT_LIMIT` a gather replaces the product."""
    import tensorflow as tf

    from tui_charrnn.config import ModelConfig
    from tui_charrnn.training.engine import network
    from tui_charrnn.training.engine.network import initial_tensors
    from tui_charrnn.training.engine.recurrence import Arithmetic

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


def test_a_centered_kernel_gives_each_gate_the_mean_zero() -> None:
    from tui_charrnn.training.engine.lstm import centered

    kernel = np.random.default_rng(0).normal(size=(3, 4 * H))
    gates = centered(kernel).numpy().reshape(3, 4, H)
    np.testing.assert_allclose(gates.mean(axis=2), 0, atol=1e-12)
    shifts = (kernel.reshape(3, 4, H) - gates).std(axis=2)
    np.testing.assert_allclose(shifts, 0, atol=1e-12)  # one number a gate and row is taken away


def test_narrow_products_move_the_gradients_by_their_rounding_only() -> None:
    import tensorflow as tf

    from tui_charrnn.config import ModelConfig
    from tui_charrnn.training.engine.network import HandwrittenNetwork, initial_tensors
    from tui_charrnn.training.engine.recurrence import Arithmetic

    config = ModelConfig(embedding_size=7, hidden_size=16, layer_count=2, layer_norm=True)
    values = [tf.constant(value) for value in initial_tensors(config, D, 0).values()]
    rng = np.random.default_rng(2)
    inputs, targets = (tf.constant(rng.integers(0, D, (T, B)), tf.int32) for _ in range(2))
    states = [tf.constant(rng.normal(size=(B, 16)), tf.float32) for _ in range(4)]

    def gradients(arithmetic: Arithmetic) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits, _ = HandwrittenNetwork(config, D, arithmetic).forward(values, inputs, states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses)
        return [tf.convert_to_tensor(each).numpy() for each in tape.gradient(loss, values)]

    wide = gradients(Arithmetic())
    for is_fused in (False, True):
        for one, other in zip(wide, gradients(Arithmetic(True, is_fused)), strict=True):
            assert np.abs(one - other).max() < 0.05 * np.abs(one).max()


def test_gains_begin_at_one_and_do_not_decay() -> None:
    from tui_charrnn.config import ModelConfig, TrainingConfig
    from tui_charrnn.training.engine.engine import Engine
    from tui_charrnn.training.loop import Batch

    model = ModelConfig(embedding_size=3, hidden_size=4, layer_norm=True)
    training = TrainingConfig(steps=3, batch_size=B, sequence_length=T, weight_decay=0.5)
    engine = Engine(model, training, D, B)
    before = engine.model_tensors()
    assert (before["layers.0.gate_gain"] == 1).all()
    assert (before["layers.0.memory_gain"] == 1).all()
    assert (before["layers.0.memory_bias"] == 0).all()
    # where all characters are the same the loss is soon flat: what moves then is the decay
    ones = np.ones((B, T), np.int32)
    for number in range(1, 400):
        take_step(engine, Batch(ones, ones, np.ones(B, np.float32)), number, 0.05)
    after = engine.model_tensors()
    assert np.abs(after["layers.0.kernel"]).max() < 1e-3 * np.abs(before["layers.0.kernel"]).max()
    assert np.abs(after["layers.0.gate_gain"]).min() > 0.1
