"""The one writer of a run: its lock, its events and its heartbeat."""

import contextlib
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.file_system import format_cause, open_to_read
from tui_charrnn.runs.foreign_parts import refuse_foreign_parts
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import boot_id, lock_run
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.record_codec import encode_record
from tui_charrnn.runs.records import (
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RunEnded,
    RunExtended,
    RunReplanned,
    RunRolledBack,
    RunWarned,
)
from tui_charrnn.runs.storage import Storage

_AT_ONCE: Final = ("state", "message", "degraded")
"""Fields whose change people wait for."""
_ROOM: Final = 8192
"""Bytes that are kept for the next status, so that a full disk does not silence the trainer."""


class StatusFile:
    """Holds what the trainer is doing, and writes it down, on a full disk too.

    Safe to use from several threads; changing a number never waits for the disk.
    """

    def __init__(self, path: Path, status: RunStatus) -> None:
        self._path, self._status = path, status
        self._storage = Storage(inside=path.parent)
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self.problem: str | None = None
        """Why the last write failed, or None if it did not."""

    @property
    def status(self) -> RunStatus:
        """What is to be written next."""
        return self._status

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change some fields; a new state or message is written at once, the others later.

        Raises:
            TypeError: If there is no such field.
            ValueError: If a number is not finite.
        """
        encode_json({name: _plain(value) for name, value in changes.items()})
        with self._guard:
            before = self._status
            self._status = replace(before, **changes)
            is_urgent = any(getattr(before, n) != getattr(self._status, n) for n in _AT_ONCE)
        if is_urgent:
            self.write()

    def write(self) -> None:
        """Write the status with a risen beat; a refusal is remembered."""
        with self._writing:
            with self._guard:
                self._status = replace(self._status, beat=self._status.beat + 1)
                status = self._status
            data = encode_json(status.to_json())
            try:
                self._storage.write_atomically(self._path, data, room_for_next=_ROOM)
            except StorageError as error:
                self.problem = str(error)
            else:
                self.problem = None

    def close(self) -> None:
        """Write it for the last time, and keep no more room."""
        self.write()
        self.give_room_back()

    def give_room_back(self) -> None:
        """Keep no more room for another status."""
        self._storage.give_room_back(self._path)


def _plain(value: Any) -> Any:
    """A field's value as JSON holds it."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


HEARTBEAT: Final = 2.0
"""Seconds between two writes of state.json."""
_LOST_RECORDS: Final = (
    "events.jsonl was removed or replaced while it was written. The records until now are lost, "
    "and the curves with them; training lacks nothing, and the records from now on are in a new "
    "file."
)
_DROPPED_RECORDS: Final = (
    "The disk refused records for so long that {:,} of them were given up: the curves have a gap "
    "there; training lacks nothing."
)
_DURABLE: Final = (
    CheckpointSaved,
    LearningRateChanged,
    RunReplanned,
    RunExtended,
    RunRolledBack,
    RunEnded,
)
"""Records that a later trainer acts on, or that are the last."""


