"""The LSTM layer with layer normalization, its gradient written by hand.

Each gate is normalized over the units of its layer before it is activated, and so is c before its
tanh; what is carried on is c itself. A normalized gate does not depend on how large its weights
are, so only gains and biases are scaled by `GATE_SCALES` (training/engine/lstm.py).

Kept for the way back is x and not the activation, which is computed again from it.

Notation: T sequence length, B streams, H hidden size, P parts of the gates, each of K = 4 / P
gates. Layout: `training/engine/recurrence.py`.

Source: Ba, Kiros & Hinton (2016), "Layer Normalization", the form of its supplement for LSTMs;
checked in the tests against finite differences and against the NumPy step.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tui_charrnn.model.weights import NORM_EPSILON
from tui_charrnn.training.engine.lstm import GATE_SCALES
from tui_charrnn.training.engine.precision import Arithmetic
from tui_charrnn.training.engine.recurrence import (
    Tensor,
    flatten_time,
    histories,
    readable,
    reader_of,
    remembered,
    scan_backward,
    scan_forward,
    sigmoid_from_tanh,
    with_first,
    write_all,
)


class Norm(NamedTuple):
    """Gains and biases as the layer uses them, or their gradients."""

    gains: Tensor
    """Of i, f, c̃, o, scaled: shape (4, H)."""
    biases: Tensor
    """Likewise."""
    memory_gain: Tensor
    """Of c: shape (1, H)."""
    memory_bias: Tensor
    """Likewise."""


def norm_of(gate_gain: Tensor, bias: Tensor, memory_gain: Tensor, memory_bias: Tensor) -> Norm:
    """Arrange the parameters of a layer's normalization, of shapes (4·H,), (4·H,), (H,), (H,)."""
    scales = tf.constant(GATE_SCALES, bias.dtype)[:, tf.newaxis]
    gains, biases = (tf.reshape(each, (4, -1)) * scales for each in (gate_gain, bias))
    return Norm(gains, biases, memory_gain[tf.newaxis], memory_bias[tf.newaxis])


def centered(kernel: Tensor) -> Tensor:
    """A kernel (D, 4·H) less the mean of each of its rows over the units of each gate."""
    gates = tf.reshape(kernel, (kernel.shape[0], 4, -1))
    return tf.reshape(gates - tf.reduce_mean(gates, axis=2, keepdims=True), kernel.shape)


def normalize(values: Tensor) -> tuple[Tensor, Tensor]:
    """x, and its inverse root r, of centered values (K, H, B) over their H units."""
    mean_square = tf.reduce_mean(values * values, axis=1, keepdims=True)
    rate = tf.math.rsqrt(mean_square + NORM_EPSILON)
    return values * rate, rate


def center(values: Tensor) -> Tensor:
    """Values (K, H, B) less their mean over the H units."""
    return values - tf.reduce_mean(values, axis=1, keepdims=True)


def shifted(x: Tensor, gains: Tensor, biases: Tensor) -> Tensor:
    """Y of x (K, H, B), with gains and biases (K, H)."""
    return gains[..., tf.newaxis] * x + biases[..., tf.newaxis]


def through_norm(d_y: Tensor, x: Tensor, rate: Tensor, gains: Tensor) -> Tensor:
    """The gradient of what was normalized, (K, H, B), from that of y; see the module."""
    d_x = gains[..., tf.newaxis] * d_y
    return rate * (d_x - x * tf.reduce_mean(d_x * x, axis=1, keepdims=True))


