"""The loss of a batch and its gradient, shard by shard.

Notation: T sequence length, B streams, H hidden size.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.engine.noise import Noise, NoiseSource
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Batch


class ShardResult(NamedTuple):
    """What a shard adds to its batch."""

    loss: Tensor
    """Its part of the batch's mean loss."""
    gradients: list[Tensor]
    """Of that part, one for each parameter."""
    states: list[Tensor]
    """After the window, each (B, H)."""


class GradientComputer:
    """Computes the gradient of a batch in shards of neighboring streams, each in a thread.

    Arguments as of `Scorer`; `noise` draws the dropout masks.
    """

    def __init__(
        self,
        forward: Callable[..., tuple[Tensor, list[Tensor]]],
        parameters: Sequence[Tensor],
        config: TrainingConfig,
        noise: NoiseSource,
        threads: Executor,
        **options: Any,
    ) -> None:
        self._forward = forward
        self._parameters = parameters
        self._shares = (config.dropout, config.recurrent_weight_dropout)
        self._noise = noise
        self._threads = threads
        self._differentiate = tf.function(self._shard_gradient, **options)

    def compute(
        self,
        batch: Batch,
        shards: Sequence[npt.NDArray[np.intp]],
        states: Sequence[list[Tensor]],
        step: int,
    ) -> list[ShardResult]:
        """The results of all shards, in their order.

        Args:
            batch: Inputs, targets, and which streams carry their state on.
            shards: The rows of each.
            states: Of each, before the window.
            step: The masks are a function of it.
        """
        weight_bytes = self._noise.draw_for_weights(step)
        share = tf.constant(1 / batch.inputs.size, tf.float32)

        def differentiate(shard: int) -> ShardResult:
            rows = shards[shard]
            window = tuple(tf.constant(array[rows]) for array in batch)
            length = batch.inputs.shape[1]
            output_bytes = self._noise.draw_for_outputs(step, shard, length, len(rows))
            masks = (output_bytes, weight_bytes)
            result = self._differentiate(window, states[shard], masks, share)
            return ShardResult(*result)

        return list(self._threads.map(differentiate, range(len(shards))))

    def differentiate(
        self, window: tuple[Tensor, Tensor, Tensor], states: list[Tensor], step: Tensor
    ) -> ShardResult:
        """The result of a batch in one shard, for a graph that is being traced; as `compute`.

        Args:
            window: Inputs and targets, (B, T), and which streams carry their state on, (B,).
            states: Before the window, each (B, H).
            step: Scalar, int64.
        """
        streams, length = window[0].shape
        masks = (
            self._noise.draw_for_outputs(step, 0, length, streams),
            self._noise.draw_for_weights(step),
        )
        share = tf.constant(1 / (streams * length), tf.float32)
        return ShardResult(*self._differentiate(window, states, masks, share))

    def _shard_gradient(
        self,
        window: tuple[Tensor, Tensor, Tensor],
        states: list[Tensor],
        masks: tuple[list[Tensor], list[Tensor]],
        share: Tensor,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        inputs, targets, carried = window
        before = [state * carried[:, tf.newaxis] for state in states]  # (B, H)
        noise = Noise(*masks, *self._shares)
        parameters = list(self._parameters)
        with tf.GradientTape() as tape:
            logits, after = self._forward(parameters, tf.transpose(inputs), before, noise)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.transpose(targets), logits=logits
            )  # (T, B)
            loss = tf.reduce_sum(losses) * share
        # A look-up's gradient comes as one row a character read, the same character many times:
        # only when the rows are added up is it the gradient that norm and moments are made of.
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, parameters)]
        return loss, gradients, after
