"""Training steps: the loss of a batch, the Adam update, and calls of several steps.

Keras's optimizer runs a dozen operations per parameter, each with a pass through memory; this
implementation lets the compiler fuse them into one loop, including the average of the weights.

**A call** takes K steps. On a CPU, K is 1. The host queues work for a GPU and waits only when it
reads a loss. If a step takes a few milliseconds, waiting after each step leaves the GPU idle while
the next one is prepared. Here the host waits once for K steps. Several devices, of one or more
processes, run the same call and average their gradients within it.

Notation: K steps of a call, T sequence length, B streams of a device, H hidden size.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from tui_charrnn.config import TrainingConfig
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine.noise import Noise
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Batch, BatchResult

Forward: TypeAlias = Callable[..., tuple[Tensor, list[Tensor]]]
"""As `HandwrittenNetwork.forward`."""


def character_losses(
    forward: Forward,
    parameters: Sequence[Tensor],
    inputs: Tensor,
    targets: Tensor,
    states: Sequence[Tensor],
    noise: Noise | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Return the loss of each character of a window (B, T), shape (T, B), and the states after it.

    The other arguments are those of `HandwrittenNetwork.forward`.
    """
    logits, after = forward(parameters, tf.transpose(inputs), states, noise)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.transpose(targets), logits=logits
    )
    return losses, after


PULL: Final = 0.02
"""Maximum decay towards the trained weights per window, as a share of the difference."""
_FLOOR: Final = 1e-8


