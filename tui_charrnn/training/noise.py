"""Random masks against overfitting, each a pure function of the step: nothing has to be saved.

A random byte decides on a number, so a share is one of 256ths. They are drawn before the compiled
step and given to it, by NumPy: its generator is ten times as fast as TensorFlow's, which is several
times as fast as what a compiler makes of it (benchmarks/results.md).

Notation: T sequence length, B streams, H hidden size, G gates, L layers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.model.weights import GATE_COUNTS
from tui_charrnn.training.recurrence import Tensor

Fuse: TypeAlias = Callable[[Callable[..., Tensor]], Callable[..., Tensor]]
"""As `Arithmetic.fuse`."""

_WEIGHTS: Final = 32  # from here on the places of a step's weight masks; below it of its outputs


def _as_it_is(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return function


class NoiseSource:
    """Draws the random bytes of a training step.

    Args:
        model: Shape of the network.
        training: Shares that are dropped, and the RNG seed.
        first_shard: Shards of the batch that others draw for.
    """

    def __init__(self, model: ModelConfig, training: TrainingConfig, first_shard: int = 0) -> None:
        self._model = model
        self._training = training
        self._first_shard = first_shard

    def draw_for_weights(self, step: int | Tensor) -> list[Tensor]:
        """Bytes for each layer's recurrent kernel, (H, G·H), the same for the whole batch."""
        if not self._training.recurrent_weight_dropout:
            return []
        size = self._model.hidden_size
        shape = (size, GATE_COUNTS[self._model.cell] * size)
        return [self._draw(shape, 0, step, _WEIGHTS + layer) for layer in self._layers]

    def draw_for_outputs(
        self, step: int | Tensor, shard: int, length: int, streams: int
    ) -> list[Tensor]:
        """Bytes for each layer's outputs, (T, H, B), of one shard of the batch."""
        if not self._training.dropout:
            return []
        shape = (length, self._model.hidden_size, streams)
        place = self._first_shard + shard
        return [self._draw(shape, place, step, layer) for layer in self._layers]

    @property
    def _layers(self) -> range:
        return range(self._model.layer_count)

    def _draw(self, shape: Sequence[int], shard: int, step: int | Tensor, place: int) -> Tensor:
        seed = (self._training.rng_seed, shard, place)
        with tf.device("CPU"):  # where it is read: on a GPU it would have to be waited for
            if isinstance(step, int):
                return tf.constant(_random_bytes(shape, seed, step))
            drawn = tf.numpy_function(
                lambda number: _random_bytes(shape, seed, int(number)), [step], tf.uint8
            )
        return tf.ensure_shape(drawn, shape)


def _random_bytes(
    shape: Sequence[int], seed: tuple[int, int, int], step: int
) -> npt.NDArray[np.uint8]:
    """The bytes that belong to a seed (RNG seed, shard, place) and a step."""
    count = math.prod(shape)
    words = np.random.SFC64([*seed, step]).random_raw(-(-count // 8))
    return words.view(np.uint8)[:count].reshape(shape)


@dataclass(frozen=True, slots=True)
class Noise:
    """What is dropped in one training step of one shard."""

    output_bytes: Sequence[Tensor]
    """As `NoiseSource.draw_for_outputs` gives them."""
    weight_bytes: Sequence[Tensor]
    """As `NoiseSource.draw_for_weights` gives them."""
    dropout: float
    """Share of each layer's outputs (Zaremba et al. 2014)."""
    weight_dropout: float
    """Share of the recurrent kernels (Merity et al. 2018)."""

    def drop_outputs(self, outputs: Tensor, layer: int, fuse: Fuse = _as_it_is) -> Tensor:
        """Drop some outputs of a layer, (T, H, B), and scale up the others."""
        if not self.output_bytes:
            return outputs
        return fuse(_drop)(outputs, self.dropout, self.output_bytes[layer])

    def drop_weights(self, kernel: Tensor, layer: int, fuse: Fuse = _as_it_is) -> Tensor:
        """Drop some weights of a recurrent kernel and scale up the others."""
        if not self.weight_bytes:
            return kernel
        return fuse(_drop)(kernel, self.weight_dropout, self.weight_bytes[layer])


def _drop(values: Tensor, share: float, random: Tensor) -> Tensor:
    dropped = min(255, round(share * 256))
    is_kept = random >= tf.constant(dropped, tf.uint8)
    return tf.where(is_kept, values * (256 / (256 - dropped)), tf.zeros_like(values))
