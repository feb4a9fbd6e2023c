"""The simple recurrent layer with its gradient written by hand; as in `training/engine/lstm.py`.

Notation: T sequence length, B streams, H hidden size. Layout: `training/engine/recurrence.py`.

Source: the equation in docs/lstm.md, section 4, differentiated.
"""

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

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
    with_first,
    write_all,
)

GATE_SCALES: Final = (1.0,)


def run_rnn(
    inputs: Sequence[Tensor],
    recurrent_kernel: Tensor,
    states: Sequence[Tensor],
    arithmetic: Arithmetic,
    keep: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence.

    Args:
        inputs: What the input and the bias contribute: one tensor of shape (T, H, B).
        recurrent_kernel: Shape (H, H); narrow.
        states: h before the first character, (H, B).
        arithmetic: How matrices are multiplied.
        keep: Of `resets_of`.

    Returns:
        h after every character, shape (T, H, B), and the last h. Differentiable with respect to
        all arguments.
    """
    length, at = inputs[0].shape[0], reader_of(keep)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        projected: Tensor, kernel: Tensor, first: Tensor
    ) -> tuple[tuple[Tensor, Tensor], object]:
        transposed, reads = tf.transpose(kernel), readable(projected)

        def forward(t: Tensor, h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
            h = remembered(at(t), h)
            recurrent = tf.cast(arithmetic.product(transposed, h), h.dtype)
            h = tf.tanh(reads.read(t) + recurrent)
            return h, *write_all(kept, t, (h,))

        last, kept = scan_forward(length, forward, (first, *histories(1, length, first)))
        outputs = kept.stack()

        def gradient(d_outputs: Tensor, d_last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            d_reads, h_reads = readable(d_outputs), readable(outputs)

            def backward(t: Tensor, d_h: Tensor, *kept: tf.TensorArray) -> tuple[object, ...]:
                h = h_reads.read(t)
                d_input = (d_h + d_reads.read(t)) * (1 - h * h)
                d_before = tf.cast(arithmetic.product(kernel, d_input), d_input.dtype)
                return remembered(at(t), d_before), *write_all(kept, t, (d_input,))

            d_first, kept = scan_backward(length, backward, (d_last, *histories(1, length, d_last)))
            d_projected = kept.stack()
            hidden = flatten_time(remembered(keep, with_first(first, outputs)))
            d_kernel = arithmetic.product(hidden, flatten_time(d_projected), transpose_b=True)
            return d_projected, d_kernel, d_first

        return (outputs, last), gradient

    outputs, hidden = run(inputs[0], recurrent_kernel, *states)
    return outputs, [hidden]
