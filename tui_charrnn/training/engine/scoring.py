"""Scores a text with states of its own, carried from window to window.

Notation: T sequence length, R streams, H hidden size.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Windows


class Scorer:
    """Scores held-out text, the streams of a window cut into shards as a batch's are.

    Args:
        forward: As `HandwrittenNetwork.forward`.
        parameters: What is scored, in the order that `forward` wants.
        state_shape: Number of states, and H.
        threads: Where shards are computed.
        shards: How many.
        options: Of `tf.function`.
    """

    def __init__(
        self,
        forward: Callable[..., tuple[Tensor, list[Tensor]]],
        parameters: Sequence[Tensor],
        state_shape: tuple[int, int],
        threads: Executor,
        shards: int,
        **options: Any,
    ) -> None:
        self._forward = forward
        self._parameters = parameters
        self._state_shape = state_shape
        self._threads = threads
        self._shard_count = shards
        self._score = tf.function(self._score_window, **options)

    def score(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """The mean loss of a text, nats per character, or None if it was asked to stop.

        Args:
            windows: Inputs, targets and weights, each of shape (R, T); weight 0 pads.
            should_stop: Asked before every window.
        """
        total, count = 0.0, 0.0
        states: list[list[Tensor]] = []
        for window in windows:
            if should_stop():
                return None
            streams = len(window[0])
            rows = np.array_split(np.arange(streams), min(self._shard_count, streams))
            states = states or [self._zero_states(len(part)) for part in rows]
            parts = [tuple(array[part] for array in window) for part in rows]
            losses, after = zip(*self._threads.map(self._score_part, parts, states), strict=True)
            states = list(after)
            total += sum(float(loss) for loss in losses)
            count += float(window[2].sum(dtype=np.float64))
        return total / count

    def _zero_states(self, streams: int) -> list[Tensor]:
        count, size = self._state_shape
        return [tf.zeros((streams, size)) for _ in range(count)]

    def _score_part(
        self, window: tuple[npt.NDArray[Any], ...], states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        loss, after = self._score(*(tf.constant(array) for array in window), states)
        return loss, list(after)

    def _score_window(
        self, inputs: Tensor, targets: Tensor, weights: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        logits, after = self._forward(self._parameters, tf.transpose(inputs), states)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.transpose(targets), logits=logits
        )
        return tf.reduce_sum(losses * tf.transpose(weights)), after
