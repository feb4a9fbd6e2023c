"""Follows a run: polls its directory, updates its view, and sends requests to its trainer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from textual.widget import Widget

from tui_charrnn.errors import CharRNNError, RunError
from tui_charrnn.runs.control import new_request_id, send_request
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import AT_WORK, Liveness, Verdict
from tui_charrnn.runs.reader import RecordOrBatch, RunReader, read_description, read_status
from tui_charrnn.runs.records import RequestAnswered
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, Poller
from tui_charrnn.tui.hints import finished_hint
from tui_charrnn.tui.messages import NoteWritten, RunChanged
from tui_charrnn.tui.session import READ_ONLY, Session
from tui_charrnn.viewing.run_view import RunView

POLL_INTERVAL: Final = 0.5  # seconds
RETRY_INTERVAL: Final = 2.0  # seconds, after a failure
PATIENCE: Final = 5.0
"""Seconds after which a missing answer is reported; a trainer reads requests between batches."""
_READ_AT_ONCE: Final = 1 << 18  # bytes of events.jsonl, decoded in about 5 ms
_PIECE_TIME: Final = 0.1  # seconds of reading a long log between two drawings
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


class RunFeed(Poller[RunUpdate | RunDescription | Exception]):
    """Polls a run directory twice a second.

    The first update includes the status of the trainer. The thread is a daemon, so a read that
    hangs on a dead network drive does not keep the app open.
    """

    def __init__(
        self,
        run: RunDirectory,
        call_later: Callable[..., object],
        take: Callable[[RunUpdate | RunDescription | Exception], object],
    ) -> None:
        """Set the run; `start` follows it.

        Args:
            run: The run directory to poll.
            call_later: See `Poller`.
            take: Handles the description of the run, updates, and read errors.
        """
        super().__init__("run-feed", call_later, take)
        self.run = run
        self._reader = RunReader(run)
        self._restarts = 0
        self._liveness = Liveness()
        self._has_caught_up = False
        self._is_described = False
        self._is_behind = True
        """Whether more can be read immediately."""
        self._posted: tuple[RunStatus | None, Verdict] | None = None
        self._posted_at = 0.0

    def poll(self) -> float:
        """Read once and show what is new."""
        try:
            if not self._is_described:
                self.show(read_description(self.run))
                self._is_described = True
            if not self.run.description.exists():
                raise RunError("{path} is gone: it was moved or deleted.", path=self.run.path)
            self._poll()
        except (CharRNNError, OSError) as error:  # a network drive may come back
            self._posted = None  # the next update is posted even if nothing else is new
            self.show(error)
            return RETRY_INTERVAL
        return 0.0 if self._is_behind else POLL_INTERVAL

    def _poll(self) -> None:
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
            is_history = not self._has_caught_up
            self.show(RunUpdate(records, status, life, is_history, starts_over))
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


NO_TRAINER: Final = "Nothing is being trained here."
"""In English; translated where it is shown."""


class Pending(NamedTuple):
    """A request that the trainer has not answered yet."""

    id: str
    request: str
    words: str
    """The request as safe text, as in `asked to save`."""
    sent_at: float
    """Seconds on the monotonic clock of the viewer."""


class PendingRequests:
    """Tracks requests until the trainer answers them."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}
        self._reported: set[str] = set()

    def add(self, pending: Pending) -> None:
        """Add a request."""
        self._waiting[pending.id] = pending

    def drop(self, identifier: str) -> None:
        """Remove a request that could not be sent."""
        self._waiting.pop(identifier, None)

    def take(self, records: Iterable[RecordOrBatch]) -> None:
        """Remove the requests that the records answer."""
        for record in records:
            if isinstance(record, RequestAnswered):
                self._waiting.pop(record.id, None)

    def clear(self) -> None:
        """Remove all requests, as after the end of the trainer."""
        self._waiting.clear()

    def is_waiting(self, request: str) -> bool:
        """Whether a request of this kind has no answer yet."""
        return any(pending.request == request for pending in self._waiting.values())

    @property
    def words(self) -> str:
        """All requests without an answer, as text; empty if there is none."""
        return ", ".join(dict.fromkeys(pending.words for pending in self._waiting.values()))

    def overdue(self, now: float) -> list[Pending]:
        """Return the requests older than `PATIENCE` at `now`; each is returned once."""
        late = [
            pending
            for pending in self._waiting.values()
            if now - pending.sent_at >= PATIENCE and pending.id not in self._reported
        ]
        self._reported.update(pending.id for pending in late)
        return late


