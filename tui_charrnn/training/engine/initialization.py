"""The random weights that a network begins with."""

from collections.abc import Iterator
from typing import Final

import keras
import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import Float32

EMBEDDING_LIMIT: Final = 3.0
"""Embeddings begin uniform within this on both sides, so that what a character brings to the
first layer's gates has a standard deviation of about 0.6. Keras's 0.05 leaves the gates nearly
blind to their input for the first thousand steps."""
TIED_EMBEDDING_LIMIT: Final = 0.1
"""Where the embedding is the output layer as well, larger numbers would begin as wild logits."""


def initial_tensors(config: ModelConfig, vocabulary_size: int, rng_seed: int) -> dict[str, Float32]:
    """Uniform embeddings, Glorot uniform kernels, orthogonal recurrent kernels, zero biases.

    The forget bias of an LSTM is 1 (Jozefowicz et al. 2015), and so are all gains.

    Args:
        config: Shape of the network.
        vocabulary_size: V.
        rng_seed: The same seed gives the same weights.

    Returns:
        By the names and in the order of `tensor_shapes`.
    """
    seeds = map(int, np.random.SeedSequence(rng_seed).generate_state(2 + 2 * config.layer_count))
    shapes = tensor_shapes(config, vocabulary_size)
    return {name: _draw(name, shape, config, seeds) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...], config: ModelConfig, seeds: Iterator[int]) -> Float32:
    if name.endswith("gain"):
        return np.ones(shape, np.float32)
    if name.endswith("bias"):
        zeros = np.zeros(shape, np.float32)
        if config.cell == "lstm" and name.startswith("layers") and name.endswith(".bias"):
            zeros[config.hidden_size : 2 * config.hidden_size] = 1
        return zeros
    initializer: keras.Initializer
    if name == "embedding":
        limit = TIED_EMBEDDING_LIMIT if config.tied_output else EMBEDDING_LIMIT
        initializer = keras.initializers.RandomUniform(-limit, limit, seed=next(seeds))
    elif name.endswith("recurrent_kernel"):
        initializer = keras.initializers.Orthogonal(seed=next(seeds))
    else:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    return np.array(initializer(shape), np.float32)
