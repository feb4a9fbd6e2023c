"""Follows a run: polls its directory and applies what is new to a view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from textual.widget import Widget

from tui_charrnn.errors import CharRNNError, RunError
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import AT_WORK, Liveness, Verdict
from tui_charrnn.runs.reader import (
    LogTail,
    RecordOrBatch,
    RunReader,
    read_description,
    read_status,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.messages import RunChanged
from tui_charrnn.tui.session import Session
from tui_charrnn.viewing.run_view import Notice, RunView

POLL_INTERVAL: Final = 0.5  # seconds
RETRY_INTERVAL: Final = 2.0  # seconds, after a failure
_READ_AT_ONCE: Final = 1 << 18  # bytes of events.jsonl, decoded in about 5 ms
_PIECE_TIME: Final = 0.1  # seconds of reading a long log between two drawings
_MOST_PRINTED: Final = 1_000  # lines
_CLOCK_INTERVAL: Final = 1.0  # seconds; a live run is posted at least so often, for its clock


class RunUpdate(NamedTuple):
    """What is new in a run directory since the last poll."""

    records: tuple[RecordOrBatch, ...]
    status: RunStatus | None
    life: Verdict
    is_history: bool
    """Whether these records were written before the app first read the log."""
    starts_over: bool
    """Whether the log file was replaced: all that was read from the old one is invalid."""


FeedNews: TypeAlias = RunUpdate | RunDescription | Exception | tuple[str, ...]
"""The description of a run, an update, a read error, or the last lines of the trainer's log."""


class RunFeed:
    """Reads what is new in a run directory; the first update includes the trainer's status."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._reader = RunReader(run)
        self._log = LogTail(run.log)
        self._printed: tuple[str, ...] = ()
        self._restarts = 0
        self._liveness = Liveness()
        self._has_caught_up = False
        self._is_described = False
        self._is_behind = True
        """Whether more can be read immediately."""
        self._posted: tuple[RunStatus | None, Verdict] | None = None
        self._posted_at = 0.0

    def poll(self, show: Callable[[FeedNews], None]) -> float:
        """Read once and show what is new."""
        pause = self._poll_run(show)
        self._poll_log(show)
        return pause

    def _poll_run(self, show: Callable[[FeedNews], None]) -> float:
        try:
            if not self._is_described:
                show(read_description(self.run))
                self._is_described = True
            if not self.run.description.exists():
                raise RunError("{path} is gone: it was moved or deleted.", path=self.run.path)
            self._poll_records(show)
        except (CharRNNError, OSError) as error:  # a network drive may come back
            self._posted = None  # the next update is posted even if nothing else is new
            show(error)
            return RETRY_INTERVAL
        return 0.0 if self._is_behind else POLL_INTERVAL

    def _poll_log(self, show: Callable[[FeedNews], None]) -> None:
        before, restarts = self._printed, self._log.restarts
        try:
            new = self._log.read_new()
        except CharRNNError as error:
            new = [] if str(error) in before[-1:] else [str(error)]
        kept = before if self._log.restarts == restarts else ()
        self._printed = (*kept, *new)[-_MOST_PRINTED:]
        if self._printed != before:
            show(self._printed)

    def _poll_records(self, show: Callable[[FeedNews], None]) -> None:
        # before the records: once the status says that the trainer ended, all records are written
        status = read_status(self.run)
        records = self._read_piece()
        life: Verdict = self._liveness.judge(status)
        now = time.monotonic()
        is_due = life in AT_WORK and now - self._posted_at >= _CLOCK_INTERVAL
        starts_over = self._reader.restarts > self._restarts
        if records or is_due or starts_over or self._posted != (status, life):
            self._posted, self._posted_at = (status, life), now
            self._restarts = self._reader.restarts
            if starts_over:
                self._log, self._printed = LogTail(self.run.log), ()
            is_history = not self._has_caught_up
            show(RunUpdate(records, status, life, is_history, starts_over))
        self._has_caught_up = self._has_caught_up or not self._is_behind

    def _read_piece(self) -> tuple[RecordOrBatch, ...]:
        """Read what is new for one drawing; at first only a little, for a quick first drawing."""
        read: list[RecordOrBatch] = []
        end = time.monotonic() + (0.0 if self._posted is None else _PIECE_TIME)
        is_behind = True
        while is_behind:
            behind, restarts = self._reader.behind, self._reader.restarts
            try:
                new = self._reader.read_new_stretches(_READ_AT_ONCE)
            except (CharRNNError, OSError):
                if not read:
                    raise
                break  # keep what was read; the next poll tries again
            read = new if self._reader.restarts > restarts else read + new
            # a line that a dead trainer did not finish stays unread
            is_behind = self._reader.behind not in {0, behind}
            if time.monotonic() >= end:
                break
        self._is_behind = is_behind
        return tuple(read)


class RunFollower(Widget):
    """Applies the updates of a `RunFeed` to a view and posts `RunChanged`; draws nothing."""

    def __init__(
        self,
        session: Session,
        on_update: Callable[[RunUpdate, list[Notice]], object] = lambda *_: None,
    ) -> None:
        """Follow no run yet; `on_update` is called with each applied update and its notices."""
        super().__init__()
        self.view: RunView | None = None
        """The data of the followed run; None if there is none."""
        self._session = session
        self._on_update = on_update
        self._feed: Poller[FeedNews] | None = None

    def on_unmount(self) -> None:
        """Stop the thread."""
        if self._feed is not None:
            self._feed.stop()

    def follow(self, run: RunDirectory | None) -> None:
        """Follow a run in place of any other; None follows none."""
        if self._feed is not None:
            self._feed.stop()
        self.view, self._feed = None, None
        if run is not None:
            self.view = RunView(run)
            self._feed = Poller("run-feed", RunFeed(run).poll, self.call_later, self._take)
            self._feed.start()
        self.post_message(RunChanged())

    def _take(self, update: FeedNews) -> None:
        """Apply an update of the feed; after an error, the feed tries again."""
        view = self.view
        if view is None:
            return
        if isinstance(update, RunUpdate):
            view.problem = ""
            if update.starts_over:
                view.forget()
            notices = view.take(update.records)
            view.exit_code = self._session.exit_code(view.run, update.status)
            is_lost = view.exit_code is not None and update.life != "ended"
            view.observe(update.status, "lost" if is_lost else update.life, time.monotonic())
            self._on_update(update, notices)
        elif isinstance(update, Exception):
            view.problem = safe_line(str(update))
        elif isinstance(update, RunDescription):
            view.description = update
        else:
            view.printed = update
        self.post_message(RunChanged())
