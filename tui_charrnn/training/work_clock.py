"""A clock of work done: it stands still while a run is paused."""

import contextlib
import time
from collections.abc import Callable, Iterator


class WorkClock:
    """Seconds of work since some moment.

    Args:
        clock: Seconds that pass in any case.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """The time by this clock."""
        return (self._clock() if self._stopped_at is None else self._stopped_at) - self._idle

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stand still while the context lasts."""
        self._stopped_at = began = self._clock()
        try:
            yield
        finally:
            self._idle += self._clock() - began
            self._stopped_at = None
