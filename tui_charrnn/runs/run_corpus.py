"""Reads the text that a run is made for again, and holds it against the hash on record."""

from collections.abc import Callable, Sequence

from tui_charrnn.errors import CorpusError
from tui_charrnn.invocation import command
from tui_charrnn.runs.description import CorpusReference
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus import Corpus, read_corpus
from tui_charrnn.text.sources import go_on


def read_run_corpus(
    run: RunDirectory,
    reference: CorpusReference,
    heed: Callable[[], None] = go_on,
    *,
    accepts_change: bool = False,
) -> Corpus:
    """Read the text that a run was made for, and make sure that it is still the same.

    Args:
        run: The run.
        reference: Which text, from its description.
        heed: Called now and then; it raises to give the reading up.
        accepts_change: Take another text too.

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
        heed=heed,
    )
    if corpus.sha256 != reference.sha256 and not accepts_change:
        again = command("resume", "--force", str(run.path))
        raise CorpusError(
            f"The corpus {reference.name!r} is no longer the text that this run was made for: "
            f"sha256 {reference.sha256} then, {corpus.sha256} now. Put the old text back, "
            f"start a new run, or go on with the new text: {again}"
        )
    return corpus
