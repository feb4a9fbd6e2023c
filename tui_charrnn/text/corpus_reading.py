"""Reads a corpus: from its sources to its characters as numbers, in one pass or from the cache."""

import contextlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.catalogue import CatalogueEntry, obtain
from tui_charrnn.text.corpus import Corpus, CorpusReport
from tui_charrnn.text.decoding import known_encoding
from tui_charrnn.text.numbered_text import (
    CachedNumbers,
    Fingerprint,
    NumberedText,
    encoded_folder,
    fingerprint,
)
from tui_charrnn.text.numbering import Numbering, NumberStore
from tui_charrnn.text.records import RecordCutter
from tui_charrnn.text.source_reading import BytesFound, Reading, read_source, reading_of
from tui_charrnn.text.sources import FoundSources, Source, find_sources, never_cancelled

PIECE: Final = 1 << 18
"""Bytes that are read at a time: they stay in a processor's cache on their way."""
_LARGE: Final = 1 << 25  # bytes from which on progress is reported


def read_corpus(  # noqa: PLR0913 (a text is read by exactly these, each named by the caller)
    arguments: Sequence[str],
    *,
    encoding: str = "utf-8",
    unify_newlines: bool = True,
    compose: bool = True,
    units: str = "characters",
    records: str = "none",
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
    check_cancelled: Callable[[], None] = never_cancelled,
    limit: int | None = None,
) -> Corpus:
    """Read one text from everything that is named, in order.

    Where a file does not end its last line, a line feed keeps it apart from the next file. A text
    is read in one pass, whatever its size; a large one that can be read again is kept in the
    user's cache as numbers, and is there at once the next time.

    Args:
        arguments: One or more of: a file, which may be compressed by gzip or zstandard; a folder,
            whose text files are read in the order of their paths; a glob; `-` for standard input;
            a name of the catalogue; or `catalogue:NAME`. A path that exists wins over a name.
        encoding: Of all files, unless it is utf-8 and a byte order mark has another.
        unify_newlines: Turn CR LF and lone CR into LF.
        compose: Turn characters into their composed form (Unicode NFC).
        units: Cut Hangul syllables into jamo, or leave them whole.
        records: What is a record, to be ended by a sign: line, blank-line or file; none has none.
        stdin: What `-` reads; without it, `-` is refused, as where a screen owns the keyboard.
        progress: Told of bytes done and, if known, bytes in all, while a text of the catalogue
            is built or downloaded, or a large text is read.
        check_cancelled: Called now and then; it raises to give the reading up.
        limit: Bytes of the files after which to stop, unless the whole text is in the cache; the
            report then has `part_of`. None reads all.

    Raises:
        CorpusError: If something is missing, unreadable, empty, binary or not in the encoding.
        StorageError: If a text of the catalogue, or a large one, cannot be stored.
    """
    known_encoding(encoding)
    found = find_sources(arguments, encoding=encoding, check_cancelled=check_cancelled)
    reading = Reading(
        encoding=encoding,
        unify_newlines=unify_newlines,
        compose=compose,
        units=units,
        records=records,
    )
    numbered, report = number_sources(
        found, reading, stdin=stdin, progress=progress, check_cancelled=check_cancelled, limit=limit
    )
    is_repeatable = all(source.is_repeatable for source in found.sources)
    label, *others = dict.fromkeys(source.label for source in found.sources)
    return Corpus(
        name=f"{label}+{len(others)}" if others else label,
        numbered=numbered,
        sources=tuple(source.address for source in found.sources) if is_repeatable else (),
        encoding=encoding,
        unify_newlines=unify_newlines,
        compose=compose,
        units=units,
        report=report,
        records=records,
    )


def number_sources(
    sources: FoundSources,
    reading: Reading,
    *,
    stdin: BinaryIO | None,
    progress: Progress | None,
    check_cancelled: Callable[[], None],
    limit: int | None = None,
) -> tuple[NumberedText, CorpusReport]:
    """Read, decode, clean, count and number a text; arguments and errors as of `read_corpus`."""
    unknown = [
        source.entry for source in sources.sources if source.entry and source.entry.is_unknown
    ]
    files = [_file_of(source, stdin, progress) for source in sources.sources]
    paths = [file for file in files if isinstance(file, Path)]
    place = _place(sources, reading, paths)
    if (kept := _look_up(place, sources)) is not None:
        return kept
    read_from = _fingerprints(paths)
    work = _Work(sources, reading, check_cancelled, progress, _size(files), limit)
    store = NumberStore(encoded_folder())
    try:
        numbering = Numbering(store)
        is_part = work.read(files, numbering)
        report = _report(work.found, sources, unknown)
        if is_part:
            report = replace(report, part_of=work.size)
        if place is None or read_from is None or is_part or not store.is_on_disk:
            return numbering.finish(), report
        notes = asdict(replace(report, recorded=()))
        return numbering.keep(place, read_from, notes), report
    finally:
        store.discard()


