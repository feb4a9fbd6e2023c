"""Find and read what a model was trained on: corpora, their suffix indexes, the starting model."""

import bisect
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from tui_charrnn.errors import CorpusError, ModelFileError, RunError, never_cancelled
from tui_charrnn.generation.model_lookup import find_model
from tui_charrnn.invocation import command
from tui_charrnn.model.checkpoint import Model, parse_model
from tui_charrnn.presets import StartingPoint
from tui_charrnn.runs.description import CorpusReference, LearnedText, ModelOrigin, RunDescription
from tui_charrnn.runs.layout import RunDirectory, format_command, has_own_corpus
from tui_charrnn.runs.reader import read_description
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.sources import CATALOGUE_PREFIX
from tui_charrnn.text.suffix_index import SuffixIndex, obtain_index, open_index
from tui_charrnn.text.vocabulary import END, Vocabulary
from tui_charrnn.translation import tr


def read_run_corpus(
    run: RunDirectory,
    reference: CorpusReference,
    check_cancelled: Callable[[], None] = never_cancelled,
    *,
    accepts_change: bool = False,
    may_download: bool = True,
) -> Corpus:
    """Read the corpus of a run and verify its hash.

    With `accepts_change` a changed text is returned too. Without `may_download` a text of the
    catalogue must be on this machine.

    Raises:
        CorpusError: If the corpus cannot be read, has changed, or would have to be downloaded.
    """
    stored = has_own_corpus(run)
    sources: Sequence[str] = [str(run.corpus)] if stored else reference.sources
    if not may_download and (absent := absent_texts(sources)):
        fetching = tr(" and ").join(command("corpora", "inspect", name) for name in absent)
        raise CorpusError(
            "The run {run} was trained on {names}, which is not on this machine. Download "
            "it with: {fetching}",
            run=run.name,
            names=", ".join(absent),
            fetching=fetching,
        )
    reading = reference.reading
    if stored:
        reading = replace(reading, encoding="utf-8", unify_newlines=False, compose=False)
    corpus = read_corpus(sources, reading, check_cancelled=check_cancelled)
    if corpus.sha256 != reference.sha256 and not accepts_change:
        again = format_command("resume", run, "--force")
        raise CorpusError(
            "The corpus {name!r} is no longer the text that this run was created for: SHA-256 "
            "{wanted} then, {found} now. Restore the old text, start a new run, or resume with "
            "the new text: {again}",
            name=reference.name,
            wanted=reference.sha256,
            found=corpus.sha256,
            again=again,
        )
    return corpus


def absent_texts(sources: Sequence[str]) -> list[str]:
    """Return the names of the catalogue's texts that would have to be downloaded.

    A run.json from elsewhere may name one without the prefix.
    """
    names = [source.removeprefix(CATALOGUE_PREFIX) for source in sources if "/" not in source]
    if not names:
        return []
    catalogue = load_catalogue()
    entries = [catalogue[name] for name in names if name in catalogue]
    return [entry.name for entry in entries if entry.kind == "download" and not entry.is_here]


_SEPARATOR: Final = "\N{NULL}"
"""Separates the texts of an index, so that no passage spans two texts."""


class Place(NamedTuple):
    """The location of a passage in a corpus."""

    text: str
    """Name of the text; empty if the corpus is one text."""
    offset: int
    """Of its first character in that text, from 0."""
    line: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class IndexedCorpus:
    """One or more texts with a suffix index."""

    texts: tuple[str, ...]
    """Their names, in the order of the index."""
    sha256: str
    index: SuffixIndex

    @property
    def name(self) -> str:
        """The name to show to the user."""
        return tr(" and ").join(self.texts)

    def passage(self, offset: int, length: int) -> str:
        """Return characters of the index; the end sign of a record is shown as a line feed."""
        return self.index.passage(offset, length).replace(END, "\n")

    def place(self, offset: int) -> Place:
        """Return the location of an offset of the index."""
        code = self.index.code_of.get(_SEPARATOR)  # None in a single text
        ranks = range(*self.index.find(code)) if code is not None else ()
        starts = [0, *sorted(self.index.suffixes[rank] + 1 for rank in ranks)]
        number = min(bisect.bisect(starts, offset), len(self.texts)) - 1
        name = self.texts[number] if len(self.texts) > 1 else ""
        start = starts[number]
        start += self.index.passage(start, 1) == END  # a text of records begins with one
        line = self.index.line(offset) - self.index.line(start) + 1
        return Place(name, max(offset - start, 0), max(line, 1))

    def facts(self, offset: int) -> dict[str, object]:
        """Return the location of an offset as JSON values."""
        place = self.place(offset)
        named = {"corpus": place.text} if place.text else {}
        return {"offset": place.offset, "line": place.line, **named}


