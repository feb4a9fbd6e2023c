"""The reading end of a run: nothing here writes, locks, or keeps a file open."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from tui_charrnn.errors import RunError
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.file_system import OpenedFile, open_to_read
from tui_charrnn.runs.json_values import read_document
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.record_codec import (
    BatchStretch,
    RecordOrBatch,
    decode_record,
    split_stretches,
)
from tui_charrnn.runs.records import BatchTrained, Record

LINE_LIMIT: Final = 1 << 20
"""Bytes of the longest line that is read; a longer one is no record."""
DEFAULT_LOOK: Final = 256 << 10
"""Bytes of a log that are read at most in one look: some two thousand lines."""
_TORN_LIMIT: Final = 16 << 10
"""Bytes of a line that is not waited for any longer."""
_FINGERPRINT: Final = 64
"""Bytes before the place up to which it was read, by which the file is known again."""
_Read = TypeVar("_Read")


class GrowingFile:
    """A place in a file that need not be there yet, may be truncated, and may be replaced."""

    def __init__(self, path: Path) -> None:
        """Begin at the beginning; only the end of the path may not be a link."""
        self._path = path
        self._inode = (0, 0)
        self._last_bytes = b""
        self.offset = 0
        """Where the next look begins."""
        self.restarts = 0
        """How often the file turned out to be another one; what was read before is void."""

    def look(self, read: Callable[[OpenedFile, int, bool], _Read], nothing: _Read) -> _Read:
        """Open the file and read on in it; at its beginning, if it is another one.

        Args:
            read: Takes the file, its size, and whether it is another one; calls `advance`.
            nothing: What is returned if there is no file.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        try:
            with open_to_read(self._path, inside=self._path.parent) as file:
                status = file.facts()
                if not stat.S_ISREG(status.st_mode):
                    raise RunError("{path} is not a file.", path=self._path)
                is_other = not self._is_same(file, status)
                if is_other:
                    self.restarts += 1
                    self.offset, self._last_bytes = 0, b""
                self._inode = (status.st_dev, status.st_ino)
                return read(file, status.st_size, is_other)
        except FileNotFoundError:
            return nothing
        except OSError as error:
            raise RunError.unreadable(self._path, error) from error

    def advance(self, data: bytes) -> None:
        """Note what was read from `offset` on."""
        self.offset += len(data)
        self._last_bytes = (self._last_bytes + data[-_FINGERPRINT:])[-_FINGERPRINT:]

    def skip_to(self, offset: int) -> None:
        """Go on at a byte that lies further on."""
        self.offset, self._last_bytes = offset, b""

    def _is_same(self, file: OpenedFile, status: os.stat_result) -> bool:
        if self.offset == 0:
            return True
        if self._inode != (status.st_dev, status.st_ino) or status.st_size < self.offset:
            return False
        known = file.read_at(len(self._last_bytes), self.offset - len(self._last_bytes))
        return known == self._last_bytes


class LineTail:
    """Follows a file that another process appends whole lines to.

    The last line may be half written when we look; it is left for the next time. A file that was
    truncated or replaced is read again from its beginning.
    """

    def __init__(self, path: Path, *, line_limit: int = LINE_LIMIT) -> None:
        self._file, self._line_limit = GrowingFile(path), line_limit
        self._is_inside_refused = False
        self.refused = 0
        """Lines that were longer than the limit and passed over."""
        self.behind = 0
        """Bytes that lay unread after the last look."""

    @property
    def restarts(self) -> int:
        """How often the file turned out to be another one; what was read before is void."""
        return self._file.restarts

    def read_new_lines(self, max_bytes: int = 1 << 20) -> list[str]:
        """Read the same as `read_new_bytes`, as text and without line feeds."""
        # Not splitlines(): U+2028, U+0085 and others are ordinary characters of a text.
        lines = self.read_new_bytes(max_bytes).split(b"\n")[:-1]
        return [line.decode("utf-8", "replace") for line in lines]

    def read_new_bytes(self, max_bytes: int = 1 << 20) -> bytes:
        """Read the whole lines that came since the last time, each with its line feed.

        So many bytes are looked at at most, or one line if it is longer.

        Raises:
            RunError: If the file exists and cannot be read.
        """

        def read(file: OpenedFile, size: int, is_other: bool) -> bytes:
            if is_other:
                self._is_inside_refused = False
            lines = self._next_lines(file, max_bytes)
            self.behind = max(0, size - self._file.offset)
            return lines

        return self._file.look(read, b"")

    def _next_lines(self, file: OpenedFile, max_bytes: int) -> bytes:
        chunk = file.read_at(max_bytes, self._file.offset)
        if b"\n" not in chunk and len(chunk) == max_bytes:
            chunk = file.read_at(max(max_bytes, self._line_limit), self._file.offset)
        end = chunk.rfind(b"\n") + 1
        if end == 0 and len(chunk) >= self._line_limit:
            self.refused += not self._is_inside_refused
            self._is_inside_refused = True
            self._file.advance(chunk)
            return b""
        whole = chunk[:end]
        self._file.advance(whole)
        if whole and self._is_inside_refused:
            whole = whole[whole.index(b"\n") + 1 :]  # the end of the line that was refused
            self._is_inside_refused = False
        return whole if len(whole) <= self._line_limit else self._without_long_lines(whole)

    def _without_long_lines(self, whole: bytes) -> bytes:
        lines = whole.split(b"\n")[:-1]
        short = [line for line in lines if len(line) <= self._line_limit]
        self.refused += len(lines) - len(short)
        return b"".join(line + b"\n" for line in short)


