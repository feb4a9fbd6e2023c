"""The operations of the system that durable writing is made of."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tui_charrnn.errors import StorageError

_NO_FOLDER_SYNC: Final = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}
"""How file systems (some network and FUSE ones) say that a folder cannot be synced."""
_HINTS: Final = {
    errno.ENOSPC: "Make room on that disk.",
    errno.EDQUOT: "Your quota on that disk is used up; make room.",
    errno.EROFS: "That disk can only be read; choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
}


class FileSystem:
    """One method an operation, each of which may fail by itself.

    Tests put their own in its place to make any one operation fail.
    """

    def open(self, path: Path, flags: int) -> int:
        """Open a file and return its descriptor; a new file obeys the user's umask."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write some of the data, perhaps not all, and return how many bytes."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int) -> None:
        """Empty an open file."""
        os.ftruncate(descriptor, 0)

    def fsync(self, descriptor: int) -> None:
        """Wait until an open file is durable."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def lock(self, descriptor: int) -> None:
        """Lock an open file for this process, without waiting."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file or folder; a file, or an empty folder, at the target gives way."""
        source.replace(target)

    def mkdir(self, path: Path) -> None:
        """Make a folder."""
        path.mkdir()

    def remove(self, path: Path) -> None:
        """Remove a file or an empty folder."""
        if stat.S_ISDIR(path.lstat().st_mode):
            path.rmdir()
        else:
            path.unlink()

    def fsync_folder(self, path: Path) -> None:
        """Wait until the names in a folder are durable, where its file system can."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def explained(action: str, path: Path) -> Iterator[None]:
    """Turn the system's errors into a sentence for the user.

    Raises:
        StorageError: If an operation inside failed.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "")
        raise StorageError(f"Cannot {action} {path}: {reason}. {hint}".rstrip()) from error
