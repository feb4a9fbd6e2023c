"""A look through a corpus piece by piece: bounded memory, and it can be given up at any piece.

What it finds is what `read_corpus` and `inspect_corpus` find in the whole text, or, of a large one,
in its first part.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.corpus import CorpusReport
from tui_charrnn.text.corpus_reading import find_kept
from tui_charrnn.text.inspection import CharacterCount, suspicion
from tui_charrnn.text.numbered_text import NumberedText
from tui_charrnn.text.source_reading import BytesFound, Reading, read_source
from tui_charrnn.text.sources import FoundSources, Source

LOOKED_THROUGH: Final = 1 << 24
"""Bytes of the files that are looked through at most: half a second."""
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
    """Of all files as they lie on the disk."""
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
    occurrences: Mapping[str, int]
    """How often each character of the vocabulary was met."""
    is_part: bool = False
    """Whether it ended before the text did, which is long."""

    @property
    def vocabulary_size(self) -> int:
        """How many different characters there are."""
        return len(self.first_positions)

    @property
    def is_whole(self) -> bool:
        """Whether all has been read."""
        return self.found.consumed >= self.bytes_total

    @property
    def expected_characters(self) -> int:
        """Of the whole text: an estimate where only a part was looked through."""
        if self.is_whole or not self.found.consumed:
            return self.characters
        return round(self.characters * self.bytes_total / self.found.consumed)

    def only_after(self, split: int) -> str:
        """The characters that do not occur before a position, sorted."""
        return "".join(sorted(c for c, first in self.first_positions.items() if first >= split))


def survey_sources(
    sources: FoundSources,
    reading: Reading,
    *,
    tell: Callable[[Survey], None],
    check_cancelled: Callable[[], None],
    limit: int | None = None,
) -> Survey:
    """Look through the files of a corpus; one that was read before is known as a whole.

    Args:
        sources: The texts; each is a regular file, or a text of the catalogue that is kept here.
        reading: How they are read.
        tell: Told what was found so far, the first time after about a megabyte.
        check_cancelled: Called after every piece; it raises to give the survey up.
        limit: Bytes of the files after which to end; None takes `LOOKED_THROUGH`.

    Raises:
        CorpusError: If a file is unreadable, empty, binary or not in the encoding.
    """
    paths = [_path_of(source) for source in sources.sources]
    if (kept := find_kept(sources, reading)) is not None:
        return _known_survey(sources, reading.units, *kept)
    limit = LOOKED_THROUGH if limit is None else limit
    size = sum(_size(path) for path in paths)
    found, tally, pieces = BytesFound(), _Tally(reading.units), 0

    def survey() -> Survey:
        return tally.survey(sources, _copied(found), max(size, found.consumed))

    for source, path in zip(sources.sources, paths, strict=True):
        tally.begin_file()
        for piece in read_source(source, path, reading, found):
            tally.add(piece.text)
            check_cancelled()
            pieces += 1
            if pieces % _TOLD_EVERY == 0:
                tell(survey())
            if limit <= found.consumed < size:
                return dataclasses.replace(survey(), is_part=True)
    return survey()


def _known_survey(
    sources: FoundSources, units: str, text: NumberedText, report: CorpusReport
) -> Survey:
    """What was counted when a text was read."""
    firsts = dict(zip(text.characters, text.firsts.tolist(), strict=True))
    occurrences = text.occurrences()
    found = BytesFound(
        bytes=report.bytes,
        consumed=report.bytes,
        encodings=dict.fromkeys(report.encoding.split(", ")),
        has_mark=report.bom,
        crlf=report.crlf,
        cr=report.cr,
        composed=report.composed,
    )
    return Survey(
        files=len(sources.sources),
        skipped_files=sources.skipped,
        bytes_total=report.bytes,
        found=found,
        characters=len(text),
        lines=occurrences.get("\n", 0) + (text.decode(len(text) - 1) != "\n"),
        first_positions=firsts,
        suspicious=tuple(
            CharacterCount(character, count, firsts[character], reason)
            for character, count in occurrences.items()
            if (reason := suspicion(character, units))
        ),
        beginning=text.decode(0, _BEGINNING),
        occurrences=occurrences,
    )


class _Tally:
    """Counts what the pieces hold."""

    def __init__(self, units: str) -> None:
        self._units = units
        self.characters = 0
        self._counts: Counter[str] = Counter()
        self._firsts: dict[str, int] = {}
        self._suspicions: dict[str, str] = {}
        self._beginning = self._end = ""

    def begin_file(self) -> None:
        """Keep the last line of one file apart from the first of the next."""
        if self.characters and self._end not in "\n\r":
            self.add("\n")

    def add(self, text: str) -> None:
        """Count one piece of text."""
        counted = Counter(text)
        for character in counted.keys() - self._counts.keys():
            self._firsts[character] = self.characters + text.index(character)
            if reason := suspicion(character, self._units):
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
            occurrences=dict(self._counts),
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
