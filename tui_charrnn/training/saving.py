"""What a run saves: checkpoints to resume from, and its newest weights for whoever asks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tui_charrnn.errors import StorageError
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.runs.checkpoints import save_checkpoint
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import CheckpointSaved, ModelPublished, RunWarned
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.engine import Engine
from tui_charrnn.training.loop import Progress
from tui_charrnn.training.plan import Plan
from tui_charrnn.training.state_file import TrainingState, serialize_training_state


@dataclass(frozen=True, slots=True)
class RunContext:
    """What is fixed while a session works."""

    run: RunDirectory
    storage: Storage
    description: RunDescription
    vocabulary: Vocabulary
    plan: Plan
    batch_size: int
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram."""
    fingerprint: Mapping[str, str]
    seconds_per_step: float | None
    """As timed before the first batch; None on a resume."""
    deadline: float | None
    """When to save and leave, on the clock `time.monotonic`."""


class Saver:
    """Writes the models and checkpoints of one run."""

    def __init__(
        self, context: RunContext, engine: Engine, progress: Progress, writer: RunWriter
    ) -> None:
        self._context = context
        self._engine = engine
        self._progress = progress
        self._writer = writer
        self._saved: tuple[int, int] | None = None
        if context.seconds_per_step is None:  # resumed: a checkpoint holds all of the progress
            self._saved = (progress.step, progress.evaluated_step)
        self.saved_at = time.monotonic()
        """When the last checkpoint was tried, on the clock `time.monotonic`."""
        self.train_loss: float | None = None
        """Running mean, for the model's summary."""

    @property
    def saved_step(self) -> int:
        """Step of the newest checkpoint; 0 before the first."""
        return self._saved[0] if self._saved else 0

    @property
    def is_saved(self) -> bool:
        """Whether the newest checkpoint holds all of the progress."""
        return self._saved == (self._progress.step, self._progress.evaluated_step)

    def save(self) -> float:
        """Make a checkpoint durable and record it.

        Returns:
            Seconds that it took.

        Raises:
            StorageError: If the disk refuses; the older checkpoints stay as they are.
        """
        self.saved_at = started = time.monotonic()
        context, progress = self._context, self._progress
        is_evaluated = progress.evaluated_step == progress.step
        state = TrainingState(
            self._engine.training_tensors(),
            context.plan,
            progress,
            context.best_baseline,
            context.fingerprint,
        )
        saved = save_checkpoint(
            context.run,
            self._context.storage,
            step=progress.step,
            model=self._model_bytes(),
            training=serialize_training_state(state),
            loss=progress.validation_loss if is_evaluated else None,
            is_best=is_evaluated and progress.best_step == progress.step,
            keep=context.description.training.keep_checkpoints,
        )
        seconds = time.monotonic() - started
        self._saved = (progress.step, progress.evaluated_step)
        path = saved.path.relative_to(context.run.path).as_posix()
        self._writer.append(CheckpointSaved(progress.step, path, seconds))
        return seconds

    def publish(self) -> bool:
        """Lay the newest weights out for sampling; False, with a warning, if the disk refuses."""
        run = self._context.run
        try:
            self._context.storage.make_folder(run.live_model.parent)
            self._context.storage.write_atomically(run.live_model, self._model_bytes())
        except StorageError as error:
            self._writer.append(RunWarned(str(error)))
            return False
        path = run.live_model.relative_to(run.path).as_posix()
        self._writer.append(ModelPublished(self._progress.step, path))
        return True

    def _model_bytes(self) -> bytes:
        context, progress = self._context, self._progress
        description = context.description
        order, loss = context.best_baseline
        return serialize_model(
            self._engine.network.tensors(),
            description.model,
            context.vocabulary,
            corpus={
                "name": description.corpus.name,
                "sha256": description.corpus.sha256,
                "characters": description.corpus.characters,
                "training_characters": description.corpus.training_characters,
            },
            training={
                "run": description.name,
                "preset": description.preset,
                "step": progress.step,
                "epoch": progress.step / context.plan.steps_per_epoch,
                "train_loss": self.train_loss,
                "validation_loss": progress.validation_loss,
                "best_validation_loss": progress.best_loss,
                "best_validation_step": progress.best_step,
                "best_ngram": {"order": order, "loss": loss},
                "elapsed": progress.elapsed,
            },
        )
