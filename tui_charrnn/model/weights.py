"""The weights of a model as arrays; `shapes` documents names and notation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.model.shapes import BACKWARD

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

NORM_EPSILON: Final = 1e-5
"""Added to the variance in a normalization."""


class NormWeights(NamedTuple):
    """The parameters of a layer's normalization, except its bias."""

    gate_gain: Float32
    """Shape (G·H,)."""
    memory_gain: Float32
    """Shape (H,)."""
    memory_bias: Float32
    """Shape (H,)."""


class LayerWeights(NamedTuple):
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
    backward: "ModelWeights | None" = None
    """The second stack of a bidirectional model, with the same embedding and an output bias of 0;
    else None."""
    temperature: float = 1.0
    """The calibrated temperature, which divides the network's logits; see `Calibration`."""

    @property
    def calibrated_output(self) -> tuple[Float32, Float32]:
        """Output kernel (H, V) and bias (V,), divided by the temperature."""
        if self.temperature == 1:
            return self.output_kernel, self.output_bias
        return self.output_kernel / self.temperature, self.output_bias / self.temperature

    def at_temperature(self, temperature: float) -> "ModelWeights":
        """Return the same weights with another calibrated temperature."""
        backward = self.backward and self.backward.at_temperature(temperature)
        return replace(self, backward=backward, temperature=temperature)


def weights_from_tensors(tensors: Mapping[str, Float32], config: ModelConfig) -> ModelWeights:
    """Build a model's weights from tensors by the names of `tensor_shapes`."""
    embedding = tensors["embedding"]
    backward = None
    if config.reads_both:
        names = {name.removeprefix(BACKWARD): name for name in tensors if name.startswith(BACKWARD)}
        second = {name: tensors[stored] for name, stored in names.items()}
        second |= {"embedding": embedding, "output.bias": np.zeros_like(tensors["output.bias"])}
        backward = weights_from_tensors(second, replace(config, direction="forward"))
    return ModelWeights(
        embedding=embedding,
        layers=tuple(_layer(tensors, layer, config) for layer in range(config.layer_count)),
        output_kernel=embedding.T if config.tied_output else tensors["output.kernel"],
        output_bias=tensors["output.bias"],
        backward=backward,
    )


def _layer(tensors: Mapping[str, Float32], layer: int, config: ModelConfig) -> LayerWeights:
    names = (*LayerWeights._fields[:3], *(NormWeights._fields if config.layer_norm else ()))
    kernel, recurrent_kernel, bias, *norm = (tensors[f"layers.{layer}.{name}"] for name in names)
    return LayerWeights(kernel, recurrent_kernel, bias, NormWeights(*norm) if norm else None)


_VOCABULARY_AXES: Final = {
    "embedding": 0,
    "output.kernel": 1,
    f"{BACKWARD}output.kernel": 1,
    "output.bias": 0,
}
"""The vocabulary axis of each tensor that has one."""


def grown_tensors(tensors: Mapping[str, Float32], added: int) -> dict[str, Float32]:
    """Return a model's tensors with `added` more characters, each the mean of the others."""
    grown = dict(tensors)
    for name, axis in _VOCABULARY_AXES.items():
        if name in grown and added:
            mean = grown[name].mean(axis, dtype=np.float64, keepdims=True).astype(np.float32)
            grown[name] = np.concatenate([grown[name], mean.repeat(added, axis)], axis)
    return grown


def tensors_from_weights(weights: ModelWeights, config: ModelConfig) -> dict[str, Float32]:
    """Return the stored tensors by name: the inverse of `weights_from_tensors`."""
    tensors = {"embedding": weights.embedding}
    for index, layer in enumerate(weights.layers):
        named = {**layer._asdict(), **(layer.norm._asdict() if layer.norm else {})}
        del named["norm"]
        tensors |= {f"layers.{index}.{name}": tensor for name, tensor in named.items()}
    if not config.tied_output:
        tensors["output.kernel"] = weights.output_kernel
    tensors["output.bias"] = weights.output_bias
    if weights.backward is not None:
        second = tensors_from_weights(weights.backward, replace(config, direction="forward"))
        del second["embedding"], second["output.bias"]
        tensors |= {BACKWARD + name: tensor for name, tensor in second.items()}
    return tensors


def not_finite_error(of: Literal["scores", "states"] = "scores") -> ModelFileError:
    """Return the error to raise if a model's logits or states are not finite."""
    return ModelFileError(
        "The model's scores are not finite numbers. Its weights are too large; it must be trained "
        "again with a lower learning rate."
        if of == "scores"
        else "The model's states are not finite numbers. Its weights are too large; it must be "
        "trained again with a lower learning rate."
    )
