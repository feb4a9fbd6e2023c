"""How fast a run goes, how long it will still take, and a clock that stops while it is paused."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tui_charrnn.config import TrainingConfig
from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.records import RunReplanned
from tui_charrnn.training.plan import Horizon, Plan, within_epochs


class WorkClock:
    """Seconds of work since some moment, by a clock that always runs."""

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

        The first step of a process may include compiling: it is no measure of the next ones.
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


FIT_INTERVAL: Final = 0.02
"""Share of a run's time between two looks at whether its steps still fit."""
FIT_TOLERANCE: Final = 0.01
"""Share of a run's time by which its expected end may be off before it is replanned."""
_FAR_TOLERANCE: Final = 0.1
"""The same as a share of the time that is left: far from the end, speeds still waver."""
_FIT_WINDOW: Final = 4
"""Looks over which the speed is measured."""


class TimeFit:
    """Fits the number of steps of a run to the time it was given, by what its steps take.

    A decision is a record, and holds from a step on: a trainer that repeats these steps, after a
    death or a rollback, takes what is recorded, and decides only after it. The time of the run is
    in seconds; an extension has its own. An adaptive plan is given the new lengths.
    """

    def __init__(self, config: TrainingConfig, plan: Plan) -> None:
        self._config = config
        self._plan = plan
        self._began, self._budget = 0.0, config.train_time if plan.is_adaptive else None
        if plan.extensions:  # whose length is the user's own, which lifts a bound on the epochs
            self._config = replace(config, max_epochs=None)
            self._began, self._budget = plan.extensions[-1].elapsed, plan.extensions[-1].train_time
        self._marks: deque[tuple[int, float]] = deque(maxlen=_FIT_WINDOW)
        """Steps and the seconds that were spent on batches until then."""
        self._evaluation = RunningMean(0.5)
        self._evaluating = 0.0
        self._next_look = 0.0

    def evaluated(self, seconds: float) -> None:
        """The held-out text was scored, and samples taken, in so many seconds."""
        self._evaluation.add(seconds)
        self._evaluating += seconds

    def look(self, step: int, elapsed: float) -> RunReplanned | None:
        """Replan if the run, whose newest step this is, would not end in its time.

        Returns:
            The decision, which the plan has by now; None where all stays as it is.
        """
        is_last, elapsed = step >= self._plan.total_steps, elapsed - self._began
        if self._budget is None or (self._marks and elapsed < self._next_look and not is_last):
            return None
        self._next_look = elapsed + FIT_INTERVAL * self._budget
        busy, plan = elapsed - self._evaluating, self._plan
        first_step, began = self._marks[0] if self._marks else (step, busy)
        if step < first_step:  # the run went back
            self._marks.clear()
            first_step = step
        self._marks.append((step, busy))
        if step == first_step or (plan.horizons and plan.horizons[-1].from_step > step + 1):
            return None
        seconds, scoring = (busy - began) / (step - first_step), self._evaluation.value or 0.0
        early = sum(plan.is_early(place) for place in plan.early_evaluations if place > step)
        left = self._budget - elapsed - (1 + early) * scoring
        fitting = math.floor(left / max(1e-9, seconds + scoring / plan.evaluate_every))
        total, _ = within_epochs(
            max(step + fitting, min(step + 1, plan.total_steps)),
            *("train_time", self._config, plan.steps_per_epoch),
        )
        tolerance = max(FIT_TOLERANCE * self._budget, _FAR_TOLERANCE * left)
        if abs(total - plan.total_steps) * seconds <= tolerance:
            return None
        plan.replan(Horizon(step + 1, total))
        return RunReplanned(step + 1, total, seconds)
