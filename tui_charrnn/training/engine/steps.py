"""Training steps: loss and gradients of a batch by shards, the Adam update, several steps a call.

Keras's optimizer runs a dozen operations per parameter, each with a pass through memory; this
implementation lets the compiler fuse them into one loop, including the average of the weights.

**Several steps in one call** are for devices on which a step is faster than the host. The host
queues work for a GPU and waits only when it reads a loss. If a step takes a few milliseconds,
waiting after each step leaves the GPU idle while the next one is prepared. Here the host waits once
for K steps. Several devices, of one or more processes, run the same call and average their
gradients within it.

Notation: K steps of a call, T sequence length, B streams of a device, H hidden size.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import TrainingConfig
from tui_charrnn.training.engine.noise import Noise, NoiseSource
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Batch, BatchResult

Forward: TypeAlias = Callable[..., tuple[Tensor, list[Tensor]]]
"""As `HandwrittenNetwork.forward`."""


class PartialGradients(NamedTuple):
    """Losses, gradients and states of one engine's rows in a step."""

    losses: Sequence[Tensor]
    """Per shard, its part of the batch's mean loss, scalar."""

    gradients: Sequence[Sequence[Tensor]]
    """Per shard, those of its loss, one per parameter."""

    states: list[list[Tensor]]
    """Per shard, after the window, each (B, H)."""


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


