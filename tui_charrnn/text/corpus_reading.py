"""From the sources of a corpus to its characters as numbers: in one pass, or out of the cache."""

import contextlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.catalogue import CatalogueEntry, obtain
from tui_charrnn.text.corpus import CorpusReport
from tui_charrnn.text.number_store import NumberStore
from tui_charrnn.text.numbered_cache import (
    CachedNumbers,
    Fingerprint,
    encoded_folder,
    fingerprint,
    numbered,
)
from tui_charrnn.text.numbered_text import NumberedText
from tui_charrnn.text.numbering import Numbering
from tui_charrnn.text.progress import Progress
from tui_charrnn.text.source_reading import BytesFound, Reading, read_source, reading_of
from tui_charrnn.text.sources import FoundSources, Source

PIECE: Final = 1 << 18
"""Bytes that are read at a time: they stay in a processor's cache on their way."""
_LARGE: Final = 1 << 25
"""Bytes from which on it is told how much has been read."""


def number_sources(
    sources: FoundSources,
    reading: Reading,
    *,
    stdin: BinaryIO | None,
    progress: Progress | None,
    check_cancelled: Callable[[], None],
    limit: int | None = None,
) -> tuple[NumberedText, CorpusReport]:
    """Read, decode, clean, count and number a text; arguments and errors as of `read_corpus`.

    Args:
        sources: What it is made of.
        reading: How.
        stdin: What standard input is.
        progress: Told of bytes done and in all.
        check_cancelled: Called after every piece.
        limit: Bytes, of the files or of what is packed in them, after which to stop.
    """
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
            return numbered(numbering, store), report
        notes = asdict(replace(report, recorded=()))
        return place.keep(numbering, store, read_from, notes), report
    finally:
        store.discard()


def find_kept(sources: FoundSources, reading: Reading) -> tuple[NumberedText, CorpusReport] | None:
    """A text that was read before and is in the cache; None if it is not, or is another by now."""
    files = [
        source.entry.cached.path if source.entry else source.path for source in sources.sources
    ]
    return _look_up(_place(sources, reading, [path for path in files if path]), sources)


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

    def read(self, files: Sequence[Path | BinaryIO], numbering: Numbering) -> bool:
        """Read all files, or as far as allowed; True if something was left."""
        is_enough = False
        for source, file in zip(self._sources, files, strict=True):
            if numbering.last not in {"", "\n", "\r"}:
                numbering.add("\n")  # keeps the last line of one file apart from the next file
            for piece in read_source(source, file, self._reading, self.found, size=PIECE):
                if is_enough:  # all of a packed file was read, but not all that is in it
                    return True
                numbering.add(piece.text, piece.utf8)
                self._check_cancelled()
                self._tell()
                # unpacked bytes too: a small file may hold more text than anybody waits for
                done = max(self.found.consumed, self.found.bytes)
                is_enough = self._limit is not None and done >= self._limit
                if is_enough and self.found.consumed < (self.size or 0):
                    return True
        return False

    def _tell(self) -> None:
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
    with contextlib.suppress(OSError):  # said when it is read
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
