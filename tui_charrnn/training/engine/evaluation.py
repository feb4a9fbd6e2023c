"""Evaluation of a network, with fixed weights or with weights that learn (dynamic evaluation).

Dynamic evaluation lets a model learn from text after predicting it. Every character is predicted
before the model learns from it, so the loss is fair; but it is the loss of a model that adapts, and
is always reported separately.

Source: Krause, Kahembwe, Murray & Renals 2018, "Dynamic evaluation of neural sequence models":
steps scaled by the root mean square of the training gradients, and a decay back to the trained
weights. The mean squares are those of Adam.

Notation: T sequence length, R streams, H hidden size.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Windows


class Scorer:
    """Evaluates held-out text, with the streams of a window split into shards.

    Args:
        forward: As `HandwrittenNetwork.forward`.
        parameters: In the order of `forward`.
        state_shape: Number of states, and H.
        threads: Compute the shards.
        shards: Number of shards.
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
        """Evaluate as `Engine.evaluate` does."""
        total, characters = 0.0, 0.0
        states: list[list[Tensor]] = []
        for window in windows:
            if should_stop():
                return None
            streams = len(window[0])
            rows = np.array_split(np.arange(streams), min(self._shard_count, streams))
            count, size = self._state_shape
            states = states or [[tf.zeros((len(part), size))] * count for part in rows]
            parts = [tuple(array[part] for array in window) for part in rows]
            losses, after = zip(*self._threads.map(self._score_part, parts, states), strict=True)
            states = list(after)
            total += sum(float(loss) for loss in losses)
            characters += float(window[2].sum(dtype=np.float64))
        return total / characters

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


PULL: Final = 0.02
"""Maximum decay towards the trained weights per window, as a share of the difference."""
_FLOOR: Final = 1e-8

Forward = Callable[[Sequence[Tensor], Tensor, Sequence[Tensor]], tuple[Tensor, list[Tensor]]]


class DynamicEvaluation:
    """Evaluates a text with a copy of the weights that learns from it.

    Args:
        forward: As `HandwrittenNetwork.forward`.
        parameters: The trained weights; not modified.
        mean_squares: Mean square of each parameter's training gradient, of its shape.
        learning_rate: Length of a step for a gradient of average size.
        is_compiled: Whether XLA compiles the step.
    """

    def __init__(
        self,
        forward: Forward,
        parameters: Sequence[Tensor],
        mean_squares: Sequence[Tensor],
        learning_rate: float,
        is_compiled: bool,
    ) -> None:
        self._forward = forward
        self._learned = parameters
        self._weights = [tf.Variable(parameter, trainable=False) for parameter in parameters]
        roots = [tf.sqrt(square) for square in mean_squares]
        mean = tf.add_n([tf.reduce_sum(root) for root in roots]) / sum(
            int(np.prod(root.shape)) for root in roots
        )
        # Without the mean, parameters with rare gradients would take the longest steps.
        self._scales = [1 / (root + mean + _FLOOR) for root in roots]
        self._pulls = [PULL * tf.minimum(1.0, root / (mean + _FLOOR)) for root in roots]
        self._learning_rate = learning_rate
        self._step = tf.function(self._score_and_learn, jit_compile=is_compiled, autograph=False)

    def evaluate(
        self, windows: Windows, state_shape: Sequence[int], should_stop: Callable[[], bool]
    ) -> float | None:
        """Evaluate windows in order as `Engine.evaluate` does, and learn from each afterwards."""
        count, size = state_shape
        total, characters = 0.0, 0.0
        states: list[Tensor] = []
        for inputs, targets, weights in windows:
            if should_stop():
                return None
            states = states or [tf.zeros((len(inputs), size)) for _ in range(count)]
            arrays = (tf.constant(array) for array in (inputs, targets, weights))
            loss, states = self._step(*arrays, states)
            total += float(loss)
            characters += float(weights.sum(dtype=np.float64))
        return total / characters

    def _score_and_learn(
        self, inputs: Tensor, targets: Tensor, weights: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        values = [tf.identity(weight) for weight in self._weights]
        with tf.GradientTape() as tape:
            tape.watch(values)
            logits, after = self._forward(values, tf.transpose(inputs), states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.transpose(targets), logits=logits
            )
            total = tf.reduce_sum(losses * tf.transpose(weights))
            mean = total / tf.maximum(tf.reduce_sum(weights), 1.0)
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(mean, values)]
        parts = zip(
            self._weights,
            values,
            gradients,
            self._learned,
            self._scales,
            self._pulls,
            strict=True,
        )
        for variable, value, gradient, learned, scale, pull in parts:
            moved = value - self._learning_rate * gradient * scale
            variable.assign(moved + pull * (learned - moved))
        return total, after
