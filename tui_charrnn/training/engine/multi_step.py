"""Several training steps in one call, for devices that are faster than the host's look at them.

A GPU is given its work ahead of time, and the host need not wait for it: it does when it reads a
loss. Where a step takes a few milliseconds, waiting after each of them leaves the GPU idle while
the next is prepared. Here the host waits once for K steps. Several devices, of one process or of
many, take the same call together: the mean of their gradients is taken within it.

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
    """K batches as a call takes them, on the device that is to compute them."""

    windows: tuple[Tensor, Tensor, Tensor, Tensor]
    """Inputs and targets, (K, B, T); which streams carry their state on, (K, B); added dropout,
    (K,)."""
    numbers: Tensor
    """Of the optimizer, (K, 3)."""


class LoopState(NamedTuple):
    """What a device carries from one step of a call to the next."""

    is_wanted: Tensor
    """Whether all steps so far were finite, and the next is to be applied."""
    states: list[Tensor]
    """Each (B, H)."""


Mean = Callable[[Sequence[Tensor]], list[Tensor]]


class DeviceStep:
    """One step of a call on one device, for a graph that is being traced.

    Args:
        gradients: Of a batch in one shard.
        update: Takes losses and gradients of the shards, the optimizer's numbers, and whether the
            step is wanted; applies it if it is and its own numbers are finite.
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
        # 64 bits: TensorFlow keeps what has 32 in the host's memory
        characters = tf.TensorSpec((None, *batch_shape), tf.int64)
        carried = tf.TensorSpec((None, batch_shape[0]), tf.float32)
        added = tf.TensorSpec((None,), tf.float32)
        numbers = tf.TensorSpec((None, 3), tf.float32)
        self.signature = (
            Packed((characters, characters, carried, added), numbers),
            [tf.TensorSpec((batch_shape[0], size), tf.float32)] * count,
        )
        """Of packed batches and of states; K is left open, so that another needs no new trace."""

    def take(
        self, packed: Packed, index: Tensor, first_step: Tensor, before: LoopState, mean: Mean
    ) -> tuple[Tensor, LoopState]:
        """Take step `index`, from 0, of a call that begins with step `first_step`.

        `mean` is taken of loss and gradients over all devices that train the same weights.

        Returns:
            Loss and norm, (2,), and what the device carries on.
        """
        window = tuple(part[index] for part in packed.windows)
        with tf.device("CPU"):  # the step is asked for by the host, which has it
            step = first_step + tf.cast(index, tf.int64)
        result = self._gradients.differentiate(window, before.states, step)
        loss, *gradients = mean([result.loss, *result.gradients])
        row = tf.stack(self._update([loss], [gradients], packed.numbers[index], before.is_wanted))
        is_applied = before.is_wanted & tf.reduce_all(tf.math.is_finite(row))
        pairs = zip(result.states, before.states, strict=True)
        return row, LoopState(is_applied, [tf.where(is_applied, new, old) for new, old in pairs])


def _on_one(function: Callable[[int], Sequence[Tensor]]) -> list[Sequence[Tensor]]:
    return [function(0)]


class MultiStep:
    """Takes K steps in one call: what `Engine.train_batch` does, in a loop on the devices.

    The loop does not look at losses, as it would have to wait for them: after one that is not
    finite it runs on, but changes nothing. All devices have the same mean to the bit, so all see
    the same step fail.

    Args:
        steps: Of each device of this process.
        devices: TensorFlow's names of them; None is its default.
        compute_on_each: Calls a function of a device's place for each; the results in order.
        mean: Over all devices, of all processes, within `compute_on_each`.
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
            batches: Of each device here, one after the other.
            first_step: Number of the first of them.
            numbers: Of `Optimizer.numbers`, for each step, (K, 3).
            states: Of each device here before the first batch, each (B, H).

        Returns:
            The results up to the first that is not finite, which is the last of them and was not
            applied; and the states of each device after the last step that was.
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
        """Losses and norms, (K, 2), and the states of each device after the last applied step."""

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
