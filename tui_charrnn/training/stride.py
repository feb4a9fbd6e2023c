"""Several training steps in one call, for devices that are faster than the host's look at them.

A GPU is given its work ahead of time, and the host need not wait for it: it does when it reads a
loss. Where a step takes a few milliseconds, waiting after each of them leaves the GPU idle while
the next is prepared. Here the host waits once for K steps.

Notation: K steps, T sequence length, B streams, H hidden size.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tui_charrnn.training.gradients import GradientComputer
from tui_charrnn.training.loop import Batch, BatchResult
from tui_charrnn.training.recurrence import Tensor


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
        signature = [
            (characters, characters, tf.TensorSpec((None, batch_shape[0]), tf.float32)),
            tf.TensorSpec((None, 3), tf.float32),
            tf.TensorSpec((), tf.int64),
            [tf.TensorSpec((batch_shape[0], size), tf.float32)] * count,
        ]  # K is left open: another one is not traced anew
        self._run = tf.function(self._take_steps, input_signature=signature, autograph=False)

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
        inputs, targets, carried = zip(*batches, strict=True)
        stacked = (
            *(tf.constant(np.stack(texts, dtype=np.int64)) for texts in (inputs, targets)),
            tf.constant(np.stack(carried)),
        )
        with tf.device("CPU"):
            first = tf.constant(first_step, tf.int64)
        told, after = self._run(stacked, tf.constant(np.stack(numbers)), first, states)
        results = [BatchResult(*map(float, row)) for row in told.numpy()]
        failed = next((at for at, each in enumerate(results) if not np.isfinite(each).all()), None)
        return results if failed is None else results[: failed + 1], list(after)

    def _take_steps(
        self,
        batches: tuple[Tensor, Tensor, Tensor],
        numbers: Tensor,
        first_step: Tensor,
        states: list[Tensor],
    ) -> tuple[Tensor, list[Tensor]]:
        """Losses and norms, (K, 2), and the states after the last step that was applied."""
        count = tf.shape(numbers)[0]

        def body(
            at: Tensor, is_wanted: Tensor, before: list[Tensor], told: tf.TensorArray
        ) -> tuple[object, ...]:
            window = tuple(part[at] for part in batches)
            with tf.device("CPU"):  # the step is asked for by the host, which has it
                step = first_step + tf.cast(at, tf.int64)
            result = self._gradients.differentiate(window, before, step)
            row = tf.stack(self._update([result.loss], [result.gradients], numbers[at], is_wanted))
            is_applied = is_wanted & tf.reduce_all(tf.math.is_finite(row))
            pairs = zip(result.states, before, strict=True)
            after = [tf.where(is_applied, new, old) for new, old in pairs]
            return at + 1, is_applied, after, told.write(at, row)

        told = tf.TensorArray(tf.float32, count, element_shape=(2,))
        _, _, after, told = tf.while_loop(
            lambda at, *_: at < count,
            body,
            (tf.constant(0), tf.constant(True), list(states), told),
            parallel_iterations=1,  # each step needs the one before
        )
        return told.stack(), after
