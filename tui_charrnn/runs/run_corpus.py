"""Reads the text that a run is made for again, and holds it against the hash on record."""

import stat
from collections.abc import Callable, Sequence

from tui_charrnn.errors import CorpusError
from tui_charrnn.invocation import command
from tui_charrnn.runs.description import CorpusReference
from tui_charrnn.runs.file_system import file_system, is_missing
from tui_charrnn.runs.foreign_parts import foreign_parts
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.corpus import Corpus, read_corpus
from tui_charrnn.text.sources import CATALOGUE_PREFIX, never_cancelled


def read_run_corpus(
    run: RunDirectory,
    reference: CorpusReference,
    check_cancelled: Callable[[], None] = never_cancelled,
    *,
    accepts_change: bool = False,
    may_download: bool = True,
) -> Corpus:
    """Read the text that a run was made for, and make sure that it is still the same.

    Args:
        run: The run.
        reference: Which text, from its description.
        check_cancelled: Called now and then; it raises to give the reading up.
        accepts_change: Take another text too.
        may_download: Fetch a text of the catalogue that is not on this machine.

    Raises:
        CorpusError: If it cannot be read or has changed; both hashes are named. If it must not be
            downloaded and is not here.
    """
    stored = _is_stored(run)
    sources: Sequence[str] = [str(run.corpus)] if stored else reference.sources
    if not may_download and (absent := absent_texts(sources)):
        fetching = " and ".join(command("corpora", "inspect", name) for name in absent)
        raise CorpusError(
            f"The run {run.name} was trained on {', '.join(absent)}, which is not on this machine. "
            f"Download it with: {fetching}"
        )
    corpus = read_corpus(
        sources,
        encoding="utf-8" if stored else reference.encoding,
        unify_newlines=reference.unify_newlines and not stored,
        compose=reference.compose and not stored,
        units=reference.units,
        check_cancelled=check_cancelled,
    )
    if corpus.sha256 != reference.sha256 and not accepts_change:
        again = command("resume", "--force", str(run.path))
        raise CorpusError(
            f"The corpus {reference.name!r} is no longer the text that this run was made for: "
            f"sha256 {reference.sha256} then, {corpus.sha256} now. Put the old text back, "
            f"start a new run, or go on with the new text: {again}"
        )
    return corpus


def absent_texts(sources: Sequence[str]) -> list[str]:
    """The names of those texts of the catalogue that would be downloaded to be read.

    A run.json of somebody else may name one without the prefix.
    """
    names = [source.removeprefix(CATALOGUE_PREFIX) for source in sources if "/" not in source]
    if not names:
        return []
    catalogue = load_catalogue()
    entries = [catalogue[name] for name in names if name in catalogue]
    return [entry.name for entry in entries if entry.kind == "download" and not entry.is_here]


def _is_stored(run: RunDirectory) -> bool:
    """Whether the run holds its text itself, as a file of its own.

    Raises:
        CorpusError: If something else is in its place, or the system refuses to tell.
    """
    try:
        facts = file_system().look_at(run.corpus)
    except OSError as error:
        if is_missing(error):
            return False
        raise CorpusError(f"{run.corpus} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(facts.st_mode):
        raise CorpusError(foreign_parts(run) or f"{run.corpus} is a folder, and holds no text.")
    return True
