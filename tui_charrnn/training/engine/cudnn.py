"""NVIDIA's cuDNN for one recurrent layer, forward and backward, and the layout of its parameters.

Keras's layer takes the operation `CudnnRNNV3`, which knows cuDNN's standard algorithm only. When it
first meets a shape, `CudnnRNNV2` times all that cuDNN has, kernels that keep the recurrent weights
on the chip among it, and goes on with the fastest.

**Layout.** cuDNN takes all parameters of a layer as one vector: the input's weights gate by gate,
the recurrent weights gate by gate, then the biases of both in the same order. The weights of a gate
are a matrix (H, D) row by row, the transpose of ours. The gates of an LSTM stand in our order
i, f, c̃, o; those of a GRU as r, z, h̃, ours as z, r, h̃. There are two biases for each gate; of an
LSTM or simple network, which need one, the first is zero.

Notation: T sequence length, B streams, D inputs, H hidden size, G gates.

Source: NVIDIA, cuDNN documentation, `cudnnGetRNNWeightParams`; TensorFlow,
`core/kernels/cudnn_rnn_ops.cc`.
"""

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

from tui_charrnn.training.engine.recurrence import Tensor

_MODES: Final = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}
_GATE_ORDERS: Final = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2), "rnn": (0,)}
"""For each of cuDNN's gates, which of ours it is."""


def flatten_parameters(cell: str, kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor) -> Tensor:
    """The parameters of a layer as the vector that cuDNN takes.

    Args:
        cell: `lstm`, `gru` or `rnn`.
        kernel: Shape (D, G·H).
        recurrent_kernel: Shape (H, G·H).
        bias: Shape (G·H,), or (2, G·H) for gru: of the input and of the recurrent product.
    """
    order = _GATE_ORDERS[cell]
    if cell != "gru":
        bias = tf.stack([tf.zeros_like(bias), bias])
    matrices = (tf.transpose(kernel), tf.transpose(recurrent_kernel), bias[0], bias[1])
    return tf.concat([_gate_by_gate(each, order) for each in matrices], axis=0)


def _gate_by_gate(stacked: Tensor, order: Sequence[int]) -> Tensor:
    """G gates of H rows each, flattened in another order."""
    gates = tf.split(stacked, len(order))
    return tf.concat([tf.reshape(gates[place], [-1]) for place in order], axis=0)


def run_cudnn_layer(
    cell: str, weights: Sequence[Tensor], inputs: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Read a sequence; everything in one precision, which is that of the result.

    Args:
        cell: `lstm`, `gru` or `rnn`.
        weights: As `flatten_parameters` takes them.
        inputs: Shape (T, B, D).
        states: Before the first character, h and c for lstm, h otherwise; each (B, H).

    Returns:
        h after every character, shape (T, B, H), and the states after the last. Differentiable
        with respect to weights, inputs and states.
    """
    hidden, *memories = (state[tf.newaxis] for state in states)  # (1, B, H): one layer
    memory = memories[0] if memories else tf.zeros([], inputs.dtype)
    parameters = flatten_parameters(cell, *weights)
    outputs, *after = _differentiable(_MODES[cell])(inputs, hidden, memory, parameters)
    return outputs, [state[0] for state in after[: len(states)]]


def _differentiable(mode: str) -> Tensor:
    """CuDNN's forward operation with the backward operation that belongs to it."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        inputs: Tensor, hidden: Tensor, memory: Tensor, parameters: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        given = {
            "input": inputs,
            "input_h": hidden,
            "input_c": memory,
            "params": parameters,
            "rnn_mode": mode,
        }
        outputs, last_hidden, last_memory, reserve_space, host_reserved = tf.raw_ops.CudnnRNNV2(
            **given, is_training=True
        )

        def gradient(d_outputs: Tensor, d_hidden: Tensor, d_memory: Tensor) -> tuple[Tensor, ...]:
            return tuple(
                tf.raw_ops.CudnnRNNBackpropV2(
                    **given,
                    output=outputs,
                    output_h=last_hidden,
                    output_c=last_memory,
                    output_backprop=d_outputs,
                    output_h_backprop=d_hidden,
                    output_c_backprop=d_memory,
                    reserve_space=reserve_space,
                    host_reserved=host_reserved,
                )
            )

        return (outputs, last_hidden, last_memory), gradient

    return run
