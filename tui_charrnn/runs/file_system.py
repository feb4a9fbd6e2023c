"""The operations of the system that reading and durable writing are made of."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

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
        """Open a file or a folder and return its descriptor; a pipe is not waited for.

        Args:
            path: What to open.
            flags: Of the system, besides those for reading.
            folder: Descriptor of the folder that it lies in, where that is not looked up again.
        """
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
        """The names in a folder, in no order.

        Args:
            path: The folder.
            opened: Its descriptor, where it is open.
        """
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

        Args:
            source: The old name.
            target: The new one.
            folders: Descriptors of the folders that they lie in, the old one first.
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
        """Wait until the names in a folder are durable, where its file system can.

        Args:
            path: The folder.
            opened: Its descriptor, where it is open.
        """
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


def cause_words(error: StorageError) -> str:
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
