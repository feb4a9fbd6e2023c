"""Detect whether a trainer is alive, and lock a run for one writer."""

import os
import socket
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from tui_charrnn.errors import RunError, RunLockedError
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.file_system import OpenedFile, file_system, storage_errors
from tui_charrnn.runs.json_values import decode_json, encode_json, read_bounded
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

Verdict: TypeAlias = Literal["alive", "silent", "lost", "ended"]
"""alive: a recent heartbeat; silent: no recent one; lost: presumed dead; ended: exited normally."""
AT_WORK: Final = frozenset[Verdict]({"alive", "silent"})
"""Verdicts on a trainer that probably works on the run."""
SILENT_AFTER: Final = 10.0
"""Seconds without a heartbeat: five intervals."""
LOST_AFTER: Final = 30.0
"""Seconds without a heartbeat from a trainer on another machine."""
LOST_ALTHOUGH_RUNNING_AFTER: Final = 300.0
"""Seconds without a heartbeat while a process with its pid runs here: it may be stopped by a
debugger, starved or waiting for a disk, or the pid may belong to another program by now."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_SPACE: Final = Path("/proc/self/ns/pid")


def boot_id() -> str:
    """Return an identifier of this boot and this PID namespace; empty if unknown (not Linux).

    A container may share the host's name and kernel but have its own PID namespace.
    """
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
        return f"{boot}/{_PROCESS_SPACE.readlink()}"
    except OSError:
        return ""


def seconds_since_start() -> float:
    """Return the age of this process in seconds; 0 if unknown (not Linux)."""
    try:
        # the program's name may contain any character, and ends at the last parenthesis
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        ticks = int(fields[19])  # field 22 of the line, counting from the first: starttime
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, now - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def process_exists(pid: int) -> bool:
    """Whether a process with this pid runs on this machine; a zombie does not count."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it exists and belongs to another user
    with suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in {b"Z", b"X"}
    return True


class Liveness:
    """Watches one run: a changed heartbeat means alive, independent of the machines' clocks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_beat: tuple[int, int, str] | None = None
        self._changed_at = clock()

    def judge(self, status: RunStatus | None) -> Verdict:
        """Return the verdict on the trainer for its newest status.

        A trainer seen for the first time counts as alive until it stays silent.
        """
        now = self._clock()
        beat = (status.beat, status.pid, status.host) if status else None
        if beat != self._last_beat:
            self._last_beat, self._changed_at = beat, now
        if status is None:
            return _by_silence(now - self._changed_at, LOST_AFTER)
        return judge_at_a_glance(status, now - self._changed_at)


def judge_at_a_glance(status: RunStatus, age: float) -> Verdict:
    """Judge a run without watching it, e.g. in a list of many runs.

    `age` is the seconds since the status changed; if it comes from the file's modification time, it
    is as accurate as the two machines' clocks agree.
    """
    if not status.state.is_live:
        return "ended"
    here = socket.gethostname(), boot_id()
    if status.pid <= 0 or not here[1] or (status.host, status.boot_id) != here:
        return _by_silence(age, LOST_AFTER)
    return _by_silence(age, LOST_ALTHOUGH_RUNNING_AFTER) if process_exists(status.pid) else "lost"


def _by_silence(seconds: float, limit: float) -> Verdict:
    if seconds < SILENT_AFTER:
        return "alive"
    return "silent" if seconds < limit else "lost"


_OBSERVATION_TIME: Final = 5.0
"""Seconds in which a live trainer changes its heartbeat: more than two intervals."""


def lock_run(run: RunDirectory) -> OpenedFile:
    """Lock a run, and write this process's identity into the lock file.

    If the file system has no locks, the run is free if its heartbeat does not change.

    Raises:
        RunLockedError: If another trainer is writing the run.
        StorageError: If the lock cannot be taken for another reason.
    """
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return _take_lock(run, encode_json(holder))


def lock_out_trainers(run: RunDirectory) -> AbstractContextManager[object]:
    """Lock a run without training it; the contents of run.lock are unchanged.

    Returns:
        Holds the lock; without a lock file, no trainer ever started and nothing is locked.

    Raises:
        RunLockedError: If a trainer is writing the run.
        StorageError: If the lock cannot be taken for another reason.
    """
    with storage_errors("lock", run.lock):
        try:
            facts = file_system().lstat(run.lock)
        except FileNotFoundError:
            return nullcontext()
    is_link = stat.S_ISLNK(facts.st_mode)  # trainers refuse runs that contain links
    return nullcontext() if is_link else _take_lock(run, None)


def _take_lock(run: RunDirectory, contents: bytes | None) -> OpenedFile:
    lock = Storage(inside=run.path).lock(run.lock, contents, lambda: not _is_beating(run))
    if lock is None:
        raise RunLockedError(
            "The run {run} is already being trained by {holder}. Watch it with: {command}",
            run=run.name,
            holder=_holder(run),
            command=format_command("attach", run),
        )
    return lock


def _is_beating(run: RunDirectory) -> bool:
    before = _live_status(run)
    if before is None or judge_at_a_glance(before, 0.0) == "lost":
        return False
    time.sleep(_OBSERVATION_TIME)
    return _live_status(run) not in (None, before)


def _live_status(run: RunDirectory) -> RunStatus | None:
    """Return the status of a run; None if no trainer should be running."""
    with suppress(RunError):
        status = read_status(run)
        if status is not None and status.state.is_live and status.pid:
            return status
    return None


def _holder(run: RunDirectory) -> str:
    """Return the process named in run.lock, for display."""
    try:
        values: Any = decode_json(read_bounded(run.lock, 4096, inside=run.path))
        return tr("process {pid} on {host}", pid=int(values["pid"]), host=values["host"])
    except (OSError, ValueError, TypeError, KeyError):
        return tr("another process")
