"""Holds numbers that come in blocks: in memory while they are few, then in a file.

The file is seen under no name but a hidden one until `publish` gives it its own, whole. A file that
a killed process left is known by its lock, which the system dropped, and is removed by the next.
It is for its user alone, as a run is.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.hangul import continues_syllable
from tui_charrnn.text.cache import cache_advice
from tui_charrnn.text.records import (
    END,
    RecordSplit,
    repeated_records,
    shuffle_records,
    split_records,
)
from tui_charrnn.text.vocabulary import Vocabulary, code_points, lacking_error

Numbers = npt.NDArray[np.unsignedinteger]

KEPT_IN_MEMORY: Final = 1 << 25
"""Bytes of numbers that are not worth a file."""
_COPIED: Final = 1 << 22
"""Bytes that are copied at a time where a file is widened."""
_PARTIAL: Final = ".partial"


class NumberStore:
    """Numbers of one width, which can grow: 8, 16 or 32 bits.

    Args:
        folder: Where the file is put if it needs one; made if it is missing.
        limit: Bytes that are kept in memory; None takes `KEPT_IN_MEMORY`.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self._folder = folder
        self._limit = KEPT_IN_MEMORY if limit is None else limit
        self._blocks: list[Numbers] = []
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self.dtype: np.dtype[np.unsignedinteger] = np.dtype("u1")
        self.count = 0
        """How many numbers there are."""

    @property
    def is_on_disk(self) -> bool:
        """Whether there are too many numbers for memory."""
        return self._file is not None

    def append(self, numbers: Numbers) -> None:
        """Take the next numbers, of the present width.

        Raises:
            StorageError: If the disk refuses.
        """
        self.count += len(numbers)
        if self._file is None:
            self._blocks.append(numbers)
            if self.count * self.dtype.itemsize > self._limit:
                self._move_to_disk()
        else:
            self._write(self._file, numbers.view("u1").data)

    def widen(self, dtype: "np.dtype[np.unsignedinteger]") -> None:
        """Hold all numbers, those that came and those that come, in more bits.

        Raises:
            StorageError: If the disk refuses.
        """
        narrow = self.dtype
        self.dtype = dtype.newbyteorder("<")
        if self._file is None:
            self._blocks = [block.astype(self.dtype) for block in self._blocks]
            return
        old, old_path = self._file, self._path
        self._open()
        try:
            for numbers in self._read_blocks(old, narrow):
                self._write(self._file, numbers.astype(self.dtype).view("u1").data)
        finally:
            _discard(old, old_path)

    def finish(self) -> Numbers:
        """All numbers, shape (N,): in memory, or mapped from a private file."""
        if self._file is None:
            return np.concatenate(self._blocks) if self._blocks else np.zeros(0, self.dtype)
        numbers = map_numbers(self._file, self.dtype, self.count)
        self.discard()  # the mapping holds on to what has no name any more
        return numbers

    def publish(self, path: Path, footer: bytes, modified: int) -> Numbers:
        """Give the file a name, in the place of whatever has it, when all of it is on the disk.

        Args:
            path: Of the same folder.
            footer: Written after the numbers.
            modified: The file's time of modification, in nanoseconds.

        Returns:
            All numbers, mapped, shape (N,).

        Raises:
            StorageError: If the disk refuses.
        """
        if self._file is None or self._path is None:
            raise ValueError("There is no file to publish: the numbers are in memory.")
        self._write(self._file, footer)
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
        if self._file is not None:
            _discard(self._file, self._path)
            self._file = self._path = None

    def _move_to_disk(self) -> None:
        blocks, self._blocks = self._blocks, []
        self._open()
        for block in blocks:
            self._write(self._file, block.view("u1").data)

    def _open(self) -> None:
        with self._explained():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_orphans(self._folder)
            self._path, self._file = _locked_file(self._folder)

    def _write(self, file: BinaryIO | None, data: bytes | memoryview) -> None:
        if file is None:
            raise ValueError("There is no file to write to.")
        rest = memoryview(data)
        with self._explained():
            while rest:
                rest = rest[file.write(rest) :]

    def _read_blocks(
        self, file: BinaryIO, dtype: np.dtype[np.unsignedinteger]
    ) -> Iterator[Numbers]:
        with self._explained():
            file.seek(0)
            while data := file.read(_COPIED):
                yield np.frombuffer(data, dtype)

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


