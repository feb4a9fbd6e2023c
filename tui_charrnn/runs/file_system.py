"""The operations of the system that a run is read and written by, and reading by them."""

import contextlib
import errno
import fcntl
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.translation import tr

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
"""Training texts and what models generate of them are private to the user."""
_NO_FOLDER_SYNC: Final = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
"""How file systems (some network and FUSE ones) say that a folder cannot be synced."""
HINTS: Final = {
    errno.ENOSPC: "Make room on that disk.",
    errno.EDQUOT: "Your quota on that disk is used up; make room.",
    errno.EROFS: "That disk can only be read; choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
}
"""What to do about an error of the system, by its number."""
Action = Literal["read", "write", "lock", "remove", "make the folder"]
"""What the system was asked to do with a path."""
_CAUSES: Final = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "quota used up",
    errno.ENOMEM: "too little memory",
}


class LinkError(OSError):
    """A link stands where a run has a file or a folder of its own; it was not followed."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ELOOP, tr("it is a link, and none is followed here"), str(path))


class FileSystem:
    """What reading and writing are made of: one method an operation, each of which may fail.

    Where a descriptor of a folder is given, what is named lies in that folder, whatever the path to
    it leads to by now. Tests put their own in its place to make any one operation fail.
    """

    def open_to_read(self, path: Path, flags: int = 0, folder: int | None = None) -> int:
        """Open a file or a folder and return its descriptor; a pipe is not waited for."""
        flags |= os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        return _open(path, flags, folder)

    def read(self, descriptor: int, size: int) -> bytes:
        """Read the next bytes, so many at most; none at the end."""
        return os.read(descriptor, size)

    def read_at(self, descriptor: int, size: int, offset: int) -> bytes:
        """Read bytes from a place on, so many at most."""
        return os.pread(descriptor, size, offset)

    def facts(self, descriptor: int) -> os.stat_result:
        """Kind, size and times of an open file."""
        return os.fstat(descriptor)

    def look_at(self, path: Path, folder: int | None = None) -> os.stat_result:
        """Kind, size and times of what a name stands for; a link is not followed."""
        return os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)

    def names(self, path: Path, opened: int | None = None) -> list[str]:
        """The names in a folder, in no order."""
        if opened is None:
            return [item.name for item in path.iterdir()]
        with os.scandir(opened) as entries:
            return [entry.name for entry in entries]

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        """Open a file and return its descriptor; a new file is readable by its owner alone."""
        return _open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, folder)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, perhaps not all, and return how many bytes."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int = 0) -> None:
        """Cut an open file off after so many bytes."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Wait until an open file is durable."""
        os.fsync(descriptor)

    def lock(self, descriptor: int) -> None:
        """Lock an open file for this process, without waiting."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def replace(
        self, source: Path, target: Path, folders: tuple[int | None, int | None] = (None, None)
    ) -> None:
        """Rename a file or folder; a file, or an empty folder, at the target gives way.

        `folders` are those of the old name and of the new one.
        """
        old, new = folders
        os.replace(_in(old, source), _in(new, target), src_dir_fd=old, dst_dir_fd=new)

    def mkdir(self, path: Path, folder: int | None = None) -> None:
        """Make a folder that is open to its owner alone."""
        os.mkdir(_in(folder, path), PRIVATE_FOLDER, dir_fd=folder)

    def remove(self, path: Path, folder: int | None = None) -> None:
        """Remove a file, a link or an empty folder."""
        facts = os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)
        take_away = os.rmdir if stat.S_ISDIR(facts.st_mode) else os.unlink
        take_away(_in(folder, path), dir_fd=folder)

    def fsync_folder(self, path: Path, opened: int | None = None) -> None:
        """Wait until the names in a folder are durable, where its file system can."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        descriptor = os.open(path, flags) if opened is None else opened
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise
        finally:
            if opened is None:
                os.close(descriptor)


def _in(folder: int | None, path: Path) -> str | Path:
    """What is named where a folder is open: the last part of the path alone."""
    return path if folder is None else path.name


def _open(path: Path, flags: int, folder: int | None) -> int:
    """Open a path; where a link in its place is refused, the error names it.

    The system's own say that there are too many links, or that a folder is none.
    """
    try:
        return os.open(_in(folder, path), flags, PRIVATE_FILE, dir_fd=folder)
    except OSError as error:
        is_refused = flags & os.O_NOFOLLOW and error.errno in {errno.ELOOP, errno.ENOTDIR}
        if is_refused and _is_link(path, folder):
            raise LinkError(path) from error
        raise


def _is_link(path: Path, folder: int | None) -> bool:
    try:
        facts = os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISLNK(facts.st_mode)


_in_use = FileSystem()


def file_system() -> FileSystem:
    """The operations in use: the system's own, unless a test has put others in their place."""
    return _in_use


@contextlib.contextmanager
def in_place(other: FileSystem) -> Iterator[None]:
    """Use other operations for all that is read and written while the context lasts."""
    global _in_use  # noqa: PLW0603  the system is one for the whole process, and so is this
    before, _in_use = _in_use, other
    try:
        yield
    finally:
        _in_use = before


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Take a lack of memory for one more error of the system.

    Raises:
        OSError: If an operation inside failed, in whatever way.
    """
    try:
        yield
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error


def quietly() -> contextlib.suppress:
    """Pass over what fails while something is cleared away after a failure."""
    return contextlib.suppress(OSError, MemoryError)


def is_missing(error: OSError) -> bool:
    """Whether an error of the system means that there is no such file."""
    return error.errno in {errno.ENOENT, errno.ENOTDIR}


@contextlib.contextmanager
def explained(action: Action, path: Path) -> Iterator[None]:
    """Turn the system's errors into a sentence for the user.

    Raises:
        StorageError: If an operation inside failed.
    """
    try:
        with refusals():
            yield
    except OSError as error:
        reason = reason_of(error)
        if error.errno and error.strerror == os.strerror(error.errno):
            reason = reason.lower()
        sentence = tr(f"Cannot {action} {{path}}: {{reason}}.", path=path, reason=reason)
        hint = tr(HINTS.get(error.errno or 0, ""))
        raise StorageError(f"{sentence} {hint}".rstrip()) from error


def format_cause(error: StorageError) -> str:
    """Why the disk refused, in a few words: `disk full`."""
    cause = error.__cause__
    if isinstance(cause, MemoryError):
        return _CAUSES[errno.ENOMEM]
    if not isinstance(cause, OSError) or cause.errno is None:
        return "disk refuses"
    return _CAUSES.get(cause.errno, os.strerror(cause.errno).lower())


def disk_size(path: Path) -> int:
    """How many bytes a file holds, or all files in a folder; what cannot be read counts nothing.

    Links are not followed.
    """
    try:
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            return sum(map(disk_size, path.iterdir()))
    except OSError:
        return 0
    return facts.st_size


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

    `inside` as for `open_to_read`.

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
    folder: Path, inside: Path | None, files: FileSystem | None = None, *, opened: int | None = None
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
