"""The network whose recurrent layers come from a library: cuDNN's kernels, or Keras's layers.

The same parameters, the same numbers as `training/engine/network.py`.

**cuDNN.** Keras's layer takes the operation `CudnnRNNV3`, which knows cuDNN's standard algorithm
only. When it first meets a shape, `CudnnRNNV2` times all that cuDNN has, kernels that keep the
recurrent weights on the chip among it, and goes on with the fastest. It takes all parameters of a
layer as one vector: the input's weights gate by gate, the recurrent weights gate by gate, then the
biases of both in the same order. The weights of a gate are a matrix (H, D) row by row, the
transpose of ours. The gates of an LSTM stand in our order i, f, c̃, o; those of a GRU as r, z, h̃,
ours as z, r, h̃. There are two biases for each gate; of an LSTM or simple network, which need one,
the first is zero.

Notation: T sequence length, B streams, D inputs, E embedding size, H hidden size, G gates, V
vocabulary size.

Source: NVIDIA, cuDNN documentation, `cudnnGetRNNWeightParams`; TensorFlow,
`core/kernels/cudnn_rnn_ops.cc`.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

import keras
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import STATES_PER_LAYER, tensor_shapes
from tui_charrnn.training.engine.network import ONE_HOT_LIMIT
from tui_charrnn.training.engine.noise import Noise
from tui_charrnn.training.engine.recurrence import Tensor

RunLayer: TypeAlias = Callable[
    [Sequence[Tensor], Tensor, Sequence[Tensor]], tuple[Tensor, list[Tensor]]
]
"""Takes a layer's weights, inputs (T, B, D) and states (B, H); returns outputs (T, B, H), states.
All of them are in one precision."""

_KERAS_LAYERS: Final = {
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "rnn": keras.layers.SimpleRNN,
}


def cudnn_layers(config: ModelConfig) -> list[RunLayer]:
    """The layers as cuDNN's kernels, which run on a GPU only."""
    run_layer: RunLayer = partial(run_cudnn_layer, config.cell)
    return [run_layer] * config.layer_count


def keras_layers(config: ModelConfig, dtype: tf.DType = tf.float32) -> list[RunLayer]:
    """The layers as Keras has them; where there is a GPU, lstm and gru take cuDNN by themselves.

    `stateless_call` casts states and weights to what the layer was built in, and no inputs.
    """
    layers: list[RunLayer] = []
    for number in range(config.layer_count):
        layer = _KERAS_LAYERS[config.cell](
            config.hidden_size,
            return_sequences=True,
            return_state=True,
            dtype=dtype.name,
            recurrent_initializer="zeros",  # never read, and a random one takes long
        )
        layer.build((None, None, config.hidden_size if number else config.embedding_size))
        layers.append(partial(_run_keras_layer, layer))
    return layers


def _run_keras_layer(
    layer: keras.Layer, weights: Sequence[Tensor], inputs: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    (outputs, *after), _ = layer.stateless_call(
        list(weights),
        layer.non_trainable_variables,
        tf.transpose(inputs, [1, 0, 2]),
        initial_state=list(states),
    )
    return tf.transpose(outputs, [1, 0, 2]), after


class LibraryNetwork:
    """A character-level language model whose L recurrent layers are a library's.

    Args:
        config: Cell, E, H, L, tying.
        vocabulary_size: V.
        layers: One function a layer.
        dtype: Of what the layers compute, and of the factors of the last product. The softmax is in
            float32, and so is what is carried; but layers in bfloat16 take c in bfloat16. That it
            is rounded between windows of 64 characters changed the validation loss by 0.0002 at
            most (lstm, H 128, 800 steps, two seeds).
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary_size: int,
        layers: Sequence[RunLayer],
        dtype: tf.DType = tf.float32,
    ) -> None:
        self._cell = config.cell
        self._names = tuple(tensor_shapes(config, vocabulary_size))
        self._layers = layers
        self._dtype = dtype

    def forward(
        self,
        parameters: Sequence[Tensor],
        inputs: Tensor,
        states: Sequence[Tensor],
        noise: Noise | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Read a window of characters; as `HandwrittenNetwork.forward`."""
        named = dict(zip(self._names, parameters, strict=True))
        per_layer = STATES_PER_LAYER[self._cell]
        hidden = _look_up(tf.cast(named["embedding"], self._dtype), inputs)  # (T, B, E)
        new_states: list[Tensor] = []
        for index, run_layer in enumerate(self._layers):
            recurrent_kernel = named[f"layers.{index}.recurrent_kernel"]
            if noise is not None:
                recurrent_kernel = noise.drop_weights(recurrent_kernel, index)
            kernel, bias = named[f"layers.{index}.kernel"], named[f"layers.{index}.bias"]
            before = states[index * per_layer : (index + 1) * per_layer]
            hidden, after = run_layer(
                self._narrow([kernel, recurrent_kernel, bias]), hidden, self._narrow(before)
            )  # (T, B, H)
            new_states += [tf.cast(state, tf.float32) for state in after]
            if noise is not None:
                hidden = noise.drop_outputs(hidden, index, has_streams_last=False)
        kernel = named.get("output.kernel")
        if kernel is None:
            kernel = tf.transpose(named["embedding"])
        rows = tf.reshape(hidden, (-1, kernel.shape[0]))  # one product, and not one a character
        logits = tf.cast(tf.matmul(rows, tf.cast(kernel, self._dtype)), tf.float32)
        logits += named["output.bias"]
        return tf.reshape(logits, (inputs.shape[0], -1, logits.shape[1])), new_states

    def _narrow(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tf.cast(each, self._dtype) for each in tensors]


def _look_up(table: Tensor, inputs: Tensor) -> Tensor:
    """The row of each character: (V, E) and (T, B) to (T, B, E).

    A gather; for few characters its gradient is a product, as on a GPU the sum of rows into a few
    places, all at once, makes them wait for each other.
    """
    if table.shape[0] > ONE_HOT_LIMIT:
        return tf.gather(table, inputs)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def look_up(table: Tensor) -> tuple[Tensor, object]:
        def gradient(d_rows: Tensor) -> Tensor:
            flat = tf.reshape(d_rows, (-1, table.shape[1]))
            rows = tf.one_hot(tf.reshape(inputs, [-1]), table.shape[0], dtype=flat.dtype)
            return tf.matmul(rows, flat, transpose_a=True)

        return tf.gather(table, inputs), gradient

    return look_up(table)


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
