"""Numbers the characters of a text in one pass, piece by piece, and stores the numbers.

A character's number is the order of its first occurrence, which is known immediately. Its index in
a model's vocabulary is known when all characters are counted, and is looked up in a small table
(`NumberedText`).

Few numbers are held in memory, more in a file with a hidden name, which `publish` renames when it
is complete. A file that a killed process left is recognized by its released lock, and is removed by
the next process. Only the user can read it.

Notation: N characters of the text, K distinct ones.
"""

import contextlib
import fcntl
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.text.cache import cache_advice, delete_unused, prune_folder
from tui_charrnn.text.numbered_text import (
    CachedNumbers,
    Fingerprint,
    Int64,
    NumberedText,
    Numbers,
    map_numbers,
    record_of,
)
from tui_charrnn.text.vocabulary import code_width

KEPT_IN_MEMORY: Final = 1 << 25
"""Maximum bytes of numbers held in memory."""
LIMIT: Final = 1 << 33
"""Maximum bytes of all cached texts; files in use are not deleted."""
_COPIED: Final = 1 << 22  # bytes copied at a time when numbers are widened
_PARTIAL: Final = ".partial"


class _NumberStore:
    """A growing sequence of unsigned numbers of 8, 16 or 32 bits.

    Above a limit of bytes it is stored in a file of the folder, which is created if missing.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self._folder = folder
        self._limit = KEPT_IN_MEMORY if limit is None else limit
        self._file: BinaryIO = io.BytesIO()
        self._path: Path | None = None
        self.dtype: np.dtype[np.unsignedinteger] = np.dtype("u1")
        self.count = 0
        """The count of numbers."""

    @property
    def is_on_disk(self) -> bool:
        """Whether the numbers are stored in a file."""
        return self._path is not None

    def append(self, numbers: Numbers) -> None:
        """Append numbers of the current width.

        Raises:
            StorageError: If they cannot be written.
        """
        self.count += len(numbers)
        if not self.is_on_disk and self.count * self.dtype.itemsize > self._limit:
            self._move(self.dtype, to_disk=True)
        self._write(numbers.view("u1").data)

    def widen(self, dtype: "np.dtype[np.unsignedinteger]") -> None:
        """Convert all numbers, and those appended later, to a wider type.

        Raises:
            StorageError: If they cannot be written.
        """
        self._move(dtype, to_disk=self.is_on_disk)

    def finish(self) -> Numbers:
        """All numbers, shape (N,): copied from memory, or mapped from a private file."""
        if not self.is_on_disk:
            self._file.seek(0)
            return np.frombuffer(self._file.read(), self.dtype)
        numbers = map_numbers(self._file, self.dtype, self.count)
        self.discard()  # the mapping keeps the content of the deleted file
        return numbers

    def publish(self, path: Path, footer: bytes, modified: int) -> Numbers:
        """Append the footer, sync the file to disk and rename it to `path`, replacing any other.

        `modified` is its modification time in nanoseconds.

        Returns:
            All numbers, memory-mapped, shape (N,).

        Raises:
            StorageError: If it cannot be written.
        """
        if self._path is None:
            raise ValueError("There is no file to publish: the numbers are in memory.")
        self._write(footer)
        with self._storage_errors():
            os.utime(self._file.fileno(), ns=(modified, modified))
            os.fsync(self._file.fileno())
            self._path.replace(path)
            self._path = None
        numbers = map_numbers(self._file, self.dtype, self.count)
        self.discard()
        return numbers

    def discard(self) -> None:
        """Close the file, and remove it unless it was published."""
        _discard(self._file, self._path)
        self._path = None

    def _move(self, dtype: "np.dtype[np.unsignedinteger]", *, to_disk: bool) -> None:
        """Copy all numbers into another file, converted to `dtype`."""
        old, old_path, narrow = self._file, self._path, self.dtype
        self._file, self._path, self.dtype = io.BytesIO(), None, dtype
        try:
            with self._storage_errors():
                if to_disk:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    for orphan in self._folder.glob(f".*{_PARTIAL}"):
                        delete_unused(orphan)  # a living writer has it locked
                    self._path, self._file = _locked_file(self._folder)
                old.seek(0)
                while data := old.read(_COPIED):
                    self._write(np.frombuffer(data, narrow).astype(dtype).view("u1").data)
        finally:
            _discard(old, old_path)

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        with self._storage_errors():
            while rest:
                rest = rest[self._file.write(rest) :]

    @contextlib.contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                "The encoded text cannot be kept in {folder}: {reason}. To continue, {advice}.",
                folder=self._folder,
                reason=reason_of(error),
                advice=cache_advice(error),
            ) from error


def _locked_file(folder: Path) -> tuple[Path, BinaryIO]:
    """Create a locked file, which no other process removes."""
    while True:
        descriptor, name = tempfile.mkstemp(_PARTIAL, ".", folder)
        path, file = Path(name), os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: nothing removes it there either
            return path, file
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # another process removed it before it was locked


def _discard(file: BinaryIO, path: Path | None) -> None:
    with contextlib.suppress(OSError):
        if path is not None:
            path.unlink()
    with contextlib.suppress(OSError):
        file.close()


_CODE_POINTS: Final = 0x110000
_UNSEEN: Final = 0xFFFFFFFF
_BYTE: Final = 1 << 8
_PAIR: Final = 1 << 16
_FIRST_SIZE: Final = 256  # initial capacity of the tables, in characters


class Numbering:
    """Numbers, counts and hashes a text."""

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Begin a text; numbers of more than `limit` bytes are in a file of the folder."""
        self._store = _NumberStore(folder, limit)
        self._hash = hashlib.sha256()
        self._number_of = np.full(_CODE_POINTS, _UNSEEN, np.uint32)
        self._byte_table = bytearray(_BYTE)
        """The numbers of ASCII characters, as far as they fit into a byte."""
        self._seen: list[int] = []
        self._counts = np.zeros(_FIRST_SIZE, np.int64)
        self._firsts = np.zeros(_FIRST_SIZE, np.int64)

    def add(self, text: str) -> None:
        """Add the next piece of the text.

        Raises:
            StorageError: If the numbers cannot be written.
        """
        if not text:
            return
        data = text.encode()
        self._hash.update(data)
        if len(data) == len(text):
            self._add_ascii(data)
        elif len(wide := text.encode("utf-16-le")) == 2 * len(text):
            self._add_codes(np.frombuffer(wide, "<u2"))
        else:
            self._add_codes(np.frombuffer(text.encode("utf-32-le"), "<u4"))

    def finish(self) -> NumberedText:
        """The text added so far; nothing can be added later if its numbers are on disk."""
        return self._text(self._store.finish())

    def keep(
        self, place: CachedNumbers, read_from: Sequence[Fingerprint], notes: Mapping[str, object]
    ) -> NumberedText:
        """The text; stored as a cache entry if its numbers are in a file and its files unchanged.

        `read_from` has the fingerprints of the files before they were read. `CachedNumbers.find`
        returns the notes, which are JSON values.

        Raises:
            StorageError: If it cannot be written.
        """
        if not (self._store.is_on_disk and place.is_current(read_from)):
            return self.finish()
        known = self._text(np.empty(0, np.uint8))
        modified = int(time.time()) // 2 * 2 * 10**9  # a time that every file system can represent
        record = record_of({
            "modified": modified,
            "files": read_from,
            "count": self._store.count,
            "dtype": self._store.dtype.str,
            "characters": known.characters,
            "counts": known.counts.tolist(),
            "firsts": known.firsts.tolist(),
            "sha256": known.sha256,
            "notes": dict(notes),
        })
        numbers = self._store.publish(place.path, record, modified)
        prune_folder(place.path.parent, place.path.suffix, LIMIT, keep=place.path)
        return replace(known, numbers=numbers)

    def discard(self) -> None:
        """Close and remove the file of numbers, unless it was stored."""
        self._store.discard()

    def _text(self, numbers: Numbers) -> NumberedText:
        count = len(self._seen)
        return NumberedText(
            numbers,
            characters="".join(map(chr, self._seen)),
            counts=self._counts[:count].copy(),
            firsts=self._firsts[:count].copy(),
            sha256=self._hash.hexdigest(),
        )

    def _add_ascii(self, data: bytes) -> None:
        codes = np.frombuffer(data, np.uint8)
        histogram = _byte_histogram(codes)
        present = np.flatnonzero(histogram)
        if (self._number_of[present] == _UNSEEN).any():
            self._assign_numbers(codes)
        numbers = self._number_of[present]
        self._counts[numbers] += histogram[present]
        if self._store.dtype.itemsize == 1:
            self._store.append(np.frombuffer(data.translate(self._byte_table), np.uint8))
        else:
            self._store.append(self._number_of.take(codes).astype(self._store.dtype))

    def _add_codes(self, codes: Numbers) -> None:
        numbers = self._number_of.take(codes)
        if int(numbers.max()) == _UNSEEN:
            places = np.flatnonzero(numbers == _UNSEEN)
            self._assign_numbers(codes[places], places)
            numbers = self._number_of.take(codes)
        self._counts[: len(self._seen)] += np.bincount(numbers, minlength=len(self._seen))
        self._store.append(numbers.astype(self._store.dtype))

    def _assign_numbers(self, codes: Numbers, places: Int64 | None = None) -> None:
        """Assign numbers to the new characters of a piece.

        `codes` are characters at `places` of the piece; None means the whole piece.
        """
        values, firsts = np.unique(codes, return_index=True)
        is_new = self._number_of[values] == _UNSEEN
        values, firsts = values[is_new], firsts[is_new]
        order = np.argsort(firsts)
        values, firsts = values[order], firsts[order]
        start, end = len(self._seen), len(self._seen) + len(values)
        self._make_room(end)
        self._number_of[values] = np.arange(start, end, dtype=np.uint32)
        self._firsts[start:end] = self._store.count + (firsts if places is None else places[firsts])
        self._seen.extend(values.tolist())
        for code, number in zip(values.tolist(), range(start, min(end, _BYTE)), strict=False):
            if code < _BYTE:
                self._byte_table[code] = number

    def _make_room(self, size: int) -> None:
        if size > len(self._counts):
            room = np.zeros(max(size, 2 * len(self._counts)) - len(self._counts), np.int64)
            self._counts = np.concatenate([self._counts, room])
            self._firsts = np.concatenate([self._firsts, room])
        if (width := code_width(size)) > self._store.dtype.itemsize:
            self._store.widen(np.dtype(f"<u{width}"))


def _byte_histogram(codes: npt.NDArray[np.uint8]) -> Int64:
    """How often each byte occurs, shape (256,)."""
    even = len(codes) & ~1
    # two bytes at a time: half as many to count
    pairs = np.bincount(codes[:even].view(np.uint16), minlength=_PAIR).reshape(_BYTE, _BYTE)
    histogram = pairs.sum(axis=0) + pairs.sum(axis=1)
    if even < len(codes):
        histogram[codes[-1]] += 1
    return np.asarray(histogram, np.int64)
