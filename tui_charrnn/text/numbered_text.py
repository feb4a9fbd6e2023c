"""A text as numbers, memory-mapped if it is large, and its cache format.

A large text is cached, so that it is read only once. Each text is one file, written atomically:

    numbers             N times 1, 2 or 4 bytes, little-endian, to be memory-mapped
    record              JSON: identity of the text, its files, and the table of its characters
    end                 length of the record (8 bytes), its SHA-256 (32 bytes), `_MAGIC` (8 bytes)

It is used only if the record is complete, the sizes agree, its modification time is the recorded
one, and every file that the text was read from is unchanged: same size, times and inode.

Notation: N characters of the text, K distinct ones, R records.
"""

import contextlib
import hashlib
import json
import os
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, NamedTuple, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError
from tui_charrnn.folders import cache_folder
from tui_charrnn.hangul import continues_syllable
from tui_charrnn.text.cache import mark_in_use, prune_folder, replace_file
from tui_charrnn.text.vocabulary import END, Vocabulary, code_points, lacking_error

Numbers = npt.NDArray[np.unsignedinteger]
Int32: TypeAlias = npt.NDArray[np.int32]
Int64: TypeAlias = npt.NDArray[np.int64]

_DECODED: Final = 1 << 20  # characters that are decoded, or moved, at a time


class IndexedText:
    """The vocabulary indices of a text's N characters, looked up on access.

    It behaves as an int32 array of shape (N,) without holding it in memory.
    """

    def __init__(self, numbers: Numbers, index_of: Int32) -> None:
        self._numbers, self._index_of = numbers, index_of

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: slice) -> "IndexedText": ...
    @overload
    def __getitem__(self, place: npt.NDArray[np.integer]) -> Int32: ...
    def __getitem__(self, place: slice | npt.NDArray[np.integer]) -> "IndexedText | Int32":
        if isinstance(place, slice):
            return IndexedText(self._numbers[place], self._index_of)
        indices: Int32 = self._index_of[self._numbers[place]]
        return indices

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("The indices of a text are looked up, so they are always a copy.")
        indices = self._index_of[self._numbers]
        return indices if dtype is None else indices.astype(dtype, copy=False)


def record_order(records: int) -> Int64:
    """A fixed random order of R records, of which the last are held out.

    Lists are often sorted, so that their end differs from the rest.
    """
    drawn = np.random.SeedSequence(0).generate_state(records, np.uint64)
    return np.argsort(drawn, kind="stable")


class RecordSplit(NamedTuple):
    """How records are split, in the order of `record_order`."""

    characters: int
    """Training characters, up to and including the end sign of the last training record."""
    trained: int
    """Number of training records."""
    held_out: int
    """Number of held-out records."""


