"""Disks that are full, or may not be written, for a while."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.faulty_disk import FaultyDisk
from tui_charrnn.runs.records import BatchTrained, Record
from tui_charrnn.runs.writer import RunWriter

_BLOCK: Final = 4096
"""Bytes that are the least that a file can have."""


class FullDisk(FaultyDisk):
    """While it is full, there is no room but what files have already, or let go of."""

    def __init__(self) -> None:
        super().__init__()
        self._is_full = False
        self._free = 0
        """Blocks."""

    @property
    def is_full(self) -> bool:
        """Whether it is now; to be set."""
        return self._is_full

    @is_full.setter
    def is_full(self, now: bool) -> None:
        if now and not self._is_full:
            self._free = 0
        self._is_full = now

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if not self._is_full:
            return super().write(descriptor, data)
        size = os.fstat(descriptor).st_size
        is_appended = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        begin = size if is_appended else os.lseek(descriptor, 0, os.SEEK_CUR)
        room = (_blocks(size) + self._free) * _BLOCK - begin
        if room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = super().write(descriptor, data[:room])
        self._free -= max(0, _blocks(begin + taken) - _blocks(size))
        return taken

    def truncate(self, descriptor: int, size: int = 0) -> None:
        self._free += max(0, _blocks(os.fstat(descriptor).st_size) - _blocks(size))
        super().truncate(descriptor, size)

    def replace(
        self, source: Path, target: Path, folders: tuple[int | None, int | None] = (None, None)
    ) -> None:
        self._let_go(target)
        super().replace(source, target, folders)

    def remove(self, path: Path, folder: int | None = None) -> None:
        self._let_go(path)
        super().remove(path, folder)

    def _let_go(self, path: Path) -> None:
        if path.is_file():
            self._free += _blocks(path.stat().st_size)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK)


class ReadOnlyDisk(FaultyDisk):
    """Can be read, and nothing else."""

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def mkdir(self, path: Path, folder: int | None = None) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@contextmanager
def after_batches(hook: Callable[[int], None]) -> Iterator[None]:
    """Let something happen after the record of every batch."""
    append = RunWriter.append

    def watched(self: RunWriter, record: Record) -> None:
        append(self, record)
        if isinstance(record, BatchTrained):
            hook(record.step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunWriter, "append", watched)
        yield