def learning_step_of(
    forward: Forward,
    trained: Sequence[Tensor],
    mean_squares: Sequence[Tensor],
    learning_rate: float,
) -> Callable[..., tuple[Tensor, list[Tensor]]]:
    """Return a function of a window and its states to the sum of losses and the states after.

    It has a copy of the weights, which learns in each call. The mean squares are those of each
    parameter's training gradient, of its shape.
    """
    copies = [tf.Variable(parameter, trainable=False) for parameter in trained]
    roots = [tf.sqrt(square) for square in mean_squares]
    mean = tf.add_n([tf.reduce_sum(root) for root in roots]) / sum(
        int(np.prod(root.shape)) for root in roots
    )
    # Without the mean, parameters with rare gradients would take the longest steps.
    scales = [1 / (root + mean + _FLOOR) for root in roots]
    pulls = [PULL * tf.minimum(1.0, root / (mean + _FLOOR)) for root in roots]

    def learn(
        inputs: Tensor, targets: Tensor, weights: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        values = [tf.identity(copy) for copy in copies]
        with tf.GradientTape() as tape:
            tape.watch(values)
            losses, after = character_losses(forward, values, inputs, targets, states)
            total = tf.reduce_sum(losses * tf.transpose(weights))
            mean = total / tf.maximum(tf.reduce_sum(weights), 1.0)
        gradients = map(tf.convert_to_tensor, tape.gradient(mean, values))
        parts = zip(copies, values, gradients, trained, scales, pulls, strict=True)
        for copy, value, gradient, goal, scale, pull in parts:
            moved = value - learning_rate * gradient * scale
            copy.assign(moved + pull * (goal - moved))
        return total, after

    return learn


def add_shards(results: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Return the sums over the shards of a batch of loss and gradients."""
    return [tf.add_n(list(parts)) for parts in zip(*results, strict=True)]


FIRST_DECAY: Final = 0.9
EPSILON: Final = 1e-7


class Optimizer:
    """Adam (Kingma & Ba 2015), or AdamW with weight decay of matrices (Loshchilov & Hutter 2019).

    The configuration selects one of them, the decays, and whether weights are averaged.
    """

    def __init__(self, config: TrainingConfig, parameters: dict[str, Tensor]) -> None:
        self._config = config
        self._parameters = parameters
        self.means, self.mean_squares = (
            [tf.Variable(tf.zeros_like(each), trainable=False) for each in parameters.values()]
            for _ in range(2)
        )
        """Running means of each parameter's gradient and of its square: the moments."""
        self.averages: list[Tensor] | None = None
        """The averages of the parameters; None if weights are not averaged."""
        if config.average_decay is not None:
            self.averages = [tf.Variable(each, trainable=False) for each in parameters.values()]

    @property
    def variables(self) -> dict[str, Tensor]:
        """The moments to save, by name."""
        moments = {"moment1": self.means, "moment2": self.mean_squares}
        return {
            f"{kind}.{name}": moment
            for kind, each in moments.items()
            for name, moment in zip(self._parameters, each, strict=True)
        }

    def numbers(self, first_step: int, learning_rates: Sequence[float]) -> Float32:
        """Return learning rate, weight decay and average decay of K consecutive steps: (K, 3)."""
        config = self._config
        rows = []
        weight_decay = config.weight_decay if config.optimizer == "adamw" else 0.0
        for step, rate in enumerate(learning_rates, first_step):
            first, second = 1 - FIRST_DECAY**step, 1 - config.second_moment_decay**step
            # At the start, a long average would consist mostly of the random initial weights.
            average = min(config.average_decay or 0.0, (1 + step) / (10 + step))
            rows.append((rate * math.sqrt(second) / first, rate * weight_decay, average))
        return np.array(rows, np.float32)

    def take_step(
        self, results: Sequence[Sequence[Tensor]], numbers: Tensor, is_wanted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sum the shards of a batch, clip the gradient, and apply the step.

        `results` has the loss of each shard, a scalar, and its gradients, one per parameter;
        `numbers` is from the method `numbers`. The step is not applied if not `is_wanted`, or if
        loss or gradient are not finite.

        Returns:
            The loss, and the norm of the gradient before clipping.
        """
        loss, *summed = add_shards(results)
        norm = tf.linalg.global_norm(summed)
        is_applied = tf.math.is_finite(loss) & tf.math.is_finite(norm) & is_wanted
        limit = self._config.gradient_norm_limit
        if limit is not None:
            scale = limit / tf.maximum(norm, limit)
            summed = [gradient * scale for gradient in summed]
        self._apply(summed, numbers, is_applied)
        return loss, norm

    def _apply(self, gradients: Sequence[Tensor], numbers: Tensor, is_applied: Tensor) -> None:
        """Apply one step; if not `is_applied`, all variables stay bit-identical."""
        rate, decay, average_decay = tf.unstack(numbers)
        decay_rate = self._config.second_moment_decay
        averages = self.averages or [None] * len(self._parameters)
        moments = zip(self.means, self.mean_squares, averages, strict=True)
        parts = zip(self._parameters.items(), gradients, moments, strict=True)
        for (name, parameter), gradient, (mean, square, average) in parts:
            new_mean = FIRST_DECAY * mean + (1 - FIRST_DECAY) * gradient
            new_square = decay_rate * square + (1 - decay_rate) * gradient * gradient
            kept = parameter if name.endswith(("bias", "gain")) else parameter * (1 - decay)
            value = kept - rate * new_mean / (tf.sqrt(new_square) + EPSILON)
            changes = [(mean, new_mean), (square, new_square), (parameter, value)]
            if average is not None:
                changes.append((average, average_decay * average + (1 - average_decay) * value))
            for variable, new in changes:
                variable.assign(tf.where(is_applied, new, variable))


class Packed(NamedTuple):
    """K batches of a call, on the device that computes them."""

    windows: tuple[Tensor, Tensor, Tensor, Tensor]
    """Inputs and targets, (K, B, T); which streams keep their state, (K, B); added dropout,
    (K,)."""

    numbers: Tensor
    """Optimizer numbers, (K, 3)."""


class LoopState(NamedTuple):
    """A device's state between the steps of a call."""

    is_wanted: Tensor
    """Whether all steps so far were finite, so that the next is applied."""
    states: list[Tensor]
    """Of its shards, each of the shape of its streams and H."""


Mean = Callable[[Sequence[Sequence[Tensor]]], list[Sequence[Tensor]]]
"""Takes the `results` of `Optimizer.take_step`; returns those of all devices."""
DeviceStep: TypeAlias = Callable[
    [Packed, Tensor, Tensor, LoopState, Mean], tuple[Tensor, LoopState]
]
"""As `Engine.take_in_graph`."""


def call_signature(
    batch_shape: tuple[int, int], state_shape: tuple[int, int], shards: Sequence[int]
) -> tuple[Packed, list[tf.TensorSpec]]:
    """Return the types of packed batches (B, T) and of the states before them.

    Each shard has `count` states of its streams. K is not fixed, so another K needs no new trace.
    """
    count, size = state_shape
    # int64, as TensorFlow keeps int32 tensors in host memory
    characters = tf.TensorSpec((None, *batch_shape), tf.int64)
    carried = tf.TensorSpec((None, batch_shape[0]), tf.float32)
    added = tf.TensorSpec((None,), tf.float32)
    packed = Packed((characters, characters, carried, added), tf.TensorSpec((None, 3), tf.float32))
    states = [[tf.TensorSpec((streams, size), tf.float32)] * count for streams in shards]
    return packed, [each for shard in states for each in shard]


def _on_one(function: Callable[[int], Sequence[Tensor]]) -> list[Sequence[Tensor]]:
    return [function(0)]


class MultiStep:
    """Takes K steps in one call, in a loop on the devices.

    The loop does not read losses, as it would have to wait for them: after a non-finite one it
    continues without changing anything. All devices have bit-identical means, so the same step
    fails on all.

    Args:
        steps: Of each device of this process.
        signature: From `call_signature`, equal for all of them.
        devices: TensorFlow's names of these devices; None for the default.
        compute_on_each: Calls a function of the device's index for each device, in order.
        mean: Mean over all devices of all processes, within `compute_on_each`.
    """

    def __init__(
        self,
        steps: Sequence[DeviceStep],
        signature: tuple[Packed, list[tf.TensorSpec]],
        devices: Sequence[str | None] = (None,),
        compute_on_each: Callable[..., list[Any]] = _on_one,
        mean: Mean = list,
    ) -> None:
        self._steps, self._devices = steps, devices
        self._compute_on_each, self._mean = compute_on_each, mean
        signatures = [[each] * len(steps) for each in signature]
        self._run = tf.function(
            self._take_steps,
            input_signature=[*signatures, tf.TensorSpec((), tf.int64)],
            autograph=False,
        )

    def take(
        self,
        batches: Sequence[Sequence[Batch]],
        first_step: int,
        numbers: Float32,
        states: Sequence[list[Tensor]],
    ) -> tuple[list[BatchResult], list[list[Tensor]]]:
        """Take one step on each batch.

        Args:
            batches: Of each device of this process, in order.
            first_step: Number of the first step.
            numbers: From `Optimizer.numbers`, (K, 3).
            states: Of each device of this process before the first batch, each (B, H).

        Returns:
            The results up to and including the first non-finite one, which was not applied; and
            the states of each device after the last applied step.
        """
        packed = []
        for device, own in zip(self._devices, batches, strict=True):
            with tf.device(device):
                packed.append(_pack(own, numbers))
        with tf.device("CPU"):
            first = tf.constant(first_step, tf.int64)
        rows, after = self._run(packed, list(states), first)
        results = [BatchResult(*map(float, row)) for row in rows.numpy()]
        failed = next((i for i, each in enumerate(results) if not np.isfinite(each).all()), None)
        return results[: None if failed is None else failed + 1], [list(each) for each in after]

    def _take_steps(
        self, packed: list[Packed], states: list[list[Tensor]], first_step: Tensor
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Return losses and norms, (K, 2), and each device's states after the last applied step."""

        def body(
            index: Tensor, before: list[LoopState], rows: tf.TensorArray
        ) -> tuple[object, ...]:
            def take(place: int) -> list[Tensor]:
                row, (is_wanted, after) = self._steps[place](
                    packed[place], index, first_step, before[place], self._mean
                )
                return [row, is_wanted, *after]

            taken = self._compute_on_each(take)
            after = [LoopState(is_wanted, list(own)) for _, is_wanted, *own in taken]
            return index + 1, after, rows.write(index, taken[0][0])

        count = tf.shape(packed[0].numbers)[0]
        begin = [LoopState(tf.constant(True), list(each)) for each in states]
        _, after, rows = tf.while_loop(
            lambda index, *_: index < count,
            body,
            (tf.constant(0), begin, tf.TensorArray(tf.float32, count, element_shape=(2,))),
            parallel_iterations=1,  # each step needs the one before
        )
        return rows.stack(), [each.states for each in after]


def _pack(batches: Sequence[Batch], numbers: Float32) -> Packed:
    inputs, targets, carried, added = zip(*batches, strict=True)
    windows = (
        tf.constant(np.stack(inputs, dtype=np.int64)),
        tf.constant(np.stack(targets, dtype=np.int64)),
        tf.constant(np.stack(carried)),
        tf.constant(added, tf.float32),
    )
    return Packed(windows, tf.constant(numbers))
