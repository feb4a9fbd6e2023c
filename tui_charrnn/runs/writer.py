"""The one writer of a run: its lock, its events and its heartbeat."""

import contextlib
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from tui_charrnn.errors import ExitCode, RunError, StorageError
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.description import RunState, RunStatus, Usage
from tui_charrnn.runs.file_system import format_cause, open_to_read
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory, refuse_foreign_parts
from tui_charrnn.runs.liveness import boot_id, lock_run
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.records import (
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RunEnded,
    RunExtended,
    RunReplanned,
    RunRolledBack,
    RunWarned,
    encode_record,
)
from tui_charrnn.runs.storage import Storage

_URGENT_FIELDS: Final = ("state", "message", "degraded")
"""A change of these is written immediately."""
_RESERVED_BYTES: Final = 8192
"""Disk space reserved for the next status, so that it can be written on a full disk."""
HEARTBEAT: Final = 2.0
"""Seconds between two writes of state.json."""
_LOST_RECORDS: Final = (
    "events.jsonl was deleted or replaced during training. The records until now are lost, and "
    "the curves with them; training is not affected, and new records go to a new file."
)
_DROPPED_RECORDS: Final = (
    "The disk refused records for so long that {:,} of them were dropped: the curves have a "
    "gap; training is not affected."
)
_DURABLE: Final = (
    CheckpointSaved,
    LearningRateChanged,
    RunReplanned,
    RunExtended,
    RunRolledBack,
    RunEnded,
)
"""Records that are synced immediately: a later trainer needs them, or they are the last."""


