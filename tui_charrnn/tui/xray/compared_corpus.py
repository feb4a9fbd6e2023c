"""The corpus that a text is compared with: found, read and indexed in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.errors import CorpusError
from tui_charrnn.safe_text import safe_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.generation.training_corpus import IndexedCorpus
    from tui_charrnn.tui.text.generation_thread import LoadedModel

    Tell = Callable[[str], object]
    """Told in some words, safe to show, what is being done."""


def open_compared(
    loaded: LoadedModel, path: str, tell: Tell, check_cancelled: Callable[[], None]
) -> IndexedCorpus:
    """The index of the corpus that a model learned from, or of a text that is named instead.

    Args:
        loaded: The model.
        path: Of a text; empty is the model's own.
        tell: Told how far it is.
        check_cancelled: Called now and then; it raises to give it up.

    Raises:
        CorpusError: If there is no such text on this machine; the sentence says how to name one.
    """
    # deferred: NumPy, which the first frame does not wait for
    from tui_charrnn.generation.training_corpus import (  # noqa: PLC0415 - as said
        index_corpus,
        kept_training_corpus,
        read_training_corpus,
    )
    from tui_charrnn.text.corpus import read_corpus  # noqa: PLC0415 - as said

    def reading(done: int, total: int | None) -> None:
        share = f": {done / total:.0%}" if total else ""
        tell(f"reading the corpus{share}")

    def indexing(done: int, total: int | None) -> None:
        check_cancelled()
        share = f": {done / total:.0%}" if total else ""
        tell(f"indexing the corpus{share}")

    def complain(sentence: str) -> None:
        tell(safe_line(sentence))

    tell("looking for the corpus")
    if path:
        unify = "\r" not in loaded.model.vocabulary.characters
        corpus = read_corpus(
            [path], unify_newlines=unify, progress=reading, check_cancelled=check_cancelled
        )
    else:
        kept = kept_training_corpus(loaded.model)
        if kept is not None:
            return kept
        if loaded.file is None or loaded.runs_folder is None:
            raise CorpusError("The model came from no file, so it is not known what it read.")
        corpus = read_training_corpus(
            loaded.model,
            loaded.file,
            loaded.runs_folder,
            progress=reading,
            check_cancelled=check_cancelled,
        )
    return index_corpus(corpus, progress=indexing, check_cancelled=check_cancelled, tell=complain)
