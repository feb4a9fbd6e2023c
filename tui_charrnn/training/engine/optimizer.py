"""Adam and AdamW, fused: one pass over each parameter does all of it.

Keras's optimizer takes a dozen operations a parameter, each with a trip through memory; written
out, the compiler makes one loop of them, with the average of the weights in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import tensorflow as tf

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.engine.recurrence import Tensor

FIRST_DECAY: Final = 0.9
EPSILON: Final = 1e-7


@dataclass(frozen=True, slots=True)
class _Slots:
    """What the optimizer keeps of one parameter."""

    first: Tensor
    second: Tensor
    average: Tensor | None


class Optimizer:
    """Adam (Kingma & Ba 2015), with decoupled decay of the matrices (Loshchilov & Hutter 2019).

    The configuration chooses one of them, the decays, and whether weights are averaged.
    """

    def __init__(self, config: TrainingConfig, parameters: dict[str, Tensor]) -> None:
        self._config = config
        self._parameters = parameters
        self._slots = {name: self._new_slots(value) for name, value in parameters.items()}

    def _new_slots(self, parameter: Tensor) -> _Slots:
        is_averaged = self._config.average_decay is not None
        return _Slots(
            tf.Variable(tf.zeros_like(parameter), trainable=False),
            tf.Variable(tf.zeros_like(parameter), trainable=False),
            tf.Variable(parameter, trainable=False) if is_averaged else None,
        )

    @property
    def averages(self) -> list[Tensor] | None:
        """The averaged parameters, in the order of the parameters; None if nothing is averaged."""
        averages = [slots.average for slots in self._slots.values()]
        return None if self._config.average_decay is None else averages

    @property
    def mean_squares(self) -> list[Tensor]:
        """The running mean square of each parameter's gradient."""
        return [slots.second for slots in self._slots.values()]

    @property
    def variables(self) -> dict[str, Tensor]:
        """All that has to be saved of the moments, by name."""
        first = {f"moment1.{name}": slots.first for name, slots in self._slots.items()}
        return first | {f"moment2.{name}": slots.second for name, slots in self._slots.items()}

    def numbers(self, step: int, learning_rate: float) -> np.ndarray:
        """What `take_step` needs, all of it a function of the step: shape (3,), float32."""
        config = self._config
        first, second = 1 - FIRST_DECAY**step, 1 - config.second_moment_decay**step
        decay = config.weight_decay if config.optimizer == "adamw" else 0.0
        # Early on a long average would hardly leave the random weights behind.
        average = min(config.average_decay or 0.0, (1 + step) / (10 + step))
        return np.array(
            [learning_rate * math.sqrt(second) / first, learning_rate * decay, average], np.float32
        )

    def take_step(
        self,
        losses: Sequence[Tensor],
        gradients: Sequence[Sequence[Tensor]],
        numbers: Tensor,
        is_wanted: Tensor | bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Add up the shards of a batch, clip the gradient to its limit, and take the step.

        Losses are scalars, gradients one for each parameter, `numbers` from `numbers`. The step is
        not taken where it is not wanted, or loss or gradient are not finite.

        Returns:
            The loss, and the norm of the gradient before it was clipped.
        """
        loss = tf.add_n(list(losses))
        summed = [tf.add_n(list(parts)) for parts in zip(*gradients, strict=True)]
        norm = tf.linalg.global_norm(summed)
        is_applied = tf.math.is_finite(loss) & tf.math.is_finite(norm) & is_wanted
        limit = self._config.gradient_norm_limit
        if limit is not None:
            scale = limit / tf.maximum(norm, limit)
            summed = [gradient * scale for gradient in summed]
        self._apply(summed, numbers, is_applied)
        return loss, norm

    def _apply(self, gradients: Sequence[Tensor], numbers: Tensor, is_applied: Tensor) -> None:
        """Take one step, or none: where not `is_applied`, all stays as it is to the bit."""
        rate, decay, average_decay = tf.unstack(numbers)
        for (name, parameter), gradient in zip(self._parameters.items(), gradients, strict=True):
            slots = self._slots[name]
            first = FIRST_DECAY * slots.first + (1 - FIRST_DECAY) * gradient
            decay_rate = self._config.second_moment_decay
            second = decay_rate * slots.second + (1 - decay_rate) * gradient * gradient
            kept = parameter if name.endswith(("bias", "gain")) else parameter * (1 - decay)
            value = kept - rate * first / (tf.sqrt(second) + EPSILON)
            changes = [(slots.first, first), (slots.second, second), (parameter, value)]
            if slots.average is not None:
                average = average_decay * slots.average + (1 - average_decay) * value
                changes.append((slots.average, average))
            for variable, new in changes:
                variable.assign(tf.where(is_applied, new, variable))