@dataclass(frozen=True, slots=True, eq=False)
class NumberedText:
    """A text of N characters, numbered in the order of their first occurrence."""

    numbers: Numbers
    """Shape (N,): one byte each for up to 256 distinct characters, else two or four."""
    characters: str
    """The K distinct characters, in the order of their number."""
    counts: Int64
    """The count of each, shape (K,)."""
    firsts: Int64
    """Position of the first occurrence of each, from 0, shape (K,)."""
    sha256: str
    """Of the text as UTF-8, in hexadecimal digits."""

    def __len__(self) -> int:
        return len(self.numbers)

    def indices(self, vocabulary: Vocabulary) -> IndexedText:
        """The indices of the characters in a vocabulary.

        Raises:
            CorpusError: If the vocabulary lacks a character and has no unknown symbol; the first is
                named.
        """
        if vocabulary.unknown_symbol is None:
            # numbers follow the first occurrence: the first lacking is the first in the text
            for number, character in enumerate(self.characters):
                if character not in vocabulary:
                    raise lacking_error(character, int(self.firsts[number]))
        return IndexedText(self.numbers, vocabulary.encode(self.characters))

    def decode(self, start: int = 0, stop: int | None = None) -> str:
        """The characters from position `start` up to `stop`."""
        codes = code_points(self.characters)
        return codes[self.numbers[start:stop]].tobytes().decode("utf-32-le")

    def units_per_character(self, start: int) -> float:
        """Mean number of jamo per syllable or other character, from a position on."""
        continues = np.array([continues_syllable(character) for character in self.characters])
        units = len(self) - start
        parts = sum(
            int(np.count_nonzero(continues[self.numbers[place : place + _DECODED]]))
            for place in range(start, len(self), _DECODED)
        )
        return units / max(units - parts, 1)

    def pieces(self) -> Iterator[str]:
        """Yield the whole text, about a million characters at a time."""
        for start in range(0, len(self), _DECODED):
            yield self.decode(start, start + _DECODED)

    def records(self) -> Iterator[str]:
        """Yield the records of a text of records."""
        partial = ""
        for piece in self.pieces():
            *whole, partial = (partial + piece).split(END)
            yield from filter(None, whole)

    def repeated_records(self) -> int:
        """The number of records that repeat an earlier one."""
        hashes = array("q", map(hash, self.records()))
        return len(hashes) - len(np.unique(np.frombuffer(hashes, np.int64)))

    def split_records(self, validation_fraction: float) -> RecordSplit:
        """Hold out a share of the characters, in whole records, at least one on either side.

        Raises:
            CorpusError: If there are fewer than two records.
        """
        ends = self._record_ends()
        count = len(ends) - 1
        if count < 2:
            raise CorpusError(
                "At least 2 records are needed, one to train on and one to hold out. Received: "
                "{count}. Check how the text is split into records (--records).",
                count=count,
            )
        places = np.diff(ends)[record_order(count)].cumsum()  # of the end signs, shuffled
        wanted = int(np.searchsorted(places, len(self) * (1 - validation_fraction)))
        records = min(max(wanted, 1), count - 1)
        return RecordSplit(int(places[records - 1]) + 1, records, count - records)

    def shuffled_records(self) -> "NumberedText":
        """The same records in the order of `record_order`; counts and hash are unchanged."""
        ends = self._record_ends()
        order = record_order(len(ends) - 1)
        shuffled = np.empty_like(self.numbers)
        shuffled[0] = self.numbers[0]
        lengths = np.diff(ends)[order]
        places = np.concatenate([[0], lengths.cumsum()]) + 1
        first = 0
        while first < len(order):
            last = max(first + 1, int(np.searchsorted(places, places[first] + _DECODED)))
            own = lengths[first:last]
            moves = np.repeat(ends[order[first:last]] + 1 - places[first : first + len(own)], own)
            to = np.arange(places[first], places[first] + own.sum())
            shuffled[to] = self.numbers[moves + to]
            first = last
        return replace(self, numbers=shuffled)

    def _record_ends(self) -> Int64:
        """Positions of the end signs, shape (R + 1,), the first at 0 and the last at N - 1."""
        ends: Int64 = np.flatnonzero(self.numbers == self.characters.index(END))
        return ends

    def occurrences(self) -> dict[str, int]:
        """The count of each character, in the order of their code points."""
        return dict(sorted(zip(self.characters, self.counts.tolist(), strict=True)))


FORMAT: Final = 1
"""Version of the numbering and of the file format."""
_MAGIC: Final = b"charrnn\x01"
_END: Final = 8 + 32 + len(_MAGIC)
LIMIT: Final = 1 << 33
"""Maximum bytes of all cached texts; files in use are not deleted."""
_LONGEST_RECORD: Final = 1 << 28  # bytes; all characters of Unicode with their counts take a tenth
_TICKS: Final = (50_000_000, 2_000_000_000)
"""Nanoseconds in which a file can change twice with the same time stamp: on file systems with and
without fractions of a second."""

Fingerprint: TypeAlias = tuple[int, int, int, int]
"""Size, time of modification, time of change (both in nanoseconds) and inode of a file."""


def encoded_folder() -> Path:
    """The folder of cached texts as numbers."""
    return cache_folder() / "encoded"


