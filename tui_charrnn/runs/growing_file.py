"""A file that another process appends to, and how far it was read."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tui_charrnn.errors import RunError
from tui_charrnn.runs.opened_file import OpenedFile, open_to_read

_FINGERPRINT: Final = 64
"""Bytes before the place up to which it was read, by which the file is known again."""
_Read = TypeVar("_Read")


class GrowingFile:
    """A place in a file that need not be there yet, may be truncated, and may be replaced."""

    def __init__(self, path: Path) -> None:
        """Begin at the beginning.

        Args:
            path: The file; only the end of the path may not be a link.
        """
        self._path = path
        self._inode = (0, 0)
        self._last_bytes = b""
        self.offset = 0
        """Where the next look begins."""
        self.restarts = 0
        """How often the file turned out to be another one; what was read before is void."""

    def look(self, read: Callable[[OpenedFile, int, bool], _Read], nothing: _Read) -> _Read:
        """Open the file and read on in it; at its beginning, if it is another one.

        Args:
            read: Takes the file, its size, and whether it is another one; calls `advance`.
            nothing: What is returned if there is no file.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        try:
            with open_to_read(self._path, inside=self._path.parent) as file:
                status = file.facts()
                if not stat.S_ISREG(status.st_mode):
                    raise RunError("{path} is not a file.", path=self._path)
                is_other = not self._is_same(file, status)
                if is_other:
                    self.restarts += 1
                    self.offset, self._last_bytes = 0, b""
                self._inode = (status.st_dev, status.st_ino)
                return read(file, status.st_size, is_other)
        except FileNotFoundError:
            return nothing
        except OSError as error:
            raise RunError.unreadable(self._path, error) from error

    def advance(self, data: bytes) -> None:
        """Note what was read from `offset` on."""
        self.offset += len(data)
        self._last_bytes = (self._last_bytes + data[-_FINGERPRINT:])[-_FINGERPRINT:]

    def skip_to(self, offset: int) -> None:
        """Go on at a byte that lies further on."""
        self.offset, self._last_bytes = offset, b""

    def _is_same(self, file: OpenedFile, status: os.stat_result) -> bool:
        if self.offset == 0:
            return True
        if self._inode != (status.st_dev, status.st_ino) or status.st_size < self.offset:
            return False
        known = file.read_at(len(self._last_bytes), self.offset - len(self._last_bytes))
        return known == self._last_bytes
