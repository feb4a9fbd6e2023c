"""The LSTM layer, plain or with layer normalization, with a hand-written gradient.

Backpropagation through time (Werbos 1990) needs only a few values per character; TensorFlow's own
gradient of a loop keeps every intermediate result, sums the gradient of the recurrent kernel
character by character, and takes two to three times as long. Here the loops contain only the
product that depends on the previous character; the gradient of the recurrent kernel is one large
product after the backward loop.

With σ(x) = ½ + ½·tanh(x/2), all four gates are a tanh of pre-activations scaled by `GATE_SCALES`,
so that one vectorized tanh computes them all, and their derivatives have one form. The scaling is
applied to the weights, at almost no cost.

With layer normalization each gate is normalized over the units of its layer before its activation,
and so is c before its tanh; the carried state is c itself. A normalized gate does not depend on the
scale of its weights, so only gains and biases are scaled. The forward pass keeps the normalized
values x; the backward pass recomputes the activations from them.

Notation: T sequence length, B streams, H hidden size, P parts of the gates, each of K = 4 / P
gates. Layout: `training/engine/recurrence.py`.

Source: the equations in docs/lstm.md, section 6, differentiated; Ba, Kiros & Hinton (2016), "Layer
Normalization", the form of its supplement for LSTMs. Checked in the tests against finite
differences, against Keras's layer and against the NumPy step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import tensorflow as tf

from tui_charrnn.model.weights import NORM_EPSILON
from tui_charrnn.training.engine.recurrence import (
    Arithmetic,
    Tensor,
    before_each,
    flatten_time,
    join_gates,
    mask_reader,
    masked,
    new_array,
    readable,
    scan,
    sigmoid_from_tanh,
    split_gates,
    split_rows,
    write_all,
)

GATE_SCALES: Final = (0.5, 0.5, 1.0, 0.5)
"""Factors of the pre-activations of i, f, c̃, o: a sigmoid is a tanh of half its argument."""


class Norm(NamedTuple):
    """Gains and biases of a normalized layer, or their gradients."""

    gains: Tensor
    """Gains of i, f, c̃, o, scaled: shape (4, H)."""
    biases: Tensor
    """Likewise."""
    memory_gain: Tensor
    """Gain of c: shape (1, H)."""
    memory_bias: Tensor
    """Likewise."""


_MaybeNorm: TypeAlias = Norm | tuple[()]
"""Empty without layer normalization."""


def norm_of(gate_gain: Tensor, bias: Tensor, memory_gain: Tensor, memory_bias: Tensor) -> Norm:
    """Arrange the parameters of a layer's normalization, of shapes (4·H,), (4·H,), (H,), (H,)."""
    scales = tf.constant(GATE_SCALES, bias.dtype)[:, tf.newaxis]
    gains, biases = (tf.reshape(each, (4, -1)) * scales for each in (gate_gain, bias))
    return Norm(gains, biases, memory_gain[tf.newaxis], memory_bias[tf.newaxis])


