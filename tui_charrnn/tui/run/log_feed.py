"""Follows a run's log in a thread and tells the log pane what is new in it."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final

from textual.message import Message

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.log_tail import LogTail
from tui_charrnn.viewing.log_lines import LogLine, LogSorter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.runs.layout import RunDirectory

POLL_INTERVAL: Final = 0.5  # seconds


class LogRead(Message):
    """A log was read for the first time, or lines are new in it."""

    def __init__(
        self,
        feed: LogFeed,
        lines: tuple[LogLine, ...],
        *,
        starts_over: bool,
        is_whole: bool = True,
    ) -> None:
        self.feed = feed
        self.lines = lines
        self.starts_over = starts_over
        """Whether the log is another file than before: what was read from it is void."""
        self.is_whole = is_whole
        """Whether all lines of the log were told so far; of a long one, only its end is read."""
        super().__init__()


class LogFeed:
    """A thread that looks into a log twice a second while it is watched, and rests otherwise.

    As `RunFeed`, it waits until the pane has taken what it told, and is a daemon.
    """

    def __init__(self, run: RunDirectory, announce: Callable[[Message], object]) -> None:
        """Name the run; `start` follows its log.

        Args:
            run: The run directory to look into.
            announce: Posts a message to the pane; safe to call from any thread.
        """
        self.run = run
        self._announce = announce
        self._tail = LogTail(run.log)
        self._sorter = LogSorter()
        self._notes: queue.SimpleQueue[LogLine] = queue.SimpleQueue()
        self._restarts = 0
        self._problem = ""
        self._has_looked = False
        self._is_watched = False
        self._is_stopped = False
        self._waking = threading.Event()
        self._taken = threading.Event()

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._follow, daemon=True, name="log-feed").start()

    def stop(self) -> None:
        """Look no more; nothing is told after this."""
        self._is_stopped = True
        self._waking.set()
        self._taken.set()

    def watch(self, *, is_watched: bool) -> None:
        """Say whether anybody sees the log."""
        self._is_watched = is_watched
        self._waking.set()

    def note(self, line: LogLine) -> None:
        """Put a line of ours after what the log holds by now."""
        self._notes.put(line)
        self._waking.set()

    def taken(self) -> None:
        """Say that the last message has been dealt with."""
        self._taken.set()

    def _follow(self) -> None:
        while not self._is_stopped:
            if self._is_watched or not self._notes.empty():
                self._look()
            self._waking.wait(POLL_INTERVAL if self._is_watched else None)
            self._waking.clear()

    def _look(self) -> None:
        """Read once and tell what is new."""
        notes = [self._notes.get() for _ in range(self._notes.qsize())]
        lines = self._read()
        starts_over = self._tail.restarts > self._restarts
        self._restarts = self._tail.restarts
        if lines or notes or starts_over or not self._has_looked:
            self._taken.clear()
            if not self._is_stopped:
                self._has_looked = True
                self._announce(
                    LogRead(
                        self,
                        (*lines, *notes),
                        starts_over=starts_over,
                        is_whole=not self._tail.has_passed_over,
                    )
                )
                self._taken.wait()

    def _read(self) -> list[LogLine]:
        try:
            lines = [self._sorter.sort(line) for line in self._tail.read_new()]
        except CharRNNError as error:  # a network drive may come back
            lines, said = [], str(error)
        else:
            said = ""
        if said and said != self._problem:
            lines.append(self._sorter.sort(f"charrnn-tui: {said}"))
        self._problem = said
        return lines
