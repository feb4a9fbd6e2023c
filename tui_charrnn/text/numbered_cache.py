"""Texts as numbers that are kept in the user's cache, so that a large text is read once.

One file a text, which appears whole or not at all:

    numbers             N times 1, 2 or 4 bytes, little-endian, to be mapped into memory
    record              JSON: what text it is, of which files, and the table of its characters
    end                 length of the record (8 bytes), its SHA-256 (32 bytes), `_MAGIC` (8 bytes)

It is used only if the record is whole, the sizes agree, nobody wrote to the file after it was
finished (its time of modification is the one on record), and every file that the text was read from
is the one that it was: same size, same times, same place on the disk.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np

from tui_charrnn.text.cache import mark_in_use, prune_folder
from tui_charrnn.text.number_store import NumberedText, NumberStore, map_numbers
from tui_charrnn.text.numbering import Numbering
from tui_charrnn.user_folders import cache_folder

LIMIT: Final = 1 << 33
"""Bytes that all kept texts take together at most, as far as they are not in use."""
FORMAT: Final = 1
"""Raised by whatever changes what a text becomes or how it is written."""
_MAGIC: Final = b"charrnn\x01"
_END: Final = 8 + 32 + len(_MAGIC)
_LONGEST_RECORD: Final = 1 << 28
"""Bytes; all characters of Unicode with their counts take a tenth."""
_TICKS: Final = (50_000_000, 2_000_000_000)
"""Nanoseconds in which a file can change twice without its time showing it: on file systems that
keep parts of a second, and on those that do not."""

Fingerprint: TypeAlias = tuple[int, int, int, int]
"""Size, time of modification, time of change (both in nanoseconds) and inode of a file."""


def encoded_folder() -> Path:
    """Where encoded texts are kept: beside the corpora of the cache."""
    return cache_folder() / "encoded"


@dataclass(frozen=True, slots=True)
class CachedNumbers:
    """The place of one text in the cache."""

    path: Path
    files: tuple[Path, ...]
    """What the text is read from, in order."""

    @classmethod
    def of(cls, files: Sequence[Path], reading: Mapping[str, object]) -> "CachedNumbers":
        """The place of a text.

        Args:
            files: What it is read from, in order.
            reading: All else that it depends on, as JSON values.
        """
        described = json.dumps([FORMAT, [os.fspath(path) for path in files], reading])
        name = hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cls(encoded_folder() / f"{name}.numbers", tuple(files))

    def find(self) -> tuple[NumberedText, dict[str, Any]] | None:
        """The text and what was noted of it; None if it is not here, or not to be trusted."""
        try:
            with self.path.open("rb") as file:
                record = _read_record(file)
                fingerprints = [tuple(each) for each in record["files"]]
                if fingerprints != [fingerprint(path) for path in self.files]:
                    return None
                mark_in_use(file)
                with contextlib.suppress(OSError):  # the time of its last use; the other is checked
                    os.utime(file.fileno(), ns=(time.time_ns(), record["modified"]))
                return _opened(file, record), dict(record["notes"])
        except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return None

    def keep(
        self,
        numbering: Numbering,
        store: NumberStore,
        read_from: Sequence[Fingerprint],
        notes: Mapping[str, object],
    ) -> NumberedText:
        """Keep a text that was read to its end.

        Args:
            numbering: What counted it.
            store: What holds its numbers, too many for memory.
            read_from: What its files were before they were read.
            notes: To be given back by `find`, as JSON values.

        Raises:
            StorageError: If the disk refuses.
        """
        if not all(map(_is_settled, read_from)) or not self._is_unchanged(read_from):
            return numbered(numbering, store)
        modified = int(time.time()) // 2 * 2 * 10**9  # a time that every file system can keep
        record = json.dumps({
            "format": FORMAT,
            "modified": modified,
            "files": read_from,
            "count": store.count,
            "dtype": store.dtype.str,
            "characters": numbering.characters,
            "counts": numbering.counts.tolist(),
            "firsts": numbering.firsts.tolist(),
            "sha256": numbering.sha256,
            "notes": dict(notes),
        }).encode()
        end = len(record).to_bytes(8, "little") + hashlib.sha256(record).digest() + _MAGIC
        numbers = store.publish(self.path, record + end, modified)
        prune_folder(self.path.parent, self.path.suffix, LIMIT, keep=self.path)
        return NumberedText(
            numbers, numbering.characters, numbering.counts, numbering.firsts, numbering.sha256
        )

    def _is_unchanged(self, read_from: Sequence[Fingerprint]) -> bool:
        try:
            return [fingerprint(path) for path in self.files] == list(read_from)
        except OSError:
            return False


def numbered(numbering: Numbering, store: NumberStore) -> NumberedText:
    """A text that was read to its end, before it is kept."""
    return NumberedText(
        store.finish(), numbering.characters, numbering.counts, numbering.firsts, numbering.sha256
    )


def fingerprint(path: Path) -> Fingerprint:
    """What changes whenever a file does.

    Raises:
        OSError: If the file is not there.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _is_settled(read_from: Fingerprint) -> bool:
    """Wait until a later change of a file shows in its time; False if that would be long."""
    latest = max(read_from[1:3])
    tick = _TICKS[latest % 10**9 == 0]
    missing = latest + tick - time.time_ns()
    if missing > tick:
        return False  # a time that is yet to come, as of another machine's clock
    time.sleep(max(0, missing) / 1e9)
    return True


def _read_record(file: BinaryIO) -> dict[str, Any]:
    """The record at the end of a file of the cache.

    Raises:
        ValueError: If it is not whole, or the file was written to after it was finished.
    """
    status = os.fstat(file.fileno())
    file.seek(max(0, status.st_size - _END))
    end = file.read(_END)
    length, sha256 = int.from_bytes(end[:8], "little"), end[8:40]
    if end[40:] != _MAGIC or length > min(_LONGEST_RECORD, status.st_size - _END):
        raise ValueError("not whole")
    file.seek(status.st_size - _END - length)
    data = file.read(length)
    if hashlib.sha256(data).digest() != sha256:
        raise ValueError("damaged")
    record: dict[str, Any] = json.loads(data)
    size = record["count"] * np.dtype(record["dtype"]).itemsize + length + _END
    if record["format"] != FORMAT or size != status.st_size:
        raise ValueError("of another format, or cut")
    if record["modified"] != status.st_mtime_ns:
        raise ValueError("changed")
    return record


def _opened(file: BinaryIO, record: Mapping[str, Any]) -> NumberedText:
    return NumberedText(
        numbers=map_numbers(file, record["dtype"], record["count"]),
        characters=record["characters"],
        counts=np.array(record["counts"], np.int64),
        firsts=np.array(record["firsts"], np.int64),
        sha256=record["sha256"],
    )
