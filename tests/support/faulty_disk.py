"""A disk on which any one operation fails, or at which the process dies or loses its power."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tui_charrnn.runs import file_system, storage
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.storage import Storage

NO_MEMORY: Final = -1
"""In place of an error's number: there is no memory for the operation."""
SHORT: Final = -2
"""In place of an error's number: only a part is written; operations that write nothing succeed."""
CRASHED: Final = 99
"""Exit code of a process that died on such a disk."""


@contextmanager
def in_place(disk: FileSystem) -> Iterator[None]:
    """Let a disk have what is read and written from now on, in all threads."""
    with mock.patch.object(file_system, "_in_use", disk):
        yield


@contextmanager
def written_by(disk: FileSystem) -> Iterator[None]:
    """Let a disk have what is written from now on; what is read comes from the real one."""
    with mock.patch.object(storage, "file_system", return_value=disk):
        yield


def storage_on(disk: FileSystem) -> Storage:
    """Writes to a disk, also later."""
    with written_by(disk):
        return Storage()


class PowerLost(BaseException):
    """The process ends here; not an Exception, as nothing may catch it."""


class FaultyDisk(FileSystem):
    """Counts its operations and fails at the N-th.

    Args:
        fail_at: Which operation fails, counting from 1; 0 none.
        is_persistent: Whether all later operations fail too.
        code: What the system says: an error's number, `NO_MEMORY` or `SHORT`.
        loses_power: The process dies there instead, and what was not synced is gone.
        exits: The process ends there, without another instruction of ours.
    """

    def __init__(
        self,
        fail_at: int = 0,
        *,
        is_persistent: bool = False,
        code: int = errno.ENOSPC,
        loses_power: bool = False,
        exits: bool = False,
    ) -> None:
        self.operations = 0
        self.fail_at = fail_at
        self._is_persistent, self._code = is_persistent, code
        self._loses_power, self._exits = loses_power, exits
        self._unsynced: set[int] = set()
        self._open: set[int] = set()

    @property
    def was_reached(self) -> bool:
        """Whether the operation that was to fail was asked for."""
        return 0 < self.fail_at <= self.operations

    def lose_unsynced(self, folder: Path) -> None:
        """Empty every file whose contents were not synced, as a loss of power may."""
        for path in folder.rglob("*"):
            if path.is_file() and path.stat().st_ino in self._unsynced:
                path.write_bytes(b"")

    def open_to_read(self, path: Path, flags: int = 0, folder: int | None = None) -> int:
        return self._opened(super().open_to_read, path, flags, folder)

    def read(self, descriptor: int, size: int) -> bytes:
        return bytes(self._do(super().read, descriptor, size))

    def read_at(self, descriptor: int, size: int, offset: int) -> bytes:
        return bytes(self._do(super().read_at, descriptor, size, offset))

    def fstat(self, descriptor: int) -> os.stat_result:
        found: os.stat_result = self._do(super().fstat, descriptor)
        return found

    def lstat(self, path: Path, folder: int | None = None) -> os.stat_result:
        found: os.stat_result = self._do(super().lstat, path, folder)
        return found

    def names(self, path: Path, opened: int | None = None) -> list[str]:
        return list(self._do(super().names, path, opened))

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        return self._opened(super().open, path, flags, folder)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._unsynced.add(os.fstat(descriptor).st_ino)
        if self._code == SHORT and self._is_due(self.operations + 1) and len(data) > 1:
            data = data[: len(data) // 2]
        return int(self._do(super().write, descriptor, data))

    def truncate(self, descriptor: int, size: int = 0) -> None:
        self._do(super().truncate, descriptor, size)

    def fsync(self, descriptor: int) -> None:
        self._do(lambda: None)  # the real one would cost most of a test's time
        self._unsynced.discard(os.fstat(descriptor).st_ino)

    def close(self, descriptor: int) -> None:
        if descriptor in self._open:
            super().close(descriptor)  # the system closes it whatever it says
            self._open.discard(descriptor)
        self._do(lambda: None)

    def lock(self, descriptor: int) -> None:
        self._do(super().lock, descriptor)

    def replace(
        self, source: Path, target: Path, folders: tuple[int | None, int | None] = (None, None)
    ) -> None:
        self._do(super().replace, source, target, folders)

    def mkdir(self, path: Path, folder: int | None = None) -> None:
        self._do(super().mkdir, path, folder)

    def remove(self, path: Path, folder: int | None = None) -> None:
        self._do(super().remove, path, folder)

    def fsync_folder(self, path: Path, opened: int | None = None) -> None:
        self._do(lambda: None)

    def _opened(self, operation: Callable[..., int], *arguments: Any) -> int:
        descriptor = int(self._do(operation, *arguments))
        self._open.add(descriptor)
        return descriptor

    def _is_due(self, number: int) -> bool:
        return number == self.fail_at or (self._is_persistent and 0 < self.fail_at < number)

    def _do(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        self.operations += 1
        if not self._is_due(self.operations):
            return operation(*arguments)
        if self._exits:
            os._exit(CRASHED)
        if self._loses_power:
            for descriptor in self._open:
                super().close(descriptor)
            self._open.clear()
            raise PowerLost
        if self._code == SHORT:
            return operation(*arguments)
        if self._code == NO_MEMORY:
            raise MemoryError
        raise OSError(self._code, os.strerror(self._code))