def run_lstm(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
    norm: _MaybeNorm = (),
) -> tuple[Tensor, list[Tensor]]:
    """Run an LSTM layer over a sequence; "narrow" means the precision of products.

    Args:
        inputs: Contributions of input and bias to i, f, c̃, o, scaled by `GATE_SCALES`: four of
            shape (T, H, B), or one (T, 4·H, B); narrow. For a normalized layer they are centered,
            unscaled and without the bias.
        recurrent_kernel: Shape (H, 4·H), its gates scaled or centered likewise; narrow.
        states: h and c before the first character, each (H, B).
        arithmetic: Precision and fusion of the products.
        keep: From `resets_of`.
        norm: Gains and biases of a normalized layer.

    Returns:
        h after every character, shape (T, H, B), narrow, and the last h and c. Differentiable with
        respect to all arguments.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        kernel: Tensor, hidden: Tensor, memory: Tensor, *rest: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        own, given = rest[: len(norm)], rest[len(norm) :]
        layer = _Layer(kernel, Norm(*own) if own else (), arithmetic, keep)
        outputs, last, kept = layer.run_forward(given, (hidden, memory))

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            d_given, d_first, d_norm = layer.run_backward(
                d_outputs, (d_hidden, d_memory), last[1], kept
            )
            before = flatten_time(masked(before_each(hidden, outputs), keep))  # (H, T·B)
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


@dataclass(frozen=True, slots=True)
class _Layer:
    """The weights of a layer and the arithmetic; `keep` is from `resets_of`."""

    kernel: Tensor
    norm: _MaybeNorm
    arithmetic: Arithmetic
    keep: Tensor | None

    def run_forward(
        self, inputs: Sequence[Tensor], states: Sequence[Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor], list[tf.TensorArray]]:
        """Return outputs, (T, H, B); the last h and c; the history for the backward pass.

        The history is, per character, the previous c, and the tanh of the gates, or for normalized
        gates r and x.
        """
        length, _, streams = inputs[0].shape
        transposed = tf.transpose(self.kernel)  # (4·H, H)
        advance = self.arithmetic.fuse(_advance_normalized if self.norm else _advance)
        reads, mask_at = [readable(part) for part in inputs], mask_reader(self.keep)

        def step(t: Tensor, h: Tensor, c: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
            given = [array.read(t) for array in reads]
            mask = mask_at(t)
            h, before = masked(h, mask), masked(c, mask)
            product = self.arithmetic.product(transposed, h)
            new_h, new_c, *of_gates = advance(product, before, self.norm, *given)
            return new_h, new_c, *write_all(kept, t, (new_h, c, *of_gates))

        shapes = [*states, *(part[0] for part in inputs)]
        if self.norm:
            shapes.insert(2, tf.zeros((4, 1, streams), states[1].dtype))  # r
        places = [new_array(length, each) for each in shapes]
        hidden, memory, outputs, *kept = scan(range(length), step, (*states, *places))
        return outputs.stack(), (hidden, memory), kept

    def run_backward(
        self,
        d_outputs: Tensor,
        d_last: tuple[Tensor, Tensor],
        last_memory: Tensor,
        kept: Sequence[tf.TensorArray],
    ) -> tuple[list[Tensor], tuple[Tensor, Tensor], _MaybeNorm]:
        """Return the gradients of the inputs; of the first h and c; of gains and biases.

        The arguments are the gradients of outputs and last states, the last c, and the history from
        `run_forward`.
        """
        length, size, streams = d_outputs.shape
        parts = len(kept) - (2 if self.norm else 1)
        kernels = tf.split(self.kernel, 4, axis=1)  # each (H, H)
        stacked = tf.stack(kernels)  # (4, H, H)
        retreat = self.arithmetic.fuse(_retreat_normalized if self.norm else _retreat)
        d_reads, mask_at = readable(d_outputs), mask_reader(self.keep)
        # if the gates are one tensor, four products of (H, H) are faster than one of (H, 4·H)
        summand_count = 4 if parts == 1 or self.norm else 1

        def multiply(d_gates: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
            """Return the gradient of h as S summands, (S, H, B), and that of the inputs."""
            if self.norm:
                (d_all,) = d_gates  # (4, H, B)
                d_parts = tf.split(tf.reshape(d_all, (4 * size, streams)), parts)
                return self.arithmetic.product(stacked, d_all), d_parts
            d_parts = join_gates(d_gates, parts)
            if parts == 1:
                d_all = tf.reshape(d_parts[0], (4, size, streams))
                return self.arithmetic.product(stacked, d_all), d_parts
            pairs = zip(kernels, d_parts, strict=True)
            products = [self.arithmetic.product(kernel, d) for kernel, d in pairs]
            return tf.add_n(products)[tf.newaxis], d_parts

        def step(
            t: Tensor,
            d_h: Tensor,
            d_c: Tensor,
            d_norm: _MaybeNorm,
            c: Tensor,
            *written: tf.TensorArray,
        ) -> tuple[object, ...]:
            c_before, *of_gates = (array.read(t) for array in kept)
            mask = mask_at(t)
            memories = masked(c_before, mask), c
            d_c, d_norm, *d_gates = retreat(
                d_reads.read(t), (d_h, d_c, d_norm), memories, self.norm, *of_gates
            )
            d_h, d_parts = multiply(d_gates)
            d_h, d_c = masked(d_h, mask), masked(d_c, mask)
            return d_h, d_c, d_norm, c_before, *write_all(written, t, d_parts)

        places = [
            tf.TensorArray(self.kernel.dtype, length, element_shape=(4 * size // parts, streams))
            for _ in range(parts)
        ]
        d_hidden, d_memory = d_last
        summands = tf.pad(d_hidden[tf.newaxis], [[0, summand_count - 1], [0, 0], [0, 0]])
        nothing = tf.nest.map_structure(tf.zeros_like, self.norm)
        d_hidden, d_memory, d_norm, _, *written = scan(
            range(length)[::-1], step, (summands, d_memory, nothing, last_memory, *places)
        )
        d_first = (tf.reduce_sum(d_hidden, axis=0), d_memory)
        return [array.stack() for array in written], d_first, d_norm


def _advance(
    recurrent: Tensor, memory: Tensor, _norm: tuple[()], *inputs: Tensor
) -> tuple[Tensor, ...]:
    """Return the states after a character, and the tanh of every gate.

    Gates are rounded to the precision of products before they are used, so that the backward pass
    reads the same values as the forward pass.
    """
    parts = zip(inputs, split_rows(recurrent, len(inputs)), strict=True)
    gates = [
        tf.cast(tf.tanh(tf.cast(part, memory.dtype) + tf.cast(own, memory.dtype)), recurrent.dtype)
        for part, own in parts
    ]
    i, f, g, o = split_gates([tf.cast(gate, memory.dtype) for gate in gates], 4)
    memory = sigmoid_from_tanh(f) * memory + sigmoid_from_tanh(i) * g
    hidden = sigmoid_from_tanh(o) * tf.tanh(memory)
    return tf.cast(hidden, recurrent.dtype), memory, *gates


def _retreat(
    d_output: Tensor,
    d_later: tuple[Tensor, Tensor, tuple[()]],
    memories: tuple[Tensor, Tensor],
    _norm: tuple[()],
    *gates: Tensor,
) -> tuple[Tensor, ...]:
    """Return the gradient of c before a character, an empty norm, and gradients of pre-activations.

    `d_later` has the gradients of h, as summands (S, H, B), and of c from later characters;
    `memories` is c before and after the character.
    """
    (d_h, d_c, d_norm), (c_before, c) = d_later, memories
    dtype = c.dtype
    # cast before splitting: XLA would copy each narrow gate
    i, f, g, o = split_gates([tf.cast(part, dtype) for part in gates], 4)
    tanh_c = tf.tanh(c)
    d_h = tf.reduce_sum(tf.cast(d_h, dtype), axis=0) + tf.cast(d_output, dtype)
    d_c = d_c + d_h * sigmoid_from_tanh(o) * (1 - tanh_c * tanh_c)
    # With u = x/2 and a = tanh(u): σ(x) = ½ + ½·a, so dσ/du = ½·(1 - a²).
    half = 0.5 * d_c
    d_gates = (
        half * g * (1 - i * i),
        half * c_before * (1 - f * f),
        d_c * sigmoid_from_tanh(i) * (1 - g * g),
        0.5 * d_h * tanh_c * (1 - o * o),
    )
    return d_c * sigmoid_from_tanh(f), d_norm, *(tf.cast(d, gates[0].dtype) for d in d_gates)


def centered(kernel: Tensor) -> Tensor:
    """Subtract from each row of a kernel (D, 4·H) its mean over the units of each gate."""
    gates = tf.reshape(kernel, (kernel.shape[0], 4, -1))
    return tf.reshape(gates - tf.reduce_mean(gates, axis=2, keepdims=True), kernel.shape)


def _normalize(values: Tensor) -> tuple[Tensor, Tensor]:
    """Normalize centered values (K, H, B) over their H units; return x and the inverse root r."""
    mean_square = tf.reduce_mean(values * values, axis=1, keepdims=True)
    rate = tf.math.rsqrt(mean_square + NORM_EPSILON)
    return values * rate, rate


def _center(values: Tensor) -> Tensor:
    """Subtract from values (K, H, B) their mean over the H units."""
    return values - tf.reduce_mean(values, axis=1, keepdims=True)


def _affine(x: Tensor, gains: Tensor, biases: Tensor) -> Tensor:
    """Apply gains and biases (K, H) to x (K, H, B)."""
    return gains[..., tf.newaxis] * x + biases[..., tf.newaxis]


def _through_norm(d_y: Tensor, x: Tensor, rate: Tensor, gains: Tensor) -> Tensor:
    """Return the gradient of the values before normalization, (K, H, B), from that of y."""
    d_x = gains[..., tf.newaxis] * d_y
    return rate * (d_x - x * tf.reduce_mean(d_x * x, axis=1, keepdims=True))


def _advance_normalized(
    recurrent: Tensor, memory: Tensor, norm: Norm, *inputs: Tensor
) -> tuple[Tensor, ...]:
    """Return the states after a character; r of every gate, (4, 1, B); x of the gates, narrow."""
    wide, narrow = memory.dtype, recurrent.dtype
    own = tf.split(tf.reshape(tf.cast(recurrent, wide), (4, *memory.shape)), len(inputs))
    rates, kept = [], []
    for given, part in zip(inputs, own, strict=True):
        x, rate = _normalize(tf.reshape(tf.cast(given, wide), part.shape) + part)
        rates.append(rate)
        kept.append(tf.reshape(tf.cast(x, narrow), given.shape))
    i, f, g, o = _activations(kept, norm, wide)
    memory = sigmoid_from_tanh(f) * memory + sigmoid_from_tanh(i) * g
    x, _ = _normalize(_center(memory[tf.newaxis]))
    activated = tf.tanh(_affine(x, norm.memory_gain, norm.memory_bias)[0])
    hidden = tf.cast(sigmoid_from_tanh(o) * activated, narrow)
    return hidden, memory, tf.concat(rates, axis=0), *kept


def _activations(kept: Sequence[Tensor], norm: Norm, dtype: tf.DType) -> list[Tensor]:
    """Return the tanh of all four gates, each (H, B), from their x in P parts of K·H rows."""
    gates = []
    count = 4 // len(kept)
    for first, part in zip(range(0, 4, count), kept, strict=True):
        rows = slice(first, first + count)
        x = tf.reshape(tf.cast(part, dtype), (count, -1, part.shape[1]))
        gates += tf.unstack(tf.tanh(_affine(x, norm.gains[rows], norm.biases[rows])))
    return gates


def _retreat_normalized(
    d_output: Tensor,
    d_later: tuple[Tensor, Tensor, Norm],
    memories: tuple[Tensor, Tensor],
    norm: Norm,
    rates: Tensor,
    *kept: Tensor,
) -> tuple[Tensor, Norm, Tensor]:
    """Return the gradients of c, of the norm so far, and of the pre-activations, (4, H, B).

    Arguments as for `_retreat`, with r and x of the gates.
    """
    (d_h, d_c, d_norm), (c_before, c) = d_later, memories
    wide, narrow = c.dtype, kept[0].dtype
    x = tf.reshape(tf.concat([tf.cast(part, wide) for part in kept], axis=0), (4, *c.shape))
    i, f, g, o = tf.unstack(tf.tanh(_affine(x, norm.gains, norm.biases)))
    x_c, rate_c = _normalize(_center(c[tf.newaxis]))
    activated = tf.tanh(_affine(x_c, norm.memory_gain, norm.memory_bias)[0])
    d_h = tf.reduce_sum(tf.cast(d_h, wide), axis=0) + tf.cast(d_output, wide)
    d_y_c = (d_h * sigmoid_from_tanh(o) * (1 - activated * activated))[tf.newaxis]
    d_c = d_c + _center(_through_norm(d_y_c, x_c, rate_c, norm.memory_gain))[0]
    half = 0.5 * d_c  # as in `_retreat`
    d_y = tf.stack([
        half * g * (1 - i * i),
        half * c_before * (1 - f * f),
        d_c * sigmoid_from_tanh(i) * (1 - g * g),
        0.5 * d_h * activated * (1 - o * o),
    ])
    d_norm = Norm(
        d_norm.gains + tf.reduce_sum(d_y * x, axis=2),
        d_norm.biases + tf.reduce_sum(d_y, axis=2),
        d_norm.memory_gain + tf.reduce_sum(d_y_c * x_c, axis=2),
        d_norm.memory_bias + tf.reduce_sum(d_y_c, axis=2),
    )
    d_z = _through_norm(d_y, x, rates, norm.gains)
    return d_c * sigmoid_from_tanh(f), d_norm, tf.cast(d_z, narrow)