def training_texts(model: Model) -> tuple[LearnedText, ...]:
    """Return the texts that a model was trained on, the last one first; tolerates any values."""
    earlier = model.corpus.get("earlier")
    texts = []
    own = {**model.training, **model.corpus}
    for each in [own, *(earlier if isinstance(earlier, list) else [])]:
        values = each if isinstance(each, dict) else {}
        name, sha256, run = (str(values.get(key, "")) for key in ("name", "sha256", "run"))
        texts.append(LearnedText(name=name, sha256=sha256, run=run))
    return tuple(texts)


@dataclass(frozen=True, slots=True)
class TrainingTexts:
    """The texts that a model was trained on, looked for on this machine; nothing is downloaded.

    A text is looked for in the run that contains the model's file, then in the run that the model
    names, then in the catalogue.
    """

    model: Model
    path: Path | None
    """The model's file; None if it came from none."""
    runs: Path | None
    """The folder in which runs are looked up by name."""
    progress: Progress | None = None
    """Called with the bytes read and, if known, their total."""
    check_cancelled: Callable[[], None] = never_cancelled
    """Called regularly while a text is read; raises to cancel."""

    def read(self, text: LearnedText | None = None) -> Corpus:
        """Read a text, by default the last one.

        Raises:
            CorpusError: If the text is not found, or has changed.
        """
        text = text or training_texts(self.model)[0]
        reason = ""
        for read in self._candidates(text):
            try:
                corpus = read()
            except CorpusError as error:
                reason = reason or str(error)
                continue
            if corpus.sha256 == text.sha256:
                return corpus
            reason = reason or tr(
                "The text {name!r} here differs from the model's training text.", name=text.name
            )
        raise CorpusError(_missing_sentence(text.name, text.sha256, reason))

    def read_all(self, notify: Callable[[str], None]) -> list[Corpus]:
        """Read all texts that are found, the last one first.

        `notify` gets a sentence if an earlier text is missing.

        Raises:
            CorpusError: If the last text is not found, or has changed.
        """
        found = []
        for number, text in enumerate(training_texts(self.model)):
            try:
                found.append(self.read(text))
            except CorpusError as error:
                if number == 0:
                    raise
                notify(
                    tr("The texts of its earlier training are left out. {problem}", problem=error)
                )
        return found

    def open_index(self, indexing: Progress | None, notify: Callable[[str], None]) -> IndexedCorpus:
        """Open or build the suffix index of all texts.

        `indexing` is the `progress` of `index_corpora`. Other arguments and errors are those of
        `read_all`; `notify` also gets a sentence if the index cannot be saved.
        """
        texts = training_texts(self.model)
        joint = _joint_hash([text.sha256 for text in texts])
        if (index := open_index(joint)) is not None:
            return IndexedCorpus(tuple(text.name for text in texts), joint, index)
        return index_corpora(self.read_all(notify), progress=indexing, notify=notify)

    def _candidates(self, text: LearnedText) -> Iterator[Callable[[], Corpus]]:
        """Yield functions that may read a text, the most reliable first."""
        if self.path is None or self.runs is None:
            raise CorpusError("The model has no file, so its corpus is not known.")
        folders = [*self.path.absolute().parents[:3]]
        if text.run and Path(text.run).name == text.run:
            folders.append(self.runs / text.run)
        for run in map(RunDirectory, folders):
            try:
                reference = read_description(run).corpus
            except RunError:
                continue
            if reference.sha256 == text.sha256:
                check = self.check_cancelled
                yield partial(read_run_corpus, run, reference, check, may_download=False)
        for entry in load_catalogue().values():
            is_same = entry.expected_sha256 == text.sha256 or entry.name == text.name
            if is_same and (entry.kind == "built" or entry.is_here):
                yield partial(
                    read_corpus,
                    [f"{CATALOGUE_PREFIX}{entry.name}"],
                    Reading(units=self.model.units, records=self.model.records),
                    progress=self.progress,
                    check_cancelled=self.check_cancelled,
                )


