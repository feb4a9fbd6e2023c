"""The writing end of events.jsonl: whole lines, none lost while the disk is full."""

import threading
from collections import deque
from pathlib import Path
from typing import Final

from tui_charrnn.errors import StorageError
from tui_charrnn.runs.file_system import cause_words
from tui_charrnn.runs.opened_file import open_to_read
from tui_charrnn.runs.storage import Storage

BACKLOG_LIMIT: Final = 10_000
"""Lines that are held back while the disk refuses them, about 2 MB; then the oldest go."""


class EventLog:
    """Appends lines to a file, each with one write; what is refused is kept and tried again.

    A line of which only a part was taken is continued, not begun again, so the file never holds
    a torn line in its middle. Safe to use from several threads.
    """

    def __init__(self, path: Path, storage: Storage) -> None:
        ends_whole = _ends_with_newline(path)
        self._path, self._storage = path, storage
        self._file = storage.open_to_append(path)
        self._guard = threading.Lock()
        # A trainer that died in the middle of a line left it torn; the next begins on a new line.
        self._backlog: deque[bytes] = deque([] if ends_whole else [b"\n"])
        self._is_torn = False
        self.dropped = 0
        """Lines that were given up because too many waited."""
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
        self.problem, self.cause = str(error), cause_words(error)

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
            self.dropped += 1


def _ends_with_newline(path: Path) -> bool:
    """Whether a line can begin at the end of the file: it is empty, missing or ends with one."""
    try:
        with open_to_read(path, inside=path.parent) as file:
            return file.read_at(1, max(0, file.facts().st_size - 1)) in {b"", b"\n"}
    except FileNotFoundError:
        return True
    except OSError:
        return False  # an empty line too many is passed over by readers
