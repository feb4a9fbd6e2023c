"""The LSTM layer with its gradient written by hand.

Backpropagation through time (Werbos 1990) needs for each character only what one line of algebra
gives; TensorFlow's own gradient of a loop keeps every intermediate result, adds up the gradient
of the recurrent kernel character by character, and takes two to three times as long. Here the
loops hold nothing but the product that has to wait for the character before; the gradient of the
recurrent kernel is one large product after the backward loop.

With σ(x) = ½ + ½·tanh(x/2), all four gates are a tanh once their pre-activations have been scaled
by `GATE_SCALES`; one vectorized tanh serves them all, and their derivatives have one form.
The scaling is done on the weights, where it costs next to nothing.

Notation: T sequence length, B streams, H hidden size. Layout: `training/engine/recurrence.py`.

Source: the equations in docs/lstm.md, section 6, differentiated; checked in the tests against
finite differences, against Keras's layer and against the NumPy step.
"""

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

from tui_charrnn.training.engine.precision import Arithmetic
from tui_charrnn.training.engine.recurrence import (
    Tensor,
    apart,
    flatten_time,
    gate_rows,
    histories,
    readable,
    reader_of,
    remembered,
    scan_backward,
    scan_forward,
    sigmoid_from_tanh,
    together,
    with_first,
    write_all,
)

GATE_SCALES: Final = (0.5, 0.5, 1.0, 0.5)
"""Factors of the pre-activations of i, f, c̃, o: a sigmoid is a tanh of half its argument."""


