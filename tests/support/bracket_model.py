"""A text of nested brackets, and an LSTM built by hand of which one cell counts them."""

import random

import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import tensor_shapes
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.text.vocabulary import Vocabulary

CHARACTERS = "\n()ab"
COUNTING = 3
"""The unit whose cell state is half the number of open brackets."""
DEEPEST = 5


def nested_brackets(length: int, *, rng_seed: int = 0) -> str:
    """Well-nested brackets with letters in between; a line ends where all are closed."""
    draws = random.Random(rng_seed)  # noqa: S311
    characters: list[str] = []
    depth = 0
    while len(characters) < length:
        opening, closing = 0.3 * (depth < DEEPEST), 0.3 * (depth > 0)
        weights = [0.06 * (depth == 0), opening, closing, 0.2, 0.2]
        (each,) = draws.choices(CHARACTERS, weights)
        depth += {"(": 1, ")": -1}.get(each, 0)
        characters.append(each)
    return "".join(characters)


def counting_model(*, hidden_size: int = 6, layer_count: int = 1) -> Model:
    """Small random weights, but for one cell of the lowest layer, which counts open brackets."""
    config = ModelConfig(embedding_size=5, hidden_size=hidden_size, layer_count=layer_count)
    rng = np.random.default_rng(1)
    tensors = {
        name: (0.4 * rng.standard_normal(shape)).astype(np.float32)
        for name, shape in tensor_shapes(config, len(CHARACTERS)).items()
    }
    tensors["embedding"] = np.eye(5, dtype=np.float32)
    kernel, recurrent = tensors["layers.0.kernel"], tensors["layers.0.recurrent_kernel"]
    bias = tensors["layers.0.bias"]
    gates = [gate * hidden_size + COUNTING for gate in range(4)]
    kernel[:, gates] = recurrent[:, gates] = 0
    # input and forget gate stand open; the candidate is tanh(atanh(1/2)) at a bracket
    bias[gates] = [30, 30, 0, 0]
    kernel[CHARACTERS.index("("), gates[2]] = np.arctanh(0.5)
    kernel[CHARACTERS.index(")"), gates[2]] = -np.arctanh(0.5)
    weights = weights_from_tensors(tensors, config)
    return Model(config, Vocabulary(CHARACTERS), weights, corpus={}, training={})
