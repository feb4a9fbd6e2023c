"""Prepare a run before TensorFlow is loaded: text, baselines, checkpoint, initial weights."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CorpusError, RunError, never_cancelled
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.model.checkpoint import parse_model
from tui_charrnn.model.weights import Float32, grown_tensors, tensors_from_weights
from tui_charrnn.runs.checkpoints import checkpoint_to_resume_from, read_pointer
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.records import BaselinesMeasured
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.text.batches import ContiguousStreams, HeldOutWindows
from tui_charrnn.text.corpus import Corpus, fitting_batch_size
from tui_charrnn.text.ngrams import Baselines, measure_baselines
from tui_charrnn.text.numbered_text import IndexedText
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.history import RunHistory, read_history
from tui_charrnn.training.loop import Material, Progress, RunEngine
from tui_charrnn.training.plan import with_chosen_batch
from tui_charrnn.training.state_file import TrainingState, load_training_state

CHARACTERS_PER_STREAM = 1_000
"""Minimum characters per stream of held-out text, so that the first ones of each, predicted from a
zero state, hardly affect the loss."""
HELDOUT_STREAMS = 32
"""More would not be faster on a CPU."""
FOLLOWED_STREAMS = 4
"""Streams of a dynamic evaluation: few, as they update the same weights; a single one would take
four times as long."""


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A run's text as indices, computed on demand."""

    vocabulary: Vocabulary
    training: IndexedText
    """Shape (N,)."""
    heldout: IndexedText
    """Shape (M,): the evaluated part of the held-out tail."""

    sha256: str
    """SHA-256 of the whole text."""

    units_per_character: float = 1.0
    """See `CorpusReference`."""


def prepare_text(
    run: RunDirectory,
    description: RunDescription,
    check_cancelled: Callable[[], None] = never_cancelled,
    *,
    accepts_change: bool = False,
) -> PreparedText:
    """Read a run's text as indices and split off the held-out tail.

    Arguments as for `read_run_corpus`. Of a changed text, the same share is held out.
    """
    corpus = read_run_corpus(
        run, description.corpus, check_cancelled, accepts_change=accepts_change
    )
    check_cancelled()
    return index_text(corpus, description)


def index_text(corpus: Corpus, description: RunDescription) -> PreparedText:
    """Convert a text to indices in a run's vocabulary, and split it as in the run.

    Raises:
        CorpusError: If it differs from the run's text and is too short.
    """
    has_records = description.corpus.records != "none"
    symbols = description.unknown_symbol, description.end_symbol
    vocabulary = Vocabulary(description.vocabulary, *symbols)
    indices = corpus.ordered.indices(vocabulary)
    split = description.corpus.training_characters
    if corpus.sha256 != description.corpus.sha256:
        split = corpus.split(description.training.validation_fraction)
        if len(indices) - split < 2:
            raise CorpusError(f"The new text is too short: it holds out {len(indices) - split}.")
    limit = description.training.evaluation_characters
    end = len(indices) if limit is None else min(len(indices), split + limit)
    return PreparedText(
        vocabulary,
        indices[:split],
        # the first held-out record starts after the end symbol of the record before it
        indices[split - 1 if has_records else split : end],
        corpus.sha256,
        description.corpus.units_per_character,
    )


def measure_text(
    text: PreparedText, check_cancelled: Callable[[], None] = never_cancelled
) -> Baselines:
    """Compute the n-gram baselines on the same held-out characters as the model's loss."""
    end = text.vocabulary.end_index
    measured = measure_baselines(
        text.training,
        text.heldout if end is None else text.heldout[1:],
        len(text.vocabulary),
        end=end,
        check_cancelled=check_cancelled,
    )
    return measured.per_character(text.units_per_character)


