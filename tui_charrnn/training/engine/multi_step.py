"""Several training steps in one call, for devices on which a step is faster than the host.

The host queues work for a GPU and waits only when it reads a loss. If a step takes a few
milliseconds, waiting after each step leaves the GPU idle while the next one is prepared. Here the
host waits once for K steps. Several devices, of one or more processes, run the same call and
average their gradients within it.

Notation: K steps, T sequence length, B streams of a device, H hidden size.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tui_charrnn.training.engine.gradients import GradientComputer
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.loop import Batch, BatchResult


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