@dataclass(frozen=True, slots=True)
class CachedNumbers:
    """The cache entry of one text."""

    path: Path
    files: tuple[Path, ...]
    """The files that the text is read from, in order."""

    @classmethod
    def of(cls, files: Sequence[Path], reading: Mapping[str, object]) -> "CachedNumbers":
        """The entry for files, in order, and the reading options that the text depends on."""
        described = json.dumps([FORMAT, [os.fspath(path) for path in files], reading])
        name = hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cls(encoded_folder() / f"{name}.numbers", tuple(files))

    def find(self) -> tuple[NumberedText, dict[str, Any]] | None:
        """The text and its notes; None if it is missing, outdated or damaged."""
        try:
            with self.path.open("rb") as file:
                record = _read_record(file)
                fingerprints = [tuple(each) for each in record["files"]]
                if fingerprints != [fingerprint(path) for path in self.files]:
                    return None
                mark_in_use(file)
                # update the access time; the modification time is verified
                with contextlib.suppress(OSError):
                    os.utime(file.fileno(), ns=(time.time_ns(), record["modified"]))
                text = NumberedText(
                    numbers=map_numbers(file, record["dtype"], record["count"]),
                    characters=record["characters"],
                    counts=np.array(record["counts"], np.int64),
                    firsts=np.array(record["firsts"], np.int64),
                    sha256=record["sha256"],
                )
                return text, dict(record["notes"])
        except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return None

    def store(
        self,
        text: NumberedText,
        read_from: Sequence[Fingerprint],
        notes: Mapping[str, object],
    ) -> NumberedText:
        """Store a text unless its files have changed; return it, mapped from the cache if stored.

        `read_from` has the fingerprints of the files before they were read. `find` returns the
        notes, which are JSON values.
        """
        if not self._is_current(read_from):
            return text
        modified = int(time.time()) // 2 * 2 * 10**9  # a time that every file system can represent
        record = json.dumps({
            "format": FORMAT,
            "modified": modified,
            "files": read_from,
            "count": len(text),
            "dtype": text.numbers.dtype.str,
            "characters": text.characters,
            "counts": text.counts.tolist(),
            "firsts": text.firsts.tolist(),
            "sha256": text.sha256,
            "notes": dict(notes),
        }).encode()
        end = len(record).to_bytes(8, "little") + hashlib.sha256(record).digest() + _MAGIC
        with contextlib.suppress(OSError):  # such as a full disk: it is read again the next time
            parts: list[Any] = [text.numbers.data, record, end]
            replace_file(self.path, parts, mode=0o600, modified=modified)
        kept = self.find()
        prune_folder(self.path.parent, self.path.suffix, LIMIT, keep=self.path)
        return kept[0] if kept else text

    def _is_current(self, read_from: Sequence[Fingerprint]) -> bool:
        """Whether the files are unchanged since `read_from`."""
        if not all(map(_is_settled, read_from)):
            return False
        try:
            return [fingerprint(path) for path in self.files] == list(read_from)
        except OSError:
            return False


def fingerprint(path: Path) -> Fingerprint:
    """Return the size, times and inode of a file, some of which change when the file does.

    Raises:
        OSError: If the file is missing.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _is_settled(read_from: Fingerprint) -> bool:
    """Wait until any later change of a file has a later time stamp; False if that takes long."""
    latest = max(read_from[1:3])
    tick = _TICKS[latest % 10**9 == 0]
    missing = latest + tick - time.time_ns()
    if missing > tick:
        return False  # a time in the future, as from another machine's clock
    time.sleep(max(0, missing) / 1e9)
    return True


def _read_record(file: BinaryIO) -> dict[str, Any]:
    """Read and verify the record at the end of a cached file."""
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


def map_numbers(file: IO[bytes], dtype: npt.DTypeLike, count: int) -> Numbers:
    """Memory-map the numbers at the beginning of an open file, shape (N,)."""
    return np.memmap(file, dtype=dtype, mode="r", shape=(count,)).view(np.ndarray)