def _joint_hash(hashes: Sequence[str]) -> str:
    """Return the hash that identifies the index of some texts; for one text, its own."""
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest() if hashes[1:] else hashes[0]


def reading_for(model: Model) -> Reading:
    """How to read a text that is compared with what a model generates."""
    has_returns = "\r" in model.vocabulary.characters
    return Reading(unify_newlines=not has_returns, units=model.units, records=model.records)


def index_corpora(
    corpora: Sequence[Corpus],
    *,
    progress: Progress | None = None,
    notify: Callable[[str], None],
) -> IndexedCorpus:
    """Load or build the index of one or more corpora; see `obtain_index`."""
    joint = _joint_hash([corpus.sha256 for corpus in corpora])
    index = obtain_index(
        _SEPARATOR.join(corpus.text for corpus in corpora),
        joint,
        progress=progress,
        notify=notify,
    )
    return IndexedCorpus(tuple(corpus.name for corpus in corpora), joint, index)


def _missing_sentence(name: str, sha256: str, reason: str) -> str:
    if not name or not sha256:
        return tr("The model file does not name its training text.")
    if reason:
        return tr("The model's training text is not available. {reason}", reason=reason)
    known = next((e.name for e in load_catalogue().values() if e.sha256 == sha256), None)
    sentence = tr(
        "The text that the model was trained on, {name!r}, was not found here.", name=name
    )
    if not known:
        return sentence
    hint = tr("`charrnn-tui corpora inspect {name}` downloads it.", name=known)
    return f"{sentence} {hint}"


@dataclass(frozen=True, slots=True)
class StartingModel:
    """A model that a run starts from, with the content of its file."""

    point: StartingPoint
    vocabulary: Vocabulary
    origin: ModelOrigin
    data: bytes
    """Content of the file."""


def starting_point_of(description: RunDescription) -> StartingPoint | None:
    """Return the starting point of a run; None if it started from no model."""
    origin = description.origin
    if origin is None:
        return None
    return StartingPoint(
        origin.name,
        description.model,
        description.training.units,
        description.training.records,
    )


def open_starting_model(
    argument: str, runs_folder: Path, notify: Callable[[str], None] = lambda _: None
) -> StartingModel:
    """Read the model for a new run to start from; arguments are those of `find_model`.

    Raises:
        ModelFileError: If there is no such model, or its file is damaged.
    """
    path = find_model(argument, runs_folder, notify).absolute()
    with ModelFileError.if_unreadable(tr("The model {path}", path=path)):
        data = path.read_bytes()
    model, sha256 = parse_model(io.BytesIO(data), path), hashlib.sha256(data).hexdigest()
    name = Path(argument).name.removesuffix(path.suffix)
    name = str(model.training.get("run", name)) if name == path.stem == "model" else name
    run = RunDirectory(path.parent)
    if path == run.initial_model and (copied := read_description(run).origin) is not None:
        name, path = copied.name, Path(copied.path)  # name the original of the run's copy
    origin = ModelOrigin(
        name=name,
        path=str(path),
        sha256=sha256,
        characters=len(model.vocabulary),
        texts=training_texts(model),
    )
    point = StartingPoint(name, model.config, model.units, model.records)
    return StartingModel(point, model.vocabulary, origin, data)
