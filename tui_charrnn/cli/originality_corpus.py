"""Opens the index of the corpus that a generated text is compared with, and tells how far it is."""

from pathlib import Path

from tui_charrnn.cli.output import narrate, progress_bar
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.training_corpus import (
    IndexedCorpus,
    index_corpus,
    kept_training_corpus,
    read_training_corpus,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.text.corpus import Corpus


def open_named_corpus(argument: str, model: Model) -> IndexedCorpus:
    """Read a corpus that the user names, with line ends as the model writes them, and index it.

    Raises:
        CorpusError: If it cannot be read, or is too long for an index.
    """
    corpus = read_named_corpus(
        [argument],
        encoding="utf-8",
        keep_newlines="\r" in model.vocabulary.characters,
        keep_decomposed=False,
    )
    return _indexed(corpus)


def open_own_corpus(model: Model, path: Path, runs: Path) -> IndexedCorpus:
    """Find the corpus that a model was trained on, and index it.

    Args:
        model: As it was loaded.
        path: Of its file.
        runs: Where runs are looked up by name.

    Raises:
        CorpusError: If it is not found, or has changed.
    """
    kept = kept_training_corpus(model)
    if kept is not None:
        return kept
    try:
        with progress_bar("Reading the corpus of the model") as progress:
            corpus = read_training_corpus(model, path, runs, progress=progress)
    except CorpusError as error:
        raise CorpusError(f"{error} Any text can be named with --corpus.") from error
    return _indexed(corpus)


def _indexed(corpus: Corpus) -> IndexedCorpus:
    with progress_bar("Indexing the corpus") as progress:
        return index_corpus(corpus, progress=progress, tell=narrate)
