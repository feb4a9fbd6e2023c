"""Who may write a run: the holder of run.lock, and without locks, who beats."""

import os
import stat
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from tui_charrnn.errors import RunError, RunLockedError
from tui_charrnn.runs.file_system import explained, file_system
from tui_charrnn.runs.host import boot_id, host_name, process_exists
from tui_charrnn.runs.json_values import decode_json, encode_json, read_bounded
from tui_charrnn.runs.layout import RunDirectory, command_words
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.storage import FileLock, Storage
from tui_charrnn.translation import tr

_LISTENING: Final = 5.0
"""Seconds in which a living trainer's beat must have changed: more than two heartbeats."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process writes a run."""

    pid: int
    host: str
    boot_id: str
    started: str
    """UTC, ISO 8601."""


def identify(now: datetime) -> Identity:
    """This process."""
    return Identity(os.getpid(), host_name(), boot_id(), now.isoformat(timespec="seconds"))


def lock_run(
    run: RunDirectory,
    storage: Storage,
    identity: Identity,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> FileLock:
    """Take the lock of a run.

    Where the file system knows no locks, the run is free if its beat stands still.

    Raises:
        RunLockedError: If another trainer is writing the run.
        StorageError: If the lock cannot be taken for another reason.
    """
    place = identity.host, identity.boot_id
    return _take_lock(run, storage, encode_json(asdict(identity)), place, sleep)


def keep_trainers_out(
    run: RunDirectory, storage: Storage, *, sleep: Callable[[float], None] = time.sleep
) -> FileLock | None:
    """Take the lock of a run without training it; what run.lock says stays as it is.

    Returns:
        The lock, or None if there is nothing to lock, as no trainer ever took the run up.

    Raises:
        RunLockedError: If a trainer is writing the run.
        StorageError: If the lock cannot be taken for another reason.
    """
    if not _is_there(run):
        return None
    return _take_lock(run, storage, None, (host_name(), boot_id()), sleep)


def _is_there(run: RunDirectory) -> bool:
    with explained("lock", run.lock):
        try:
            facts = file_system().look_at(run.lock)
        except FileNotFoundError:
            return False
    return not stat.S_ISLNK(facts.st_mode)  # no trainer takes up a run with links in it


def _take_lock(
    run: RunDirectory,
    storage: Storage,
    contents: bytes | None,
    here: tuple[str, str],
    sleep: Callable[[float], None],
) -> FileLock:
    holder = _holder(run)
    lock = storage.lock(run.lock, contents)
    if lock is None:
        raise _locked(run, _holder(run))
    if not lock.is_real and _is_beating(run, here, sleep):
        lock.release()
        raise _locked(run, holder)
    return lock


def _is_beating(run: RunDirectory, here: tuple[str, str], sleep: Callable[[float], None]) -> bool:
    before = _beat(run)
    if before is None:
        return False
    beat, pid, place = before
    if place == here and not process_exists(pid):
        return False
    sleep(_LISTENING)
    return _beat(run) not in {None, (beat, pid, place)}


def _beat(run: RunDirectory) -> tuple[int, int, tuple[str, str]] | None:
    """The beat of a run and whose it is, or None if no trainer is at work by its own state."""
    try:
        status = read_status(run)
    except RunError:
        return None
    if status is None or not status.state.is_live or not status.pid:
        return None
    return status.beat, status.pid, (status.host, status.boot_id)


def _holder(run: RunDirectory) -> str:
    """Whoever wrote its name into run.lock, for people."""
    try:
        values: Any = decode_json(read_bounded(run.lock, 4096, inside=run.path))
        return tr("process {pid} on {host}", pid=int(values["pid"]), host=values["host"])
    except (OSError, ValueError, TypeError, KeyError):
        return tr("another process")


def _locked(run: RunDirectory, holder: str) -> RunLockedError:
    return RunLockedError(
        "The run {run} is already being trained by {holder}. Watch it with: {command}",
        run=run.name,
        holder=holder,
        command=command_words("attach", run),
    )