def cut_material(text: PreparedText, config: TrainingConfig) -> Material:
    """Split a text into streams, fewer than configured for a small corpus."""
    length = config.sequence_length
    streams = ContiguousStreams(
        text.training,
        batch_size=fitting_batch_size(len(text.training), config.batch_size, length),
        sequence_length=length,
        rng_seed=config.rng_seed,
    )
    end = text.vocabulary.end_index
    count = max(1, min(HELDOUT_STREAMS, len(text.heldout) // CHARACTERS_PER_STREAM))
    windows, followed = (
        HeldOutWindows(text.heldout, stream_count=number, sequence_length=length, end=end)
        for number in (count, FOLLOWED_STREAMS)
    )
    tail = text.heldout if end is None else text.heldout[1:]
    return Material(streams, windows, followed, text.units_per_character, tail)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is ready for TensorFlow."""

    text: PreparedText
    training: TrainingConfig
    """The run's settings, with the planned batch size."""

    batch_size: int
    """As configured, or smaller for a small corpus."""

    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram model."""

    checkpoint: CheckpointDirectory | None
    """The checkpoint to resume from; None to start from the beginning."""

    state: TrainingState | None
    """Training state of the checkpoint; None without one."""

    progress: Progress
    """Progress of the checkpoint, with changes recorded after it."""

    history: RunHistory
    """Records of earlier trainers."""


def prepare_run(
    run: RunDirectory,
    description: RunDescription,
    text: PreparedText,
    writer: RunWriter,
    check_cancelled: Callable[[], None],
) -> Prepared:
    """Measure the n-gram baselines (once per run) and load the newest checkpoint.

    `check_cancelled` is called regularly, and raises to cancel.

    Raises:
        CorpusError: If the text is too short.
        RunError: If the checkpoint is damaged or cannot be read.
    """
    if text.sha256 != description.corpus.sha256:
        writer.warn(
            f"Resuming with another text: SHA-256 {description.corpus.sha256} so far, "
            f"{text.sha256} from here on. Their losses cannot be compared."
        )
    checkpoint = checkpoint_to_resume_from(run)
    state = None if checkpoint is None else load_training_state(checkpoint)
    history = read_history(run, 0 if state is None else state.progress.step)
    plan = state.plan if state is not None else history.plan
    training = with_chosen_batch(description.training, plan)
    batch_size = fitting_batch_size(
        len(text.training), training.batch_size, training.sequence_length
    )
    if batch_size < training.batch_size:
        writer.warn(
            f"The corpus is small: the batch size is {batch_size} instead of "
            f"{training.batch_size}, so that each stream holds a whole window."
        )
    if state is not None:
        _warn_of_damage(run, state.progress.step, writer)
        best_baseline, progress = state.best_baseline, state.progress
    else:
        _refuse_damaged_checkpoints(run)
        if history.saved_step:
            writer.warn(
                f"The checkpoints of this run, up to step {history.saved_step:,}, are missing: "
                "it starts over."
            )
        measured = history.measured or _measure(text, writer, check_cancelled)
        best_baseline, progress = measured.best, Progress()
    history.update_progress(progress)
    return Prepared(
        text=text,
        training=training,
        batch_size=batch_size,
        best_baseline=best_baseline,
        checkpoint=checkpoint,
        state=state,
        progress=progress,
        history=history,
    )


def _warn_of_damage(run: RunDirectory, step: int, writer: RunWriter) -> None:
    latest = read_pointer(run, run.latest)
    if latest is not None and latest.step != step:
        writer.warn(
            f"The checkpoint of step {latest.step:,} is damaged; training resumes from that of "
            f"step {step:,}."
        )


def _refuse_damaged_checkpoints(run: RunDirectory) -> None:
    """Raise if there are checkpoints, all damaged, as the user may still repair them."""
    damaged = sorted(path.name for path in run.checkpoints.glob("step-*"))
    if damaged:
        raise RunError(
            f"All checkpoints of this run are damaged ({', '.join(damaged)}). Restore them from "
            f"a backup, or delete {run.checkpoints} to start the run over."
        )


def _measure(
    text: PreparedText, writer: RunWriter, check_cancelled: Callable[[], None]
) -> BaselinesMeasured:
    baselines = measure_text(text, check_cancelled)
    if baselines.training_characters < len(text.training):
        writer.warn(
            f"The n-grams are counted on the last {baselines.training_characters:,} of "
            f"{len(text.training):,} training characters; the model sees all of them."
        )
    measured = BaselinesMeasured(tuple(baselines.orders), tuple(baselines.losses))
    writer.append(measured)
    return measured


def take_initial_weights(engine: RunEngine, run: RunDirectory, description: RunDescription) -> None:
    """Load the run's initial model, if it has one, into a new engine.

    The optimizer's moments and the states stay zero.

    Raises:
        RunError: If the run's copy of the initial model is damaged or missing.
    """
    if description.origin is None:
        return
    weights = initial_weights(run, description)
    training = engine.training_tensors()  # includes weights if the model's are averages
    trained = {f"trained.{name}": tensor for name, tensor in weights.items()}
    kept = {name: trained.get(name, tensor) for name, tensor in training.items()}
    engine.restore(weights, kept)


def initial_weights(run: RunDirectory, description: RunDescription) -> dict[str, Float32]:
    """Return the tensors of a run's initial model, extended for added characters.

    Raises:
        RunError: If the run's copy of it is damaged or missing.
        ModelFileError: If it is not a model.
    """
    origin, path = description.origin, run.initial_model
    if origin is None:
        raise ValueError("a run of random weights starts from no model")
    with RunError.if_unreadable(path), open_to_read(path, inside=run.path) as opened:
        data = opened.buffered().read(opened.size())
    if hashlib.sha256(data).hexdigest() != origin.sha256:
        raise RunError(
            f"{path} is no longer the model that this run starts from: its SHA-256 is not "
            f"{origin.sha256}. Restore it from a backup, or start a new run."
        )
    model = parse_model(io.BytesIO(data), path)
    tensors = tensors_from_weights(model.weights, model.config)
    return grown_tensors(tensors, len(description.added_characters))
