"""Names, shapes and gate order of a model's tensors, stated once for every part of the program.

Notation: V vocabulary size, E embedding size, H hidden size, L layers, G gates of the cell.
All tensors are float32 in memory. A layer computes its pre-activations as

    z = x @ kernel + h @ recurrent_kernel + bias        (B, G·H)

with the gates side by side along the last axis, in Keras's order:

    lstm    i, f, c̃, o    (G = 4)   input, forget, candidate, output
    gru     z, r, h̃        (G = 3)   update, reset, candidate; two biases (2, G·H), one for each
                                     product, the reset gate applied after the product
    rnn     h̃              (G = 1)

With layer normalization (lstm only) a gate is normalized over its H units before it is activated,
and so is c before its tanh:

    z = gate_gain * norm(x @ kernel + h @ recurrent_kernel) + bias, gate by gate
    h = o * tanh(memory_gain * norm(c) + memory_bias)
    norm(v) = (v - mean(v)) / sqrt(var(v) + 1e-5)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.model_config import ModelConfig

Float32 = npt.NDArray[np.float32]

GATE_COUNTS: Final = {"lstm": 4, "gru": 3, "rnn": 1}
NORM_EPSILON: Final = 1e-5
"""What is added to the variance of what is normalized."""
STATES_PER_LAYER: Final = {"lstm": 2, "gru": 1, "rnn": 1}
"""LSTM layers carry h and c, the others h."""


@dataclass(frozen=True, slots=True)
class NormWeights:
    """The parameters of a layer's normalization beside its bias."""

    gate_gain: Float32
    """Shape (G·H,)."""
    memory_gain: Float32
    """Shape (H,)."""
    memory_bias: Float32
    """Shape (H,)."""


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """The parameters of one recurrent layer with inputs of size D."""

    kernel: Float32
    """Shape (D, G·H)."""
    recurrent_kernel: Float32
    """Shape (H, G·H)."""
    bias: Float32
    """Shape (G·H,); (2, G·H) for gru."""
    norm: NormWeights | None = None
    """None without layer normalization."""


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """All parameters of a model."""

    embedding: Float32
    """Shape (V, E)."""
    layers: tuple[LayerWeights, ...]
    output_kernel: Float32
    """Shape (H, V); the transposed embedding where the output is tied."""
    output_bias: Float32
    """Shape (V,)."""


def tensor_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every stored tensor, in the order of the computation.

    A tied output kernel is not stored: it is the embedding.
    """
    size, width = config.hidden_size, GATE_COUNTS[config.cell] * config.hidden_size
    shapes: dict[str, tuple[int, ...]] = {"embedding": (vocabulary_size, config.embedding_size)}
    for layer in range(config.layer_count):
        inputs = config.embedding_size if layer == 0 else size
        shapes[f"layers.{layer}.kernel"] = (inputs, width)
        shapes[f"layers.{layer}.recurrent_kernel"] = (size, width)
        shapes[f"layers.{layer}.bias"] = (2, width) if config.cell == "gru" else (width,)
        if config.layer_norm:
            shapes[f"layers.{layer}.gate_gain"] = (width,)
            shapes[f"layers.{layer}.memory_gain"] = (size,)
            shapes[f"layers.{layer}.memory_bias"] = (size,)
    if not config.tied_output:
        shapes["output.kernel"] = (size, vocabulary_size)
    shapes["output.bias"] = (vocabulary_size,)
    return shapes


def parameter_count(config: ModelConfig, vocabulary_size: int) -> int:
    """How many numbers are learned."""
    shapes = tensor_shapes(config, vocabulary_size).values()
    return sum(int(np.prod(shape, dtype=np.int64)) for shape in shapes)


def weights_from_tensors(tensors: Mapping[str, Float32], config: ModelConfig) -> ModelWeights:
    """Arrange tensors by name into a model's weights.

    Args:
        tensors: By the names of `tensor_shapes`, of those shapes.
        config: The model they belong to.
    """
    embedding = tensors["embedding"]
    return ModelWeights(
        embedding=embedding,
        layers=tuple(
            LayerWeights(
                kernel=tensors[f"layers.{layer}.kernel"],
                recurrent_kernel=tensors[f"layers.{layer}.recurrent_kernel"],
                bias=tensors[f"layers.{layer}.bias"],
                norm=_norm_from_tensors(tensors, layer) if config.layer_norm else None,
            )
            for layer in range(config.layer_count)
        ),
        output_kernel=embedding.T if config.tied_output else tensors["output.kernel"],
        output_bias=tensors["output.bias"],
    )


def _norm_from_tensors(tensors: Mapping[str, Float32], layer: int) -> NormWeights:
    return NormWeights(
        gate_gain=tensors[f"layers.{layer}.gate_gain"],
        memory_gain=tensors[f"layers.{layer}.memory_gain"],
        memory_bias=tensors[f"layers.{layer}.memory_bias"],
    )


def tensors_from_weights(weights: ModelWeights, config: ModelConfig) -> dict[str, Float32]:
    """The stored tensors by name: the inverse of `weights_from_tensors`."""
    tensors = {"embedding": weights.embedding}
    for index, layer in enumerate(weights.layers):
        tensors[f"layers.{index}.kernel"] = layer.kernel
        tensors[f"layers.{index}.recurrent_kernel"] = layer.recurrent_kernel
        tensors[f"layers.{index}.bias"] = layer.bias
        if layer.norm is not None:
            tensors[f"layers.{index}.gate_gain"] = layer.norm.gate_gain
            tensors[f"layers.{index}.memory_gain"] = layer.norm.memory_gain
            tensors[f"layers.{index}.memory_bias"] = layer.norm.memory_bias
    if not config.tied_output:
        tensors["output.kernel"] = weights.output_kernel
    tensors["output.bias"] = weights.output_bias
    return tensors