class RunReader:
    """Follows the records of a run."""

    def __init__(self, run: RunDirectory) -> None:
        self._tail = LineTail(run.events)
        self._undecodable = 0

    @property
    def unreadable(self) -> int:
        """Lines that were no records: damaged, or far too long."""
        return self._undecodable + self._tail.refused

    @property
    def restarts(self) -> int:
        """How often the file was replaced by another; forget all earlier records when it rises."""
        return self._tail.restarts

    @property
    def behind(self) -> int:
        """Bytes of the file that are still to be read."""
        return self._tail.behind

    def read_new(self, max_bytes: int = 1 << 20) -> list[Record]:
        """Read the records that came since the last time, of kinds that this version knows.

        So many bytes are looked at at most; call again while `behind` falls.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        records: list[Record] = []
        for item in self.read_new_stretches(max_bytes):
            records += item.records if isinstance(item, BatchStretch) else [item]
        return records

    def read_new_stretches(self, max_bytes: int = 1 << 20) -> list[RecordOrBatch]:
        """Read the same as `read_new`, with batches that follow one another taken together.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        items: list[RecordOrBatch] = []
        for part in split_stretches(self._tail.read_new_bytes(max_bytes)):
            item = part if isinstance(part, BatchStretch) else self._decode(part)
            if item is not None:
                items.append(item)
        return items

    def read_all(self) -> Iterator[RecordOrBatch]:
        """Read the same piece by piece, until nothing is left but a line without its end.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        behind = -1
        while self.behind != behind:
            behind = self.behind
            yield from self.read_new_stretches()

    def _decode(self, line: bytes) -> RecordOrBatch | None:
        """The record of a line, if it is one."""
        try:
            record = decode_record(line.decode("utf-8", "replace")) if line else None
        except ValueError:
            self._undecodable += 1
            return None
        return BatchStretch.of(record) if isinstance(record, BatchTrained) else record


def read_status(run: RunDirectory) -> RunStatus | None:
    """What the trainer is doing by its own state, or None if there is no state.json.

    Raises:
        RunError: If the file cannot be used.
    """
    try:
        return RunStatus.from_json(read_document(run.status, inside=run.path))
    except FileNotFoundError:
        return None


def read_description(run: RunDirectory) -> RunDescription:
    """What the run trains on what.

    Raises:
        RunError: If there is no run, or its run.json cannot be used.
    """
    try:
        return RunDescription.from_json(read_document(run.description, inside=run.path))
    except FileNotFoundError as error:
        raise RunError("{path} is not a run: it has no run.json.", path=run.path) from error


class LogTail:
    """Follows a text that grows, from near its end on; a file of any size is opened at once.

    Unlike the records of a run (`LineTail`), a log need not be read whole: of what came since the
    last look, only the end is read. A last line without its end is left for the next look, and
    given as it is if it has not grown by then, since a process that crashed goes on with nothing.
    """

    def __init__(self, path: Path, *, look: int = DEFAULT_LOOK) -> None:
        self._file, self._look = GrowingFile(path), look
        self._torn = b""
        """What the last look left, since it had no end."""
        self._gave_torn = False
        """Whether the last line was given without its end."""
        self.has_passed_over = False
        """Whether some of the file was never read, since only its end was."""

    @property
    def restarts(self) -> int:
        """How often the file turned out to be another one; what was read before is void."""
        return self._file.restarts

    def read_new(self) -> list[str]:
        """Read the lines that came since the last look, without their ends.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        return self._file.look(self._read, [])

    def _read(self, file: OpenedFile, size: int, is_other: bool) -> list[str]:
        if is_other:
            self._torn = b""
            self._gave_torn = self.has_passed_over = False
        self._pass_over(file, size - self._look)
        data = file.read_at(self._look, self._file.offset)
        end = data.rfind(b"\n") + 1
        torn = data[end:]
        if torn and (torn == self._torn or len(torn) > _TORN_LIMIT):
            end, torn = len(data), b""
        self._torn = torn
        return self._take(data[:end])

    def _pass_over(self, file: OpenedFile, first: int) -> None:
        """Go on at the first line that begins at a byte or after it, if that is further on."""
        if first <= self._file.offset:
            return
        begin = file.read_at(_TORN_LIMIT, first).find(b"\n") + 1
        self._file.skip_to(first + begin)
        self._gave_torn = False
        self.has_passed_over = True

    def _take(self, data: bytes) -> list[str]:
        if not data:
            return []
        self._file.advance(data)
        if self._gave_torn and data.startswith(b"\n"):
            data = data[1:]  # the end of the line that was given without it
        self._gave_torn = not data.endswith(b"\n") if data else False
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]


def read_log_end(path: Path, *, look: int = 64 << 10) -> list[str]:
    """The last lines of a log, as far as they lie in so many bytes; none if there is no log.

    Raises:
        RunError: If the file exists and cannot be read.
    """
    tail = LogTail(path, look=look)
    return [*tail.read_new(), *tail.read_new()]  # the second look takes a line without its end
