"""The network in TensorFlow: embedding, recurrent layers with explicit states, softmax.

States go into `forward` and come out of it; nobody else holds them. Keras's own `stateful=True`
would lock the batch size and hide the states from checkpoints.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.weights import STATES_PER_LAYER, Float32, tensor_shapes

Tensor: TypeAlias = Any  # TensorFlow publishes no types
_LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}

EMBEDDING_LIMIT = 3.0
"""Embeddings begin uniform within this on both sides, so that what a character brings to the
first layer's gates has a standard deviation of about 0.6. Keras's 0.05 leaves the gates nearly
blind to their input for the first thousand steps."""
TIED_EMBEDDING_LIMIT = 0.1
"""Where the embedding is the output layer as well, larger numbers would begin as wild logits."""


class Network:
    """A character-level language model with L recurrent layers.

    Args:
        config: Cell, E, H, L, tying.
        vocabulary_size: V.
        rng_seed: Start of the random initial weights: uniform embeddings, Glorot uniform kernels,
            orthogonal recurrent kernels, forget bias 1 (Jozefowicz et al. 2015).
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, rng_seed: int) -> None:
        self._config = config
        seeds = iter(np.random.SeedSequence(rng_seed).generate_state(2 + 2 * config.layer_count))
        limit = TIED_EMBEDDING_LIMIT if config.tied_output else EMBEDDING_LIMIT
        uniform = keras.initializers.RandomUniform(-limit, limit, seed=int(next(seeds)))
        shape = (vocabulary_size, config.embedding_size)
        self._embedding = tf.Variable(uniform(shape), name="embedding")
        self._layers = [self._build_layer(layer, seeds) for layer in range(config.layer_count)]
        glorot = keras.initializers.GlorotUniform(seed=int(next(seeds)))
        self._output_kernel = (
            None
            if config.tied_output
            else tf.Variable(glorot((config.hidden_size, vocabulary_size)), name="output.kernel")
        )
        self._output_bias = tf.Variable(tf.zeros(vocabulary_size), name="output.bias")
        self.tensor_names = tuple(tensor_shapes(config, vocabulary_size))

    def _build_layer(self, layer: int, seeds: Any) -> Any:
        config = self._config
        built = _LAYERS[config.cell](
            config.hidden_size,
            return_sequences=True,
            return_state=True,
            kernel_initializer=keras.initializers.GlorotUniform(seed=int(next(seeds))),
            recurrent_initializer=keras.initializers.Orthogonal(seed=int(next(seeds))),
        )
        inputs = config.embedding_size if layer == 0 else config.hidden_size
        built.build((None, None, inputs))
        return built

    @property
    def parameters(self) -> list[Tensor]:
        """The learned variables, in the order of `tensor_names`."""
        variables = [self._embedding]
        for layer in self._layers:
            variables += [weight.value for weight in layer.trainable_weights]
        if self._output_kernel is not None:
            variables.append(self._output_kernel)
        return [*variables, self._output_bias]

    def state_shapes(self, batch_size: int) -> list[tuple[int, int]]:
        """Shape (B, H) of every state: h and c of each layer for lstm, h of each otherwise."""
        count = self._config.layer_count * STATES_PER_LAYER[self._config.cell]
        return [(batch_size, self._config.hidden_size)] * count

    def forward(
        self,
        inputs: Tensor,
        states: Sequence[Tensor],
        dropout: float = 0.0,
        dropout_seed: Tensor | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Read a window of characters.

        Args:
            inputs: Indices, shape (B, T), int32.
            states: As many of shape (B, H) as `state_shapes` says.
            dropout: Share of each layer's outputs that is dropped, the rest scaled up.
            dropout_seed: Shape (2,), int64: the mask is a function of it alone.

        Returns:
            Logits, shape (B, T, V), and the states after the window.
        """
        per_layer = STATES_PER_LAYER[self._config.cell]
        hidden = tf.gather(self._embedding, inputs)  # (B, T, E)
        new_states: list[Tensor] = []
        for index, layer in enumerate(self._layers):
            before = list(states[index * per_layer : (index + 1) * per_layer])
            hidden, *after = layer(hidden, initial_state=before)  # (B, T, H)
            new_states += after
            if dropout:
                layer_seed = dropout_seed + tf.constant([0, index], tf.int64)
                hidden = tf.nn.experimental.stateless_dropout(hidden, dropout, layer_seed)
        if self._output_kernel is None:
            logits = tf.matmul(hidden, self._embedding, transpose_b=True)
        else:
            logits = tf.matmul(hidden, self._output_kernel)
        return logits + self._output_bias, new_states  # (B, T, V)

    def tensors(self) -> dict[str, Float32]:
        """Copies of the parameters by name, as a model file holds them."""
        values = [np.array(variable.numpy(), np.float32) for variable in self.parameters]
        return dict(zip(self.tensor_names, values, strict=True))
