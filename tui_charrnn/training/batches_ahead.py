"""The batches of the next call, prepared while the engine is at work on this one."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

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
