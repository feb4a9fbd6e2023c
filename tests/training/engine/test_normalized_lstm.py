"""The LSTM with layer normalization, held against finite differences and the equations."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow

T, B, H, V = 4, 3, 5, 6
SHAPES = [(4 * H,), (4 * H,), (H,), (H,), (H, 4 * H), (H, B), (H, B)]
"""Gains and biases of the gates, gain and bias of c, recurrent kernel, h, c."""


def random_arguments(parts: int) -> list[Any]:
    rng = np.random.default_rng(3)
    shapes = [*SHAPES, *[(T, 4 * H // parts, B)] * parts]
    return [rng.normal(size=shape) for shape in shapes]


def weighted_sum(dtype: type) -> Callable[[list[Any]], Any]:
    """A number that depends on every output and every last state, each in its own way."""
    import tensorflow as tf

    from tui_charrnn.training.engine.lstm import norm_of, run_lstm
    from tui_charrnn.training.engine.precision import Arithmetic

    rng = np.random.default_rng(1)
    weights: list[Any] = [
        rng.normal(size=shape).astype(dtype) for shape in ((T, H, B), (H, B), (H, B))
    ]

    def total(arguments: list[Any]) -> Any:
        norm, (kernel, *states), inputs = arguments[:4], arguments[4:7], arguments[7:]
        outputs, last = run_lstm(inputs, kernel, states, Arithmetic(), norm=norm_of(*norm))
        pairs = zip([outputs, *last], weights, strict=True)
        return tf.add_n([tf.reduce_sum(value * weight) for value, weight in pairs])

    return total


@pytest.mark.parametrize("parts", [1, 4])
def test_every_gradient_is_that_of_finite_differences(parts: int) -> None:
    import tensorflow as tf

    values = random_arguments(parts)
    total = tf.function(weighted_sum(np.float64), autograph=False)
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


def test_the_compiled_layer_gives_the_same_numbers() -> None:
    import tensorflow as tf

    tensors = [tf.constant(value.astype(np.float32)) for value in random_arguments(4)]
    total = weighted_sum(np.float32)

    def value_and_gradients(arguments: list[Any]) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            result = total(arguments)
        return [result, *tape.gradient(result, arguments)]

    plain = tf.function(value_and_gradients, autograph=False)(tensors)
    compiled = tf.function(value_and_gradients, autograph=False, jit_compile=True)(tensors)
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-5)


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
    from tui_charrnn.training.engine.precision import Arithmetic

    config = ModelConfig(embedding_size=7, hidden_size=16, layer_count=2, layer_norm=True)
    values = [tf.constant(value) for value in initial_tensors(config, V, 0).values()]
    rng = np.random.default_rng(2)
    inputs, targets = (tf.constant(rng.integers(0, V, (T, B)), tf.int32) for _ in range(2))
    states = [tf.constant(rng.normal(size=(B, 16)), tf.float32) for _ in range(4)]

    def gradients(arithmetic: Arithmetic) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits, _ = HandwrittenNetwork(config, V, arithmetic).forward(values, inputs, states)
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
    engine = Engine(model, training, V, B)
    before = engine.model_tensors()
    assert (before["layers.0.gate_gain"] == 1).all()
    assert (before["layers.0.memory_gain"] == 1).all()
    assert (before["layers.0.memory_bias"] == 0).all()
    # where all characters are the same the loss is soon flat: what moves then is the decay
    ones = np.ones((B, T), np.int32)
    for number in range(1, 400):
        engine.train_batch(Batch(ones, ones, np.ones(B, np.float32)), number, 0.05)
    after = engine.model_tensors()
    assert np.abs(after["layers.0.kernel"]).max() < 1e-3 * np.abs(before["layers.0.kernel"]).max()
    assert np.abs(after["layers.0.gate_gain"]).min() > 0.1
