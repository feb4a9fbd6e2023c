"""What a run needs before TensorFlow is loaded: its text, its baselines, its checkpoint."""

from dataclasses import dataclass, replace

from tui_charrnn.errors import RunError
from tui_charrnn.runs.checkpoints import newest_valid
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import read_pointer
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    RunPlanned,
    RunResumed,
    RunWarned,
)
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
    planned: RunPlanned | None
    """What was planned by a trainer that died before its first checkpoint."""


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
    if checkpoint is not None:
        state = load_training_state(checkpoint.training)
        _tell_what_is_lost(run, state.progress.step, writer)
        return Prepared(text, material, batch_size, state.best_baseline, checkpoint, state, None)
    _refuse_damaged_checkpoints(run)
    recorded = _recorded(run)
    if recorded.saved_step:
        message = (
            f"The checkpoints of this run, up to step {recorded.saved_step:,}, are gone: it begins "
            "anew."
        )
        writer.append(RunWarned(message))
    measured = recorded.measured or _measure(text, writer)
    return Prepared(text, material, batch_size, measured.best, None, None, recorded.planned)


def _tell_what_is_lost(run: RunDirectory, step: int, writer: RunWriter) -> None:
    latest = read_pointer(run, run.latest)
    if latest is not None and latest.step != step:
        message = (
            f"The checkpoint of step {latest.step:,} is damaged; training goes on from that of "
            f"step {step:,}."
        )
        writer.append(RunWarned(message))


def _refuse_damaged_checkpoints(run: RunDirectory) -> None:
    """Begin a run anew only where nothing of it could still be saved by hand.

    Raises:
        RunError: If there are checkpoints, and none of them is whole.
    """
    damaged = sorted(path.name for path in run.checkpoints.glob("step-*"))
    if damaged:
        raise RunError(
            f"All checkpoints of this run are damaged ({', '.join(damaged)}). Put them back from "
            f"a copy, or remove {run.checkpoints} to begin the run anew."
        )


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What an earlier trainer wrote down; a run is planned and its baselines counted once."""

    planned: RunPlanned | None = None
    measured: BaselinesMeasured | None = None
    saved_step: int = 0


def _recorded(run: RunDirectory) -> _Recorded:
    recorded = _Recorded()
    reader = RunReader(run)
    while records := reader.read_new():
        for record in records:
            match record:
                case RunPlanned():
                    recorded = replace(recorded, planned=record)
                case BaselinesMeasured():
                    recorded = replace(recorded, measured=record)
                case CheckpointSaved():
                    recorded = replace(recorded, saved_step=record.step)
                case RunResumed():
                    recorded = replace(recorded, saved_step=min(recorded.saved_step, record.step))
                case _:
                    pass
    return recorded


def _measure(text: PreparedText, writer: RunWriter) -> BaselinesMeasured:
    baselines = measure_text(text)
    if baselines.training_characters < len(text.training):
        message = (
            f"The n-grams are counted on the last {baselines.training_characters:,} of "
            f"{len(text.training):,} training characters; the model sees all of them."
        )
        writer.append(RunWarned(message))
    measured = BaselinesMeasured(tuple(baselines.orders), tuple(baselines.losses))
    writer.append(measured)
    return measured
