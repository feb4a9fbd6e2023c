"""Keeps state.json true: what a run is at, how far it has come, how long it will still take."""

from typing import Any

from tui_charrnn.metrics import LossHistory
from tui_charrnn.runs.description import CURVE_LENGTH, RunState
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.pace import Pace


class ProgressReport:
    """Tells viewers of a run's progress.

    Args:
        context: The run.
        progress: How far it has come.
        losses: Of all batches so far; grows with the run.
        writer: Takes what is told.
    """

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
        """What was told last."""
        return self._writer.status.state

    def show(self, state: RunState) -> None:
        """Tell what the run is at; a new state at once, the numbers with the next beat."""
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
