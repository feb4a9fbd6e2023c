"""How fast a run goes, how long it will still take, and a clock that stops while it is paused."""

import time
from collections.abc import Callable

from tui_charrnn.metrics import RunningMean
from tui_charrnn.training.plan import Plan


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

    def stop(self) -> None:
        """Stand still."""
        self._stopped_at = self._clock()

    def go_on(self) -> None:
        """Count again from where it stood still, if it did."""
        if self._stopped_at is not None:
            self._idle += self._clock() - self._stopped_at
            self._stopped_at = None


class Pace:
    """Seconds per step and per evaluation, from the records as they come."""

    def __init__(self, elapsed: float, seconds_per_step: float | None = None) -> None:
        self._elapsed = elapsed
        self._is_warm = False
        self._step = RunningMean(0.95)
        self._evaluation = RunningMean(0.5)
        if seconds_per_step is not None:
            self._step.add(seconds_per_step)

    def batch_trained(self, elapsed: float) -> None:
        """A step was taken; `elapsed` is the run's, in seconds.

        The first step of a process may be compiled on the way: it tells nothing of the next ones.
        """
        if self._is_warm:
            self._step.add(elapsed - self._elapsed)
        self._elapsed, self._is_warm = elapsed, True

    def evaluated(self, elapsed: float) -> None:
        """The held-out text was scored."""
        self._evaluation.add(elapsed - self._elapsed)
        self._elapsed = elapsed

    def stood_still(self, seconds: float) -> None:
        """A checkpoint was saved: what it took is no part of the next step."""
        self._elapsed += seconds

    def characters_per_second(self, characters_per_step: int) -> float | None:
        """Training characters per second, evaluations left out."""
        seconds = self._step.value
        return characters_per_step / seconds if seconds else None

    def seconds_left(self, plan: Plan, step: int) -> float | None:
        """Time until the end of the plan, with the evaluations that are still to come."""
        if self._step.value is None:
            return None
        batches = (plan.total_steps - step) * self._step.value
        return batches + plan.evaluations_after(step) * (self._evaluation.value or 0.0)