class GradientComputer:
    """Computes the gradient of a batch in shards of neighboring streams, each in a thread.

    Args:
        forward: As `HandwrittenNetwork.forward`.
        parameters: In the order of `forward`.
        config: Has the dropout rates.
        noise: Draws the dropout masks.
        threads: Compute the shards.
        options: Of `tf.function`.
    """

    def __init__(
        self,
        forward: Forward,
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
    ) -> PartialGradients:
        """Return the results of all shards, in order.

        Args:
            batch: The input of the step.
            shards: The rows of each shard.
            states: Of each shard, before the window.
            step: Determines the masks.
        """
        weight_bytes = self._noise.draw_for_weights(step)
        share = tf.constant(1 / batch.inputs.size, tf.float32)
        added = tf.constant(batch.added_dropout, tf.float32)

        def differentiate(shard: int) -> tuple[Tensor, ...]:
            rows = shards[shard]
            arrays = (batch.inputs, batch.targets, batch.carried)
            window = (*(tf.constant(array[rows]) for array in arrays), added)
            length = batch.inputs.shape[1]
            output_bytes = self._noise.draw_for_outputs(step, shard, length, len(rows))
            masks = (output_bytes, weight_bytes)
            result: tuple[Tensor, ...] = self._differentiate(window, states[shard], masks, share)
            return result

        results = self._threads.map(differentiate, range(len(shards)))
        losses, gradients, after = zip(*results, strict=True)
        return PartialGradients(losses, gradients, [list(shard) for shard in after])

    def differentiate(
        self, window: tuple[Tensor, Tensor, Tensor, Tensor], states: list[Tensor], step: Tensor
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return loss, gradients and states of a batch in one shard, in a graph being traced.

        Args:
            window: Inputs and targets, (B, T); which streams keep their state, (B,); the added
                dropout, scalar.
            states: Before the window, each (B, H).
            step: Scalar, int64.
        """
        streams, length = window[0].shape
        masks = (
            self._noise.draw_for_outputs(step, 0, length, streams),
            self._noise.draw_for_weights(step),
        )
        share = tf.constant(1 / (streams * length), tf.float32)
        loss, gradients, after = self._differentiate(window, states, masks, share)
        return loss, gradients, after

    def _shard_gradient(
        self,
        window: tuple[Tensor, Tensor, Tensor, Tensor],
        states: list[Tensor],
        masks: tuple[list[Tensor], list[Tensor]],
        share: Tensor,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        inputs, targets, carried, added = window
        before = [state * carried[:, tf.newaxis] for state in states]  # (B, H)
        dropout, weight_dropout = self._shares
        noise = Noise(*masks, dropout + added, weight_dropout)
        parameters = list(self._parameters)
        with tf.GradientTape() as tape:
            losses, after = character_losses(
                self._forward, parameters, inputs, targets, before, noise
            )
            loss = tf.reduce_sum(losses) * share
        # The gradient of a look-up has one row per character read; the conversion sums the rows of
        # equal characters, which norm and moments need.
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, parameters)]
        return loss, gradients, after


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

    def numbers(self, step: int, learning_rate: float) -> np.ndarray:
        """Return learning rate, weight decay and average decay of a step: shape (3,), float32."""
        config = self._config
        first, second = 1 - FIRST_DECAY**step, 1 - config.second_moment_decay**step
        decay = config.weight_decay if config.optimizer == "adamw" else 0.0
        # At the start, a long average would consist mostly of the random initial weights.
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
        """Sum the shards of a batch, clip the gradient, and apply the step.

        Losses are scalars, gradients one per parameter, `numbers` from the method `numbers`. The
        step is not applied if not `is_wanted`, or if loss or gradient are not finite.

        Returns:
            The loss, and the norm of the gradient before clipping.
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
    """Each (B, H)."""


Mean = Callable[[Sequence[Tensor]], list[Tensor]]


class DeviceStep:
    """One step of a call on one device, for a graph being traced.

    Args:
        gradients: Of a batch in one shard.
        update: Called with losses and gradients of the shards, the optimizer numbers, and whether
            the step is wanted; applies the step if so and if loss and gradient are finite.
        batch_shape: B and T.
        state_shape: Number of states, and H.
    """

    def __init__(
        self,
        gradients: GradientComputer,
        update: Callable[..., tuple[Tensor, Tensor]],
        batch_shape: tuple[int, int],
        state_shape: tuple[int, int],
    ) -> None:
        self._gradients = gradients
        self._update = update
        count, size = state_shape
        # int64, as TensorFlow keeps int32 tensors in host memory
        characters = tf.TensorSpec((None, *batch_shape), tf.int64)
        carried = tf.TensorSpec((None, batch_shape[0]), tf.float32)
        added = tf.TensorSpec((None,), tf.float32)
        numbers = tf.TensorSpec((None, 3), tf.float32)
        self.signature = (
            Packed((characters, characters, carried, added), numbers),
            [tf.TensorSpec((batch_shape[0], size), tf.float32)] * count,
        )
        """Types of packed batches and states; K is not fixed, so another K needs no new trace."""

    def take(
        self, packed: Packed, index: Tensor, first_step: Tensor, before: LoopState, mean: Mean
    ) -> tuple[Tensor, LoopState]:
        """Take step `index`, from 0, of a call that begins with step `first_step`.

        `mean` averages loss and gradients over all devices that train the same weights.

        Returns:
            Loss and norm, (2,), and the device's state for the next step.
        """
        window = tuple(part[index] for part in packed.windows)
        with tf.device("CPU"):  # the step is used on the host
            step = first_step + tf.cast(index, tf.int64)
        own, parts, states = self._gradients.differentiate(window, before.states, step)
        loss, *gradients = mean([own, *parts])
        row = tf.stack(self._update([loss], [gradients], packed.numbers[index], before.is_wanted))
        is_applied = before.is_wanted & tf.reduce_all(tf.math.is_finite(row))
        pairs = zip(states, before.states, strict=True)
        return row, LoopState(is_applied, [tf.where(is_applied, new, old) for new, old in pairs])


def _on_one(function: Callable[[int], Sequence[Tensor]]) -> list[Sequence[Tensor]]:
    return [function(0)]


class MultiStep:
    """Takes K steps in one call: `Engine.train_batch` in a loop on the devices.

    The loop does not read losses, as it would have to wait for them: after a non-finite one it
    continues without changing anything. All devices have bit-identical means, so the same step
    fails on all.

    Args:
        steps: Of each device of this process.
        devices: TensorFlow's names of these devices; None for the default.
        compute_on_each: Calls a function of the device's index for each device, in order.
        mean: Mean over all devices of all processes, within `compute_on_each`.
    """

    def __init__(
        self,
        steps: Sequence[DeviceStep],
        devices: Sequence[str | None] = (None,),
        compute_on_each: Callable[..., list[Any]] = _on_one,
        mean: Mean = list,
    ) -> None:
        self._steps, self._devices = steps, devices
        self._compute_on_each, self._mean = compute_on_each, mean
        signatures = [list(each) for each in zip(*(one.signature for one in steps), strict=True)]
        self._run = tf.function(
            self._take_steps,
            input_signature=[*signatures, tf.TensorSpec((), tf.int64)],
            autograph=False,
        )

    def take(
        self,
        batches: Sequence[Sequence[Batch]],
        first_step: int,
        numbers: np.ndarray,
        states: Sequence[list[Tensor]],
    ) -> tuple[list[BatchResult], list[list[Tensor]]]:
        """Take one step on each batch.

        Args:
            batches: Of each device of this process, in order.
            first_step: Number of the first step.
            numbers: From `Optimizer.numbers`, for each step, (K, 3).
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
                row, (is_wanted, after) = self._steps[place].take(
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


def _pack(batches: Sequence[Batch], numbers: Iterable[np.ndarray]) -> Packed:
    inputs, targets, carried, added = zip(*batches, strict=True)
    windows = (
        tf.constant(np.stack(inputs, dtype=np.int64)),
        tf.constant(np.stack(targets, dtype=np.int64)),
        tf.constant(np.stack(carried)),
        tf.constant(added, tf.float32),
    )
    return Packed(windows, tf.constant(np.stack(list(numbers))))
