"""Processes that were started from here, also by those that have ended since (Linux)."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

_BE_SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER: whose parent ends becomes a child of this process."""


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none is forgotten.

    A trainer has a session of its own and outlives its command, if that is killed. Elsewhere than
    on Linux nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_BE_SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[int]:
    """All processes below this one, parents before their children; none where that is not told."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # the name of the program, which may hold anything, ends at the last parenthesis
            state, parent = entry.read_bytes().rpartition(b")")[2].split()[:2]
            if state not in {b"Z", b"X"}:
                children.setdefault(int(parent), []).append(int(entry.parent.name))
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def orphans(known: set[int]) -> list[int]:
    """Those that were adopted: children of this process that it did not start.

    Args:
        known: Processes that it did start.
    """
    ours = os.getpid()
    return [pid for pid in descendants() if pid not in known and _parent(pid) == ours]


def tell(pids: list[int], number: int) -> None:
    """Send a signal to processes, as far as they are still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_descendants(patience: float) -> None:
    """Have everything end that is still below this process.

    Args:
        patience: Seconds in which they may save what they have.
    """
    end = time.monotonic() + patience
    tell(descendants(), signal.SIGTERM)
    while left := descendants():
        if time.monotonic() > end:
            tell(left, signal.SIGKILL)
        _reap()
        time.sleep(0.05)
    _reap()


def _reap() -> None:
    """Take notice of the ends of adopted processes."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    return 0
