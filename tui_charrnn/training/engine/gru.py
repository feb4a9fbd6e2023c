"""GRU and simple RNN layers with hand-written gradients, as in `training/engine/lstm.py`.

Notation: T sequence length, B streams, H hidden size. Layout: `training/engine/recurrence.py`.

Source: the equations in docs/lstm.md, sections 4 and 7, differentiated.
"""

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

from tui_charrnn.training.engine.recurrence import (
    Arithmetic,
    Tensor,
    before_each,
    flatten_time,
    mask_reader,
    masked,
    new_array,
    readable,
    scan,
    sigmoid_from_tanh,
    split_rows,
    write_all,
)

GATE_SCALES: Final = (0.5, 0.5, 1.0)
"""Factors of the pre-activations of z, r, h̃: a sigmoid is a tanh of half its argument."""


def run_gru(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    candidate_bias: Tensor,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Run a GRU layer over a sequence as `run_lstm` does, with h as the only state.

    `inputs` are the contributions of input and biases to z, r, h̃ outside the reset gate: three
    tensors scaled by `GATE_SCALES`, whose precision is used throughout. The kernel is (H, 3·H). The
    candidate bias, (H,), is that of the recurrent product in h̃, inside the reset gate.
    """
    length, mask_at = inputs[0].shape[0], mask_reader(keep)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        z_in: Tensor, r_in: Tensor, g_in: Tensor, kernel: Tensor, bias: Tensor, first: Tensor
    ) -> tuple[tuple[Tensor, Tensor], object]:
        transposed = tf.transpose(kernel)  # (3·H, H)
        given = [readable(gate) for gate in (z_in, r_in, g_in)]

        def forward(t: Tensor, h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
            h = masked(h, mask_at(t))
            z_part, r_part, candidate = split_rows(
                tf.cast(arithmetic.product(transposed, h), h.dtype), 3
            )
            candidate += bias[:, tf.newaxis]
            z_in, r_in, g_in = (array.read(t) for array in given)
            z, r = tf.tanh(z_in + z_part), tf.tanh(r_in + r_part)
            g = tf.tanh(g_in + sigmoid_from_tanh(r) * candidate)
            share = sigmoid_from_tanh(z)
            h = share * h + (1 - share) * g
            return h, *write_all(kept, t, (h, z, r, g, candidate))

        places = [new_array(length, first) for _ in range(5)]
        last, *written = scan(range(length), forward, (first, *places))
        outputs, *kept = (array.stack() for array in written)  # each (T, H, B)

        def gradient(d_outputs: Tensor, d_last: Tensor) -> tuple[Tensor, ...]:
            kernels = tf.split(kernel, 3, axis=1)  # each (H, H)
            before = masked(before_each(first, outputs), keep)
            reads = [readable(sequence) for sequence in (d_outputs, before, *kept)]

            def backward(t: Tensor, d_h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
                d_output, before, z, r, g, candidate = (array.read(t) for array in reads)
                d_h = d_h + d_output
                share = sigmoid_from_tanh(z)
                d_g = d_h * (1 - share) * (1 - g * g)
                d_z = 0.5 * d_h * (before - g) * (1 - z * z)
                d_r = 0.5 * d_g * candidate * (1 - r * r)
                d_candidate = d_g * sigmoid_from_tanh(r)
                parts = zip(kernels, (d_z, d_r, d_candidate), strict=True)
                products = [tf.cast(arithmetic.product(part, d), d_h.dtype) for part, d in parts]
                d_before = d_h * share + tf.add_n(products)
                return masked(d_before, mask_at(t)), *write_all(
                    kept, t, (d_z, d_r, d_g, d_candidate)
                )

            places = [new_array(length, d_last) for _ in range(4)]
            d_first, *written = scan(range(length)[::-1], backward, (d_last, *places))
            d_z, d_r, d_g, d_candidate = (array.stack() for array in written)
            hidden = flatten_time(before)  # (H, T·B)
            d_kernel = [
                arithmetic.product(hidden, flatten_time(d), transpose_b=True)
                for d in (d_z, d_r, d_candidate)
            ]
            d_bias = tf.reduce_sum(d_candidate, axis=[0, 2])
            return d_z, d_r, d_g, tf.concat(d_kernel, axis=1), d_bias, d_first

        return (outputs, last), gradient

    outputs, hidden = run(*inputs, recurrent_kernel, candidate_bias, *states)
    return outputs, [hidden]


def run_rnn(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Run a simple RNN layer as `run_gru` does: one tensor of inputs, and a kernel (H, H)."""
    length, mask_at = inputs[0].shape[0], mask_reader(keep)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        projected: Tensor, kernel: Tensor, first: Tensor
    ) -> tuple[tuple[Tensor, Tensor], object]:
        transposed, reads = tf.transpose(kernel), readable(projected)

        def forward(t: Tensor, h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
            h = masked(h, mask_at(t))
            recurrent = tf.cast(arithmetic.product(transposed, h), h.dtype)
            h = tf.tanh(reads.read(t) + recurrent)
            return h, *write_all(kept, t, (h,))

        last, kept = scan(range(length), forward, (first, new_array(length, first)))
        outputs = kept.stack()

        def gradient(d_outputs: Tensor, d_last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            d_reads, h_reads = readable(d_outputs), readable(outputs)

            def backward(t: Tensor, d_h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
                h = h_reads.read(t)
                d_input = (d_h + d_reads.read(t)) * (1 - h * h)
                d_before = tf.cast(arithmetic.product(kernel, d_input), d_input.dtype)
                return masked(d_before, mask_at(t)), *write_all(kept, t, (d_input,))

            place = new_array(length, d_last)
            d_first, kept = scan(range(length)[::-1], backward, (d_last, place))
            d_projected = kept.stack()
            hidden = flatten_time(masked(before_each(first, outputs), keep))
            d_kernel = arithmetic.product(hidden, flatten_time(d_projected), transpose_b=True)
            return d_projected, d_kernel, d_first

        return (outputs, last), gradient

    outputs, hidden = run(inputs[0], recurrent_kernel, *states)
    return outputs, [hidden]
