"""Dynamic evaluation: a model that goes on learning from the text that it has just been scored on.

Every character is predicted before anything is learned from it, so the score is fair; but it is
the score of a model that adapts, and is told apart from the plain one everywhere.

Source: Krause, Kahembwe, Murray & Renals 2018, "Dynamic evaluation of neural sequence models":
steps scaled by the root mean square of the gradients of training, and a pull back to the weights
that were learned there. The mean squares are those that Adam keeps.

Notation: T sequence length, R streams, H hidden size.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import tensorflow as tf

from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Windows

PULL: Final = 0.02
"""Share of the way back to the learned weights that is gone after every window, at most."""
_FLOOR: Final = 1e-8

Forward = Callable[[Sequence[Tensor], Tensor, Sequence[Tensor]], tuple[Tensor, list[Tensor]]]


class DynamicEvaluation:
    """Scores a text with weights of its own that follow it.

    Args:
        forward: As `HandwrittenNetwork.forward`.
        parameters: The learned weights; they stay as they are.
        mean_squares: Of the gradient of each while training, of its shape.
        learning_rate: Length of a step where the gradient is as large as it was on average.
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
        # What hardly ever had a gradient would otherwise take the longest steps.
        self._scales = [1 / (root + mean + _FLOOR) for root in roots]
        self._pulls = [PULL * tf.minimum(1.0, root / (mean + _FLOOR)) for root in roots]
        self._learning_rate = learning_rate
        self._step = tf.function(self._score_and_learn, jit_compile=is_compiled, autograph=False)

    def evaluate(
        self, windows: Windows, state_shape: Sequence[int], should_stop: Callable[[], bool]
    ) -> float | None:
        """Score the windows in their order, learning from each after it was scored.

        Args:
            windows: Inputs, targets and weights, each of shape (R, T); weight 0 pads.
            state_shape: Number of states and H.
            should_stop: Asked before every window.

        Returns:
            The mean loss, nats per character, or None if it was asked to stop.
        """
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
