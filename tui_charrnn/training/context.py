"""What is fixed while a session works on a run, and the report of its progress to viewers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tui_charrnn.metrics import LossHistory
from tui_charrnn.model.weights import Float32
from tui_charrnn.runs.description import CURVE_LENGTH, RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Material, Progress, TrainingEngine, Windows
from tui_charrnn.training.pace import Pace, WorkClock
from tui_charrnn.training.plan import Plan


class RunEngine(TrainingEngine, Protocol):
    """An engine whose state can be saved and restored."""

    @property
    def newest_step(self) -> int:
        """The last that was taken since a restore; 0 before the first."""
        ...

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """Score held-out text with weights that continue to learn from it."""
        ...

    def model_tensors(self) -> dict[str, Float32]:
        """Copies of the weights by name."""
        ...

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Copies of what resuming needs besides, the states of all B streams with it."""
        ...

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Restore what a checkpoint holds."""
        ...

    def reset(self) -> None:
        """Go back to the state before the first step."""
        ...


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run, its settings and its plan."""

    run: RunDirectory
    storage: Storage
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
    clock: WorkClock = field(default_factory=WorkClock)
    """What the time spent on the run is measured by."""


class ProgressReport:
    """Reports a run's progress to viewers; `losses` are of all batches, and grow with the run."""

    def __init__(
        self, context: RunContext, progress: Progress, losses: LossHistory, writer: RunWriter
    ) -> None:
        self._context = context
        self._progress = progress
        self._writer = writer
        self.losses = losses
        self.pace = Pace(progress.elapsed, context.seconds_per_step)
        writer.observe(self._observe)

    @property
    def state(self) -> RunState:
        """The state that was reported last."""
        return self._writer.status.state

    def show(self, state: RunState) -> None:
        """Report the state of the run: a new one at once, the numbers with the next beat."""
        context, step = self._context, self._progress.step
        characters = context.batch_size * context.description.training.sequence_length
        speed = self.pace.characters_per_second(characters)
        self._writer.set_status(
            state=state,
            step=step,
            total_steps=context.plan.total_steps,
            epoch=step / context.plan.steps_per_epoch,
            eta=self.pace.seconds_left(context.plan, step),
            characters_per_second=None if state is RunState.PAUSED else speed,
            elapsed=self._progress.elapsed,
        )

    def _observe(self) -> dict[str, Any]:
        """The curve of the losses; with every batch it would take longer than a small batch."""
        means = self.losses.columns(CURVE_LENGTH)
        return {"curve": tuple(round(mean, 4) for mean in means)}
