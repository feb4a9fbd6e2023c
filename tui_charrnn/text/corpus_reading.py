"""Reads a corpus from its sources, or from the cache, as numbered characters."""

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import never_cancelled
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.corpus import PLAIN, Corpus, CorpusReport, Reading
from tui_charrnn.text.decoding import BytesFound, known_encoding, read_source
from tui_charrnn.text.numbered_text import CachedNumbers, NumberedText, fingerprint
from tui_charrnn.text.numbering import Numbering
from tui_charrnn.text.sources import FoundSources, file_of, find_sources, reading_of
from tui_charrnn.text.vocabulary import END

_LARGE: Final = 1 << 25  # minimum bytes for progress reports


def read_corpus(
    arguments: Sequence[str],
    reading: Reading = PLAIN,
    *,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
    limit: int | None = None,
) -> Corpus:
    """Read one text from all named sources, in order.

    A newline is inserted after a file that does not end with one, before the next file. A text of
    any size is read in one pass; a large one that can be read again is cached as numbers, so that
    it opens immediately the next time.

    Args:
        arguments: One or more of: a file, which may be compressed by gzip or zstandard; a folder,
            whose text files are read in the order of their paths; a glob; `-` for standard input;
            a name of the catalogue; or `catalogue:NAME`. An existing path takes precedence over a
            name.
        reading: How bytes become text.
        stdin: What `-` reads; if None, as in the app, `-` is refused.
        progress: Called with the bytes done and, if known, the total, while a text of the catalogue
            is built or downloaded, or a large text is read.
        check_cancelled: Called regularly; raises to cancel the reading.
        limit: Bytes of the files after which to stop, unless the whole text is in the cache; the
            report then has `part_of`. None reads all.

    Raises:
        CorpusError: If something is missing, unreadable, empty, binary or not in the encoding.
        StorageError: If a text of the catalogue, or a large one, cannot be stored.
    """
    known_encoding(reading.encoding)
    found = find_sources(arguments, encoding=reading.encoding, check_cancelled=check_cancelled)
    reader = TextReader(found, reading, stdin=stdin, progress=progress, limit=limit)
    with contextlib.closing(reader.numbering):
        numbered, report = find_cached(found, reading) or reader.read(check_cancelled, progress)
    is_repeatable = all(source.is_repeatable for source in found.sources)
    label, *others = dict.fromkeys(source.label for source in found.sources)
    return Corpus(
        name=f"{label}+{len(others)}" if others else label,
        numbered=numbered,
        sources=tuple(source.address for source in found.sources) if is_repeatable else (),
        reading=reading,
        report=report,
    )


def find_cached(
    sources: FoundSources, reading: Reading
) -> tuple[NumberedText, CorpusReport] | None:
    """The text and report in the cache; None if they are missing or outdated."""
    place = _cache_entry(sources, reading)
    kept = place.find() if place else None
    if kept is None:
        return None
    text, notes = kept
    return text, replace(CorpusReport(**notes), skipped_files=sources.skipped, recorded=())


def _cache_entry(sources: FoundSources, reading: Reading) -> CachedNumbers | None:
    """The cache entry of a text; None if the text cannot be read again."""
    if not all(source.is_repeatable for source in sources.sources):
        return None
    dependences = {
        "encodings": [reading_of(source, reading).encoding for source in sources.sources],
        "unify_newlines": reading.unify_newlines,
        "compose": reading.compose,
        "unicode": unicodedata.unidata_version,
    }
    if reading.units != "characters":  # omitted otherwise: older cache entries stay valid
        dependences["units"] = reading.units
    if reading.records != "none":
        dependences["records"] = reading.records
    paths = [source.file for source in sources.sources if source.file]
    return CachedNumbers.of(paths, dependences)


_BORDERS: Final = {
    "line": re.compile(rf"(?<!\s)\s*[\n\r{END}]"),
    "blank-line": re.compile(rf"(?<!\s)(?:\s*{END}(?:\s*\n)?|[^\S\n]*\n\s*\n)"),
    "file": re.compile(rf"(?<!\s)\s*{END}(?:\s*\n)?"),
}
"""What separates two records; the patterns rely on the end sign being white space. Each begins
where white space begins: matching from every space of a long run takes quadratic time."""
_BLANK_LINES: Final = _BORDERS["line"]


