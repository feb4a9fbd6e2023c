"""A look through a corpus piece by piece: bounded memory, and it can be given up at any piece.

What it finds is what `read_corpus` and `inspect_corpus` find in the whole text.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.corpus import read_corpus
from tui_charrnn.text.inspection import CharacterCount, suspicion
from tui_charrnn.text.pieces import BytesFound, Reading, read_pieces
from tui_charrnn.text.sources import FoundSources, Source

_TOLD_EVERY: Final = 16
"""Pieces between two tellings, about a megabyte."""
_BEGINNING: Final = 4_096
"""Characters of the beginning that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What has been found in a corpus so far."""

    files: int
    """Texts that it is made of."""
    skipped_files: int
    """Binary or empty files of folders and globs that are passed over."""
    bytes_total: int
    """Of all files."""
    found: BytesFound
    """In the bytes that were read so far."""
    characters: int
    lines: int
    first_positions: Mapping[str, int]
    """Where each character of the vocabulary stands first, from 0."""
    suspicious: tuple[CharacterCount, ...]
    """In the order of their code points."""
    beginning: str
    """The first characters of the text."""

    @property
    def vocabulary_size(self) -> int:
        """How many different characters there are."""
        return len(self.first_positions)

    @property
    def is_whole(self) -> bool:
        """Whether all has been read."""
        return self.found.bytes >= self.bytes_total

    def only_after(self, split: int) -> str:
        """The characters that do not occur before a position, sorted."""
        return "".join(sorted(c for c, first in self.first_positions.items() if first >= split))


def survey_sources(
    sources: FoundSources,
    reading: Reading,
    *,
    tell: Callable[[Survey], None],
    heed: Callable[[], None],
) -> Survey:
    """Look through all files of a corpus.

    Args:
        sources: The texts; each is a regular file, or a text of the catalogue that is kept here.
        reading: How they are read.
        tell: Told what was found so far, the first time after about a megabyte.
        heed: Called after every piece; it raises to give the survey up.

    Raises:
        CorpusError: If a file is unreadable, empty, binary or not in the encoding.
    """
    paths = [_path_of(source) for source in sources.sources]
    size = sum(_size(path) for path in paths)
    found, tally, pieces = BytesFound(), _Tally(), 0

    def survey() -> Survey:
        return tally.survey(sources, _copied(found), max(size, found.bytes))

    for source, path in zip(sources.sources, paths, strict=True):
        tally.begin_file()
        for text in _pieces(source, path, reading, found):
            tally.add(text)
            heed()
            pieces += 1
            if pieces % _TOLD_EVERY == 0:
                tell(survey())
        if tally.characters == tally.file_began:
            raise CorpusError(f"There is no text in {source.name}: it is empty.")
    return survey()


class _Tally:
    """Counts what the pieces hold."""

    def __init__(self) -> None:
        self.characters = 0
        self.file_began = 0
        """Characters that stood before the first of the file at hand."""
        self._counts: Counter[str] = Counter()
        self._firsts: dict[str, int] = {}
        self._suspicions: dict[str, str] = {}
        self._beginning = self._end = ""

    def begin_file(self) -> None:
        """Keep the last line of one file apart from the first of the next."""
        if self.characters and self._end not in "\n\r":
            self.add("\n")
        self.file_began = self.characters

    def add(self, text: str) -> None:
        """Count one piece of text."""
        counted = Counter(text)
        for character in counted.keys() - self._counts.keys():
            self._firsts[character] = self.characters + text.index(character)
            if reason := suspicion(character):
                self._suspicions[character] = reason
        self._counts.update(counted)
        self.characters += len(text)
        self._end = text[-1:] or self._end
        if len(self._beginning) < _BEGINNING:
            self._beginning = (self._beginning + text)[:_BEGINNING]

    def survey(self, sources: FoundSources, found: BytesFound, size: int) -> Survey:
        """What has been counted so far."""
        return Survey(
            files=len(sources.sources),
            skipped_files=sources.skipped,
            bytes_total=size,
            found=found,
            characters=self.characters,
            lines=self._counts["\n"] + (self._end != "\n"),
            first_positions=dict(self._firsts),
            suspicious=tuple(
                CharacterCount(character, self._counts[character], self._firsts[character], reason)
                for character, reason in sorted(self._suspicions.items())
            ),
            beginning=self._beginning,
        )


def _copied(found: BytesFound) -> BytesFound:
    """What was found until now, for another thread."""
    return dataclasses.replace(found, encodings=dict(found.encodings))


def _path_of(source: Source) -> Path:
    path = source.entry.cached.path if source.entry else source.path
    if path is None:
        raise CorpusError("Standard input cannot be read here; give the path of a file instead.")
    return path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # said when it is read


def _pieces(source: Source, path: Path, reading: Reading, found: BytesFound) -> Iterator[str]:
    """The text of one source; what is wrong with it is told in the words of `read_corpus`."""
    if source.entry:
        reading = dataclasses.replace(reading, encoding="utf-8")
    try:
        yield from read_pieces(path, reading, found)
    except OSError as error:
        raise CorpusError(f"{source.name} cannot be read: {error.strerror}.") from error
    except UnicodeError:
        read_corpus([source.address], encoding=reading.encoding)  # says where
        raise
