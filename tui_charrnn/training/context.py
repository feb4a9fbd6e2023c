"""The context of a training session, its clock, and its progress report."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tui_charrnn.metrics import RunningMean
from tui_charrnn.runs.description import CURVE_LENGTH, RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.history import RunHistory
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.loop import Material, Progress, RunEngine
from tui_charrnn.training.plan import Plan


class WorkClock:
    """A clock that can be stopped, to measure seconds of training without pauses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._idle = 0.0
        self._stopped_at: float | None = None

    def now(self) -> float:
        """Return the time of this clock, in seconds."""
        return (self._clock() if self._stopped_at is None else self._stopped_at) - self._idle

    def stop(self) -> None:
        """Stop the clock."""
        self._stopped_at = self._clock()

    def resume(self) -> None:
        """Continue from where the clock was stopped; do nothing if it is running."""
        if self._stopped_at is not None:
            self._idle += self._clock() - self._stopped_at
            self._stopped_at = None


class SpeedMeter:
    """Running means of the seconds per step and per evaluation."""

    def __init__(self, elapsed: float, seconds_per_step: float | None = None) -> None:
        self._elapsed = elapsed
        self._is_warm = False
        self._step = RunningMean(0.95)
        self._evaluation = RunningMean(0.5)
        if seconds_per_step is not None:
            self._step.add(seconds_per_step)

    def batch_trained(self, elapsed: float) -> None:
        """Add a training step that ended at `elapsed` seconds of the run.

        The first step of a process is ignored, as it may include compilation.
        """
        if self._is_warm:
            self._step.add(elapsed - self._elapsed)
        self._elapsed, self._is_warm = elapsed, True

    def evaluated(self, elapsed: float) -> float:
        """Add an evaluation that ended at `elapsed`, and return its seconds."""
        seconds = elapsed - self._elapsed
        self._evaluation.add(seconds)
        self._elapsed = elapsed
        return seconds

    def saved(self, seconds: float) -> None:
        """Exclude the seconds of saving a checkpoint from the next step."""
        self._elapsed += seconds

    def characters_per_second(self, characters_per_step: int) -> float | None:
        """Return training characters per second, without evaluations; None if unknown."""
        seconds = self._step.value
        return characters_per_step / seconds if seconds else None

    def seconds_left(self, plan: Plan, step: int) -> float | None:
        """Return the seconds until the end of the plan, including evaluations; None if unknown."""
        if self._step.value is None:
            return None
        batches = (plan.total_steps - step) * self._step.value
        return batches + plan.evaluations_after(step) * (self._evaluation.value or 0.0)


@dataclass(frozen=True, slots=True)
class RunContext:
    """All parts of a training session: settings, plan, data, engine, writer."""

    run: RunDirectory
    description: RunDescription
    vocabulary: Vocabulary
    plan: Plan
    material: Material
    """Training and held-out data."""
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram model."""

    fingerprint: Mapping[str, str]
    """Machine and library facts that bit-identical results depend on."""

    seconds_per_step: float | None
    """As timed before the first batch; None on a resume."""

    engine: RunEngine
    progress: Progress
    history: RunHistory
    """Records of earlier trainers."""
    writer: RunWriter
    interruption: Interruption
    clock: WorkClock = field(default_factory=WorkClock)
    """Measures the training time of the run."""


class ProgressReport:
    """Reports a run's progress to viewers."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self.losses: Final = context.history.losses
        """Losses of all batches so far."""
        self.speed = SpeedMeter(context.progress.elapsed, context.seconds_per_step)
        context.writer.observe(self._observe)

    @property
    def state(self) -> RunState:
        """The last reported state."""
        return self._context.writer.status.state

    def show(self, state: RunState) -> None:
        """Report the run's state: a new state immediately, numbers with the next beat."""
        context, step = self._context, self._context.progress.step
        characters = context.material.batch_size * context.description.training.sequence_length
        speed = self.speed.characters_per_second(characters)
        context.writer.set_status(
            state=state,
            step=step,
            total_steps=context.plan.total_steps,
            epoch=step / context.plan.steps_per_epoch,
            eta=self.speed.seconds_left(context.plan, step),
            characters_per_second=None if state is RunState.PAUSED else speed,
            elapsed=context.progress.elapsed,
        )

    def _observe(self) -> dict[str, Any]:
        """Return the loss curve; computed per beat, as per batch it would cost more than a step."""
        means = self.losses.columns(CURVE_LENGTH)
        return {"curve": tuple(round(mean, 4) for mean in means)}
