"""Several training steps in one call, for devices that are faster than the host's look at them.

A GPU is given its work ahead of time, and the host need not wait for it: it does when it reads a
loss. Where a step takes a few milliseconds, waiting after each of them leaves the GPU idle while
the next is prepared. Here the host waits once for K steps.

Notation: K steps, T sequence length, B streams, H hidden size.
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

    windows: tuple[Tensor, Tensor, Tensor]
    """Inputs and targets, (K, B, T), and which streams carry their state on, (K, B)."""
    numbers: Tensor
    """Of the optimizer, (K, 3)."""


class Standing(NamedTuple):
    """Where a device stands between two steps of a call."""

    is_wanted: Tensor
    """Whether all steps so far were finite, and the next is to be applied."""
    states: list[Tensor]
    """Each (B, H)."""


def _as_it_is(values: Sequence[Tensor]) -> list[Tensor]:
    return list(values)


class Stride:
    """Takes K steps in one call: what `Engine.train_batch` does, in a loop on the device.

    The loop counts steps and asks nothing else, as any question about a loss would have to wait
    for it. So it goes on after a loss that is not finite, but changes nothing anymore.

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
        numbers = tf.TensorSpec((None, 3), tf.float32)
        self.signature = (
            Packed((characters, characters, carried), numbers),
            [tf.TensorSpec((batch_shape[0], size), tf.float32)] * count,
        )
        """Of packed batches and of states; K is left open, so that another is not traced anew."""
        self._run = tf.function(
            self._take_steps,
            input_signature=[*self.signature, tf.TensorSpec((), tf.int64)],
            autograph=False,
        )

    def trace(self) -> Any:
        """The graph of a call, without computing anything."""
        return self._run.get_concrete_function().graph

    def take(
        self,
        batches: Sequence[Batch],
        first_step: int,
        numbers: Sequence[np.ndarray],
        states: list[Tensor],
    ) -> tuple[list[BatchResult], list[Tensor]]:
        """Take one step on each batch.

        Args:
            batches: One after the other.
            first_step: Number of the first of them.
            numbers: Of `Optimizer.numbers`, for each step.
            states: Before the first batch, each (B, H).

        Returns:
            The results up to the first that is not finite, which is the last of them and was not
            applied; and the states after the last step that was.
        """
        told, after = self._run(pack(batches, numbers), states, count_from(first_step))
        return read_results(told), list(after)

    def _take_steps(
        self, packed: Packed, states: list[Tensor], first_step: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        """Losses and norms, (K, 2), and the states after the last step that was applied."""

        def take(at: Tensor, before: Standing) -> tuple[Tensor, Standing]:
            return self.take_one(packed, at, first_step, before)

        begin = Standing(tf.constant(True), list(states))
        told, after = loop_over_steps(take, tf.shape(packed.numbers)[0], begin)
        return told, after.states

    def take_one(
        self,
        packed: Packed,
        at: Tensor,
        first_step: Tensor,
        before: Standing,
        mean: Callable[[Sequence[Tensor]], list[Tensor]] = _as_it_is,
    ) -> tuple[Tensor, Standing]:
        """One step of a call, for a graph that is being traced.

        Args:
            packed: The batches of the call.
            at: Which of them, from 0.
            first_step: Number of the first.
            before: Where the device stands.
            mean: Of loss and gradients, over all devices that train the same weights.

        Returns:
            Loss and norm, (2,), and where the device stands then.
        """
        window = tuple(part[at] for part in packed.windows)
        with tf.device("CPU"):  # the step is asked for by the host, which has it
            step = first_step + tf.cast(at, tf.int64)
        result = self._gradients.differentiate(window, before.states, step)
        loss, *gradients = mean([result.loss, *result.gradients])
        row = tf.stack(self._update([loss], [gradients], packed.numbers[at], before.is_wanted))
        is_applied = before.is_wanted & tf.reduce_all(tf.math.is_finite(row))
        pairs = zip(result.states, before.states, strict=True)
        return row, Standing(is_applied, [tf.where(is_applied, new, old) for new, old in pairs])


def pack(batches: Sequence[Batch], numbers: Iterable[np.ndarray]) -> Packed:
    """Bring batches to the device.

    Args:
        batches: One after the other.
        numbers: Of `Optimizer.numbers`, for each step.
    """
    inputs, targets, carried = zip(*batches, strict=True)
    windows = (
        tf.constant(np.stack(inputs, dtype=np.int64)),
        tf.constant(np.stack(targets, dtype=np.int64)),
        tf.constant(np.stack(carried)),
    )
    return Packed(windows, tf.constant(np.stack(list(numbers))))


def count_from(first_step: int) -> Tensor:
    """The number of a call's first step, as its graph takes it."""
    with tf.device("CPU"):
        return tf.constant(first_step, tf.int64)


def loop_over_steps(
    take: Callable[[Tensor, Any], tuple[Tensor, Any]], count: Tensor, begin: Any
) -> tuple[Tensor, Any]:
    """Take steps one after the other on the device, in a graph that is being traced.

    Args:
        take: Takes the place of a step, from 0, and what the step before left; gives its loss and
            norm, (2,), and what it leaves.
        count: K.
        begin: What the first step finds.

    Returns:
        Losses and norms, (K, 2), and what the last step left.
    """

    def body(at: Tensor, before: Any, told: tf.TensorArray) -> tuple[object, ...]:
        row, after = take(at, before)
        return at + 1, after, told.write(at, row)

    told = tf.TensorArray(tf.float32, count, element_shape=(2,))
    _, after, told = tf.while_loop(
        lambda at, *_: at < count,
        body,
        (tf.constant(0), begin, told),
        parallel_iterations=1,  # each step needs the one before
    )
    return told.stack(), after


def read_results(told: Tensor) -> list[BatchResult]:
    """The results of a call, up to the first that is not finite and was not applied."""
    results = [BatchResult(*map(float, row)) for row in told.numpy()]
    failed = next((at for at, each in enumerate(results) if not np.isfinite(each).all()), None)
    return results if failed is None else results[: failed + 1]
