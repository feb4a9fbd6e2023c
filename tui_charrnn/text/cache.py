"""Files of the user's cache folder: written atomically, kept within a limit.

Of the texts, the least recently used files are deleted first; of the measurements of this machine,
which are a file per kind, the oldest.
"""

import contextlib
import errno
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.folders import cache_folder
from tui_charrnn.paths import open_file
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


ENTRY_LIMIT: Final = 200
"""Number of measurements in a file; the oldest are dropped."""
_LARGEST: Final = 4 << 20
"""Bytes of such a file; a larger one is not read."""
_FORMAT: Final = 1


class Measurements(NamedTuple):
    """A file of measurements of this machine by key, so that each is made once.

    `kind` is their name in the file; other kinds are discarded. The methods raise `ConfigError` if
    CHARRNN_CACHE is not a path.
    """

    file: str
    kind: str

    def recall(self) -> dict[str, Any]:
        """Return all measurements, oldest first; empty if the file is missing or damaged."""
        path = cache_folder() / self.file
        try:
            with open_file(path) as file:
                document = json.loads(file.read(_LARGEST))
            found = document[self.kind] if document["format"] == _FORMAT else {}
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def remember(self, key: str, value: object) -> None:
        """Add a measurement, ignoring disk errors.

        If two processes write at the same time, one measurement may be lost.
        """
        found = self.recall()
        found.pop(key, None)
        newest = dict([*found.items(), (key, value)][-ENTRY_LIMIT:])
        document = json.dumps({"format": _FORMAT, self.kind: newest})
        with contextlib.suppress(OSError):
            replace_file(cache_folder() / self.file, [document.encode()], mode=0o600)


Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the amount done and, if known, the total; both in bytes."""
