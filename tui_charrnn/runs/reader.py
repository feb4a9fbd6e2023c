"""Read a run, without writing, locking or keeping files open."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from tui_charrnn.errors import RunError
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.file_system import OpenedFile, open_to_read
from tui_charrnn.runs.json_values import read_document
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import LARGEST_NUMBER, BatchTrained, Record, decode_record

LINE_LIMIT: Final = 1 << 20
"""Maximum bytes of a line; a longer one is not a record."""
_TORN_LIMIT: Final = 16 << 10
"""Bytes of an unfinished line after which its end is no longer awaited."""
_FINGERPRINT: Final = 64
"""Bytes before the read position that identify the file on the next read."""


class _GrowingFile:
    """A read position in a file that may be missing at first, truncated or replaced."""

    def __init__(self, path: Path) -> None:
        """Start at the beginning; only the last part of the path may not be a link."""
        self._path = path
        self._inode = (0, 0)
        self._last_bytes = b""
        self._offset = 0
        """Where the next read begins."""
        self.restarts = 0
        """How often the file was replaced; discard everything read before when it rises."""

    @contextmanager
    def _opened(self) -> Iterator[tuple[OpenedFile, int, bool] | None]:
        """Open the file to read from the current position; from the beginning if it was replaced.

        Yields:
            The file, its size, and whether it was replaced; None if it is missing.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        with RunError.if_unreadable(self._path):
            try:
                opened = open_to_read(self._path, inside=self._path.parent)
            except FileNotFoundError:
                yield None
                return
            with opened as file:
                status = file.stat()
                if not stat.S_ISREG(status.st_mode):
                    raise RunError("{path} is not a file.", path=self._path)
                is_other = not self._is_same(file, status)
                if is_other:
                    self.restarts += 1
                    self._offset, self._last_bytes = 0, b""
                self._inode = (status.st_dev, status.st_ino)
                yield file, status.st_size, is_other

    def _advance(self, data: bytes) -> None:
        """Advance the position by the data that was read at `_offset`."""
        self._offset += len(data)
        self._last_bytes = (self._last_bytes + data[-_FINGERPRINT:])[-_FINGERPRINT:]

    def _is_same(self, file: OpenedFile, status: os.stat_result) -> bool:
        if self._offset == 0:
            return True
        if self._inode != (status.st_dev, status.st_ino) or status.st_size < self._offset:
            return False
        known = file.read_at(len(self._last_bytes), self._offset - len(self._last_bytes))
        return known == self._last_bytes


_STEP: Final = rb"([1-9][0-9]{0,14})"  # up to LARGEST_STEP
# For every match, float() either equals the JSON value or raises. Numbers without a point, with a
# sign, or with a plus in the exponent do not match and are left to the JSON parser.
_NUMBER: Final = rb"((?:0|[1-9][0-9]{0,14})(?:\.[0-9]|e-)[0-9e-]{0,23})"
_LINE: Final = re.compile(
    rb'\{"kind":"batch","step":%b,"loss":%b,"learning_rate":%b,"gradient_norm":%b,"elapsed":%b\}\n'
    rb"|([^\n]*)\n" % (_STEP, *[_NUMBER] * 4)
)
_PERIOD: Final = _LINE.groups + 1
"""Items of `re.split` per line: the (empty) text before it, then its groups."""


@dataclass(frozen=True, slots=True)
class BatchStretch:
    """One or more consecutive batch records, one column per field.

    Equivalent to a list of `BatchTrained`, at a fraction of the cost.
    """

    steps: Sequence[int]
    losses: Sequence[float]
    learning_rates: Sequence[float]
    gradient_norms: Sequence[float]
    elapsed: Sequence[float]

    @classmethod
    def of(cls, record: BatchTrained) -> "BatchStretch":
        """Return a stretch of one batch."""
        return cls(*((value,) for value in astuple(record)))

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def records(self) -> list[BatchTrained]:
        """The batches as single records."""
        return list(map(BatchTrained, *self._columns))

    @property
    def newest(self) -> BatchTrained:
        """The last record."""
        return BatchTrained(*(column[-1] for column in self._columns))

    @property
    def _columns(self) -> tuple[Any, ...]:
        """All columns, in the field order of `BatchTrained`."""
        return self.steps, self.losses, self.learning_rates, self.gradient_norms, self.elapsed


