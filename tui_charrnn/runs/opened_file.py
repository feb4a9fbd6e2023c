"""An open file, read by the operations of the system that are in use."""

import errno
import io
import os
import stat
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.file_system import ReadableFiles, file_system, quietly, refusals

_BLOCK: Final = 1 << 16
"""Bytes that are asked for at once."""


class OpenedFile(io.RawIOBase):
    """A file or folder that stays what it was when it was opened; a context that closes it.

    Every method raises `OSError` if the system refuses.
    """

    def __init__(self, descriptor: int, files: ReadableFiles) -> None:
        super().__init__()
        self.descriptor: Final = descriptor
        self._files = files

    def facts(self) -> os.stat_result:
        """Kind, size and times."""
        with refusals():
            return self._files.facts(self.descriptor)

    def read_at(self, size: int, offset: int) -> bytes:
        """The bytes from a place on, so many at most."""
        with refusals():
            return self._files.read_at(self.descriptor, size, offset)

    def size(self) -> int:
        """Bytes of a regular file.

        Raises:
            OSError: If it is something else, too.
        """
        facts = self.facts()
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return facts.st_size

    def read_bytes(self, limit: int) -> bytes:
        """All that follows, but so many bytes at most; memory is asked for as they come."""
        parts: list[bytes] = []
        left = limit
        with refusals():
            while left and (part := self._files.read(self.descriptor, min(left, _BLOCK))):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read the next bytes into a buffer; 0 at the end."""
        with refusals(), memoryview(buffer).cast("B") as view:
            data = self._files.read(self.descriptor, len(view))
            view[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go on reading at another place; that alone asks nothing of the disk."""
        return os.lseek(self.descriptor, offset, whence)

    def buffered(self) -> io.BufferedReader:
        """The same as a stream, which closes this one."""
        return io.BufferedReader(self)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if not self.closed:
            super().close()
            with quietly():
                self._files.close(self.descriptor)


def open_to_read(
    path: Path | str, *, folder: int | None = None, follows_links: bool = True
) -> OpenedFile:
    """Open a file or a folder; a pipe is not waited for.

    Args:
        path: What to open.
        folder: Descriptor of the folder that a relative path begins at; None: where we are.
        follows_links: Whether a link is followed rather than refused.

    Raises:
        OSError: If the system refuses.
    """
    files = file_system()
    with refusals():
        flags = 0 if follows_links else os.O_NOFOLLOW
        return OpenedFile(files.open_to_read(path, flags, folder), files)


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted.

    Raises:
        OSError: If the system refuses.
    """
    with refusals():
        return sorted(file_system().names(folder))
