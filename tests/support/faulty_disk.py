"""A disk on which any one operation fails, or at which the power goes."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_charrnn.runs.file_system import FileSystem


class PowerLost(BaseException):
    """The process ends here; not an Exception, as nothing may catch it."""


class FaultyDisk(FileSystem):
    """Counts its operations and fails at the N-th.

    Args:
        fail_at: Which operation fails, counting from 1; 0 none.
        is_persistent: Whether all later operations fail too.
        code: What the system says.
        loses_power: The process dies there instead, and what was not synced is gone.
    """

    def __init__(
        self,
        fail_at: int = 0,
        *,
        is_persistent: bool = False,
        code: int = errno.ENOSPC,
        loses_power: bool = False,
    ) -> None:
        self.operations = 0
        self.fail_at = fail_at
        self._is_persistent, self._code, self._loses_power = is_persistent, code, loses_power
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

    def open(self, path: Path, flags: int) -> int:
        descriptor = self._do(super().open, path, flags)
        self._open.add(descriptor)
        return int(descriptor)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._unsynced.add(os.fstat(descriptor).st_ino)
        return int(self._do(super().write, descriptor, data))

    def truncate(self, descriptor: int) -> None:
        self._do(super().truncate, descriptor)

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

    def replace(self, source: Path, target: Path) -> None:
        self._do(super().replace, source, target)

    def mkdir(self, path: Path) -> None:
        self._do(super().mkdir, path)

    def remove(self, path: Path) -> None:
        self._do(super().remove, path)

    def fsync_folder(self, path: Path) -> None:
        self._do(lambda: None)

    def _do(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        self.operations += 1
        is_due = self.operations == self.fail_at or (
            self._is_persistent and 0 < self.fail_at < self.operations
        )
        if not is_due:
            return operation(*arguments)
        if self._loses_power:
            for descriptor in self._open:
                super().close(descriptor)
            self._open.clear()
            raise PowerLost
        raise OSError(self._code, os.strerror(self._code))
