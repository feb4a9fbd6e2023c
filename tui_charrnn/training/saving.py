"""Save and restore checkpoints, and publish the newest weights."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from tui_charrnn.errors import StorageError
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.runs.checkpoints import (
    checkpoint_to_resume_from,
    read_pointer,
    return_to,
    save_checkpoint,
)
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.file_system import format_cause
from tui_charrnn.runs.layout import CheckpointDirectory, RunGoneError, refuse_gone
from tui_charrnn.runs.records import (
    CheckpointSaved,
    LearningRateChanged,
    ModelPublished,
    RunDiverged,
    RunRolledBack,
)
from tui_charrnn.runs.storage import Storage
from tui_charrnn.training.context import ProgressReport, RunContext
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import RateChange, peak_at, with_changes
from tui_charrnn.training.preparation import take_initial_weights
from tui_charrnn.training.state_file import (
    TrainingState,
    load_training_state,
    restore,
    serialize_training_state,
)

FIRST_PAUSE: Final = 2.0
"""Seconds of pause after the first failure; each further failure doubles it."""
COST_SHARE: Final = 0.1
"""Maximum share of the time spent on slow failing attempts."""


def pause_after(refusals: int, took: float, longest: float) -> float:
    """Return the seconds until the next attempt, after consecutive failures.

    Pauses grow to `longest` seconds, more if attempts are slow: the last one took `took` seconds.
    """
    return max(min(FIRST_PAUSE * 2.0 ** min(refusals - 1, 30), longest), took / COST_SHARE)


EPOCH_SHARE: Final = 1 / 6
"""An epoch's end is saved unless the last checkpoint is newer than this share of the interval."""
PATIENCE: Final = 600.0
"""Seconds for which a finished trainer retries to save its last state."""
_POLL: Final = 0.2
"""Seconds between two checks for a reason to exit while waiting."""


ROLLBACK_LIMIT: Final = 3
"""Maximum number of rollbacks; a run that diverges more often needs other settings."""


