"""The system calls for reading and writing a run, and functions for reading."""

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
"""Training texts, and texts generated from them, are private to the user."""
_NO_FOLDER_SYNC: Final = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
"""Errors of file systems (some network and FUSE ones) that cannot sync folders."""
HINTS: Final = {
    errno.ENOSPC: "Make room on that disk.",
    errno.EDQUOT: "Your quota on that disk is used up; make room.",
    errno.EROFS: "That disk is read-only; choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
}
"""Advice by system error number, for all actions but reading."""
Action = Literal["read", "write", "lock", "remove", "make the folder"]
"""The operation on a path."""
_CAUSES: Final = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "quota used up",
    errno.ENOMEM: "too little memory",
}


class LinkError(OSError):
    """A link is in the place of a run's own file or folder; it was not followed."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ELOOP, tr("it is a link, which is not followed here"), str(path))


class FileSystem:
    """The system calls, one method each.

    With the descriptor of a folder, the last part of the path is resolved in that folder, even if
    the folder was renamed or replaced. Tests replace this class to make single operations fail.
    """

    def open_to_read(self, path: Path, flags: int = 0, folder: int | None = None) -> int:
        """Open a file or a folder and return its descriptor; never blocks on a pipe."""
        return _open(path, flags | os.O_RDONLY | os.O_NONBLOCK, folder)

    def read(self, descriptor: int, size: int) -> bytes:
        """Read at most `size` next bytes; empty at the end."""
        return os.read(descriptor, size)

    def read_at(self, descriptor: int, size: int, offset: int) -> bytes:
        """Read at most `size` bytes from `offset`."""
        return os.pread(descriptor, size, offset)

    def fstat(self, descriptor: int) -> os.stat_result:
        """Return kind, size and times of an open file."""
        return os.fstat(descriptor)

    def lstat(self, path: Path, folder: int | None = None) -> os.stat_result:
        """Return kind, size and times of a path, without following a link."""
        return os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)

    def names(self, path: Path, opened: int | None = None) -> list[str]:
        """Return the names in a folder, unordered."""
        with os.scandir(path if opened is None else opened) as entries:
            return [entry.name for entry in entries]

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def open(self, path: Path, flags: int, folder: int | None = None) -> int:
        """Open a file and return its descriptor; a new file is private to its owner."""
        return _open(path, flags, folder)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write data, perhaps only partly, and return the number of bytes written."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int = 0) -> None:
        """Truncate an open file to `size` bytes."""
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
        """Rename a file or folder, replacing a file or an empty folder at the target.

        `folders` are the descriptors of the old and the new parent folder.
        """
        old, new = folders
        os.replace(_in(old, source), _in(new, target), src_dir_fd=old, dst_dir_fd=new)

    def mkdir(self, path: Path, folder: int | None = None) -> None:
        """Make a folder that is private to its owner."""
        os.mkdir(_in(folder, path), PRIVATE_FOLDER, dir_fd=folder)

    def remove(self, path: Path, folder: int | None = None) -> None:
        """Remove a file, a link or an empty folder."""
        facts = os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)
        remove = os.rmdir if stat.S_ISDIR(facts.st_mode) else os.unlink
        remove(_in(folder, path), dir_fd=folder)

    def fsync_folder(self, path: Path, opened: int | None = None) -> None:
        """Wait until the names in a folder are durable, if the file system supports it."""
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
    """Return the path relative to an open folder: only its last part."""
    return path if folder is None else path.name


def _open(path: Path, flags: int, folder: int | None) -> int:
    """Open a path that is no link; raise `LinkError` for one.

    The system reports ELOOP or ENOTDIR, which would mislead users.
    """
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(_in(folder, path), flags, PRIVATE_FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR} and _is_link(path, folder):
            raise LinkError(path) from error
        raise


def _is_link(path: Path, folder: int | None) -> bool:
    try:
        facts = os.stat(_in(folder, path), dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISLNK(facts.st_mode)


_in_use: Final = FileSystem()


def file_system() -> FileSystem:
    """Return the system calls; tests replace them."""
    return _in_use


@contextlib.contextmanager
def memory_errors_as_os_errors() -> Iterator[None]:
    """Convert `MemoryError` to `OSError`.

    Raises:
        OSError: If an operation inside fails.
    """
    try:
        yield
    except MemoryError as error:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from error


def quietly() -> contextlib.suppress:
    """Suppress errors during cleanup after a failure."""
    return contextlib.suppress(OSError, MemoryError)


def is_missing(error: OSError) -> bool:
    """Whether an error of the system means that there is no such file."""
    return error.errno in {errno.ENOENT, errno.ENOTDIR}


@contextlib.contextmanager
def storage_errors(action: Action, path: Path) -> Iterator[None]:
    """Convert system errors to a `StorageError` with a sentence for the user.

    Raises:
        StorageError: If an operation inside fails.
    """
    try:
        with memory_errors_as_os_errors():
            yield
    except OSError as error:
        reason = reason_of(error)
        if error.errno and error.strerror == os.strerror(error.errno):
            reason = reason.lower()
        sentence = tr(f"Cannot {action} {{path}}: {{reason}}.", path=path, reason=reason)
        hint = "" if action == "read" else tr(HINTS.get(error.errno or 0, ""))
        raise StorageError(f"{sentence} {hint}".rstrip()) from error


def format_cause(error: StorageError) -> str:
    """Return the cause of the error in a few words, e.g. `disk full`."""
    cause = error.__cause__
    if isinstance(cause, MemoryError):
        return _CAUSES[errno.ENOMEM]
    if not isinstance(cause, OSError) or cause.errno is None:
        return "disk refuses"
    return _CAUSES.get(cause.errno, os.strerror(cause.errno).lower())


def disk_size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder.

    Unreadable files count as 0; links are not followed.
    """
    try:
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            return sum(map(disk_size, path.iterdir()))
    except OSError:
        return 0
    return facts.st_size


