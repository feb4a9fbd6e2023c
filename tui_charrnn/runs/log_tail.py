"""Files that another process appends to, read as they grow; of a log, the end."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tui_charrnn.errors import RunError
from tui_charrnn.runs.file_system import OpenedFile, open_to_read

DEFAULT_LOOK: Final = 256 << 10
"""Bytes that are read at most in one look: some two thousand lines."""
_TORN_LIMIT: Final = 16 << 10
"""Bytes of a line that is not waited for any longer."""


class LogTail:
    """Follows a text that grows, from near its end on; a file of any size is opened at once.

    Unlike the records of a run (`LineTail`), a log need not be read whole: of what came since the
    last look, only the end is read. A last line without its end is left for the next look, and
    given as it is if it has not grown by then, since a process that crashed goes on with nothing.
    """

    def __init__(self, path: Path, *, look: int = DEFAULT_LOOK) -> None:
        """Name the file; it need not be there yet."""
        self._file, self._look = GrowingFile(path), look
        self._torn = b""
        """What the last look left, since it had no end."""
        self._gave_torn = False
        """Whether the last line was given without its end."""
        self.has_passed_over = False
        """Whether some of the file was never read, since only its end was."""

    @property
    def restarts(self) -> int:
        """How often the file turned out to be another one; what was read before is void."""
        return self._file.restarts

    def read_new(self) -> list[str]:
        """Read the lines that came since the last look, without their ends.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        return self._file.look(self._read, [])

    def _read(self, file: OpenedFile, size: int, is_other: bool) -> list[str]:
        if is_other:
            self._torn = b""
            self._gave_torn = self.has_passed_over = False
        self._pass_over(file, size - self._look)
        data = file.read_at(self._look, self._file.offset)
        end = data.rfind(b"\n") + 1
        torn = data[end:]
        if torn and (torn == self._torn or len(torn) > _TORN_LIMIT):
            end, torn = len(data), b""
        self._torn = torn
        return self._take(data[:end])

    def _pass_over(self, file: OpenedFile, first: int) -> None:
        """Go on at the first line that begins at a byte or after it, if that is further on."""
        if first <= self._file.offset:
            return
        begin = file.read_at(_TORN_LIMIT, first).find(b"\n") + 1
        self._file.skip_to(first + begin)
        self._gave_torn = False
        self.has_passed_over = True

    def _take(self, data: bytes) -> list[str]:
        if not data:
            return []
        self._file.advance(data)
        if self._gave_torn and data.startswith(b"\n"):
            data = data[1:]  # the end of the line that was given without it
        self._gave_torn = not data.endswith(b"\n") if data else False
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]


def read_log_end(path: Path, *, look: int = 64 << 10) -> list[str]:
    """The last lines of a log, as far as they lie in so many bytes; none if there is no log.

    Raises:
        RunError: If the file exists and cannot be read.
    """
    tail = LogTail(path, look=look)
    return [*tail.read_new(), *tail.read_new()]  # the second look takes a line without its end


_FINGERPRINT: Final = 64
"""Bytes before the place up to which it was read, by which the file is known again."""
_Read = TypeVar("_Read")


class GrowingFile:
    """A place in a file that need not be there yet, may be truncated, and may be replaced."""

    def __init__(self, path: Path) -> None:
        """Begin at the beginning.

        Only the end of the path may not be a link.
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
