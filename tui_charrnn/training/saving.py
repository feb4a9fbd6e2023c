"""What a run saves: checkpoints to resume from or to go back to, and its newest weights."""

import math
import time
from collections.abc import Callable
from typing import Final

from tui_charrnn.errors import StorageError
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import checkpoint_to_resume_from, return_to, save_checkpoint
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.file_system import format_cause
from tui_charrnn.runs.foreign_parts import RunGoneError, refuse_gone
from tui_charrnn.runs.layout import CheckpointDirectory
from tui_charrnn.runs.manifest import read_pointer
from tui_charrnn.runs.records import (
    CheckpointSaved,
    LearningRateChanged,
    ModelPublished,
    RunDiverged,
    RunRolledBack,
    RunWarned,
)
from tui_charrnn.runs.storage import Storage
from tui_charrnn.training.context import ProgressReport, RunContext
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import RateChange, peak_at, with_changes
from tui_charrnn.training.preparation import take_initial_weights
from tui_charrnn.training.state_file import (
    load_training_state,
    model_bytes,
    read_model,
    state_bytes,
)

FIRST_PAUSE: Final = 2.0
"""Seconds after the first refusal; each further one doubles them."""
COST_SHARE: Final = 0.1
"""At most this share of the time is spent on attempts, where each takes long before it fails."""


class GrowingPause:
    """Seconds between two attempts, which grow from refusal to refusal up to a limit."""

    def __init__(self, longest: float) -> None:
        """Start without a refusal; pauses grow to `longest` seconds, or as long as an attempt."""
        self._longest = longest
        self._refusals = 0
        self.seconds = 0.0
        """Until the next attempt; 0 if the last one succeeded."""

    def refused(self, took: float) -> None:
        """Note an attempt that failed after so many seconds."""
        grown = FIRST_PAUSE * 2.0 ** min(self._refusals, 30)
        self._refusals += 1
        self.seconds = max(min(grown, self._longest), took / COST_SHARE)

    def succeeded(self) -> None:
        """Note one that did not."""
        self._refusals, self.seconds = 0, 0.0


EPOCH_SHARE: Final = 1 / 6
"""The end of an epoch is saved unless a checkpoint is younger than this share of the interval."""
PATIENCE: Final = 600.0
"""Seconds for which a trainer that has nothing left to do tries to save its last state."""
_LOOK: Final = 0.2
"""Seconds between two looks for a reason to leave while it waits."""


