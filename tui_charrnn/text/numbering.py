"""Numbers the characters of a text that comes in pieces, in one pass, and holds the numbers.

A character's number is the order in which it was met, which is known at once; what number a model
gives it is known when all are counted, and is looked up in a small table (`NumberedText`).

The numbers are in memory while they are few, then in a file that is seen under a hidden name until
`publish` gives it its own, whole. A file that a killed process left is known by its lock, which the
system dropped, and is removed by the next. It is for its user alone, as a run is.

Notation: N characters of the text, K different ones.
"""

import contextlib
import fcntl
import hashlib
import io
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.text.cache import cache_advice, prune_folder
from tui_charrnn.text.numbered_text import (
    CachedNumbers,
    Fingerprint,
    Int64,
    NumberedText,
    Numbers,
    map_numbers,
    record_of,
)

KEPT_IN_MEMORY: Final = 1 << 25
"""Bytes of numbers that are not worth a file."""
LIMIT: Final = 1 << 33
"""Bytes that all kept texts take together at most, as far as they are not in use."""
_COPIED: Final = 1 << 22  # bytes that are copied at a time where a file is widened
_PARTIAL: Final = ".partial"


class NumberStore:
    """Numbers of one width, which can grow: 8, 16 or 32 bits.

    Beyond a limit of bytes they are in a file of the folder, which is made if it is missing.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self._folder = folder
        self._limit = KEPT_IN_MEMORY if limit is None else limit
        self._file: BinaryIO = io.BytesIO()
        self._path: Path | None = None
        self.dtype: np.dtype[np.unsignedinteger] = np.dtype("u1")
        self.count = 0
        """How many numbers there are."""

    @property
    def is_on_disk(self) -> bool:
        """Whether there are too many numbers for memory."""
        return self._path is not None

    def append(self, numbers: Numbers) -> None:
        """Take the next numbers, of the present width.

        Raises:
            StorageError: If the disk refuses.
        """
        self.count += len(numbers)
        if not self.is_on_disk and self.count * self.dtype.itemsize > self._limit:
            self._move(self.dtype, to_disk=True)
        self._write(numbers.view("u1").data)

    def widen(self, dtype: "np.dtype[np.unsignedinteger]") -> None:
        """Hold all numbers, those that came and those that come, in more bits.

        Raises:
            StorageError: If the disk refuses.
        """
        self._move(dtype.newbyteorder("<"), to_disk=self.is_on_disk)

    def finish(self) -> Numbers:
        """All numbers, shape (N,): copied from memory, or mapped from a private file."""
        if not self.is_on_disk:
            self._file.seek(0)
            return np.frombuffer(self._file.read(), self.dtype)
        numbers = map_numbers(self._file, self.dtype, self.count)
        self.discard()  # the mapping holds on to what has no name any more
        return numbers

    def publish(self, path: Path, footer: bytes, modified: int) -> Numbers:
        """Give the file a name, in the place of whatever has it, when all of it is on the disk.

        The footer comes after the numbers; the time of modification is in nanoseconds.

        Returns:
            All numbers, mapped, shape (N,).

        Raises:
            StorageError: If the disk refuses.
        """
        if self._path is None:
            raise ValueError("There is no file to publish: the numbers are in memory.")
        self._write(footer)
        with self._explained():
            os.utime(self._file.fileno(), ns=(modified, modified))
            os.fsync(self._file.fileno())
            self._path.replace(path)
            self._path = None
            _sync_folder(path.parent)
        numbers = map_numbers(self._file, self.dtype, self.count)
        self.discard()
        return numbers

    def discard(self) -> None:
        """Remove what is left of the file, if there is one without its name."""
        _discard(self._file, self._path)
        self._path = None

    def _move(self, dtype: "np.dtype[np.unsignedinteger]", *, to_disk: bool) -> None:
        """Copy all numbers into another file, as numbers of some width."""
        old, old_path, narrow = self._file, self._path, self.dtype
        self._file, self._path, self.dtype = io.BytesIO(), None, dtype
        try:
            with self._explained():
                if to_disk:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    remove_orphans(self._folder)
                    self._path, self._file = _locked_file(self._folder)
                old.seek(0)
                while data := old.read(_COPIED):
                    self._write(np.frombuffer(data, narrow).astype(dtype).view("u1").data)
        finally:
            _discard(old, old_path)

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        with self._explained():
            while rest:
                rest = rest[self._file.write(rest) :]

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                "The encoded text cannot be kept in {folder}: {reason}. To go on, {advice}.",
                folder=self._folder,
                reason=reason_of(error),
                advice=cache_advice(error),
            ) from error


def _locked_file(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file that is not taken for one that was left behind."""
    while True:
        path = folder / f".{secrets.token_hex(8)}{_PARTIAL}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: nothing removes it there either
            return path, file
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # it was taken away before it was locked