class Saver:
    """Writes the models and checkpoints of one run, and goes back to a checkpoint."""

    def __init__(self, context: RunContext, report: ProgressReport) -> None:
        self._context = context
        self._engine, self._progress = context.engine, context.progress
        self._report, self._writer = report, context.writer
        is_resumed = context.seconds_per_step is None
        self._started = time.monotonic()
        self._tried_at = self._started if is_resumed else -math.inf
        self._refusal: StorageError | None = None
        self._refusals = 0
        """Consecutive failures."""
        self._pause = 0.0
        """Seconds from the last failure to the next attempt."""
        self._limit: float | None = None
        """Until when a finished trainer retries to save; None during training."""
        self.train_loss: float | None = None
        """Running mean, for the model's summary."""
        self.note_saved(context.progress if is_resumed else None)

    def note_saved(self, saved: Progress | None) -> None:
        """Set the progress of the newest checkpoint; None for no checkpoint."""
        self._saved = None if saved is None else saved.position
        self._saved_best = (saved.best_loss, saved.best_step) if saved else (None, None)

    @property
    def saved_step(self) -> int:
        """Step of the newest checkpoint; 0 before the first."""
        return self._saved[0] if self._saved else 0

    @property
    def is_saved(self) -> bool:
        """Whether the newest checkpoint contains all progress."""
        return self._saved == self._progress.position

    @property
    def is_due(self) -> bool:
        """Whether a checkpoint is due: the interval has passed, or an epoch has ended."""
        if self._engine.newest_step > self._progress.step:
            return False  # in the middle of a call's records: the weights are of a later step
        interval, now = self._context.description.training.checkpoint_interval, time.monotonic()
        if self._refusal is not None:
            return now - self._tried_at >= self._pause
        if self._progress.step % self._context.plan.steps_per_epoch == 0:
            return now - self._tried_at >= EPOCH_SHARE * interval
        return now - max(self._tried_at, self._started) >= interval

    def try_to_save(self) -> bool:
        """Save; if the disk refuses, report it and return False; saving is retried with backoff.

        Raises:
            RunGoneError: If the run no longer exists.
        """
        state, clock = self._report.state, self._context.clock
        self._report.show(RunState.SAVING)
        began = clock.now()  # stopped while the run is paused
        try:
            self.save()
        except RunGoneError:
            raise
        except StorageError as error:
            self._report_refusal(error, clock.now() - began)
            return False
        finally:
            self._report.speed.saved(clock.now() - began)
            self._report.show(state)
        if self._refusal is not None:
            self._refusal, self._refusals = None, 0
            self._writer.report_unsaved("")
        self._writer.set_status(message="")
        return True

    def save_at_last(self, should_stop: Callable[[], bool]) -> None:
        """Save after training, retrying for up to `PATIENCE` seconds or until `should_stop`.

        Raises:
            StorageError: If all attempts failed.
        """
        limit = time.monotonic() + PATIENCE
        if self._progress.step == self._context.plan.total_steps:
            self._limit = limit
        while not self.try_to_save():
            again = min(limit, time.monotonic() + self._pause)
            while not should_stop() and (left := again - time.monotonic()) > 0:
                self._report_unsaved()
                self._context.interruption.sleep(min(left, _POLL))
            if self._refusal is not None and (should_stop() or time.monotonic() >= limit):
                raise self._refusal

    def _report_refusal(self, error: StorageError, took: float) -> None:
        """Record a warning if the cause is new, and increase the pause."""
        if self._refusal is None or format_cause(error) != format_cause(self._refusal):
            message = (
                f"Not saved: {error} The last saved step is {self.saved_step:,}. "
                f"{'Training continues, and saving' if self._limit is None else 'Saving'} is "
                "retried."
            )
            self._writer.warn(message)
            self._writer.set_status(message=message)
        self._refusal = error
        self._report_unsaved()
        self._refusals += 1
        longest = self._context.description.training.checkpoint_interval
        self._pause = pause_after(self._refusals, took, longest)

    def _report_unsaved(self) -> None:
        """Report the unsaved state and, after training, how long saving is retried."""
        if self._refusal is None:
            return
        warning = f"{format_cause(self._refusal)}, last saved step {self.saved_step:,}"
        if self._limit is not None:
            left = math.ceil(max(0.0, self._limit - time.monotonic()) / 60)
            warning += f"; all steps are done, saving is retried for {left} min"
        self._writer.report_unsaved(warning)

    def save(self) -> None:
        """Make a checkpoint durable and record it.

        It becomes the best if its validation loss is lower than that of every other checkpoint.

        Raises:
            StorageError: If the disk refuses; older checkpoints are unchanged.
        """
        self._tried_at = started = time.monotonic()
        context, progress = self._context, self._progress
        is_scored = progress.evaluated_step == progress.step
        is_scored = is_scored and not context.plan.is_early(progress.step)
        loss = progress.validation_loss if is_scored else None
        is_best = loss is not None and (self._saved_best[0] is None or loss < self._saved_best[0])
        if is_best:
            progress.best_loss, progress.best_step = loss, progress.step
        self._writer.sync()  # a resume from this checkpoint needs all records up to it
        try:
            saved = save_checkpoint(
                context.run,
                step=progress.step,
                model=_model_bytes(context, self.train_loss),
                training=serialize_training_state(
                    TrainingState(
                        self._engine.training_tensors(),
                        context.plan,
                        progress,
                        context.best_baseline,
                        context.fingerprint,
                    )
                ),
                loss=loss,
                is_best=is_best,
                keep=context.description.training.keep_checkpoints,
            )
        except (MemoryError, StorageError) as error:
            self._forget_unsaved_best()
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                "Cannot save a checkpoint: there is not enough memory for another copy of the "
                "weights."
            ) from error
        seconds = time.monotonic() - started
        self.note_saved(progress)
        path = saved.path.relative_to(context.run.path).as_posix()
        self._writer.append(CheckpointSaved(progress.step, path, seconds))

    def _forget_unsaved_best(self) -> None:
        """Reset the best loss to that of the best existing checkpoint."""
        progress, named = self._progress, read_pointer(self._context.run, self._context.run.best)
        if named is not None and (named.loss, named.step) == (
            progress.best_loss,
            progress.best_step,
        ):
            self._saved_best = progress.best_loss, progress.best_step
        else:
            progress.best_loss, progress.best_step = self._saved_best

    def publish(self) -> bool:
        """Publish the newest weights for sampling; on failure record a warning, return False."""
        context, run = self._context, self._context.run
        try:
            model = _model_bytes(context, self.train_loss)
            refuse_gone(run)
            storage = Storage(inside=run.path)
            storage.make_folder(run.live_model.parent)
            storage.write_atomically(run.live_model, model)
        except (MemoryError, StorageError) as error:
            lack = "There is not enough memory for a copy of the newest weights."
            self._writer.warn(str(error) if isinstance(error, StorageError) else lack)
            return False
        path = run.live_model.relative_to(run.path).as_posix()
        self._writer.append(ModelPublished(self._progress.step, path))
        return True

    @property
    def good(self) -> CheckpointDirectory | None:
        """The newest checkpoint before the run's current step.

        With the weights and states of this step, the same batch would fail again at any learning
        rate.
        """
        return checkpoint_to_resume_from(self._context.run, before=self._progress.step)

    def go_back(self, diverged: RunDiverged) -> bool:
        """Roll back, halve the learning rate, and record both.

        Without any checkpoint, the run goes back to its beginning. If the learning rate at that
        step was already lower than half the failed one, it is kept.

        Returns:
            False if a rollback would not help: the limit is reached, or no step can be undone.

        Raises:
            RunError: If the checkpoint does not fit the run.
            StorageError: If the disk refuses to update the latest checkpoint.
        """
        progress, config = self._progress, self._context.description.training
        good, run = self.good, self._context.run
        if progress.rollbacks >= ROLLBACK_LIMIT:
            return False
        if good is None and (progress.step == 0 or checkpoint_to_resume_from(run) is not None):
            return False  # no step to undo, or a restart would lose a checkpoint
        failed = peak_at(diverged.step, config, progress.changes)
        if good is not None:
            self._restore(good)
        else:
            self._engine.reset()
            take_initial_weights(self._engine, run, self._context.description)
            progress.go_back_to(Progress())
            self.note_saved(None)
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
        state = load_training_state(checkpoint)
        restore(self._engine, checkpoint, state)
        then, context = state.progress, self._context
        has_best = return_to(context.run, checkpoint, best_step=then.best_step)
        if not has_best:
            then.best_loss, then.best_step = None, None
        self._progress.go_back_to(then)
        self.note_saved(then)