def map_numbers(file: BinaryIO, dtype: npt.DTypeLike, count: int) -> Numbers:
    """The numbers at the beginning of an open file, shape (N,), read only where they are used."""
    return np.memmap(file, dtype=dtype, mode="r", shape=(count,)).view(np.ndarray)


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


Int32: TypeAlias = npt.NDArray[np.int32]
Int64: TypeAlias = npt.NDArray[np.int64]

_DECODED: Final = 1 << 20
"""Characters that are decoded at a time."""


class IndexedText:
    """The indices of a text's N characters in a vocabulary, looked up where they are asked for.

    It behaves as an array of shape (N,), int32, of which no more is in memory than is looked at.
    """

    def __init__(self, numbers: Numbers, index_of: Int32) -> None:
        """Keep what is needed to look indices up.

        Args:
            numbers: Of the characters, shape (N,).
            index_of: The index of each number, shape (K,).
        """
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


@dataclass(frozen=True, slots=True, eq=False)
class NumberedText:
    """A text of N characters, each by the number that it was given when it was first met."""

    numbers: Numbers
    """Shape (N,): a byte each for up to 256 different characters, else two or four."""
    characters: str
    """The K different characters, in the order of their number."""
    counts: Int64
    """How often each occurs, shape (K,)."""
    firsts: Int64
    """Where each stands first, from 0, shape (K,)."""
    sha256: str
    """Of the text as UTF-8, in hexadecimal digits."""

    def __len__(self) -> int:
        return len(self.numbers)

    def indices(self, vocabulary: Vocabulary) -> IndexedText:
        """What the characters are in a vocabulary.

        Raises:
            CorpusError: If the vocabulary lacks a character and has nothing that stands for it;
                the first is named.
        """
        lacking = vocabulary.unknown(self.characters)
        if lacking and vocabulary.unknown_symbol is None:
            # characters are numbered as they were met: the first is the first in the text
            number, character = lacking[0]
            raise lacking_error(character, int(self.firsts[number]))
        return IndexedText(self.numbers, vocabulary.encode(self.characters))

    def decode(self, start: int = 0, stop: int | None = None) -> str:
        """The characters from one place to another."""
        codes = code_points(self.characters)
        return codes[self.numbers[start:stop]].tobytes().decode("utf-32-le")

    def units_per_character(self, start: int) -> float:
        """How many characters of a text in jamo, from a place on, a syllable or sign has."""
        continues = np.array([continues_syllable(character) for character in self.characters])
        units = len(self) - start
        parts = sum(
            int(np.count_nonzero(continues[self.numbers[place : place + _DECODED]]))
            for place in range(start, len(self), _DECODED)
        )
        return units / max(units - parts, 1)

    def split_records(self, validation_fraction: float) -> RecordSplit:
        """See `text.records`."""
        return split_records(self._record_ends(), validation_fraction)

    def shuffled_records(self) -> "NumberedText":
        """The same records in the order of `record_order`; what is counted and hashed stays."""
        return replace(self, numbers=shuffle_records(self.numbers, self._record_ends()))

    def repeated_records(self) -> int:
        """How many records repeat an earlier one."""
        return repeated_records(self.pieces())

    def _record_ends(self) -> Int64:
        """Where the end signs of a text of records stand, shape (R + 1,)."""
        ends: Int64 = np.flatnonzero(self.numbers == self.characters.index(END))
        return ends

    def pieces(self) -> Iterator[str]:
        """The whole text, a megabyte at a time."""
        for start in range(0, len(self), _DECODED):
            yield self.decode(start, start + _DECODED)

    def occurrences(self) -> dict[str, int]:
        """How often each character occurs, in the order of their code points."""
        return dict(sorted(zip(self.characters, self.counts.tolist(), strict=True)))
