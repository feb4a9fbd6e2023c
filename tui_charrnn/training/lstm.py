"""The LSTM layer with its gradient written by hand.

Backpropagation through time (Werbos 1990) needs for each character only what one line of algebra
gives; TensorFlow's own gradient of a loop keeps every intermediate result, adds up the gradient
of the recurrent kernel character by character, and takes two to three times as long. Here the
loops hold nothing but the product that has to wait for the character before; the gradient of the
recurrent kernel is one large product after the backward loop.

With σ(x) = ½ + ½·tanh(x/2), all four gates are a tanh once their pre-activations have been scaled
by `GATE_SCALES`; one vectorized tanh serves them all, and their derivatives have one form.
The scaling is done on the weights, where it costs next to nothing.

Notation: T sequence length, B streams, H hidden size. Layout: `training/recurrence.py`.

Source: the equations in docs/lstm.md, section 6, differentiated; checked in the tests against
finite differences, against Keras's layer and against the NumPy step.
"""

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

from tui_charrnn.training.recurrence import (
    Product,
    Tensor,
    flatten_time,
    gate_rows,
    histories,
    readable,
    scan_backward,
    scan_forward,
    sigmoid_from_tanh,
    with_first,
    write_all,
)

GATE_SCALES: Final = (0.5, 0.5, 1.0, 0.5)
"""Factors of the pre-activations of i, f, c̃, o: a sigmoid is a tanh of half its argument."""


def run_lstm(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    states: Sequence[Tensor],
    product: Product,
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence.

    Args:
        inputs: What the input and the bias contribute to i, f, c̃, o: four of shape (T, H, B),
            scaled by `GATE_SCALES`.
        recurrent_kernel: Shape (H, 4·H), its gates scaled likewise.
        states: h and c before the first character, each (H, B).
        product: How matrices are multiplied.

    Returns:
        h after every character, shape (T, H, B), and the last h and c. Differentiable with
        respect to all arguments.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        i_in: Tensor, f_in: Tensor, g_in: Tensor, o_in: Tensor, kernel: Tensor, *state: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        (outputs, memories, gates), last = _run_forward(
            (i_in, f_in, g_in, o_in), kernel, state, product
        )

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            before = with_first(state[1], memories)
            d_inputs, d_first = _run_backward(
                d_outputs, (d_hidden, d_memory), (memories, before, gates), kernel, product
            )
            hidden = flatten_time(with_first(state[0], outputs))  # (H, T·B)
            d_kernel = [product(hidden, flatten_time(d), transpose_b=True) for d in d_inputs]
            return (*d_inputs, tf.concat(d_kernel, axis=1), *d_first)

        return (outputs, *last), gradient

    outputs, hidden, memory = run(*inputs, recurrent_kernel, *states)
    return outputs, [hidden, memory]


def _run_forward(
    inputs: Sequence[Tensor], kernel: Tensor, state: Sequence[Tensor], product: Product
) -> tuple[tuple[Tensor, Tensor, list[Tensor]], tuple[Tensor, Tensor]]:
    """Outputs, memories and the tanh of every gate, each (T, H, B); the last h and c."""
    length = inputs[0].shape[0]
    transposed = tf.transpose(kernel)  # (4·H, H)
    arrays = [readable(gate) for gate in inputs]

    def step(t: Tensor, h: Tensor, c: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
        recurrent = gate_rows(product(transposed, h), 4)
        i, f, g, o = (
            tf.tanh(array.read(t) + part) for array, part in zip(arrays, recurrent, strict=True)
        )
        c = sigmoid_from_tanh(f) * c + sigmoid_from_tanh(i) * g
        h = sigmoid_from_tanh(o) * tf.tanh(c)
        return h, c, *write_all(kept, t, (h, c, i, f, g, o))

    hidden, memory, *kept = scan_forward(length, step, (*state, *histories(6, length, state[0])))
    outputs, memories, *gates = (array.stack() for array in kept)
    return (outputs, memories, gates), (hidden, memory)


def _run_backward(
    d_outputs: Tensor,
    d_last: tuple[Tensor, Tensor],
    history: tuple[Tensor, Tensor, list[Tensor]],
    kernel: Tensor,
    product: Product,
) -> tuple[list[Tensor], tuple[Tensor, Tensor]]:
    """Gradients of the four inputs, each (T, H, B), and of the first h and c."""
    length = d_outputs.shape[0]
    memories, before, gates = history
    kernels = tf.split(kernel, 4, axis=1)  # each (H, H)
    reads = [readable(sequence) for sequence in (d_outputs, memories, before, *gates)]

    def step(t: Tensor, d_h: Tensor, d_c: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
        d_output, c, c_before, i, f, g, o = (array.read(t) for array in reads)
        tanh_c = tf.tanh(c)
        d_h = d_h + d_output
        d_c = d_c + d_h * sigmoid_from_tanh(o) * (1 - tanh_c * tanh_c)
        # With u = x/2 and a = tanh(u): σ(x) = ½ + ½·a, so dσ/du = ½·(1 - a²).
        half = 0.5 * d_c
        d_gates = (
            half * g * (1 - i * i),
            half * c_before * (1 - f * f),
            d_c * sigmoid_from_tanh(i) * (1 - g * g),
            0.5 * d_h * tanh_c * (1 - o * o),
        )
        d_h = tf.add_n([product(part, d) for part, d in zip(kernels, d_gates, strict=True)])
        return d_h, d_c * sigmoid_from_tanh(f), *write_all(kept, t, d_gates)

    d_hidden, d_memory, *kept = scan_backward(
        length, step, (*d_last, *histories(4, length, d_last[0]))
    )
    return [array.stack() for array in kept], (d_hidden, d_memory)
