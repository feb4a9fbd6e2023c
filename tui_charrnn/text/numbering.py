"""Numbers the characters of a text in one pass, piece by piece, and stores the numbers.

A character's number is the order of its first occurrence, which is known immediately. Its index in
a model's vocabulary is known when all characters are counted, and is looked up in a small table
(`NumberedText`).

Few numbers are held in memory, more in a file without a name, which the system removes with the
process.

Notation: N characters of the text, K distinct ones.
"""

import contextlib
import hashlib
import tempfile
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.text.cache import writing_errors
from tui_charrnn.text.numbered_text import Int64, NumberedText, Numbers, encoded_folder, map_numbers
from tui_charrnn.text.vocabulary import code_width

KEPT_IN_MEMORY: Final = 1 << 25
"""Maximum bytes of numbers held in memory."""
_COPIED: Final = 1 << 22  # bytes copied at a time when numbers are widened


class _NumberStore:
    """A growing sequence of unsigned numbers of 8, 16 or 32 bits.

    Above a limit of bytes it is stored in a file, whose folder is created if missing.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = KEPT_IN_MEMORY if limit is None else limit
        self._file = self._new_file()
        self.dtype: np.dtype[np.unsignedinteger] = np.dtype("u1")
        self.count = 0
        """The count of numbers."""

    @property
    def is_on_disk(self) -> bool:
        """Whether the numbers are stored in a file."""
        return self.count * self.dtype.itemsize > self._limit

    def append(self, numbers: Numbers) -> None:
        """Append numbers.

        Raises:
            StorageError: If they cannot be written.
        """
        self.count += len(numbers)
        with writing_errors(encoded_folder()):
            self._write(numbers)

    def widen(self, dtype: "np.dtype[np.unsignedinteger]") -> None:
        """Convert all numbers, and those appended later, to a wider type.

        Raises:
            StorageError: If they cannot be written.
        """
        narrow, self.dtype = self.dtype, dtype
        with writing_errors(encoded_folder()), self._file as old:
            self._file = self._new_file()
            old.seek(0)
            while data := old.read(_COPIED):
                self._write(np.frombuffer(data, narrow))

    def finish(self) -> Numbers:
        """All numbers, shape (N,): copied from memory, or mapped from the file, which is closed.

        Raises:
            StorageError: If they cannot be written.
        """
        if self.is_on_disk:
            with writing_errors(encoded_folder()), self._file:
                return map_numbers(self._file, self.dtype, self.count)
        self._file.seek(0)
        return np.frombuffer(self._file.read(), self.dtype)

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _new_file(self) -> "tempfile.SpooledTemporaryFile[bytes]":
        return tempfile.SpooledTemporaryFile(self._limit, dir=str(encoded_folder()))

    def _write(self, numbers: Numbers) -> None:
        if self.is_on_disk:
            encoded_folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.write(numbers.astype(self.dtype, copy=False).view("u1").data)


_CODE_POINTS: Final = 0x110000
_UNSEEN: Final = 0xFFFFFFFF
_BYTE: Final = 1 << 8
_PAIR: Final = 1 << 16
_FIRST_SIZE: Final = 256  # initial capacity of the tables, in characters


class Numbering:
    """Numbers, counts and hashes a text."""

    def __init__(self, limit: int | None = None) -> None:
        """Begin a text; numbers of more than `limit` bytes are in a file."""
        self._store = _NumberStore(limit)
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
        """The text added so far; nothing can be added later if its numbers are in a file.

        Raises:
            StorageError: If the numbers cannot be written.
        """
        count = len(self._seen)
        return NumberedText(
            self._store.finish(),
            characters="".join(map(chr, self._seen)),
            counts=self._counts[:count].copy(),
            firsts=self._firsts[:count].copy(),
            sha256=self._hash.hexdigest(),
        )

    @property
    def is_on_disk(self) -> bool:
        """Whether the numbers are in a file."""
        return self._store.is_on_disk

    def close(self) -> None:
        """Close the file of the numbers."""
        self._store.close()

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
            self._store.append(self._number_of.take(codes))

    def _add_codes(self, codes: Numbers) -> None:
        numbers = self._number_of.take(codes)
        if int(numbers.max()) == _UNSEEN:
            places = np.flatnonzero(numbers == _UNSEEN)
            self._assign_numbers(codes[places], places)
            numbers = self._number_of.take(codes)
        self._counts[: len(self._seen)] += np.bincount(numbers, minlength=len(self._seen))
        self._store.append(numbers)

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
