"""Several steps in one call: how many a call takes, and its batches, prepared ahead."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

CALL_TIME: Final = 0.1
"""Seconds that a call takes at most: so long whoever asks for something waits for it."""


class CallLength:
    """As many steps as fit `CALL_TIME`, up to a limit, found out while training.

    A call that took long for another reason (the first is traced) only halves it.

    Args:
        limit: Steps that are never exceeded.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.steps = 1
        """Of the next call."""

    def note(self, steps: int, seconds: float) -> None:
        """A call of so many steps took so long."""
        expected = seconds / steps * self.steps
        if expected > CALL_TIME:
            self.steps = max(1, self.steps // 2)
        elif 2 * expected <= CALL_TIME:
            self.steps = min(self._limit, 2 * self.steps)


_Batch = TypeVar("_Batch")


class BatchesAhead(Generic[_Batch]):
    """Prepares in a thread what is likely to be asked for next: as many batches, right after.

    A batch is a function of its step, so what was not foreseen is made when it is asked for, and
    what was foreseen wrongly is dropped. The thread ends when nobody holds this any more.

    Args:
        make: The batch of a step.
    """

    def __init__(self, make: Callable[[int], _Batch]) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead: dict[int, Future[_Batch]] = {}

    def take(self, first_step: int, count: int) -> list[_Batch]:
        """The batches of so many steps.

        Args:
            first_step: Of the first.
            count: How many.
        """
        end = first_step + count
        batches = [
            self._ahead[step].result() if step in self._ahead else self._make(step)
            for step in range(first_step, end)
        ]
        self._ahead = {
            step: self._ahead.get(step) or self._thread.submit(self._make, step)
            for step in range(end, end + count)
        }
        return batches
