"""A network with recurrent layers of a library: cuDNN's kernels, or Keras's layers.

It has the same parameters and results as `training/engine/network.py`.

**cuDNN.** Keras's layer uses the operation `CudnnRNNV3`, which supports only cuDNN's standard
algorithm. For each new shape, `CudnnRNNV2` times all algorithms of cuDNN, including kernels that
keep the recurrent weights on the chip, and uses the fastest. It takes all parameters of a layer as
one vector: the input weights by gate, the recurrent weights by gate, then the biases of both in
the same order. The weights of a gate are a matrix (H, D) in row order, the transpose of this
program's. The gates of an LSTM are in this program's order i, f, c̃, o; those of a GRU are r, z,
h̃, here z, r, h̃. There are two biases per gate; for an LSTM or simple RNN, which need one, the
first is zero.

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
from tui_charrnn.training.engine.recurrence import Arithmetic, Tensor

RunLayer: TypeAlias = Callable[
    [Sequence[Tensor], Tensor, Sequence[Tensor]], tuple[Tensor, list[Tensor]]
]
"""Takes a layer's weights, inputs (T, B, D) and states (B, H); returns outputs (T, B, H) and
states, all in the same precision."""

_FUSE: Final = Arithmetic().fuse  # compiles nothing
KERAS_LAYERS: Final = {
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "rnn": keras.layers.SimpleRNN,
}


def cudnn_layers(config: ModelConfig) -> list[RunLayer]:
    """Return the layers as cuDNN kernels, which require a GPU."""
    run_layer: RunLayer = partial(run_cudnn_layer, config.cell)
    return [run_layer] * config.layer_count


def keras_layers(config: ModelConfig, dtype: tf.DType = tf.float32) -> list[RunLayer]:
    """Return the layers of Keras, which use cuDNN for lstm and gru on a GPU.

    `stateless_call` casts states and weights, but not inputs, to the layer's dtype.
    """
    layers: list[RunLayer] = []
    for number in range(config.layer_count):
        layer = KERAS_LAYERS[config.cell](
            config.hidden_size,
            return_sequences=True,
            return_state=True,
            dtype=dtype.name,
            recurrent_initializer="zeros",  # never used; a random one would be slow
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
    """A character-level language model with L recurrent layers of a library.

    `dtype` is that of the layers, and of the factors of the output product. Softmax and carried
    states are float32; but layers in bfloat16 take c in bfloat16. Rounding c between windows of 64
    characters changed the validation loss by at most 0.0002 (lstm, H 128, 800 steps, two seeds).
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
        """Run a window of characters as `HandwrittenNetwork.forward` does."""
        named = dict(zip(self._names, parameters, strict=True))
        per_layer = STATES_PER_LAYER[self._cell]
        hidden = _look_up(tf.cast(named["embedding"], self._dtype), inputs)  # (T, B, E)
        new_states: list[Tensor] = []
        for index, run_layer in enumerate(self._layers):
            recurrent_kernel = named[f"layers.{index}.recurrent_kernel"]
            if noise is not None:
                recurrent_kernel = noise.drop_weights(recurrent_kernel, index, _FUSE)
            kernel, bias = named[f"layers.{index}.kernel"], named[f"layers.{index}.bias"]
            before = states[index * per_layer : (index + 1) * per_layer]
            hidden, after = run_layer(
                self._narrow([kernel, recurrent_kernel, bias]), hidden, self._narrow(before)
            )  # (T, B, H)
            new_states += [tf.cast(state, tf.float32) for state in after]
            if noise is not None:
                hidden = noise.drop_outputs(hidden, index, _FUSE, has_streams_last=False)
        kernel = named.get("output.kernel")
        if kernel is None:
            kernel = tf.transpose(named["embedding"])
        rows = tf.reshape(hidden, (-1, kernel.shape[0]))  # one product, not one per character
        logits = tf.cast(tf.matmul(rows, tf.cast(kernel, self._dtype)), tf.float32)
        logits += named["output.bias"]
        return tf.reshape(logits, (inputs.shape[0], -1, logits.shape[1])), new_states

    def _narrow(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tf.cast(each, self._dtype) for each in tensors]


def _look_up(table: Tensor, inputs: Tensor) -> Tensor:
    """Look up the row of each character: (V, E) and (T, B) to (T, B, E).

    For small vocabularies the gradient is a product, as a parallel scatter-add into few rows is
    slow on a GPU.
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
"""For each of cuDNN's gates, the index of this program's gate."""


def flatten_parameters(cell: str, kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor) -> Tensor:
    """Return the parameters of a layer as cuDNN's parameter vector.

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
    """Flatten G gates of H rows each in another order."""
    gates = tf.split(stacked, len(order))
    return tf.concat([tf.reshape(gates[place], [-1]) for place in order], axis=0)


def run_cudnn_layer(
    cell: str, weights: Sequence[Tensor], inputs: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Run a layer over a sequence; all tensors have the same precision.

    Args:
        cell: `lstm`, `gru` or `rnn`.
        weights: As for `flatten_parameters`.
        inputs: Shape (T, B, D).
        states: Before the first character, h and c for lstm, h otherwise; each (B, H).

    Returns:
        h after every character, shape (T, B, H), and the states after the last. Differentiable
        with respect to weights, inputs and states.
    """
    first_hidden, *memories = (state[tf.newaxis] for state in states)  # (1, B, H): one layer
    first_memory = memories[0] if memories else tf.zeros([], inputs.dtype)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
    def run(
        inputs: Tensor, hidden: Tensor, memory: Tensor, parameters: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], object]:
        given = {
            "input": inputs,
            "input_h": hidden,
            "input_c": memory,
            "params": parameters,
            "rnn_mode": _MODES[cell],
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

    parameters = flatten_parameters(cell, *weights)
    outputs, *after = run(inputs, first_hidden, first_memory, parameters)
    return outputs, [state[0] for state in after[: len(states)]]
