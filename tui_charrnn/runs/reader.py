"""The reading end of a run: nothing here writes, locks, or keeps a file open."""

from pathlib import Path
from typing import Final

from tui_charrnn.errors import RunError
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.file_system import OpenedFile
from tui_charrnn.runs.json_values import read_document
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.log_tail import GrowingFile
from tui_charrnn.runs.record_codec import (
    BatchStretch,
    RecordOrBatch,
    decode_record,
    split_stretches,
)
from tui_charrnn.runs.records import Record

LINE_LIMIT: Final = 1 << 20
"""Bytes of the longest line that is read; a longer one is no record."""


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

    def _decode(self, line: bytes) -> Record | None:
        """The record of a line, if it is one."""
        try:
            return decode_record(line.decode("utf-8", "replace")) if line else None
        except ValueError:
            self._undecodable += 1
            return None


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
