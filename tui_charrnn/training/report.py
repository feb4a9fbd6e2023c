"""Keeps state.json true: what a run is at, how far it has come, how long it will still take."""

from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.pace import Pace


class ProgressReport:
    """Tells viewers of a run's progress."""

    def __init__(self, context: RunContext, progress: Progress, writer: RunWriter) -> None:
        self._context = context
        self._progress = progress
        self._writer = writer
        self.pace = Pace(progress.elapsed, context.seconds_per_step)

    @property
    def state(self) -> RunState:
        """What was told last."""
        return self._writer.status.state

    def show(self, state: RunState) -> None:
        """Tell what the run is at; a new state at once, the numbers with the next beat."""
        context, step = self._context, self._progress.step
        characters = context.batch_size * context.description.training.sequence_length
        self._writer.set_status(
            state=state,
            step=step,
            total_steps=context.plan.total_steps,
            epoch=step / context.plan.steps_per_epoch,
            eta=self.pace.seconds_left(context.plan, step),
            characters_per_second=self.pace.characters_per_second(characters),
            elapsed=self._progress.elapsed,
        )