class RunWriter:
    """Context manager that locks a run and writes its events and status; thread-safe.

    A change of a number in the status does not wait for the disk. Disk errors after the start never
    stop training: they are reported in `degraded` and in the status, and the write is retried with
    every record and every beat.
    """

    def __init__(self, run: RunDirectory, *, heartbeat: float = HEARTBEAT) -> None:
        """Lock a run and start its heartbeat.

        `heartbeat` is the seconds between two writes of state.json.

        Raises:
            RunError: If a part of the run is a link, a pipe or a device.
            RunLockedError: If another trainer is writing the run.
            StorageError: If the run cannot be written at all.
        """
        refuse_foreign_parts(run)
        self._path, self._storage = run.status, Storage(inside=run.path)
        self._guard, self._writing = threading.Lock(), threading.Lock()
        self._refusal: StorageError | None = None
        """Why the last status was not written."""
        self._unsaved = ""
        self._observers: list[Callable[[], Mapping[str, Any]]] = []
        with contextlib.ExitStack() as resources:
            resources.enter_context(lock_run(run))
            before = _status_before(run)
            if before.state is not RunState.CREATED:
                # Discard requests to an earlier trainer: a stop would end this one immediately.
                take_requests(run)
            self._status = replace(
                before,
                state=RunState.PREPARING,
                message="",
                cause="",
                degraded="",
                device="",
                precision="",
                usage=None,
                pid=os.getpid(),
                host=socket.gethostname(),
                boot_id=boot_id(),
            )
            self._events = EventLog(run.events)
            resources.callback(self._events.close)
            resources.callback(self._storage.release_reserve, self._path)
            self._write_status()
            if self._refusal is not None:
                raise self._refusal
            resources.callback(self._write_status)
            resources.callback(self._update_status)
            self._resources = resources.pop_all()
        self._stopping = threading.Event()
        self._heartbeat = threading.Thread(
            target=self._beat_until_stopped, args=(heartbeat,), name="heartbeat", daemon=True
        )
        self._heartbeat.start()

    @property
    def status(self) -> RunStatus:
        """The status in state.json, or to be written with the next beat."""
        return self._status

    @property
    def degraded(self) -> str | None:
        """Why the last write failed, in one sentence, or None."""
        refusal = self._events.refusal or self._refusal
        return None if refusal is None else str(refusal)

    def append(self, record: Record) -> None:
        """Write a record as one line of events.jsonl.

        Raises:
            ValueError: If a number in it is not finite.
        """
        self._events.append(encode_record(record, datetime.now(UTC)))
        if isinstance(record, _DURABLE):
            self._events.sync()

    def sync(self) -> None:
        """Wait until all records so far are durable, unless the disk refuses."""
        self._events.sync()

    def warn(self, message: str) -> None:
        """Append a `RunWarned` with a sentence."""
        self.append(RunWarned(message))

    def end(self, state: RunState, exit_code: ExitCode, warning: str = "") -> RunEnded:
        """Record the end of the run, at the step of its status, and why in `warning`, if given."""
        if warning:
            self.warn(warning)
            self.set_status(message=warning)
        step, elapsed = self._status.step, self._status.elapsed
        ended = RunEnded(state.value, step, None, None, int(exit_code), elapsed)
        self.append(ended)
        self.set_status(state=state)
        return ended

    def set_status(self, **changes: Any) -> None:
        """Change fields of the status.

        A change of `_URGENT_FIELDS` is written immediately, others with the next beat.

        Raises:
            TypeError: If there is no such field.
            ValueError: If a number is not finite.
        """
        encode_json({n: asdict(v) if isinstance(v, Usage) else v for n, v in changes.items()})
        with self._guard:
            before = self._status
            self._status = replace(before, **changes)
            is_urgent = any(getattr(before, n) != getattr(self._status, n) for n in _URGENT_FIELDS)
        if is_urgent:
            self._write_status()

    def report_unsaved(self, warning: str) -> None:
        """Set the warning about saving in the status, until the next call; empty for none.

        Args:
            warning: E.g. `disk full, last saved step 8,000`.
        """
        self._unsaved = warning
        self.set_status(degraded=warning)

    def observe(self, observer: Callable[[], Mapping[str, Any]]) -> None:
        """Register an observer that every beat calls, in any thread, for status changes.

        Args:
            observer: Returns keyword arguments of `set_status`; must be fast and must not raise.
        """
        self._observers.append(observer)

    def beat(self) -> None:
        """Retry pending writes, increment the beat and write the status."""
        self._update_status()
        self._write_status()

    def close(self) -> None:
        """Write what is pending and unlock the run; a second call does nothing."""
        self._stopping.set()
        self._heartbeat.join()
        self.observe(lambda: {"usage": None})  # the trainer uses no resources any more
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _beat_until_stopped(self, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            with contextlib.suppress(MemoryError):  # without a heartbeat, the trainer looks dead
                self.beat()

    def _write_status(self) -> None:
        """Increment the beat and write the status; store a failure in `_refusal`."""
        with self._writing:
            with self._guard:
                self._status = replace(self._status, beat=self._status.beat + 1)
                data = encode_json(self._status.to_json())
            try:
                self._storage.write_atomically(self._path, data, reserve=_RESERVED_BYTES)
            except StorageError as error:
                self._refusal = error
            else:
                self._refusal = None

    def _update_status(self) -> None:
        """Retry pending records, and update the status from the observers."""
        if self._events.reopen_if_replaced():
            self.warn(_LOST_RECORDS)
        self._events.retry()
        if dropped := self._events.take_dropped():
            self.warn(_DROPPED_RECORDS.format(dropped))
        for observer in self._observers:
            self.set_status(**observer())
        refusal = self._events.refusal
        waiting = "" if refusal is None else f"{format_cause(refusal)}, records wait"
        self.set_status(degraded=self._unsaved or waiting)


def _status_before(run: RunDirectory) -> RunStatus:
    try:
        return read_status(run) or RunStatus(state=RunState.CREATED)
    except RunError:
        return RunStatus(state=RunState.FAILED)  # the next write replaces the damaged file


BACKLOG_LIMIT: Final = 10_000
"""Maximum lines kept while the disk refuses them, about 2 MB; beyond it the oldest are dropped."""


class EventLog:
    """Appends lines to a file, one write each; refused lines are kept and retried.

    A partly written line is continued, not repeated, so the file never contains a torn line in the
    middle. Thread-safe.
    """

    def __init__(self, path: Path) -> None:
        ends_whole = _ends_with_newline(path)
        self._path, self._storage = path, Storage(inside=path.parent)
        self._file = self._storage.open_to_append(path)
        self._guard = threading.Lock()
        # If an earlier trainer died in the middle of a line, start on a new line.
        self._backlog: deque[bytes] = deque([] if ends_whole else [b"\n"])
        self._is_torn = False
        self._dropped = 0
        self.refusal: StorageError | None = None
        """Why lines are pending, or None if all are written."""

    def append(self, line: str) -> None:
        """Write a line, after pending ones."""
        with self._guard:
            self._backlog.append(line.encode() + b"\n")
            self._write_backlog()
            self._shorten_backlog()

    def retry(self) -> None:
        """Try to write pending lines."""
        with self._guard:
            self._write_backlog()

    def reopen_if_replaced(self) -> bool:
        """Open a new file if the file was removed or replaced.

        Its lines are lost; pending and later lines go to the new file.

        Returns:
            Whether it was removed or replaced.
        """
        with self._guard:
            if self._file.is_in_place():
                return False
            try:
                ends_whole = _ends_with_newline(self._path)
                file = self._storage.open_to_append(self._path)
            except StorageError:  # e.g. the run was moved: its open file moved with it
                return False
            with contextlib.suppress(StorageError):
                self._file.close()
            if self._is_torn:
                self._backlog.popleft()  # the rest of a line that began in the old file
            self._file, self._is_torn = file, False
            if not ends_whole:
                self._backlog.appendleft(b"\n")
            return True

    def take_dropped(self) -> int:
        """Return how many lines were dropped and reset the count; 0 while lines are pending."""
        with self._guard:
            dropped = 0 if self._backlog else self._dropped
            self._dropped -= dropped
            return dropped

    def sync(self) -> None:
        """Wait until the lines are durable; store a failure in `refusal`."""
        with self._guard:
            try:
                self._file.sync()
            except StorageError as error:
                self.refusal = error

    def close(self) -> None:
        """Try once more to write pending lines, and close the file."""
        self.retry()
        self.sync()
        with contextlib.suppress(StorageError):
            self._file.close()

    def _write_backlog(self) -> None:
        try:
            while self._backlog:
                self._write_first()
        except StorageError as error:
            self.refusal = error
        else:
            self.refusal = None

    def _write_first(self) -> None:
        line = self._backlog[0]
        taken = self._file.write_once(line)
        if taken == len(line):
            self._backlog.popleft()
        else:
            self._backlog[0] = line[taken:]
        self._is_torn = taken < len(line)

    def _shorten_backlog(self) -> None:
        while len(self._backlog) > BACKLOG_LIMIT:
            del self._backlog[int(self._is_torn)]  # keep the rest of a torn line
            self._dropped += 1


def _ends_with_newline(path: Path) -> bool:
    """Whether the file is missing, empty or ends with a line feed."""
    try:
        with open_to_read(path, inside=path.parent) as file:
            return file.read_at(1, max(0, file.stat().st_size - 1)) in {b"", b"\n"}
    except FileNotFoundError:
        return True
    except OSError:
        return False  # readers skip an extra empty line
