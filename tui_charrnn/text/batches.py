"""Batches for truncated backpropagation through time: contiguous streams of a text.

Row i of a batch continues row i of the batch before it, so that the network's carried state
always belongs to the text that it reads next.

Notation: N characters, batch size B, sequence length T, S steps an epoch, R streams.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError

if TYPE_CHECKING:  # the contenders of the benchmarks have nothing but NumPy
    from tui_charrnn.text.numbered_text import IndexedText

Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]
Indices: TypeAlias = "Int32 | IndexedText"
"""Of N characters, shape (N,)."""


class ContiguousStreams:
    """The batches of a training text, each a pure function of its step.

    An epoch reads B consecutive streams of S·T characters. Up to B·T - 1 characters are left over;
    every epoch begins at another offset, drawn from (rng_seed, epoch), so that others are left
    over. The first epoch begins at 0.
    """

    def __init__(
        self, indices: Indices, *, batch_size: int, sequence_length: int, rng_seed: int
    ) -> None:
        """Lay out the streams of a text, shape (N,); B is what `fitting_batch_size` returns.

        Raises:
            CorpusError: If the text does not fill one batch.
        """
        predictions, per_batch = len(indices) - 1, batch_size * sequence_length
        if predictions < per_batch:
            raise CorpusError(
                "A batch of {batch_size:,} times {sequence_length:,} characters needs a "
                "text of at least {least:,}. Received: {count:,} characters.",
                batch_size=batch_size,
                sequence_length=sequence_length,
                least=per_batch + 1,
                count=len(indices),
            )
        self.batch_size: Final = batch_size
        self.sequence_length: Final = sequence_length
        self.steps_per_epoch: Final = predictions // per_batch
        self._indices: Final[Indices] = indices
        self._rng_seed: Final = rng_seed
        self._left_over: Final = predictions - self.steps_per_epoch * per_batch
        stream_length = self.steps_per_epoch * sequence_length
        self._positions: Final = (
            np.arange(batch_size)[:, np.newaxis] * stream_length
            + np.arange(sequence_length + 1)[np.newaxis, :]
        )  # (B, T + 1)

    def batch(self, step: int) -> tuple[Int32, Int32]:
        """The batch of a step; steps count from 1, across epochs.

        Returns:
            Inputs and targets, shape (B, T) each; a target is the character after its input.
        """
        epoch, position = self._place(step)
        first = self._offset(epoch) + position * self.sequence_length
        window = self._indices[first + self._positions]  # (B, T + 1)
        return np.ascontiguousarray(window[:, :-1]), np.ascontiguousarray(window[:, 1:])

    def starts_epoch(self, step: int) -> bool:
        """Whether a step begins an epoch; its rows then do not continue the batch before."""
        return self._place(step)[1] == 0

    def _place(self, step: int) -> tuple[int, int]:
        """The epoch of a step, from 1, and its position there, from 0."""
        if step < 1:
            raise ValueError(f"step counts from 1. Received: step={step}")
        epochs, position = divmod(step - 1, self.steps_per_epoch)
        return epochs + 1, position

    def _offset(self, epoch: int) -> int:
        if epoch == 1:
            return 0
        # SeedSequence, not a Generator: NumPy guarantees its numbers across versions, and a
        # resumed run must read the same batches.
        drawn = np.random.SeedSequence((self._rng_seed, epoch)).generate_state(1, np.uint64)[0]
        return int(drawn) % (self._left_over + 1)


class HeldOutWindows:
    """The held-out text as windows of R parallel streams, for scoring with carried state.

    Every character but the first of the text is predicted exactly once. The streams differ in
    length by one character at most; beyond the end of a stream the weight is 0. All windows have
    the same shape. In a text of records, each stream is moved back to the beginning of a record.
    """

    def __init__(
        self,
        indices: Indices,
        *,
        stream_count: int,
        sequence_length: int,
        end: int | None = None,
    ) -> None:
        """Lay out R streams of a text, shape (N,); fewer if it has fewer characters to predict.

        `end` is the index of the end sign, if the text has records; the text begins with one.

        Raises:
            CorpusError: If the text has no character to predict.
        """
        if len(indices) < 2:
            raise CorpusError(
                "The held-out text needs at least 2 characters, one to read and one to "
                "predict. Received: {count}. Give a longer text or hold out a larger share.",
                count=len(indices),
            )
        self._sequence_length: Final = sequence_length
        self._indices: Final[Indices] = indices
        predicted = len(indices) - 1
        count = min(stream_count, predicted)
        # (R + 1,): stream r predicts the characters after edges[r] .. edges[r + 1] - 1
        edges = np.arange(count + 1) * predicted // count
        if end is not None:
            ends = np.flatnonzero(indices[np.arange(predicted)] == end)
            edges[:-1] = ends[np.searchsorted(ends, edges[:-1], "right") - 1]
        self._edges: Final = edges

    def __len__(self) -> int:
        longest = int(np.diff(self._edges).max())
        return max(1, (longest + self._sequence_length - 1) // self._sequence_length)

    def __iter__(self) -> Iterator[tuple[Int32, Int32, Float32]]:
        """Yield inputs, targets and weights, shape (R, T) each; window k + 1 continues window k."""
        for window in range(len(self)):
            columns = np.arange(self._sequence_length) + window * self._sequence_length  # (T,)
            positions = self._edges[:-1, np.newaxis] + columns  # (R, T)
            is_inside = positions < self._edges[1:, np.newaxis]
            safe = np.where(is_inside, positions, 0)
            inputs = np.where(is_inside, self._indices[safe], 0).astype(np.int32)
            targets = np.where(is_inside, self._indices[safe + 1], 0).astype(np.int32)
            yield inputs, targets, is_inside.astype(np.float32)
