"""What stands in the two files of a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.training.state_file import TrainingState, serialize_training_state

if TYPE_CHECKING:  # the engine would bring TensorFlow
    from tui_charrnn.training.context import RunContext
    from tui_charrnn.training.loop import Progress
    from tui_charrnn.training.run_engine import RunEngine


def state_bytes(context: RunContext, engine: RunEngine, progress: Progress) -> bytes:
    """The file that holds what resuming needs besides the model."""
    return serialize_training_state(
        TrainingState(
            engine.training_tensors(),
            context.plan,
            progress,
            context.best_baseline,
            context.fingerprint,
        )
    )


def model_bytes(
    context: RunContext, engine: RunEngine, progress: Progress, train_loss: float | None
) -> bytes:
    """The model file of the weights as they are.

    Raises:
        DivergedError: If one of them is not finite.
    """
    description = context.description
    order, loss = context.best_baseline
    return serialize_model(
        engine.model_tensors(),
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
            "train_loss": train_loss,
            "validation_loss": progress.validation_loss,
            "best_validation_loss": progress.best_loss,
            "best_validation_step": progress.best_step,
            "best_ngram": {"order": order, "loss": loss},
            "elapsed": progress.elapsed,
        },
    )