def find_kept(sources: FoundSources, reading: Reading) -> tuple[NumberedText, CorpusReport] | None:
    """A text that was read before and is in the cache; None if it is not, or is another by now."""
    paths = [source.file for source in sources.sources if source.file]
    return _look_up(_place(sources, reading, paths), sources)


def _place(sources: FoundSources, reading: Reading, paths: Sequence[Path]) -> CachedNumbers | None:
    """Where a text is kept; None if it cannot be read a second time."""
    if not all(source.is_repeatable for source in sources.sources):
        return None
    dependences = {
        "encodings": [reading_of(source, reading).encoding for source in sources.sources],
        "unify_newlines": reading.unify_newlines,
        "compose": reading.compose,
        "unicode": unicodedata.unidata_version,
    }
    if reading.units != "characters":  # else what was kept before there were units stays valid
        dependences["units"] = reading.units
    if reading.records != "none":
        dependences["records"] = reading.records
    return CachedNumbers.of(paths, dependences)


def _look_up(
    place: CachedNumbers | None, sources: FoundSources
) -> tuple[NumberedText, CorpusReport] | None:
    kept = place.find() if place else None
    if kept is None:
        return None
    text, notes = kept
    return text, replace(CorpusReport(**notes), skipped_files=sources.skipped, recorded=())


class _Work:
    """A text on its way from its files to numbers."""

    def __init__(
        self,
        sources: FoundSources,
        reading: Reading,
        check_cancelled: Callable[[], None],
        progress: Progress | None,
        size: int | None,
        limit: int | None,
    ) -> None:
        self._sources, self._reading = sources.sources, reading
        self._check_cancelled, self._progress = check_cancelled, progress
        self._limit = None if size is None else limit
        self._total = size if limit is None or size is None else min(limit, size)
        self.size = size
        """Bytes of all files; None if that is not known."""
        self.found = BytesFound()
        self._cutter = RecordCutter(reading.records)

    def read(self, files: Sequence[Path | BinaryIO], numbering: Numbering) -> bool:
        """Read all files, or as far as allowed; True if something was left."""
        is_enough = False
        numbering.add(self._cutter.start)
        for source, file in zip(self._sources, files, strict=True):
            numbering.add(self._cutter.separate())
            for piece in read_source(source, file, self._reading, self.found, size=PIECE):
                if is_enough:  # all of a packed file was read, but not all that is in it
                    return True
                text = self._cutter.cut(piece.text)
                numbering.add(text, piece.utf8 if text is piece.text else None)
                self._check_cancelled()
                self._report_progress()
                # unpacked bytes too: a small file may hold more text than anybody waits for
                done = max(self.found.consumed, self.found.bytes)
                is_enough = self._limit is not None and done >= self._limit
                if is_enough and self.found.consumed < (self.size or 0):
                    return True
        numbering.add(self._cutter.end())
        return False

    def _report_progress(self) -> None:
        done = self.found.consumed
        if self._progress is not None and max(done, self._total or 0) >= _LARGE:
            self._progress(done, self._total)


def _file_of(source: Source, stdin: BinaryIO | None, progress: Progress | None) -> Path | BinaryIO:
    path = obtain(source.entry, progress=progress) if source.entry else source.path
    if path is not None:
        return path
    if stdin is None:
        raise CorpusError("Standard input cannot be read here; give the path of a file instead.")
    return stdin


def _fingerprints(paths: Sequence[Path]) -> list[Fingerprint] | None:
    with contextlib.suppress(OSError):  # reported when it is read
        return [fingerprint(path) for path in paths]
    return None


def _size(files: Sequence[Path | BinaryIO]) -> int | None:
    """Bytes of all files; None if one is a stream."""
    size = 0
    for file in files:
        if not isinstance(file, Path) or not file.is_file():
            return None
        size += file.stat().st_size
    return size


def _report(
    found: BytesFound, sources: FoundSources, unknown: Sequence[CatalogueEntry]
) -> CorpusReport:
    return CorpusReport(
        files=len(sources.sources),
        skipped_files=sources.skipped,
        bytes=found.bytes,
        encoding=", ".join(found.encodings),
        bom=found.has_mark,
        crlf=found.crlf,
        cr=found.cr,
        composed=found.composed,
        recorded=tuple((entry.name, entry.expected_sha256 or "") for entry in unknown),
    )
