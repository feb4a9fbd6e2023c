"""Keeps a folder of the cache within a limit: what was not used for longest goes first."""

import contextlib
import errno
import fcntl
import time
from pathlib import Path
from typing import BinaryIO, Final

_STALE: Final = 86_400.0
"""Seconds after which a file that was begun and not finished is let go of."""
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def prune_folder(folder: Path, ending: str, limit: int, *, keep: Path | None = None) -> list[Path]:
    """Let go of the files that were not used for longest, until the rest is within a limit.

    Those that some program has in use (`mark_in_use`) stay, and count.

    Args:
        folder: Where they lie.
        ending: Of their names, such as `.index`; other files are unfinished ones.
        limit: Bytes that may stay.
        keep: A file that stays in any case.

    Returns:
        The files that are gone.
    """
    found: list[tuple[int, int, Path]] = []
    gone: list[Path] = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another program was first
                status = path.stat()
                if path.suffix == ending:
                    used = max(status.st_atime_ns, status.st_mtime_ns)
                    found.append((used, status.st_size, path))
                elif time.time() - status.st_mtime > _STALE:
                    _let_go(path)
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            break
        if path != keep and _let_go(path):
            total -= size
            gone.append(path)
    return gone


def mark_in_use(file: BinaryIO) -> None:
    """Keep a file from being let go of for as long as it, or a mapping of it, is open."""
    with contextlib.suppress(OSError):  # a drive without locks: it is used all the same
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def cache_advice(error: OSError) -> str:
    """What to do about a cache that cannot be written: make room only where room is lacking."""
    where = "set CHARRNN_CACHE to a folder that can be written to"
    return f"free some space, or {where}" if error.errno in _NO_ROOM else where


def _let_go(path: Path) -> bool:
    """Delete a file unless somebody has it open."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while it is in use
            path.unlink()
    except OSError:
        return False
    return True
