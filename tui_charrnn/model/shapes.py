"""Names, shapes and gate order of a model's tensors.

Notation: V vocabulary size, E embedding size, H hidden size, L layers, G gates of the cell.
All tensors are float32 in memory. A layer computes its pre-activations as

    z = x @ kernel + h @ recurrent_kernel + bias        (B, G·H)

with the gates concatenated along the last axis, in Keras's order:

    lstm    i, f, c̃, o    (G = 4)   input, forget, candidate, output
    gru     z, r, h̃        (G = 3)   update, reset, candidate; two biases (2, G·H), one for each
                                     product; the reset gate is applied after the product
    rnn     h̃              (G = 1)

With layer normalization (lstm only) a gate is normalized over its H units before it is activated,
and so is c before its tanh:

    z = gate_gain * norm(x @ kernel + h @ recurrent_kernel) + bias, gate by gate
    h = o * tanh(memory_gain * norm(c) + memory_bias)
    norm(v) = (v - mean(v)) / sqrt(var(v) + 1e-5)

A bidirectional model has a second stack of the same shape, `backward.layers.N`, and a second output
kernel. Character t is predicted from the forward stack, which has read the text before it, and from
the backward stack, which has read the text after it, from the right end of the window:

    logits = h_forward @ output.kernel + h_backward @ backward.output.kernel + output.bias
"""

import math
from typing import Final

from tui_charrnn.config import ModelConfig

GATE_COUNTS: Final = {"lstm": 4, "gru": 3, "rnn": 1}
BACKWARD: Final = "backward."
"""Prefix of the names of the second stack."""
STATES_PER_LAYER: Final = {"lstm": 2, "gru": 1, "rnn": 1}
"""LSTM layers have h and c, the others h."""


def tensor_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every stored tensor, in order of computation.

    A tied output kernel is the embedding and is not stored.
    """
    shapes: dict[str, tuple[int, ...]] = {"embedding": (vocabulary_size, config.embedding_size)}
    stack = _stack_shapes(config)
    shapes |= stack
    if not config.tied_output:
        stack["output.kernel"] = shapes["output.kernel"] = (config.hidden_size, vocabulary_size)
    shapes["output.bias"] = (vocabulary_size,)
    if config.reads_both:
        shapes |= {BACKWARD + name: shape for name, shape in stack.items()}
    return shapes


def _stack_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Return the tensors of L layers, the lowest first."""
    size, width = config.hidden_size, GATE_COUNTS[config.cell] * config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(config.layer_count):
        inputs = config.embedding_size if layer == 0 else size
        shapes[f"layers.{layer}.kernel"] = (inputs, width)
        shapes[f"layers.{layer}.recurrent_kernel"] = (size, width)
        shapes[f"layers.{layer}.bias"] = (2, width) if config.cell == "gru" else (width,)
        if config.layer_norm:
            shapes[f"layers.{layer}.gate_gain"] = (width,)
            shapes[f"layers.{layer}.memory_gain"] = (size,)
            shapes[f"layers.{layer}.memory_bias"] = (size,)
    return shapes


def parameter_count(config: ModelConfig, vocabulary_size: int) -> int:
    """Return the number of trainable parameters."""
    shapes = tensor_shapes(config, vocabulary_size).values()
    return sum(map(math.prod, shapes))