RecordOrBatch: TypeAlias = Record | BatchStretch
"""An item of a log: a record, or several batches combined."""


def split_stretches(lines: bytes) -> list[BatchStretch | bytes]:
    """Split lines into stretches of batches, and other lines without their ends.

    Nearly all lines of a long run are batches. Lines exactly as written by `encode_record` are
    parsed by a regular expression; the others are left to `decode_record`.
    """
    fields = _LINE.split(lines)
    others = fields[_PERIOD - 1 :: _PERIOD]
    parts: list[BatchStretch | bytes] = []
    begin = 0
    try:
        for place in [place for place, line in enumerate(others) if line is not None]:
            parts += _batches(fields, begin, place)
            parts.append(others[place])
            begin = place + 1
        parts += _batches(fields, begin, len(others))
    except ValueError:  # not a valid number after all
        return [*lines.split(b"\n")[:-1]]
    return parts


def _batches(fields: list[bytes], begin: int, end: int) -> list[BatchStretch]:
    """Return the stretch of the lines from `begin` to `end`, in a list; empty if there are none."""
    if begin == end:
        return []
    stop = end * _PERIOD
    steps, *columns = (fields[begin * _PERIOD + group : stop : _PERIOD] for group in range(1, 6))
    numbers = [list(map(float, column)) for column in columns]
    if not sum(map(sum, numbers)) <= LARGEST_NUMBER:  # none is negative
        raise ValueError("A number is too large.")
    return [BatchStretch(list(map(int, steps)), *numbers)]