class OpenedFile(io.RawIOBase):
    """An open file or folder, unaffected by later renames; a context manager that closes it.

    Every method raises `OSError` if the system call fails.
    """

    def __init__(self, descriptor: int, files: FileSystem) -> None:
        super().__init__()
        self.descriptor: Final = descriptor
        self._files = files

    def stat(self) -> os.stat_result:
        """Return kind, size and times."""
        with memory_errors_as_os_errors():
            return self._files.fstat(self.descriptor)

    def read_at(self, size: int, offset: int) -> bytes:
        """Read at most `size` bytes from `offset`."""
        with memory_errors_as_os_errors():
            return self._files.read_at(self.descriptor, size, offset)

    def size(self) -> int:
        """Return the bytes of a regular file.

        Raises:
            OSError: If the system call fails or it is not a regular file.
        """
        facts = self.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, tr("it is not a regular file"))
        return facts.st_size

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read the next bytes into a buffer; 0 at the end."""
        with memory_errors_as_os_errors(), memoryview(buffer).cast("B") as view:
            data = self._files.read(self.descriptor, len(view))
            view[: len(data)] = data
        return len(data)

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set the read position, without disk access."""
        return os.lseek(self.descriptor, offset, whence)

    def buffered(self) -> io.BufferedReader:
        """Return a buffered stream, which closes this file."""
        return io.BufferedReader(self)

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if not self.closed:
            super().close()
            with quietly():
                self._files.close(self.descriptor)


def open_to_read(path: Path, *, inside: Path, folder: int | None = None) -> OpenedFile:
    """Open a file or a folder of a run; never blocks on a pipe.

    Links are not followed below `inside`, the folder of the run, which may be a link itself.
    `folder` is the descriptor of the parent folder, if that is open.

    Raises:
        LinkError: If the path contains a link that may not be followed.
        OSError: If the system refuses.
    """
    files = file_system()
    with memory_errors_as_os_errors():
        if folder is not None:
            return OpenedFile(files.open_to_read(path, folder=folder), files)
        with folder_inside(path.parent, inside) as above:
            return OpenedFile(files.open_to_read(path, folder=above), files)


def names_in(folder: Path, *, inside: Path) -> list[str]:
    """Return the sorted names in a folder; `inside` as for `open_to_read`.

    Raises:
        LinkError: If the path contains a link that may not be followed.
        OSError: If the system refuses.
    """
    with memory_errors_as_os_errors(), folder_inside(folder, inside) as opened:
        return sorted(file_system().names(folder, opened))


@contextlib.contextmanager
def folder_inside(
    folder: Path, inside: Path | None, files: FileSystem | None = None, *, opened: int | None = None
) -> Iterator[int | None]:
    """Open a subfolder of a run without following links below `inside`, the run's folder.

    `opened` is the descriptor of `inside`, if that is open. None for `inside` follows all links.

    Yields:
        The descriptor; None if `folder` is `inside` itself or is not in it.

    Raises:
        LinkError: If the path contains a link.
        OSError: If the system refuses.
    """
    if inside is None or folder == inside or not folder.is_relative_to(inside):
        yield None
        return
    files = files or file_system()
    descriptors: list[int] = []
    path = inside
    try:
        for name in folder.relative_to(inside).parts:
            path /= name
            above = descriptors[-1] if descriptors else opened
            descriptors.append(files.open_to_read(path, os.O_DIRECTORY, above))
        yield descriptors[-1]
    finally:
        for descriptor in descriptors:
            with quietly():
                files.close(descriptor)
