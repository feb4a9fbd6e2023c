"""Finds and reads the text that a model or a run was made of, and the index of its passages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tui_charrnn.errors import CorpusError, RunError
from tui_charrnn.invocation import command
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.runs.description import CorpusReference
from tui_charrnn.runs.foreign_parts import has_own_corpus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.sources import CATALOGUE_PREFIX, never_cancelled
from tui_charrnn.text.suffix_cache import obtain_index, open_index
from tui_charrnn.text.suffix_index import SuffixIndex


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
    stored = has_own_corpus(run)
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
            f"start a new run, or resume with the new text: {again}"
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


@dataclass(frozen=True, slots=True)
class IndexedCorpus:
    """A corpus that passages can be looked up in."""

    name: str
    """As shown to people."""
    sha256: str
    index: SuffixIndex


def kept_training_corpus(model: Model) -> IndexedCorpus | None:
    """The corpus of a model if its index was kept; the text itself may be gone.

    Args:
        model: As it was loaded.
    """
    name, sha256 = _named_in(model)
    index = open_index(sha256)
    return IndexedCorpus(name, sha256, index) if index else None


def read_training_corpus(
    model: Model,
    path: Path,
    runs: Path,
    *,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
) -> Corpus:
    """Find the text that a model was trained on, and read it.

    It is looked for in the model's run and in the catalogue, as far as that is on this machine; no
    network is used. Only a text with the hash that the model names is taken.

    Args:
        model: As it was loaded.
        path: Of its file.
        runs: Where runs are looked up by name.
        progress: Told of bytes done and, if known, bytes in all, where that takes a while.
        check_cancelled: Called now and then; it raises to give the reading up.

    Raises:
        CorpusError: If it is not found, or has changed.
    """
    name, sha256 = _named_in(model)
    reason = ""
    for read in _candidates(model, path, runs, progress, check_cancelled):
        try:
            corpus = read()
        except CorpusError as error:
            reason = reason or str(error)
            continue
        if corpus.sha256 == sha256:
            return corpus
        reason = reason or f"What is called {name!r} here is another text than it was trained on."
    raise CorpusError(_missing_sentence(name, sha256, reason))


def index_corpus(
    corpus: Corpus,
    *,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
    tell: Callable[[str], None],
) -> IndexedCorpus:
    """The index of a corpus, kept or built; arguments and errors are those of `obtain_index`."""
    index = obtain_index(
        corpus.text, corpus.sha256, progress=progress, check_cancelled=check_cancelled, tell=tell
    )
    return IndexedCorpus(corpus.name, corpus.sha256, index)


def _named_in(model: Model) -> tuple[str, str]:
    """Name and hash of the corpus that a model tells, whatever values its file holds."""
    return str(model.corpus.get("name", "")), str(model.corpus.get("sha256", ""))


def _candidates(
    model: Model,
    path: Path,
    runs: Path,
    progress: Progress | None,
    check_cancelled: Callable[[], None],
) -> Iterator[Callable[[], Corpus]]:
    """What may read the corpus of a model, the surest first."""
    name, sha256 = _named_in(model)
    for run in _runs_of(model, path, runs):
        try:
            reference = read_description(run).corpus
        except RunError:
            continue
        if reference.sha256 == sha256:
            yield partial(read_run_corpus, run, reference, check_cancelled, may_download=False)
    for entry in load_catalogue().values():
        is_same = entry.expected_sha256 == sha256 or entry.name == name
        if is_same and (entry.kind == "built" or entry.is_here):
            address = f"{CATALOGUE_PREFIX}{entry.name}"
            yield partial(
                read_corpus,
                [address],
                units=model.units,
                progress=progress,
                check_cancelled=check_cancelled,
            )


def _runs_of(model: Model, path: Path, runs: Path) -> Iterator[RunDirectory]:
    """The runs that a model may come from: around its file, or called as it says."""
    yield from map(RunDirectory, path.absolute().parents[:3])
    name = model.training.get("run")
    if isinstance(name, str) and Path(name).name == name:
        yield RunDirectory(runs / name)


def _missing_sentence(name: str, sha256: str, reason: str) -> str:
    if not name or not sha256:
        return "The model does not say what it was trained on."
    if reason:
        return f"The text that the model was trained on cannot be had. {reason}"
    known = next((e.name for e in load_catalogue().values() if e.sha256 == sha256), None)
    hint = f" `charrnn-tui corpora inspect {known}` downloads it." if known else ""
    return f"The text that the model was trained on, {name!r}, was not found here.{hint}"
