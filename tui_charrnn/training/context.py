"""What is fixed while a session works on a run, its clock, and the report of its progress."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.description import CURVE_LENGTH, RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.history import History
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import Material, Progress, RunEngine
from tui_charrnn.training.plan import Plan


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

    def resume(self) -> None:
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

    def evaluated(self, elapsed: float) -> float:
        """The held-out text was scored; returns the seconds that it took."""
        seconds = elapsed - self._elapsed
        self._evaluation.add(seconds)
        self._elapsed = elapsed
        return seconds

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


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run at work: its settings and its plan, what trains it, and what records it."""

    run: RunDirectory
    description: RunDescription
    vocabulary: Vocabulary
    plan: Plan
    material: Material
    """What is trained on and judged by."""
    batch_size: int
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram."""
    fingerprint: Mapping[str, str]
    """What the bits of a result depend on."""
    seconds_per_step: float | None
    """As timed before the first batch; None on a resume."""
    deadline: float | None
    """When to save and leave, on the clock `time.monotonic`."""
    engine: RunEngine
    progress: Progress
    history: History
    """What earlier trainers recorded."""
    writer: RunWriter
    interruption: Interruption
    clock: WorkClock = field(default_factory=WorkClock)
    """What the time spent on the run is measured by."""


class ProgressReport:
    """Reports a run's progress to viewers."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.losses: Final = context.history.losses
        """Of all batches; they grow with the run."""
        self.pace = Pace(context.progress.elapsed, context.seconds_per_step)
        context.writer.observe(self._observe)

    @property
    def state(self) -> RunState:
        """The state that was reported last."""
        return self._context.writer.status.state

    def show(self, state: RunState) -> None:
        """Report the state of the run: a new one at once, the numbers with the next beat."""
        context, step = self._context, self._context.progress.step
        characters = context.batch_size * context.description.training.sequence_length
        speed = self.pace.characters_per_second(characters)
        context.writer.set_status(
            state=state,
            step=step,
            total_steps=context.plan.total_steps,
            epoch=step / context.plan.steps_per_epoch,
            eta=self.pace.seconds_left(context.plan, step),
            characters_per_second=None if state is RunState.PAUSED else speed,
            elapsed=context.progress.elapsed,
        )

    def _observe(self) -> dict[str, Any]:
        """The curve of the losses; with every batch it would take longer than a small batch."""
        means = self.losses.columns(CURVE_LENGTH)
        return {"curve": tuple(round(mean, 4) for mean in means)}