class RunReader(_GrowingFile):
    """Follows the records of a run, while its trainer appends lines.

    An incomplete last line is left for the next read. A file that was truncated or replaced is read
    again from the beginning.
    """

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(run.events)
        self._is_inside_refused = False
        self.unreadable = 0
        """Number of lines that are not records: damaged or too long."""
        self.behind = 0
        """Unread bytes after the last read."""

    def read_new_lines(self, max_bytes: int = LINE_LIMIT) -> list[str]:
        """Read as `read_new_bytes` does, and return text without line feeds."""
        # Not splitlines(): U+2028, U+0085 and others are ordinary characters here.
        lines = self.read_new_bytes(max_bytes).split(b"\n")[:-1]
        return [line.decode("utf-8", "replace") for line in lines]

    def read_new_bytes(self, max_bytes: int = LINE_LIMIT) -> bytes:
        """Read the complete lines since the last call, each with its line feed.

        Reads at most `max_bytes`, or one line if it is longer; `LINE_LIMIT` is the maximum of both.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        with self._opened() as opened:
            if opened is None:
                return b""
            file, size, is_other = opened
            if is_other:
                self._is_inside_refused = False
            lines = self._next_lines(file, max_bytes)
            self.behind = max(0, size - self._offset)
            return lines

    def read_new_stretches(self, max_bytes: int = LINE_LIMIT) -> list[RecordOrBatch]:
        """Read the records since the last call, with consecutive batches combined.

        Skips unknown kinds. Reads at most `max_bytes`; call again while `behind` falls.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        items: list[RecordOrBatch] = []
        for part in split_stretches(self.read_new_bytes(max_bytes)):
            item = part if isinstance(part, BatchStretch) else self._decode(part)
            if item is not None:
                items.append(item)
        return items

    def read_all(self) -> Iterator[RecordOrBatch]:
        """Yield all records, until only an incomplete line is left.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        behind = -1
        while self.behind != behind:
            behind = self.behind
            yield from self.read_new_stretches()

    def _decode(self, line: bytes) -> RecordOrBatch | None:
        """Return the record of a line; None if it is not one or of an unknown kind."""
        try:
            record = decode_record(line.decode("utf-8", "replace")) if line else None
        except ValueError:
            self.unreadable += 1
            return None
        return BatchStretch.of(record) if isinstance(record, BatchTrained) else record

    def _next_lines(self, file: OpenedFile, max_bytes: int) -> bytes:
        chunk = file.read_at(max_bytes, self._offset)
        if b"\n" not in chunk and len(chunk) == max_bytes:
            chunk = file.read_at(LINE_LIMIT, self._offset)
        end = chunk.rfind(b"\n") + 1
        if end == 0 and len(chunk) >= LINE_LIMIT:
            self.unreadable += not self._is_inside_refused
            self._is_inside_refused = True
            self._advance(chunk)
            return b""
        whole = chunk[:end]
        self._advance(whole)
        if whole and self._is_inside_refused:
            whole = whole[whole.index(b"\n") + 1 :]  # the end of the line that was refused
            self._is_inside_refused = False
        return whole


def read_status(run: RunDirectory) -> RunStatus | None:
    """Return the trainer's status; None if there is no state.json.

    Raises:
        RunError: If the file cannot be used.
    """
    try:
        return read_document(run.status, RunStatus.from_json, inside=run.path)
    except FileNotFoundError:
        return None


def read_description(run: RunDirectory) -> RunDescription:
    """Return the run's description.

    Raises:
        RunError: If there is no run, or its run.json cannot be used.
    """
    try:
        return read_document(run.description, RunDescription.from_json, inside=run.path)
    except FileNotFoundError as error:
        raise RunError("{path} is not a run: it has no run.json.", path=run.path) from error


class LogTail(_GrowingFile):
    """Follows the end of a growing text file, in constant time for any size.

    Unlike `RunReader`, it skips text: of the lines added since the last read, only the end is read.
    An incomplete last line is left for the next read, and returned then if it has not grown, as the
    process may have crashed.
    """

    def __init__(self, path: Path, *, window: int = 256 << 10) -> None:
        """Start near the end; `window` is the maximum of bytes to read per call."""
        super().__init__(path)
        self._window = window
        self._torn = b""
        """The incomplete line that the last read left."""
        self._gave_torn = False
        """Whether the last line was returned incomplete."""
        self.has_passed_over = False
        """Whether some of the file was skipped."""

    def read_new(self) -> list[str]:
        """Read the lines since the last call, without line ends.

        Raises:
            RunError: If the file exists and cannot be read.
        """
        with self._opened() as opened:
            if opened is None:
                return []
            file, size, is_other = opened
            if is_other:
                self._torn = b""
                self._gave_torn = self.has_passed_over = False
            self._pass_over(file, size - self._window)
            data = file.read_at(self._window, self._offset)
        end = data.rfind(b"\n") + 1
        torn = data[end:]
        if torn and (torn == self._torn or len(torn) > _TORN_LIMIT):
            end, torn = len(data), b""
        self._torn = torn
        return self._take(data[:end])

    def read_rest(self) -> list[str]:
        """Read as `read_new` does, and return an incomplete last line at once."""
        return [*self.read_new(), *self.read_new()]

    def _pass_over(self, file: OpenedFile, first: int) -> None:
        """Skip to the first line that begins at byte `first` or later."""
        if first <= self._offset:
            return
        begin = file.read_at(_TORN_LIMIT, first).find(b"\n") + 1
        self._offset, self._last_bytes = first + begin, b""
        self._gave_torn = False
        self.has_passed_over = True

    def _take(self, data: bytes) -> list[str]:
        if not data:
            return []
        self._advance(data)
        if self._gave_torn and data.startswith(b"\n"):
            data = data[1:]  # the end of the line that was returned without it
        self._gave_torn = not data.endswith(b"\n") if data else False
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in lines]
