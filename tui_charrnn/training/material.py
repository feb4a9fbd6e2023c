"""From a run's description to what is trained on: read the text again, check it, cut it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CorpusError
from tui_charrnn.runs.description import CorpusReference, RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.batches import ContiguousStreams, HeldOutWindows, fitting_batch_size
from tui_charrnn.text.corpus import Corpus, read_corpus
from tui_charrnn.text.ngrams import Baselines, measure_baselines
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Indices, Material

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
    """A run's text as indices."""

    vocabulary: Vocabulary
    training: Indices
    """Shape (N,)."""
    heldout: Indices
    """Shape (M,): the part of the held-out tail that is scored."""


def read_run_corpus(run: RunDirectory, reference: CorpusReference) -> Corpus:
    """Read the text that a run was made for, and make sure that it is still the same.

    Raises:
        CorpusError: If it cannot be read or has changed; both hashes are named.
    """
    stored = run.corpus.exists()
    sources: Sequence[str] = [str(run.corpus)] if stored else reference.sources
    corpus = read_corpus(
        sources,
        encoding="utf-8" if stored else reference.encoding,
        unify_newlines=reference.unify_newlines and not stored,
        compose=reference.compose and not stored,
    )
    if corpus.sha256 != reference.sha256:
        raise CorpusError(
            f"The corpus {reference.name!r} is no longer the text that this run was made for: "
            f"sha256 {reference.sha256} then, {corpus.sha256} now. Put the old text back, or "
            "start a new run."
        )
    return corpus


def prepare_text(run: RunDirectory, description: RunDescription) -> PreparedText:
    """Read and encode a run's text, and hold its tail out."""
    corpus = read_run_corpus(run, description.corpus)
    vocabulary = Vocabulary(description.vocabulary)
    indices = vocabulary.encode(corpus.text)
    split = description.corpus.training_characters
    limit = description.training.evaluation_characters
    end = len(indices) if limit is None else min(len(indices), split + limit)
    return PreparedText(vocabulary, indices[:split], indices[split:end])


def measure_text(text: PreparedText) -> Baselines:
    """The baseline ladder on the same held-out characters that the model is scored on."""
    return measure_baselines(text.training, text.heldout, len(text.vocabulary))


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
    return Material(streams, windows, followed), batch_size
