"""Dropout masks, each a pure function of the step, so that no random state needs saving.

One random byte decides per value, so dropout rates are multiples of 1/256. The bytes are drawn
before the compiled step. For a CPU, NumPy draws them: its generator is ten times as fast as
TensorFlow's, which is several times as fast as its compiled form (benchmarks/tries.md). For a GPU,
TensorFlow draws them on the device, so that they need no transfer. The two give different bytes.

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
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.training.engine.recurrence import Tensor

Draw: TypeAlias = Callable[[Sequence[int], Sequence[int], Tensor], Tensor]
"""Takes a shape, a seed and a step; returns random bytes of that shape, determined by all three."""
Fuse: TypeAlias = Callable[[Callable[..., Tensor]], Callable[..., Tensor]]
"""As `Arithmetic.fuse`."""

_WEIGHTS: Final = 32  # first seed index of weight masks; lower ones are for output masks


class NoiseSource:
    """Draws the random bytes of a training step, by `draw_on_host` or `draw_on_device`.

    `first_shard` is the number of the batch's shards before this engine's.
    """

    def __init__(
        self, model: ModelConfig, training: TrainingConfig, draw: Draw, first_shard: int = 0
    ) -> None:
        self._model = model
        self._training = training
        self._draw_bytes = draw
        self._first_shard = first_shard

    def draw_for_weights(self, step: Tensor) -> list[Tensor]:
        """Draw bytes for each layer's recurrent kernel, (H, G·H), equal for the whole batch."""
        if not self._training.recurrent_weight_dropout:
            return []
        size = self._model.hidden_size
        shape = (size, GATE_COUNTS[self._model.cell] * size)
        return [self._draw(shape, 0, step, _WEIGHTS + layer) for layer in self._layers]

    def draw_for_outputs(self, step: Tensor, shard: int, length: int, streams: int) -> list[Tensor]:
        """Draw bytes for each layer's outputs, (T, H, B), of one shard of the batch."""
        if not self._training.dropout:
            return []
        shape = (length, self._model.hidden_size, streams)
        place = self._first_shard + shard
        return [self._draw(shape, place, step, layer) for layer in self._layers]

    @property
    def _layers(self) -> range:
        return range(self._model.layer_count)

    def _draw(self, shape: Sequence[int], shard: int, step: Tensor, place: int) -> Tensor:
        return self._draw_bytes(shape, (self._training.rng_seed, shard, place), step)


def draw_on_host(shape: Sequence[int], seed: Sequence[int], step: Tensor) -> Tensor:
    """Draw random bytes with NumPy, which a graph calls."""
    count = math.prod(shape)

    def draw(step: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        words = np.random.SFC64([*seed, int(step)]).random_raw(-(-count // 8))
        return words.view(np.uint8)[:count].reshape(shape)

    with tf.device("CPU"):
        drawn = tf.numpy_function(draw, [step], tf.uint8, stateful=False)
    return tf.ensure_shape(drawn, shape)


def draw_on_device(shape: Sequence[int], seed: Sequence[int], step: Tensor) -> Tensor:
    """Draw random bytes with TensorFlow on the current device."""
    count = math.prod(shape)
    (word,) = np.random.SeedSequence(list(seed)).generate_state(1, np.uint64).view(np.int64)
    with tf.device("CPU"):  # the generator reads its seed on the host
        key = tf.stack([tf.constant(word), tf.cast(step, tf.int64)])
    words = tf.random.stateless_uniform(
        [-(-count // 4)], key, minval=None, maxval=None, dtype=tf.uint32, alg="philox"
    )
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:count], shape)


@dataclass(frozen=True, slots=True)
class Noise:
    """The dropout of one training step of one shard."""

    output_bytes: Sequence[Tensor]
    """From `NoiseSource.draw_for_outputs`."""

    weight_bytes: Sequence[Tensor]
    """From `NoiseSource.draw_for_weights`."""

    dropout: Tensor
    """Dropout rate of each layer's outputs (Zaremba et al. 2014), scalar."""

    weight_dropout: float
    """Dropout rate of the recurrent kernels (Merity et al. 2018)."""

    def drop_outputs(
        self, outputs: Tensor, layer: int, fuse: Fuse, *, has_streams_last: bool = True
    ) -> Tensor:
        """Drop some outputs of a layer, (T, H, B) or (T, B, H), and scale up the others."""
        if not self.output_bytes:
            return outputs
        random = self.output_bytes[layer]
        if not has_streams_last:
            random = tf.transpose(random, [0, 2, 1])
        return fuse(_drop)(outputs, self.dropout, random)

    def drop_weights(self, kernel: Tensor, layer: int, fuse: Fuse) -> Tensor:
        """Drop some weights of a recurrent kernel and scale up the others."""
        if not self.weight_bytes:
            return kernel
        return fuse(_drop)(kernel, self.weight_dropout, self.weight_bytes[layer])


def _drop(values: Tensor, share: Tensor | float, random: Tensor) -> Tensor:
    dropped = tf.minimum(255.0, tf.round(share * 256))
    is_kept = random >= tf.cast(dropped, tf.uint8)
    scale = tf.cast(256 / (256 - dropped), values.dtype)
    return tf.where(is_kept, values * scale, tf.zeros_like(values))
