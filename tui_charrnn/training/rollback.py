"""What a trainer does about a number that is not finite: it goes back and learns more slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import checkpoint_to_go_on_from, return_to
from tui_charrnn.runs.layout import CheckpointDirectory
from tui_charrnn.runs.records import LearningRateChanged, RunDiverged, RunRolledBack
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.saving import Saver
from tui_charrnn.training.schedule import RateChange, peak_at, with_changes
from tui_charrnn.training.state_file import load_training_state, read_model

if TYPE_CHECKING:  # it would bring TensorFlow
    from tui_charrnn.training.context import RunEngine

ROLLBACK_LIMIT: Final = 3
"""So often a run goes back; what diverges once more needs other settings."""


class Rollback:
    """Takes a run back to its last good checkpoint.

    A checkpoint is good if training went on from it: where weights and states are those that the
    failure came from, the same batch would fail in the same way, whatever the learning rate.
    """

    def __init__(
        self,
        context: RunContext,
        engine: RunEngine,
        progress: Progress,
        saver: Saver,
        writer: RunWriter,
    ) -> None:
        self._context = context
        self._engine = engine
        self._progress = progress
        self._saver = saver
        self._writer = writer

    @property
    def good(self) -> CheckpointDirectory | None:
        """The newest checkpoint of an earlier step than the run stands at."""
        return checkpoint_to_go_on_from(self._context.run, before=self._progress.step)

    @property
    def _can_begin_anew(self) -> bool:
        """Whether there are steps to undo and no checkpoint that would be lost by it."""
        return self._progress.step > 0 and checkpoint_to_go_on_from(self._context.run) is None

    def go_back(self, diverged: RunDiverged) -> bool:
        """Go back with half the learning rate, and record it.

        Without any checkpoint, the run goes back to its beginning. Where the rate in force at the
        place to go back to is lower than half the one that failed, it is taken.

        Returns:
            False if it is of no use: it was done often enough, or there is nothing to go back to.

        Raises:
            RunError: If the checkpoint does not fit the run.
            StorageError: If the disk refuses to name another checkpoint the latest.
        """
        progress, config = self._progress, self._context.description.training
        good = self.good
        if progress.rollbacks >= ROLLBACK_LIMIT or not (good or self._can_begin_anew):
            return False
        failed = peak_at(diverged.step, config, progress.changes)
        if good is not None:
            self._restore(good)
        else:
            self._engine.reset()
            progress.go_back_to(Progress())
            self._saver.stand_at(None)
        first = progress.step + 1
        rate = min(failed / 2, peak_at(first, config, progress.changes))
        progress.changes = with_changes(progress.changes, [RateChange(first, rate)])
        progress.rollbacks += 1
        self._writer.append(
            RunRolledBack(
                step=diverged.step,
                to_step=progress.step,
                quantity=diverged.quantity,
                value=diverged.value,
                learning_rate=rate,
                attempt=progress.rollbacks,
            )
        )
        self._writer.append(LearningRateChanged(first, rate, "divergence"))
        return True

    def _restore(self, checkpoint: CheckpointDirectory) -> None:
        state, model = load_training_state(checkpoint.training), read_model(checkpoint.model)
        self._engine.restore(tensors_from_weights(model.weights, model.config), state.tensors)
        then, context = state.progress, self._context
        has_best = return_to(context.run, context.storage, checkpoint, best_step=then.best_step)
        if not has_best:
            then.best_loss, then.best_step = None, None
        self._progress.go_back_to(then)
        self._saver.stand_at(then)
