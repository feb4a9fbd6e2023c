"""Several training steps in one call, taken by all replicas together.

As `Stride`, with the mean of all gradients within the loop: between two steps no host is asked for
anything, in no process.

Notation: K steps, N replicas.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tui_charrnn.training.distributed.replicas import Replicas
from tui_charrnn.training.loop import Batch, BatchResult
from tui_charrnn.training.recurrence import Tensor
from tui_charrnn.training.stride import (
    Packed,
    Standing,
    Stride,
    count_from,
    loop_over_steps,
    pack,
    read_results,
)


class ReplicatedStride:
    """Takes K steps in one call, in all processes at the same time.

    From the first step on whose loss or gradient is not finite, no replica changes anything. As all
    have the same mean to the bit, all see the same step fail.

    Args:
        replicas: Which devices.
        strides: Of the engine of each replica here.
    """

    def __init__(self, replicas: Replicas, strides: Sequence[Stride]) -> None:
        self._replicas = replicas
        self._strides = strides
        signatures = [list(each) for each in zip(*(own.signature for own in strides), strict=True)]
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
            batches: Of each replica here, one after the other: its own rows.
            first_step: Number of the first step.
            numbers: Of `Optimizer.numbers`, for each step, (K, 3).
            states: Of each replica here, before the first batch.

        Returns:
            The results up to the first that is not finite, which is the last of them and was not
            applied; and the states of each replica after the last step that was.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        packed = []
        for device, own in zip(self._replicas.devices, batches, strict=True):
            with tf.device(device):
                packed.append(pack(own, numbers))
        with self._replicas.in_contact():
            told, after = self._run(packed, list(states), count_from(first_step))
            results = read_results(told)  # a GPU's failure is seen here
        return results, [list(each) for each in after]

    def _take_steps(
        self, packed: list[Packed], states: list[list[Tensor]], first_step: Tensor
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Losses and norms, (K, 2), and the states of each replica after the last applied step."""

        def take(at: Tensor, before: list[Standing]) -> tuple[Tensor, list[Standing]]:
            def take_own(place: int) -> list[Tensor]:
                row, (is_wanted, after) = self._strides[place].take_one(
                    packed[place], at, first_step, before[place], self._replicas.mean
                )
                return [row, is_wanted, *after]

            taken: list[Any] = self._replicas.compute_on_each(take_own)
            (row, *_), *_ = taken
            return row, [Standing(is_wanted, list(after)) for _, is_wanted, *after in taken]

        begin = [Standing(tf.constant(True), list(each)) for each in states]
        told, after = loop_over_steps(take, tf.shape(packed[0].numbers)[0], begin)
        return told, [each.states for each in after]
