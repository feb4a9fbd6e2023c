"""What a run needs before TensorFlow is loaded: its text, its baselines, its checkpoint."""

from dataclasses import dataclass

from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.records import BaselinesMeasured, RunWarned
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.loop import Material
from tui_charrnn.training.material import PreparedText, cut_material, measure_text, prepare_text
from tui_charrnn.training.state_file import TrainingState, load_training_state


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is ready for TensorFlow."""

    text: PreparedText
    material: Material
    batch_size: int
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram."""
    checkpoint: CheckpointDirectory | None
    """Where to go on from; None begins at the beginning."""
    state: TrainingState | None
    """Of the checkpoint."""


def prepare_run(run: RunDirectory, description: RunDescription, writer: RunWriter) -> Prepared:
    """Read the text, cut it, count n-grams (once a run) and find the newest checkpoint.

    Raises:
        CorpusError: If the text cannot be read, has changed or is too short.
        RunError: If the checkpoint is damaged.
    """
    text = prepare_text(run, description)
    material, batch_size = cut_material(text, description.training)
    if batch_size < description.training.batch_size:
        message = (
            f"The corpus is small: the batch size is {batch_size} instead of "
            f"{description.training.batch_size}, so that each stream holds a whole window."
        )
        writer.append(RunWarned(message))
    checkpoint = newest_valid(run)
    state = load_training_state(checkpoint.training) if checkpoint else None
    best = state.best_baseline if state else _measure(text, writer)
    return Prepared(text, material, batch_size, best, checkpoint, state)


def _measure(text: PreparedText, writer: RunWriter) -> tuple[int, float]:
    baselines = measure_text(text)
    record = BaselinesMeasured(tuple(baselines.orders), tuple(baselines.losses))
    writer.append(record)
    return record.best