class RecordCutter:
    """Inserts end signs into a text, piece by piece, after each record (line, blank-line or file).

    White space at the end of a record, blank lines before it and empty records are removed. Without
    records (none), only a missing newline between files is inserted.
    """

    def __init__(self, records: str) -> None:
        self._border = _BORDERS.get(records)
        self._held = ""  # white space whose meaning depends on what follows
        self._is_empty = True  # whether the current record is still empty
        self._last = ""
        self.start: Final = "" if self._border is None else END
        """Text to insert before the first file."""

    def separate(self) -> str:
        """Return the text to insert before the next file."""
        if self._border is not None:
            return self.end()
        is_needed = self._last not in {"", "\n", "\r"}
        self._last = ""
        return "\n" if is_needed else ""

    def cut(self, text: str) -> str:
        """Return the next piece of a file with end signs."""
        if self._border is None:
            self._last = text[-1:] or self._last
            return text
        held = self._held + text
        body = held.rstrip()
        if not body:
            self._held = held
            return ""
        self._held = held[len(body) :]
        if self._is_empty:
            body = _BLANK_LINES.sub("", body, count=1) if _BLANK_LINES.match(body) else body
        self._is_empty = False
        return self._border.sub(END, body)

    def end(self) -> str:
        """End a file: return an end sign, unless the last record has one."""
        is_needed = not self._is_empty
        self._held, self._is_empty = "", True
        return END if is_needed else ""


class TextReader:
    """Reads a text: decodes, cleans, counts and numbers it piece by piece.

    Raises what `read_corpus` raises.
    """

    def __init__(
        self,
        sources: FoundSources,
        reading: Reading,
        *,
        stdin: BinaryIO | None = None,
        progress: Progress | None = None,
        limit: int | None = None,
        memory: int | None = None,
    ) -> None:
        """Obtain the files; `progress` is called while a catalogue text is built or downloaded.

        `memory` is the `limit` of `Numbering`.
        """
        self._sources, self._reading = sources, reading
        self._unknown = [
            source.entry for source in sources.sources if source.entry and source.entry.is_unknown
        ]
        self._files = [file_of(source, stdin, progress) for source in sources.sources]
        self.size = _size(self._files)
        """Bytes of all files; None if unknown."""
        self._limit = None if self.size is None else limit
        self.numbering = Numbering(memory)
        self.found = BytesFound()
        self.is_part = False
        """Whether `limit` ended the reading before the end of the text."""

    @property
    def report(self) -> CorpusReport:
        """The report so far."""
        found = self.found
        return CorpusReport(
            files=len(self._sources.sources),
            skipped_files=self._sources.skipped,
            bytes=found.bytes,
            encoding=", ".join(found.encodings),
            bom=found.has_mark,
            crlf=found.crlf,
            cr=found.cr,
            composed=found.composed,
            recorded=tuple((entry.name, entry.expected_sha256 or "") for entry in self._unknown),
            part_of=self.size if self.is_part else None,
        )

    def pieces(self) -> Iterator[None]:
        """Read all files up to `limit`; yields after every piece."""
        cutter = RecordCutter(self._reading.records)
        self.numbering.add(cutter.start)
        is_enough = False
        for source, file in zip(self._sources.sources, self._files, strict=True):
            self.numbering.add(cutter.separate())
            reading = reading_of(source, self._reading)
            for piece in read_source(source.name, file, reading, self.found):
                if is_enough:  # a compressed file is read, but not all its content
                    self.is_part = True
                    break
                self.numbering.add(cutter.cut(piece))
                yield
                # uncompressed bytes too: a small file may hold a very large text
                done = max(self.found.consumed, self.found.bytes)
                is_enough = self._limit is not None and done >= self._limit
                self.is_part = is_enough and self.found.consumed < (self.size or 0)
                if self.is_part:
                    break
            if self.is_part:
                break
        self.numbering.add(cutter.end())

    def read(
        self, check_cancelled: Callable[[], None], progress: Progress | None
    ) -> tuple[NumberedText, CorpusReport]:
        """Read the text up to `limit`; cache a large one that can be read again."""
        read_from = None
        with contextlib.suppress(OSError):  # reported when it is read
            read_from = [fingerprint(file) for file in self._files if isinstance(file, Path)]
        total = self.size if self._limit is None else min(self._limit, self.size or 0)
        for _ in self.pieces():
            check_cancelled()
            done = self.found.consumed
            if progress is not None and max(done, total or 0) >= _LARGE:
                progress(done, total)
        place = _cache_entry(self._sources, self._reading)
        is_large, text = self.numbering.is_on_disk, self.numbering.finish()
        if is_large and place is not None and read_from is not None and not self.is_part:
            text = place.store(text, read_from, asdict(replace(self.report, recorded=())))
        return text, self.report


def _size(files: Sequence[Path | BinaryIO]) -> int | None:
    """Bytes of all files; None if one is a stream."""
    size = 0
    for file in files:
        if not isinstance(file, Path) or not file.is_file():
            return None
        size += file.stat().st_size
    return size