class RunWriter:
    """Writes a run while the context lasts; nobody else can.

    What the disk refuses after the start never stops training: it is remembered in `degraded`,
    shown in the status, and tried again with every record and every beat.
    """

    def __init__(self, run: RunDirectory, *, heartbeat: float = HEARTBEAT) -> None:
        """Take up a run.

        `heartbeat` is in seconds between two writes of state.json.

        Raises:
            RunError: If a part of the run is a link, a pipe or a device.
            RunLockedError: If another trainer is writing the run.
            StorageError: If the run cannot be written at all.
        """
        refuse_foreign_parts(run)
        self._unsaved = ""
        self._observers: list[Callable[[], Mapping[str, Any]]] = []
        with contextlib.ExitStack() as resources:
            resources.enter_context(lock_run(run))
            before = _status_before(run)
            if before.state is not RunState.CREATED:
                # They were meant for a trainer that is gone: a stop would end this one at once.
                take_requests(run)
            taken_up = replace(
                before,
                state=RunState.PREPARING,
                message="",
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
            self._status_file = StatusFile(run.status, taken_up)
            self._status_file.write()
            if self._status_file.problem:
                self._status_file.give_room_back()
                raise StorageError(self._status_file.problem)
            resources.callback(self._status_file.close)
            resources.callback(self._gather)
            self._resources = resources.pop_all()
        self._stopping = threading.Event()
        self._heartbeat = threading.Thread(
            target=self._beat_until_stopped, args=(heartbeat,), name="heartbeat", daemon=True
        )
        self._heartbeat.start()

    @property
    def status(self) -> RunStatus:
        """What state.json has, or will have at the next beat."""
        return self._status_file.status

    @property
    def degraded(self) -> str | None:
        """What could not be written lately, in one sentence, or None."""
        return self._events.problem or self._status_file.problem

    def append(self, record: Record) -> None:
        """Write a record as one line of events.jsonl.

        Raises:
            ValueError: If a number in it is not finite.
        """
        self._events.append(encode_record(record, datetime.now(UTC)))
        if isinstance(record, _DURABLE):
            self._events.sync()

    def sync(self) -> None:
        """Wait until all records so far are durable, as far as the disk takes them."""
        self._events.sync()

    def set_status(self, **changes: Any) -> None:
        """Change fields of the status.

        A new `state` or `message` is written at once, the others with the next beat.

        Raises:
            TypeError: If there is no such field.
            ValueError: If a number is not finite.
        """
        self._status_file.change(changes)

    def report_unsaved(self, words: str) -> None:
        """Report until the next call what is not as safe as it should be; empty: all is.

        Args:
            words: `disk full, last saved step 8,000`.
        """
        self._unsaved = words
        self._status_file.change({"degraded": words})

    def observe(self, observer: Callable[[], Mapping[str, Any]]) -> None:
        """Call an observer with every beat, in any thread, for changes of the status.

        Args:
            observer: Returns changes as `set_status` takes them, soon and without fail.
        """
        self._observers.append(observer)

    def beat(self) -> None:
        """Write the status with a risen beat, and what could not be written before."""
        self._gather()
        self._status_file.write()

    def close(self) -> None:
        """Write what is left, and let the run go; a second time does nothing."""
        self._stopping.set()
        self._heartbeat.join()
        self.observe(lambda: {"usage": None})  # nobody takes anything of the machine any more
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _beat_until_stopped(self, seconds: float) -> None:
        while not self._stopping.wait(seconds):
            with contextlib.suppress(MemoryError):  # a trainer without a beat looks dead
                self.beat()

    def _gather(self) -> None:
        """Take into the status what has changed, after another try with what waits."""
        if self._events.find_again():
            self.append(RunWarned(_LOST_RECORDS))
        self._events.retry()
        if dropped := self._events.take_dropped():
            self.append(RunWarned(_DROPPED_RECORDS.format(dropped)))
        for observer in self._observers:
            self._status_file.change(observer())
        waiting = f"{self._events.cause}, records wait" if self._events.problem else ""
        self._status_file.change({"degraded": self._unsaved or waiting})


def _status_before(run: RunDirectory) -> RunStatus:
    try:
        return read_status(run) or RunStatus(state=RunState.CREATED)
    except RunError:
        return RunStatus(state=RunState.FAILED)  # a damaged file is replaced by a good one


BACKLOG_LIMIT: Final = 10_000
"""Lines that are held back while the disk refuses them, about 2 MB; then the oldest go."""


class EventLog:
    """Appends lines to a file, each with one write; what is refused is kept and tried again.

    A line of which only a part was taken is continued, not begun again, so the file never holds
    a torn line in its middle. Safe to use from several threads.
    """

    def __init__(self, path: Path) -> None:
        ends_whole = _ends_with_newline(path)
        self._path, self._storage = path, Storage(inside=path.parent)
        self._file = self._storage.open_to_append(path)
        self._guard = threading.Lock()
        # A trainer that died in the middle of a line left it torn; the next begins on a new line.
        self._backlog: deque[bytes] = deque([] if ends_whole else [b"\n"])
        self._is_torn = False
        self._dropped = 0
        self.problem: str | None = None
        """Why lines are waiting, or None if all are written."""
        self.cause = ""
        """The same in a few words: `disk full`."""

    def append(self, line: str) -> None:
        """Write a line, after those that wait."""
        with self._guard:
            self._backlog.append(line.encode() + b"\n")
            self._write_backlog()
            self._shorten_backlog()

    def retry(self) -> None:
        """Try to write what waits."""
        with self._guard:
            self._write_backlog()

    def find_again(self) -> bool:
        """Begin a new file if it was removed or replaced while it was written.

        What it held is lost; lines that wait, and those that come, are in the new one.

        Returns:
            Whether it was.
        """
        with self._guard:
            if self._file.is_in_place():
                return False
            try:
                ends_whole = _ends_with_newline(self._path)
                file = self._storage.open_to_append(self._path)
            except StorageError:  # such as of a run that was moved: its file is written there
                return False
            self._file.close()
            if self._is_torn:
                self._backlog.popleft()  # the rest of a line that began in the other file
            self._file, self._is_torn = file, False
            if not ends_whole:
                self._backlog.appendleft(b"\n")
            return True

    def take_dropped(self) -> int:
        """How many lines were given up as too many waited, once and when no more wait."""
        with self._guard:
            dropped = 0 if self._backlog else self._dropped
            self._dropped -= dropped
            return dropped

    def sync(self) -> None:
        """Wait until the lines are durable; a refusal is remembered."""
        with self._guard:
            try:
                self._file.sync()
            except StorageError as error:
                self._refuse(error)

    def close(self) -> None:
        """Try once more to write what waits, and close the file."""
        self.retry()
        self.sync()
        self._file.close()

    def _write_backlog(self) -> None:
        try:
            while self._backlog:
                self._write_first()
        except StorageError as error:
            self._refuse(error)
        else:
            self.problem, self.cause = None, ""

    def _refuse(self, error: StorageError) -> None:
        self.problem, self.cause = str(error), format_cause(error)

    def _write_first(self) -> None:
        line = self._backlog[0]
        taken = self._file.append(line)
        if taken == len(line):
            self._backlog.popleft()
        else:
            self._backlog[0] = line[taken:]
        self._is_torn = taken < len(line)

    def _shorten_backlog(self) -> None:
        while len(self._backlog) > BACKLOG_LIMIT:
            del self._backlog[int(self._is_torn)]  # the rest of a torn line stays first
            self._dropped += 1


def _ends_with_newline(path: Path) -> bool:
    """Whether a line can begin at the end of the file: it is empty, missing or ends with one."""
    try:
        with open_to_read(path, inside=path.parent) as file:
            return file.read_at(1, max(0, file.facts().st_size - 1)) in {b"", b"\n"}
    except FileNotFoundError:
        return True
    except OSError:
        return False  # an empty line too many is passed over by readers
