"""Numbers the characters of a text that comes in pieces, in one pass.

A character's number is the order in which it was met, which is known at once; what number a model
gives it is known when all are counted, and is looked up in a small table (`NumberedText`).

Notation: N characters of the text, K different ones.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.text.number_store import Numbers, NumberStore

Int64 = npt.NDArray[np.int64]

_CODE_POINTS: Final = 0x110000
_UNMET: Final = 0xFFFFFFFF
_BYTE: Final = 1 << 8
_PAIR: Final = 1 << 16
_WIDTHS: Final[dict[int, np.dtype[np.unsignedinteger]]] = {
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
}
_FIRST_SIZE: Final = 256
"""Characters that the tables have room for at first."""


class Numbering:
    """Numbers, counts and hashes a text.

    Args:
        store: Takes the numbers.
    """

    def __init__(self, store: NumberStore) -> None:
        self._store = store
        self._hash = hashlib.sha256()
        self._number_of = np.full(_CODE_POINTS, _UNMET, np.uint32)
        self._byte_table = bytearray(_BYTE)
        """The numbers of ASCII characters, as far as they fit into a byte."""
        self._met: list[int] = []
        self._counts = np.zeros(_FIRST_SIZE, np.int64)
        self._firsts = np.zeros(_FIRST_SIZE, np.int64)
        self.last = ""
        """The last character so far."""

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

    def add(self, text: str, utf8: bytes | None = None) -> None:
        """Take the next piece of the text.

        Args:
            text: Its characters.
            utf8: The same in UTF-8; None encodes it.

        Raises:
            StorageError: If the disk refuses to take the numbers.
        """
        if not text:
            return
        data = text.encode() if utf8 is None else utf8
        self._hash.update(data)
        self.last = text[-1]
        if len(data) == len(text):
            self._add_ascii(data)
        elif len(wide := text.encode("utf-16-le")) == 2 * len(text):
            self._add_codes(np.frombuffer(wide, "<u2"))
        else:
            self._add_codes(np.frombuffer(text.encode("utf-32-le"), "<u4"))

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

        Args:
            codes: Some characters of the piece, those that have no number among them.
            places: Where they stand in the piece; None if these are all of its characters.
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
