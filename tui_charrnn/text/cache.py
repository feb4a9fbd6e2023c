"""Caches texts in the user's cache folder, each with its hash, within a size limit.

The least recently used files are deleted first.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.folders import cache_folder
from tui_charrnn.translation import tr

_STALE: Final = 86_400.0  # seconds after which an unfinished file is removed
_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def prune_folder(folder: Path, ending: str, limit: int, *, keep: Path | None = None) -> list[Path]:
    """Delete the least recently used files of a folder until it is within a limit of bytes.

    Files in use (`mark_in_use`) are counted but not deleted; `keep` is never deleted. Files with
    another suffix are unfinished ones and are deleted after a day.

    Returns:
        The deleted files.
    """
    found: list[tuple[int, int, Path]] = []
    deleted: list[Path] = []
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
            deleted.append(path)
    return deleted


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


def corpora_folder() -> Path:
    """The folder of cached corpora.

    Raises:
        ConfigError: If CHARRNN_CACHE names no path.
    """
    return cache_folder() / "corpora"


@dataclass(frozen=True, slots=True)
class CachedText:
    """A file of the cache and the record of its hash; either may be missing or damaged."""

    path: Path

    @property
    def record(self) -> Path:
        """The file that holds the hash, in the format of the command sha256sum."""
        return self.path.with_name(f"{self.path.name}.sha256")

    @property
    def recorded_sha256(self) -> str | None:
        """The hash on record, in hexadecimal digits."""
        try:
            words = self.record.read_text(encoding="ascii", errors="replace").split()
        except OSError:
            return None
        return words[0] if words and len(words[0]) == 64 else None

    def is_intact(self, sha256: str | None) -> bool:
        """Whether the file exists and has the expected hash; False if that is None."""
        if sha256 is None:
            return False
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def store(self, data: bytes) -> str:
        """Write the text and its hash, each file atomically.

        Returns:
            The hash, in hexadecimal digits.

        Raises:
            StorageError: If a file cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            replace_file(self.path, [data])
            replace_file(self.record, [f"{sha256}  {self.path.name}\n".encode()])
        except OSError as error:
            raise StorageError(
                "{path} cannot be written: {reason}. To continue, {advice}.",
                path=self.path,
                reason=reason_of(error),
                advice=cache_advice(error),
            ) from error
        return sha256


def replace_file(path: Path, parts: Iterable[bytes | memoryview], mode: int = 0o666) -> None:
    """Write a file atomically, and create its folder if needed.

    `mode` is subject to the umask; a cache may be shared by several users.

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
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the amount done and, if known, the total; both in bytes."""