class RunFollower(Widget):
    """Applies the updates of a `RunFeed` to a view and posts `RunChanged`; draws nothing."""

    DEFAULT_CSS = "RunFollower { display: none; }"

    def __init__(self, session: Session, *, posts_notices: bool) -> None:
        """Follow no run yet; with `posts_notices`, notices about the run are shown as notes."""
        super().__init__()
        self.view: RunView | None = None
        """The data of the followed run; None if there is none."""
        self.pending = PendingRequests()
        self._session = session
        self._posts_notices = posts_notices
        self._feed: RunFeed | None = None
        self._requests: list[BackgroundTask] = []
        self._sending = threading.Lock()
        """Held while a request is written: one at a time."""

    def on_unmount(self) -> None:
        """Stop the thread."""
        if self._feed is not None:
            self._feed.stop()

    def follow(self, run: RunDirectory | None) -> None:
        """Follow a run in place of any other; None follows none."""
        if self._feed is not None:
            self._feed.stop()
        self.pending.clear()
        self.view, self._feed = None, None
        if run is not None:
            self.view = RunView(run)
            self._feed = RunFeed(run, self.call_later, self._take)
            self._feed.start()
        self.post_message(RunChanged())

    def ask(self, request: str, words: str, **arguments: Any) -> None:
        """Send a request to the trainer, which answers with a record.

        `words` is the request as translated text, as in `asked to save`.
        """
        view = self.view
        if view is None or not view.is_live:
            self.post_message(NoteWritten(tr(NO_TRAINER)))
        elif self._session.is_readonly:
            self.post_message(NoteWritten(tr(READ_ONLY)))
        else:
            identifier = new_request_id()
            self.pending.add(Pending(identifier, request, words, time.monotonic()))
            self.post_message(NoteWritten(tr("The trainer is {words} …", words=words)))
            self.post_message(RunChanged())
            self._send(view.run, request, identifier, arguments)

    def _send(
        self, run: RunDirectory, request: str, identifier: str, arguments: dict[str, Any]
    ) -> None:
        """Write the request in a thread."""

        def send(_: BackgroundTask) -> None:
            try:
                with self._sending:
                    send_request(run, request, identifier=identifier, **arguments)
            except CharRNNError as error:
                self.call_later(self._refuse, identifier, error)

        self._requests.append(BackgroundTask("request", send))

    def finish_requests(self, seconds: float) -> None:
        """Wait until all requests are written, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        for task in self._requests:
            task.join(max(0.0, deadline - time.monotonic()))

    def _refuse(self, identifier: str, error: CharRNNError) -> None:
        """Show why a request could not be sent, and expect no answer."""
        self.pending.drop(identifier)
        self.post_message(NoteWritten(safe_line(str(error)), is_problem=True))
        self.post_message(RunChanged())

    def _take(self, update: RunUpdate | RunDescription | Exception) -> None:
        """Apply an update of the feed; after an error, the feed tries again."""
        view = self.view
        if view is None:
            return
        if isinstance(update, RunUpdate):
            view.problem = ""
            if update.starts_over:
                view.forget()
            notices = view.take(update.records)
            has_lost_trainer = self._session.has_lost_trainer(view.run, update.status)
            is_lost = has_lost_trainer and update.life != "ended"
            view.observe(update.status, "lost" if is_lost else update.life, time.monotonic())
            for notice in notices if self._posts_notices and not update.is_history else []:
                sentence = notice.sentence
                if notice.is_finish:
                    sentence = finished_hint(has_samples=bool(view.samples))
                is_problem = notice.severity != "information"
                self.post_message(NoteWritten(sentence, is_problem=is_problem))
            self._follow_requests(update)
        elif isinstance(update, Exception):
            view.problem = safe_line(str(update))
        else:
            view.description = update
        self.post_message(RunChanged())

    def _follow_requests(self, update: RunUpdate) -> None:
        """Remove answered requests, and report overdue ones."""
        self.pending.take(update.records)
        if self.view is None or not self.view.is_live:
            self.pending.clear()
        for late in self.pending.overdue(time.monotonic()):
            sentence = tr(
                "No answer yet: the trainer was {words}. It reads requests between batches, not "
                "while it is silent."
                if self.view is not None and self.view.life == "silent"
                else "No answer yet: the trainer was {words}. It reads requests between batches, "
                "not while it is busy.",
                words=late.words,
            )
            self.post_message(NoteWritten(sentence, is_problem=True))
