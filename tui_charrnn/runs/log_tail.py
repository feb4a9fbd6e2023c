"""The end of a log that another process writes, read as it grows."""

import os
import stat
from pathlib import Path
from typing import Final

from tui_charrnn.errors import RunError
from tui_charrnn.runs.opened_file import OpenedFile, open_to_read

DEFAULT_LOOK: Final = 256 << 10
"""Bytes that are read at most in one look: some two thousand lines."""
_TORN_LIMIT: Final = 16 << 10
"""Bytes of a line that is not waited for any longer."""
_FINGERPRINT: Final = 64
"""Bytes before the place we read up to, by which we know the file again."""


class LogTail:
    """Follows a text that grows, from near its end on; a file of any size is opened at once.

    Unlike the records of a run (`LineTail`), a log need not be read whole: of what came since the
    last look, only the end is read. A last line without its end is left for the next look, and
    given as it is if it has not grown by then, since a process that crashed goes on with nothing.
    """

    def __init__(self, path: Path, *, look: int = DEFAULT_LOOK) -> None:
        """Name the file; it need not be there yet.

        Args:
            path: The log.
            look: Bytes that are read at most in one look.
        """
        self._path, self._look = path, look
        self._inode = (0, 0)
        self._offset = 0
        """Where the next look begins."""
        self._last_bytes = b""
        """What stands before that, by which the file is known again."""
        self._torn = b""
        """What the last look left, since it had no end."""
        self._gave_torn = False
        """Whether the last line was given without its end."""
        self.has_passed_over = False
        """Whether some of the file was never read, since only its end was."""
        self.restarts = 0
        """How often the file turned out to be another one; what was read before is void."""

    def read_new(self) -> list[str]:
        """Read the lines that came since the last look, without their ends.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        try:
            with open_to_read(self._path, inside=self._path.parent) as file:
                return self._read(file)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunError(f"{self._path} cannot be read: {error.strerror}.") from error

    def _read(self, file: OpenedFile) -> list[str]:
        status = file.facts()
        if not stat.S_ISREG(status.st_mode):
            raise RunError(f"{self._path} is not a file.")
        if not self._is_same_file(file, status):
            self.restarts += 1
            self._start_again()
        self._inode = (status.st_dev, status.st_ino)
        self._pass_over(file, status.st_size - self._look)
        data = file.read_at(self._look, self._offset)
        end = data.rfind(b"\n") + 1
        torn = data[end:]
        if torn and (torn == self._torn or len(torn) > _TORN_LIMIT):
            end, torn = len(data), b""
        self._torn = torn
        return self._take(data[:end])

    def _pass_over(self, file: OpenedFile, first: int) -> None:
        """Go on at the first line that begins at a byte or after it, if that is further on."""
        if first <= self._offset:
            return
        begin = file.read_at(_TORN_LIMIT, first).find(b"\n") + 1
        self._offset, self._last_bytes, self._gave_torn = first + begin, b"", False
        self.has_passed_over = True

    def _take(self, data: bytes) -> list[str]:
        if not data:
            return []
        self._offset += len(data)
        self._last_bytes = (self._last_bytes + data[-_FINGERPRINT:])[-_FINGERPRINT:]
        if self._gave_torn and data.startswith(b"\n"):
            data = data[1:]  # the end of the line that was given without it
        self._gave_torn = not data.endswith(b"\n") if data else False
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]

    def _is_same_file(self, file: OpenedFile, status: os.stat_result) -> bool:
        if self._offset == 0:
            return True
        if self._inode != (status.st_dev, status.st_ino) or status.st_size < self._offset:
            return False
        known = file.read_at(len(self._last_bytes), self._offset - len(self._last_bytes))
        return known == self._last_bytes

    def _start_again(self) -> None:
        self._offset, self._last_bytes, self._torn = 0, b"", b""
        self._gave_torn = self.has_passed_over = False


def read_log_end(path: Path, *, look: int = 64 << 10) -> list[str]:
    """The last lines of a log, as far as they lie in so many bytes; none if there is no log.

    Args:
        path: The log.
        look: Bytes that are read at most.

    Raises:
        RunError: If the file exists and cannot be read.
    """
    tail = LogTail(path, look=look)
    return [*tail.read_new(), *tail.read_new()]  # the second look takes a line without its end