def run_normalized_lstm(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    norm: Norm,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence; as `run_lstm`, but for the scales and the bias.

    Args:
        inputs: What the input contributes to i, f, c̃, o, centered, unscaled and without a bias:
            four of shape (T, H, B), or one (T, 4·H, B); narrow.
        recurrent_kernel: Shape (H, 4·H), centered, unscaled; narrow.
        norm: Gains and biases.
        states: h and c before the first character, each (H, B).
        arithmetic: How matrices are multiplied.
        keep: Of `resets_of`.

    Returns:
        h after every character, shape (T, H, B), narrow, and the last h and c. Differentiable with
        respect to all arguments.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        kernel: Tensor, hidden: Tensor, memory: Tensor, *rest: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        own, given = Norm(*rest[:4]), rest[4:]
        outputs, last, kept = _run_forward(given, kernel, own, (hidden, memory), arithmetic, keep)

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            d_given, d_first, d_norm = _run_backward(
                d_outputs, (d_hidden, d_memory), (last[1], kept), (kernel, own), arithmetic, keep
            )
            before = flatten_time(remembered(keep, with_first(hidden, outputs)))  # (H, T·B)
            d_kernel = [
                arithmetic.product(before, flatten_time(d), transpose_b=True) for d in d_given
            ]
            return (tf.concat(d_kernel, axis=1), *d_first, *d_norm, *d_given)

        return (outputs, *last), gradient

    hidden, memory = states
    outputs, last_hidden, last_memory = run(
        recurrent_kernel, arithmetic.narrow(hidden), memory, *norm, *inputs
    )
    return outputs, [tf.cast(last_hidden, hidden.dtype), last_memory]


def _run_forward(
    inputs: Sequence[Tensor],
    kernel: Tensor,
    norm: Norm,
    state: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, Tensor], list[tf.TensorArray]]:
    """Outputs, (T, H, B); the last h and c; of each character c before it, r and x of its gates."""
    length, _, streams = inputs[0].shape
    transposed = tf.transpose(kernel)  # (4·H, H)
    cell = arithmetic.fuse(_advance)
    reads, at = [readable(part) for part in inputs], reader_of(keep)

    def step(t: Tensor, h: Tensor, c: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
        given = [array.read(t) for array in reads]
        h, before = remembered(at(t), h), remembered(at(t), c)
        new_h, new_c, rates, *gates = cell(arithmetic.product(transposed, h), before, norm, *given)
        return new_h, new_c, *write_all(kept, t, (new_h, c, rates, *gates))

    rates = tf.zeros((4, 1, streams), state[1].dtype)
    places = [place for each in (*state, rates) for place in histories(1, length, each)]
    places += [place for part in inputs for place in histories(1, length, part[0])]
    hidden, memory, outputs, *kept = scan_forward(length, step, (*state, *places))
    return outputs.stack(), (hidden, memory), kept


def _advance(recurrent: Tensor, memory: Tensor, norm: Norm, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The states after a character; r of every gate, (4, 1, B); x of the gates, narrow."""
    wide, narrow = memory.dtype, recurrent.dtype
    own = tf.split(tf.reshape(tf.cast(recurrent, wide), (4, *memory.shape)), len(inputs))
    rates, kept = [], []
    for given, part in zip(inputs, own, strict=True):
        x, rate = normalize(tf.reshape(tf.cast(given, wide), part.shape) + part)
        rates.append(rate)
        kept.append(tf.reshape(tf.cast(x, narrow), given.shape))
    i, f, g, o = _activations(kept, norm, wide)
    memory = sigmoid_from_tanh(f) * memory + sigmoid_from_tanh(i) * g
    x, _ = normalize(center(memory[tf.newaxis]))
    let_out = tf.tanh(shifted(x, norm.memory_gain, norm.memory_bias)[0])
    hidden = tf.cast(sigmoid_from_tanh(o) * let_out, narrow)
    return hidden, memory, tf.concat(rates, axis=0), *kept


def _activations(kept: Sequence[Tensor], norm: Norm, dtype: tf.DType) -> list[Tensor]:
    """The tanh of all four gates, each (H, B), from their x in P parts of K·H rows."""
    gates = []
    count = 4 // len(kept)
    for first, part in zip(range(0, 4, count), kept, strict=True):
        rows = slice(first, first + count)
        x = tf.reshape(tf.cast(part, dtype), (count, -1, part.shape[1]))
        gates += tf.unstack(tf.tanh(shifted(x, norm.gains[rows], norm.biases[rows])))
    return gates


def _run_backward(
    d_outputs: Tensor,
    d_last: tuple[Tensor, Tensor],
    history: tuple[Tensor, Sequence[tf.TensorArray]],
    parameters: tuple[Tensor, Norm],
    arithmetic: Arithmetic,
    keep: Tensor | None,
) -> tuple[list[Tensor], tuple[Tensor, Tensor], Norm]:
    """Gradients of the inputs, of their shapes; of the first h and c; of gains and biases."""
    (length, size, streams), (kernel, norm) = d_outputs.shape, parameters
    last_memory, kept = history
    parts = len(kept) - 2
    kernels = tf.stack(tf.split(kernel, 4, axis=1))  # (4, H, H)
    cell = arithmetic.fuse(_retreat)
    d_reads, at = readable(d_outputs), reader_of(keep)

    def step(
        t: Tensor,
        d_h: Tensor,
        d_c: Tensor,
        d_norm: Norm,
        c: Tensor,
        *written: tf.TensorArray,
    ) -> tuple[object, ...]:
        c_before, rates, *gates = (array.read(t) for array in kept)
        now = at(t)
        memories = remembered(now, c_before), c
        d_c, d_norm, d_gates = cell(
            d_reads.read(t), (d_h, d_c, d_norm), memories, norm, rates, *gates
        )
        d_h = remembered(now, arithmetic.product(kernels, d_gates))  # (4, H, B), summands
        d_c = remembered(now, d_c)
        d_parts = tf.split(tf.reshape(d_gates, (4 * size, streams)), parts)
        return d_h, d_c, d_norm, c_before, *write_all(written, t, d_parts)

    places = [
        tf.TensorArray(kernel.dtype, length, element_shape=(4 * size // parts, streams))
        for _ in range(parts)
    ]
    d_hidden, d_memory = d_last
    summands = tf.pad(d_hidden[tf.newaxis], [[0, 3], [0, 0], [0, 0]])
    nothing = Norm(*map(tf.zeros_like, norm))
    d_hidden, d_memory, d_norm, _, *written = scan_backward(
        length, step, (summands, d_memory, nothing, last_memory, *places)
    )
    d_first = (tf.reduce_sum(d_hidden, axis=0), d_memory)
    return [array.stack() for array in written], d_first, d_norm


def _retreat(
    d_output: Tensor,
    d_later: tuple[Tensor, Tensor, Norm],
    memories: tuple[Tensor, Tensor],
    norm: Norm,
    rates: Tensor,
    *kept: Tensor,
) -> tuple[Tensor, Norm, Tensor]:
    """The gradients of c before a character, of the norm so far, and of z, (4, H, B), narrow.

    Given are those of h, as summands (4, H, B), of c and of the norm as the characters after this
    one left them; c as it was before the character and after it.
    """
    (d_h, d_c, d_norm), (c_before, c) = d_later, memories
    wide, narrow = c.dtype, kept[0].dtype
    x = tf.reshape(tf.concat([tf.cast(part, wide) for part in kept], axis=0), (4, *c.shape))
    i, f, g, o = tf.unstack(tf.tanh(shifted(x, norm.gains, norm.biases)))
    x_c, rate_c = normalize(center(c[tf.newaxis]))
    let_out = tf.tanh(shifted(x_c, norm.memory_gain, norm.memory_bias)[0])
    d_h = tf.reduce_sum(tf.cast(d_h, wide), axis=0) + tf.cast(d_output, wide)
    d_y_c = (d_h * sigmoid_from_tanh(o) * (1 - let_out * let_out))[tf.newaxis]
    d_c = d_c + center(through_norm(d_y_c, x_c, rate_c, norm.memory_gain))[0]
    # With u = z/2 and a = tanh(u): σ(z) = ½ + ½·a, so dσ/du = ½·(1 - a²).
    half = 0.5 * d_c
    d_y = tf.stack([
        half * g * (1 - i * i),
        half * c_before * (1 - f * f),
        d_c * sigmoid_from_tanh(i) * (1 - g * g),
        0.5 * d_h * let_out * (1 - o * o),
    ])
    d_norm = Norm(
        d_norm.gains + tf.reduce_sum(d_y * x, axis=2),
        d_norm.biases + tf.reduce_sum(d_y, axis=2),
        d_norm.memory_gain + tf.reduce_sum(d_y_c * x_c, axis=2),
        d_norm.memory_bias + tf.reduce_sum(d_y_c, axis=2),
    )
    d_z = through_norm(d_y, x, rates, norm.gains)
    return d_c * sigmoid_from_tanh(f), d_norm, tf.cast(d_z, narrow)
