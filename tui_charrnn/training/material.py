"""From a run's description to what is trained on: read the text again, check it, cut it."""

from collections.abc import Callable
from dataclasses import dataclass

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.batches import ContiguousStreams, HeldOutWindows
from tui_charrnn.text.corpus import Corpus, fitting_batch_size, split_point
from tui_charrnn.text.ngrams import Baselines, measure_baselines
from tui_charrnn.text.number_store import IndexedText
from tui_charrnn.text.sources import never_cancelled
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Material

CHARACTERS_PER_STREAM = 1_000
"""Held-out text is scored in parallel streams of at least so many characters: the few that each
begins with, before its state has warmed up, then hardly count."""
HELDOUT_STREAMS = 32
"""More would not score faster on a processor."""

FOLLOWED_STREAMS = 4
"""Streams of a dynamic evaluation: they teach the same weights, so few of them; one alone would
take four times as long."""


@dataclass(frozen=True, slots=True)
class PreparedText:
    """A run's text as indices, which are looked up where they are used."""

    vocabulary: Vocabulary
    training: IndexedText
    """Shape (N,)."""
    heldout: IndexedText
    """Shape (M,): the part of the held-out tail that is scored."""
    sha256: str
    """Of the whole text."""
    units_per_character: float = 1.0
    """See `CorpusReference`."""


def prepare_text(
    run: RunDirectory,
    description: RunDescription,
    check_cancelled: Callable[[], None] = never_cancelled,
    *,
    accepts_change: bool = False,
) -> PreparedText:
    """Read a run's text as indices, and hold its tail out; arguments as of `read_run_corpus`.

    Of another text, the same share is held out.
    """
    corpus = read_run_corpus(
        run, description.corpus, check_cancelled, accepts_change=accepts_change
    )
    check_cancelled()
    return index_text(corpus, description)


def index_text(corpus: Corpus, description: RunDescription) -> PreparedText:
    """A text as indices in the vocabulary of a run, its tail held out as the run has it.

    Raises:
        CorpusError: If it is another text than that of the run, and too short.
    """
    vocabulary = Vocabulary(description.vocabulary, description.unknown_symbol)
    indices = corpus.numbered.indices(vocabulary)
    split = description.corpus.training_characters
    if corpus.sha256 != description.corpus.sha256:
        split = split_point(len(indices), description.training.validation_fraction)
        if len(indices) - split < 2:
            raise CorpusError(f"The new text is too short: it holds out {len(indices) - split}.")
    limit = description.training.evaluation_characters
    end = len(indices) if limit is None else min(len(indices), split + limit)
    return PreparedText(
        vocabulary,
        indices[:split],
        indices[split:end],
        corpus.sha256,
        description.corpus.units_per_character,
    )


def measure_text(
    text: PreparedText, check_cancelled: Callable[[], None] = never_cancelled
) -> Baselines:
    """The baseline ladder on the same held-out characters that the model is scored on."""
    measured = measure_baselines(
        text.training, text.heldout, len(text.vocabulary), check_cancelled=check_cancelled
    )
    return measured.per_character(text.units_per_character)


def cut_material(text: PreparedText, config: TrainingConfig) -> tuple[Material, int]:
    """Cut a text into streams.

    Returns:
        The material, and the batch size, which is smaller than configured on a small corpus.
    """
    batch_size = fitting_batch_size(len(text.training), config.batch_size, config.sequence_length)
    streams = ContiguousStreams(
        text.training,
        batch_size=batch_size,
        sequence_length=config.sequence_length,
        rng_seed=config.rng_seed,
    )
    count = max(1, min(HELDOUT_STREAMS, len(text.heldout) // CHARACTERS_PER_STREAM))
    windows = HeldOutWindows(
        text.heldout, stream_count=count, sequence_length=config.sequence_length
    )
    followed = HeldOutWindows(
        text.heldout, stream_count=FOLLOWED_STREAMS, sequence_length=config.sequence_length
    )
    return Material(streams, windows, followed, text.units_per_character), batch_size
