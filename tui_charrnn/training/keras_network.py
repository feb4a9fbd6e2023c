"""The network on a GPU: Keras's layers, which take cuDNN's kernels there.

The same parameters, the same numbers as `training/network.py`, which is for processors.
"""

from collections.abc import Sequence
from typing import Final

import keras
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.weights import STATES_PER_LAYER, tensor_shapes
from tui_charrnn.training.noise import Noise
from tui_charrnn.training.recurrence import Tensor

_LAYERS: Final = {
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "rnn": keras.layers.SimpleRNN,
}


class KerasNetwork:
    """A character-level language model with L recurrent layers of Keras.

    Args:
        config: Cell, E, H, L, tying.
        vocabulary_size: V.
        precision: `bfloat16` for the layers' arithmetic, or `float32`; the softmax is always in
            float32.
        use_cudnn: True insists on cuDNN, False refuses it.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary_size: int,
        precision: str,
        use_cudnn: bool = True,
    ) -> None:
        self._config = config
        self._names = tuple(tensor_shapes(config, vocabulary_size))
        policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
        self._layers = [
            self._build_layer(layer, policy, use_cudnn) for layer in range(config.layer_count)
        ]

    def _build_layer(self, layer: int, policy: str, use_cudnn: bool) -> keras.Layer:
        config = self._config
        options = {} if config.cell == "rnn" else {"use_cudnn": use_cudnn}
        built = _LAYERS[config.cell](
            config.hidden_size, return_sequences=True, return_state=True, dtype=policy, **options
        )
        inputs = config.embedding_size if layer == 0 else config.hidden_size
        built.build((None, None, inputs))
        return built

    def forward(
        self,
        parameters: Sequence[Tensor],
        inputs: Tensor,
        states: Sequence[Tensor],
        noise: Noise | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Read a window of characters; as `HandwrittenNetwork.forward`."""
        named = dict(zip(self._names, parameters, strict=True))
        per_layer = STATES_PER_LAYER[self._config.cell]
        hidden = tf.gather(named["embedding"], tf.transpose(inputs))  # (B, T, E)
        new_states: list[Tensor] = []
        for index, layer in enumerate(self._layers):
            kernel = named[f"layers.{index}.recurrent_kernel"]
            if noise is not None:
                kernel = noise.drop_weights(kernel, index)
            weights = [named[f"layers.{index}.kernel"], kernel, named[f"layers.{index}.bias"]]
            before = list(states[index * per_layer : (index + 1) * per_layer])
            (hidden, *after), _ = layer.stateless_call(
                weights, layer.non_trainable_variables, hidden, initial_state=before
            )  # (B, T, H)
            new_states += [tf.cast(state, tf.float32) for state in after]
            if noise is not None:
                dropped = noise.drop_outputs(tf.transpose(hidden, [1, 2, 0]), index)
                hidden = tf.transpose(dropped, [2, 0, 1])
        hidden = tf.transpose(tf.cast(hidden, tf.float32), [1, 0, 2])  # (T, B, H)
        kernel = named.get("output.kernel")
        if kernel is None:
            kernel = tf.transpose(named["embedding"])
        return tf.matmul(hidden, kernel) + named["output.bias"], new_states
