"""Files of the user's cache folder: written atomically, kept within a size limit.

The least recently used files are deleted first.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.translation import tr

_STALE: Final = 86_400.0  # seconds after which an unfinished file is removed
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def prune_folder(folder: Path, ending: str, limit: int, *, keep: Path | None = None) -> None:
    """Delete the least recently used files of a folder until it is within a limit of bytes.

    Files in use (`mark_in_use`) are counted but not deleted; `keep` is never deleted. Files with
    another suffix are unfinished ones and are deleted after a day.
    """
    found: list[tuple[int, int, Path]] = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another program deleted it first
                status = path.stat()
                if path.suffix == ending:
                    used = max(status.st_atime_ns, status.st_mtime_ns)
                    found.append((used, status.st_size, path))
                elif time.time() - status.st_mtime > _STALE:
                    delete_unused(path)
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            break
        if path != keep and delete_unused(path):
            total -= size


def mark_in_use(file: BinaryIO) -> None:
    """Lock a file so that `prune_folder` keeps it while the file or a mapping of it is open."""
    with contextlib.suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def cache_advice(error: OSError) -> str:
    """What to do if the cache cannot be written; suggests freeing space if it is full."""
    if error.errno in _NO_SPACE:
        return tr("free some space, or set CHARRNN_CACHE to a folder that can be written to")
    return tr("set CHARRNN_CACHE to a folder that can be written to")


def delete_unused(path: Path) -> bool:
    """Delete a file unless it is in use; return whether it was deleted."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while it is in use
            path.unlink()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def writing_errors(path: Path) -> Iterator[None]:
    """Turn a system error about a file or folder of the cache into a sentence.

    Raises:
        StorageError: If the system raised an error.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            "{path} cannot be written: {reason}. To continue, {advice}.",
            path=path,
            reason=reason_of(error),
            advice=cache_advice(error),
        ) from error


def replace_file(
    path: Path,
    parts: Iterable[bytes | memoryview],
    *,
    mode: int = 0o666,
    modified: int | None = None,
) -> None:
    """Write a file atomically, and create its folder if needed.

    `mode` is subject to the umask; a cache may be shared by several users. `modified` is its
    modification time in nanoseconds.

    Raises:
        OSError: If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            if modified is not None:
                os.utime(file.fileno(), ns=(modified, modified))
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the amount done and, if known, the total; both in bytes."""