class Saver:
    """Writes the models and checkpoints of one run."""

    def __init__(self, context: RunContext, report: ProgressReport) -> None:
        self._context = context
        self._engine, self._progress = context.engine, context.progress
        self._report, self._writer = report, context.writer
        is_resumed = context.seconds_per_step is None
        self._started = time.monotonic()
        self._tried_at = self._started if is_resumed else -math.inf
        self._pause = GrowingPause(context.description.training.checkpoint_interval)
        self._refusal: StorageError | None = None
        self._limit: float | None = None
        """Until when the last state is tried to be saved, once nothing is left to be trained."""
        self.train_loss: float | None = None
        """Running mean, for the model's summary."""
        self.note_saved(context.progress if is_resumed else None)

    def note_saved(self, saved: Progress | None) -> None:
        """Know which progress the newest checkpoint holds; None: there is no checkpoint."""
        self._saved = None if saved is None else saved.position
        self._saved_best = (saved.best_loss, saved.best_step) if saved else (None, None)

    @property
    def saved_step(self) -> int:
        """Step of the newest checkpoint; 0 before the first."""
        return self._saved[0] if self._saved else 0

    @property
    def is_saved(self) -> bool:
        """Whether the newest checkpoint holds all of the progress."""
        return self._saved == self._progress.position

    @property
    def is_due(self) -> bool:
        """Whether it is time for a checkpoint: the interval is over, or an epoch has ended."""
        if self._engine.newest_step > self._progress.step:
            return False  # within the records of one call: the weights are not this step's
        interval, now = self._context.description.training.checkpoint_interval, time.monotonic()
        if self._refusal is not None:
            return now - self._tried_at >= self._pause.seconds
        if self._progress.step % self._context.plan.steps_per_epoch == 0:
            return now - self._tried_at >= EPOCH_SHARE * interval
        return now - max(self._tried_at, self._started) >= interval

    def try_to_save(self) -> bool:
        """Save; if the disk refuses, report it and train on: it is retried after growing pauses.

        Raises:
            RunGoneError: If there is no run any more that could be saved.
        """
        state, clock = self._report.state, self._context.clock
        self._report.show(RunState.SAVING)
        began = clock.now()  # which stands still where the run is paused anyway
        try:
            self.save()
        except RunGoneError:
            raise
        except StorageError as error:
            self._report_refusal(error, clock.now() - began)
            return False
        finally:
            self._report.pace.stood_still(clock.now() - began)
            self._report.show(state)
        if self._refusal is not None:
            self._refusal = None
            self._pause.succeeded()
            self._writer.report_unsaved("")
        self._writer.set_status(message="")
        return True

    def save_at_last(self, should_stop: Callable[[], bool], sleep: Callable[[float], None]) -> None:
        """Save when nothing is left to be trained, however often that takes.

        It does not wait once `should_stop`; `sleep` waits so many seconds, or until then.

        Raises:
            StorageError: If the disk continued to refuse.
        """
        limit = time.monotonic() + PATIENCE
        if self._progress.step == self._context.plan.total_steps:
            self._limit = limit
        while not self.try_to_save():
            again = min(limit, time.monotonic() + self._pause.seconds)
            while not should_stop() and (left := again - time.monotonic()) > 0:
                self._report_unsaved()
                sleep(min(left, _LOOK))
            if self._refusal is not None and (should_stop() or time.monotonic() >= limit):
                raise self._refusal

    def _report_refusal(self, error: StorageError, took: float) -> None:
        """Warn of a refusal if it is a new one, and wait longer."""
        if self._refusal is None or format_cause(error) != format_cause(self._refusal):
            message = (
                f"Not saved: {error} The last saved step is {self.saved_step:,}. "
                f"{'Training goes on, and saving' if self._limit is None else 'Saving'} is tried "
                "again."
            )
            self._writer.append(RunWarned(message))
            self._writer.set_status(message=message)
        self._refusal = error
        self._report_unsaved()
        self._pause.refused(took)

    def _report_unsaved(self) -> None:
        """Report what is not saved and, where nothing else is left to do, how long it is tried."""
        if self._refusal is None:
            return
        words = f"{format_cause(self._refusal)}, last saved step {self.saved_step:,}"
        if self._limit is not None:
            left = math.ceil(max(0.0, self._limit - time.monotonic()) / 60)
            words += f"; all steps are done, saving is tried for {left} min"
        self._writer.report_unsaved(words)

    def save(self) -> None:
        """Make a checkpoint durable and record it.

        It is named the best if it was scored better than the best that there is a checkpoint of.

        Raises:
            StorageError: If the disk refuses; the older checkpoints stay as they are.
        """
        self._tried_at = started = time.monotonic()
        context, progress = self._context, self._progress
        is_scored = progress.evaluated_step == progress.step
        is_scored = is_scored and not context.plan.is_early(progress.step)
        loss = progress.validation_loss if is_scored else None
        is_best = loss is not None and (self._saved_best[0] is None or loss < self._saved_best[0])
        if is_best:
            progress.best_loss, progress.best_step = loss, progress.step
        self._writer.sync()  # a resume from here on needs all records until here
        try:
            saved = save_checkpoint(
                context.run,
                step=progress.step,
                model=model_bytes(context, self.train_loss),
                training=state_bytes(context),
                loss=loss,
                is_best=is_best,
                keep=context.description.training.keep_checkpoints,
            )
        except MemoryError as error:
            self._forget_unsaved_best()
            raise StorageError(
                "Cannot save a checkpoint: there is not enough memory for another copy of the "
                "weights."
            ) from error
        except StorageError:
            self._forget_unsaved_best()
            raise
        seconds = time.monotonic() - started
        self.note_saved(progress)
        path = saved.path.relative_to(context.run.path).as_posix()
        self._writer.append(CheckpointSaved(progress.step, path, seconds))

    def _forget_unsaved_best(self) -> None:
        """Best means the best that there is a checkpoint of."""
        progress, named = self._progress, read_pointer(self._context.run, self._context.run.best)
        if named is not None and (named.loss, named.step) == (
            progress.best_loss,
            progress.best_step,
        ):
            self._saved_best = progress.best_loss, progress.best_step
        else:
            progress.best_loss, progress.best_step = self._saved_best

    def publish(self) -> bool:
        """Publish the newest weights for sampling; False, with a warning, if that is refused."""
        context, run = self._context, self._context.run
        try:
            model = model_bytes(context, self.train_loss)
            refuse_gone(run)
            storage = Storage(inside=run.path)
            storage.make_folder(run.live_model.parent)
            storage.write_atomically(run.live_model, model)
        except MemoryError:
            self._writer.append(RunWarned("There is no memory for a copy of the newest weights."))
            return False
        except StorageError as error:
            self._writer.append(RunWarned(str(error)))
            return False
        path = run.live_model.relative_to(run.path).as_posix()
        self._writer.append(ModelPublished(self._progress.step, path))
        return True


ROLLBACK_LIMIT: Final = 3
"""How often a run rolls back; if it diverges once more, it needs other settings."""


class Rollback:
    """Takes a run back to its last good checkpoint.

    A checkpoint is good if training continued from it: where weights and states are those that the
    failure came from, the same batch would fail in the same way, whatever the learning rate.
    """

    def __init__(self, context: RunContext, saver: Saver) -> None:
        self._context, self._saver = context, saver
        self._engine, self._progress = context.engine, context.progress
        self._writer = context.writer

    @property
    def good(self) -> CheckpointDirectory | None:
        """The newest checkpoint of an earlier step than the run stands at."""
        return checkpoint_to_resume_from(self._context.run, before=self._progress.step)

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
        good, run = self.good, self._context.run
        if progress.rollbacks >= ROLLBACK_LIMIT:
            return False
        if good is None and (progress.step == 0 or checkpoint_to_resume_from(run) is not None):
            return False  # no step to undo, or a checkpoint that would be lost by beginning anew
        failed = peak_at(diverged.step, config, progress.changes)
        if good is not None:
            self._restore(good)
        else:
            self._engine.reset()
            take_initial_weights(self._engine, run, self._context.description)
            progress.go_back_to(Progress())
            self._saver.note_saved(None)
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
        has_best = return_to(context.run, checkpoint, best_step=then.best_step)
        if not has_best:
            then.best_loss, then.best_step = None, None
        self._progress.go_back_to(then)
        self._saver.note_saved(then)