def run_lstm(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence.

    Args:
        inputs: What the input and the bias contribute to i, f, c̃, o, scaled by `GATE_SCALES`:
            four of shape (T, H, B), or one (T, 4·H, B); narrow.
        recurrent_kernel: Shape (H, 4·H), its gates scaled likewise; narrow.
        states: h and c before the first character, each (H, B).
        arithmetic: How matrices are multiplied.
        keep: Of `resets_of`.

    Returns:
        h after every character, shape (T, H, B), narrow, and the last h and c. Differentiable with
        respect to all arguments.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        kernel: Tensor, hidden: Tensor, memory: Tensor, *given: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        outputs, last, kept = _run_forward(given, kernel, (hidden, memory), arithmetic, keep)

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            d_given, d_first = _run_backward(
                d_outputs, (d_hidden, d_memory), (last[1], kept), kernel, arithmetic, keep
            )
            before = flatten_time(remembered(keep, with_first(hidden, outputs)))  # (H, T·B)
            d_kernel = [
                arithmetic.product(before, flatten_time(d), transpose_b=True) for d in d_given
            ]
            return (tf.concat(d_kernel, axis=1), *d_first, *d_given)

        return (outputs, *last), gradient

    hidden, memory = states
    outputs, last_hidden, last_memory = run(
        recurrent_kernel, arithmetic.narrow(hidden), memory, *inputs
    )
    return outputs, [tf.cast(last_hidden, hidden.dtype), last_memory]


def _run_forward(
    inputs: Sequence[Tensor],
    kernel: Tensor,
    state: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, Tensor], list[tf.TensorArray]]:
    """Outputs, (T, H, B); the last h and c; for each character c before it and its gates."""
    length = inputs[0].shape[0]
    transposed = tf.transpose(kernel)  # (4·H, H)
    cell = arithmetic.fuse(_advance)
    reads, at = [readable(part) for part in inputs], reader_of(keep)

    def step(t: Tensor, h: Tensor, c: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
        given = [array.read(t) for array in reads]
        h, before = remembered(at(t), h), remembered(at(t), c)
        new_h, new_c, *gates = cell(arithmetic.product(transposed, h), before, *given)
        return new_h, new_c, *write_all(kept, t, (new_h, c, *gates))

    places = (*histories(1, length, state[0]), *histories(1, length, state[1]))
    gates = [place for part in inputs for place in histories(1, length, part[0])]
    hidden, memory, outputs, *kept = scan_forward(length, step, (*state, *places, *gates))
    return outputs.stack(), (hidden, memory), kept


def _advance(recurrent: Tensor, memory: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    """The states after a character, and the tanh of every gate.

    Where products are narrow the gates are too, from here on: the way back reads the very numbers
    that made the states.
    """
    parts = zip(inputs, gate_rows(recurrent, len(inputs)), strict=True)
    gates = [
        tf.cast(tf.tanh(tf.cast(part, memory.dtype) + tf.cast(own, memory.dtype)), recurrent.dtype)
        for part, own in parts
    ]
    i, f, g, o = apart([tf.cast(gate, memory.dtype) for gate in gates], 4)
    memory = sigmoid_from_tanh(f) * memory + sigmoid_from_tanh(i) * g
    hidden = sigmoid_from_tanh(o) * tf.tanh(memory)
    return tf.cast(hidden, recurrent.dtype), memory, *gates


def _run_backward(
    d_outputs: Tensor,
    d_last: tuple[Tensor, Tensor],
    history: tuple[Tensor, Sequence[tf.TensorArray]],
    kernel: Tensor,
    arithmetic: Arithmetic,
    keep: Tensor | None,
) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
    """Gradients of the inputs, of their shapes, and of the first h and c.

    The history is the last c, and what `_run_forward` kept of each character.
    """
    length, (last_memory, kept) = d_outputs.shape[0], history
    parts = len(kept) - 1
    kernels = tf.split(kernel, 4, axis=1)  # each (H, H)
    stacked = tf.stack(kernels)  # (4, H, H)
    cell = arithmetic.fuse(_retreat)
    d_reads, at = readable(d_outputs), reader_of(keep)

    def multiply(d_gates: list[Tensor]) -> Tensor:
        if parts == 1:  # four products of (H, H) are faster than one of (H, 4·H)
            return arithmetic.product(stacked, tf.reshape(d_gates[0], (4, *d_outputs.shape[1:])))
        products = [arithmetic.product(part, d) for part, d in zip(kernels, d_gates, strict=True)]
        return tf.add_n(products)[tf.newaxis]

    def step(
        t: Tensor, d_h: Tensor, d_c: Tensor, c: Tensor, *written: tf.TensorArray
    ) -> tuple[object, ...]:
        c_before, *gates = (array.read(t) for array in kept)
        now = at(t)
        d_c, *d_gates = cell(d_reads.read(t), d_h, d_c, c, remembered(now, c_before), *gates)
        d_gates = together(d_gates, parts)
        d_h, d_c = remembered(now, multiply(d_gates)), remembered(now, d_c)
        return d_h, d_c, c_before, *write_all(written, t, d_gates)

    rows = kernel.shape[1] // parts
    places = [
        tf.TensorArray(kernel.dtype, length, element_shape=(rows, d_outputs.shape[2]))
        for _ in range(parts)
    ]
    d_hidden, d_memory = d_last
    summands = tf.pad(d_hidden[tf.newaxis], [[0, 4 // parts - 1], [0, 0], [0, 0]])
    d_hidden, d_memory, _, *written = scan_backward(
        length, step, (summands, d_memory, last_memory, *places)
    )
    return [array.stack() for array in written], (tf.reduce_sum(d_hidden, axis=0), d_memory)


def _retreat(
    d_output: Tensor, d_h: Tensor, d_c: Tensor, c: Tensor, c_before: Tensor, *kept: Tensor
) -> tuple[Tensor, ...]:
    """The gradient of c before a character, and of its pre-activations.

    That of h is given as summands, (S, H, B).
    """
    dtype = c.dtype
    # cast before they are taken apart: XLA would make a copy of each narrow gate
    i, f, g, o = apart([tf.cast(part, dtype) for part in kept], 4)
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
    return d_c * sigmoid_from_tanh(f), *(tf.cast(d, kept[0].dtype) for d in d_gates)
