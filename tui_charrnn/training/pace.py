"""How fast a run goes, and how long it will still take."""

from tui_charrnn.metrics import RunningMean
from tui_charrnn.training.plan import Plan


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