def remove_orphans(folder: Path) -> None:
    """Remove the files of processes that were killed before they could give them a name."""
    for path in folder.glob(f".*{_PARTIAL}"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while its writer lives
            path.unlink()


def _discard(file: BinaryIO, path: Path | None) -> None:
    with contextlib.suppress(OSError):
        if path is not None:
            path.unlink()
    with contextlib.suppress(OSError):
        file.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_CODE_POINTS: Final = 0x110000
_UNMET: Final = 0xFFFFFFFF
_BYTE: Final = 1 << 8
_PAIR: Final = 1 << 16
_WIDTHS: Final[dict[int, np.dtype[np.unsignedinteger]]] = {
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
}
_FIRST_SIZE: Final = 256  # characters that the tables have room for at first


class Numbering:
    """Numbers, counts and hashes a text."""

    def __init__(self, store: NumberStore) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        self._number_of = np.full(_CODE_POINTS, _UNMET, np.uint32)
        self._byte_table = bytearray(_BYTE)
        """The numbers of ASCII characters, as far as they fit into a byte."""
        self._met: list[int] = []
        self._counts = np.zeros(_FIRST_SIZE, np.int64)
        self._firsts = np.zeros(_FIRST_SIZE, np.int64)

    @property
    def sha256(self) -> str:
        """Hash of the text as UTF-8, in hexadecimal digits."""
        return self._hash.hexdigest()

    @property
    def characters(self) -> str:
        """The K different characters, in the order in which they were met."""
        return "".join(map(chr, self._met))

    @property
    def counts(self) -> Int64:
        """How often each occurs, shape (K,)."""
        return self._counts[: len(self._met)].copy()

    @property
    def firsts(self) -> Int64:
        """Where each stands first, from 0, shape (K,)."""
        return self._firsts[: len(self._met)].copy()

    def add(self, text: str) -> None:
        """Take the next piece of the text.

        Raises:
            StorageError: If the disk refuses to take the numbers.
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
        """The text, which was read to its end."""
        return self._text(self._store.finish())

    def keep(
        self, place: CachedNumbers, read_from: Sequence[Fingerprint], notes: Mapping[str, object]
    ) -> NumberedText:
        """The same, kept at a place in the cache; its numbers are too many for memory.

        `read_from` is what its files were before they were read; the notes, JSON values, are given
        back by `CachedNumbers.find`.

        Raises:
            StorageError: If the disk refuses.
        """
        if not place.is_current(read_from):
            return self.finish()
        modified = int(time.time()) // 2 * 2 * 10**9  # a time that every file system can keep
        record = record_of({
            "modified": modified,
            "files": read_from,
            "count": self._store.count,
            "dtype": self._store.dtype.str,
            "characters": self.characters,
            "counts": self.counts.tolist(),
            "firsts": self.firsts.tolist(),
            "sha256": self.sha256,
            "notes": dict(notes),
        })
        numbers = self._store.publish(place.path, record, modified)
        prune_folder(place.path.parent, place.path.suffix, LIMIT, keep=place.path)
        return self._text(numbers)

    def _text(self, numbers: Numbers) -> NumberedText:
        return NumberedText(numbers, self.characters, self.counts, self.firsts, self.sha256)

    def _add_ascii(self, data: bytes) -> None:
        codes = np.frombuffer(data, np.uint8)
        histogram = _byte_histogram(codes)
        present = np.flatnonzero(histogram)
        if (self._number_of[present] == _UNMET).any():
            self._meet(codes)
        numbers = self._number_of[present]
        self._counts[numbers] += histogram[present]
        if self._store.dtype.itemsize == 1:
            self._store.append(np.frombuffer(data.translate(self._byte_table), np.uint8))
        else:
            self._store.append(self._number_of.take(codes).astype(self._store.dtype))

    def _add_codes(self, codes: Numbers) -> None:
        numbers = self._number_of.take(codes)
        if int(numbers.max()) == _UNMET:
            places = np.flatnonzero(numbers == _UNMET)
            self._meet(codes[places], places)
            numbers = self._number_of.take(codes)
        self._counts[: len(self._met)] += np.bincount(numbers, minlength=len(self._met))
        self._store.append(numbers.astype(self._store.dtype))

    def _meet(self, codes: Numbers, places: Int64 | None = None) -> None:
        """Give numbers to the characters of a piece that have none.

        The codes are some of its characters, at `places` in it; None if they are all of them.
        """
        values, firsts = np.unique(codes, return_index=True)
        is_new = self._number_of[values] == _UNMET
        values, firsts = values[is_new], firsts[is_new]
        order = np.argsort(firsts)
        values, firsts = values[order], firsts[order]
        start, end = len(self._met), len(self._met) + len(values)
        self._make_room(end)
        self._number_of[values] = np.arange(start, end, dtype=np.uint32)
        self._firsts[start:end] = self._store.count + (firsts if places is None else places[firsts])
        self._met.extend(values.tolist())
        for code, number in zip(values.tolist(), range(start, min(end, _BYTE)), strict=False):
            if code < _BYTE:
                self._byte_table[code] = number

    def _make_room(self, size: int) -> None:
        if size > len(self._counts):
            room = np.zeros(max(size, 2 * len(self._counts)) - len(self._counts), np.int64)
            self._counts = np.concatenate([self._counts, room])
            self._firsts = np.concatenate([self._firsts, room])
        width = 1 if size <= _BYTE else 2 if size <= _PAIR else 4
        if width > self._store.dtype.itemsize:
            self._store.widen(_WIDTHS[width])


def _byte_histogram(codes: npt.NDArray[np.uint8]) -> Int64:
    """How often each byte occurs, shape (256,)."""
    even = len(codes) & ~1
    # two bytes at a time: half as many to count
    pairs = np.bincount(codes[:even].view(np.uint16), minlength=_PAIR).reshape(_BYTE, _BYTE)
    histogram = pairs.sum(axis=0) + pairs.sum(axis=1)
    if even < len(codes):
        histogram[codes[-1]] += 1
    return np.asarray(histogram, np.int64)