def _model_bytes(context: RunContext, train_loss: float | None) -> bytes:
    """Return the contents of the model file for the current weights.

    Raises:
        DivergedError: If a weight is not finite.
    """
    description, progress = context.description, context.progress
    corpus, origin = description.corpus, description.origin
    # fields unknown to the first versions are written only if they differ from their behavior
    read: dict[str, object] = {}
    if corpus.units != "characters":
        read |= {"units": corpus.units, "units_per_character": corpus.units_per_character}
    if corpus.records != "none":
        read["records"] = corpus.records
    if origin is not None:
        read["earlier"] = [asdict(text) for text in origin.texts]
    order, loss = context.best_baseline
    return serialize_model(
        context.engine.model_tensors(),
        description.model,
        context.vocabulary,
        corpus={
            "name": corpus.name,
            "sha256": corpus.sha256,
            "characters": corpus.characters,
            "training_characters": corpus.training_characters,
            **read,
        },
        training={
            "run": description.name,
            # without its path, which is private
            **({} if origin is None else {"from": {"name": origin.name, "sha256": origin.sha256}}),
            "preset": description.preset,
            "step": progress.step,
            "epoch": progress.step / context.plan.steps_per_epoch,
            "train_loss": train_loss,
            "validation_loss": progress.validation_loss,
            "best_validation_loss": progress.best_loss,
            "best_validation_step": progress.best_step,
            "best_ngram": {"order": order, "loss": loss},
            "elapsed": progress.elapsed,
        },
    )
