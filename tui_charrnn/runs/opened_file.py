"""An open file, read by the operations of the system that are in use."""

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tui_charrnn.runs.file_system import FileSystem, file_system, quietly, refusals
from tui_charrnn.translation import tr

_BLOCK: Final = 1 << 16
"""Bytes that are asked for at once."""


class OpenedFile(io.RawIOBase):
    """A file or folder that stays what it was when it was opened; a context that closes it.

    Every method raises `OSError` if the system refuses.
    """

    def __init__(self, descriptor: int, files: FileSystem) -> None:
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
            raise OSError(errno.EINVAL, tr("it is not a regular file"))
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
    path: Path, *, inside: Path | None = None, folder: int | None = None
) -> OpenedFile:
    """Open a file or a folder; a pipe is not waited for.

    Args:
        path: What to open.
        inside: The folder of a run: what lies in it is not reached through a link. The folder
            itself may be one. None follows links everywhere.
        folder: Descriptor of the folder that it lies in, where that is open; it is in a run then.

    Raises:
        LinkError: If there is a link that may not be followed.
        OSError: If the system refuses.
    """
    files = file_system()
    with refusals():
        if folder is not None:
            return OpenedFile(files.open_to_read(path, os.O_NOFOLLOW, folder), files)
        if inside is None or path == inside:
            return OpenedFile(files.open_to_read(path), files)
        with folder_inside(path.parent, inside) as above:
            return OpenedFile(files.open_to_read(path, os.O_NOFOLLOW, above), files)


def names_in(folder: Path, *, inside: Path | None = None) -> list[str]:
    """The names in a folder, sorted.

    Args:
        folder: Where to look.
        inside: As for `open_to_read`.

    Raises:
        LinkError: If there is a link that may not be followed.
        OSError: If the system refuses.
    """
    with refusals():
        if inside is None or folder == inside:
            return sorted(file_system().names(folder))
        with folder_inside(folder, inside) as opened:
            return sorted(file_system().names(folder, opened))


@contextlib.contextmanager
def folder_inside(
    folder: Path,
    inside: Path | None,
    files: FileSystem | None = None,
    *,
    opened: int | None = None,
) -> Iterator[int | None]:
    """Open a folder of a run, going down from the run's own without following a link.

    Args:
        folder: The folder.
        inside: The run's own, or None where links are followed.
        files: The operations of the system; None takes those in use.
        opened: Descriptor of `inside`, where that is open.

    Returns:
        Its descriptor while the context lasts; None if no care is needed: it is `inside` itself, or
        does not lie in it.

    Raises:
        LinkError: If there is a link on the way.
        OSError: If the system refuses.
    """
    if inside is None or folder == inside or not folder.is_relative_to(inside):
        yield None
        return
    files = files or file_system()
    descriptors: list[int] = []
    flags, path = os.O_DIRECTORY | os.O_NOFOLLOW, inside
    try:
        for name in folder.relative_to(inside).parts:
            path /= name
            above = descriptors[-1] if descriptors else opened
            descriptors.append(files.open_to_read(path, flags, above))
        yield descriptors[-1]
    finally:
        for descriptor in descriptors:
            with quietly():
                files.close(descriptor)
