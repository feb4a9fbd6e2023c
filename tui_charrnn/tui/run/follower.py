"""Keeps what is known of a run up to date from its directory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from textual.widget import Widget

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.control import new_request_id, send_request
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Liveness, Verdict
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.runs.record_codec import RecordOrBatch
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
"""Seconds after which a missing answer is worth a sentence: a trainer looks between two batches."""
_READ_AT_ONCE: Final = 1 << 18  # bytes of events.jsonl, decoded in some 5 ms
_PIECE_TIME: Final = 0.1  # seconds of reading a long log between two pictures of it
_CLOCK_INTERVAL: Final = 1.0  # seconds; a live run is posted at least so often, for its clock


class RunNews(NamedTuple):
    """What is new in a run directory."""

    records: tuple[RecordOrBatch, ...]
    status: RunStatus | None
    life: Verdict
    is_history: bool
    """Whether these records were written before the app looked for the first time."""
    starts_over: bool
    """Whether the log is another file than before: what was read from it is void."""


class RunFeed(Poller[RunNews | RunDescription | Exception]):
    """Looks into a run directory twice a second.

    The status of the trainer comes with the first piece. As a daemon, a read that hangs on a
    dead network drive keeps nobody.
    """

    def __init__(
        self,
        run: RunDirectory,
        call_later: Callable[..., object],
        take: Callable[[RunNews | RunDescription | Exception], object],
    ) -> None:
        """Name the run; `start` follows it.

        Args:
            run: The run directory to look into.
            call_later: See `Poller`.
            take: Takes what the run is, what is new in it, and why it cannot be read.
        """
        super().__init__("run-feed", call_later, take)
        self.run = run
        self._reader = RunReader(run)
        self._restarts = 0
        self._liveness = Liveness()
        self._has_caught_up = False
        self._is_described = False
        self._is_behind = True
        """Whether more can be read at once."""
        self._posted: tuple[RunStatus | None, Verdict] | None = None
        self._posted_at = 0.0

    def look(self) -> float:
        """Read once and announce what is new."""
        try:
            if not self._is_described:
                self.show(read_description(self.run))
                self._is_described = True
            self._look()
        except (CharRNNError, OSError) as error:  # a network drive may come back
            self.show(error)
            return RETRY_INTERVAL
        return 0.0 if self._is_behind else POLL_INTERVAL

    def _look(self) -> None:
        # before the records: a trainer that has ended wrote them all
        status = read_status(self.run)
        records = self._read_piece()
        life: Verdict = self._liveness.judge(status)
        now = time.monotonic()
        is_due = life in {"alive", "silent"} and now - self._posted_at >= _CLOCK_INTERVAL
        starts_over = self._reader.restarts > self._restarts
        if records or is_due or starts_over or self._posted != (status, life):
            self._posted, self._posted_at = (status, life), now
            self._restarts = self._reader.restarts
            is_history = not self._has_caught_up
            self.show(RunNews(records, status, life, is_history, starts_over))
        self._has_caught_up = self._has_caught_up or not self._is_behind

    def _read_piece(self) -> tuple[RecordOrBatch, ...]:
        """Read as much of what is new as makes one picture; of the first, the beginning."""
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
                break  # what was read would be lost; the next look fails again, or does not
            read = new if self._reader.restarts > restarts else read + new
            # a line that a dead trainer left torn is behind for ever
            is_behind = self._reader.behind not in {0, behind}
            if time.monotonic() >= end:
                break
        self._is_behind = is_behind
        return tuple(read)


NO_TRAINER: Final = "Nothing is being trained here."
"""In English; translated where it is shown."""


class Pending(NamedTuple):
    """A request that waits for its answer."""

    id: str
    request: str
    words: str
    """What is asked for, as in `asked to save`; safe to show."""
    asked_at: float
    """Seconds, on the viewer's monotonic clock."""


class PendingRequests:
    """Knows what was asked, and what of it was answered."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}
        self._told: set[str] = set()

    def add(self, pending: Pending) -> None:
        """Remember that something was asked."""
        self._waiting[pending.id] = pending

    def drop(self, identifier: str) -> None:
        """Forget a request that could not be sent."""
        self._waiting.pop(identifier, None)

    def take(self, records: Iterable[RecordOrBatch]) -> None:
        """Strike out what the records answer."""
        for record in records:
            if isinstance(record, RequestAnswered):
                self._waiting.pop(record.id, None)

    def clear(self) -> None:
        """Forget everything, as after the end of the trainer."""
        self._waiting.clear()

    def is_waiting(self, request: str) -> bool:
        """Whether a request of this kind waits."""
        return any(pending.request == request for pending in self._waiting.values())

    @property
    def words(self) -> str:
        """What is waited for, in words; empty if nothing is."""
        return ", ".join(dict.fromkeys(pending.words for pending in self._waiting.values()))

    def overdue(self, now: float) -> list[Pending]:
        """What has waited for longer than `PATIENCE` at `now`; each is reported once."""
        late = [
            pending
            for pending in self._waiting.values()
            if now - pending.asked_at >= PATIENCE and pending.id not in self._told
        ]
        self._told.update(pending.id for pending in late)
        return late


class RunFollower(Widget):
    """Applies the records of a `RunFeed` to a view and posts `RunChanged`; draws nothing."""

    DEFAULT_CSS = "RunFollower { display: none; }"

    def __init__(self, session: Session, *, posts_notices: bool) -> None:
        """Wait for a run to follow; the session knows the trainers that this app started."""
        super().__init__()
        self.view: RunView | None = None
        """What is known of the run that is followed."""
        self.pending = PendingRequests()
        self._session = session
        self._posts_notices = posts_notices
        self._feed: RunFeed | None = None
        self._requests: list[BackgroundTask] = []
        self._sending = threading.Lock()
        """Requests are written one after another."""

    def on_unmount(self) -> None:
        """Let the thread end."""
        if self._feed is not None:
            self._feed.stop()

    def follow(self, run: RunDirectory | None) -> None:
        """Follow a run from now on, in the place of any other; None follows none."""
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
        """Ask the trainer for something; its answer comes as a record.

        `words` is what it is asked for, translated, as in `asked to save`.
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
        """Wait until everything that was asked for is written, but at most so many seconds."""
        deadline = time.monotonic() + seconds
        for task in self._requests:
            task.join(max(0.0, deadline - time.monotonic()))

    def _refuse(self, identifier: str, error: CharRNNError) -> None:
        """Show why a request could not be sent; no answer is awaited."""
        self.pending.drop(identifier)
        self.post_message(NoteWritten(safe_line(str(error)), is_problem=True))
        self.post_message(RunChanged())

    def _take(self, news: RunNews | RunDescription | Exception) -> None:
        """Take over what the feed has read; it tries again what it cannot read."""
        view = self.view
        if view is None:
            return
        if isinstance(news, RunNews):
            view.problem = ""
            if news.starts_over:
                view.forget()
            notices = view.take(news.records)
            is_gone = self._session.has_lost_trainer(view.run, news.status)
            is_lost = is_gone and news.life != "ended"
            view.observe(news.status, "lost" if is_lost else news.life, time.monotonic())
            for notice in notices if self._posts_notices and not news.is_history else []:
                sentence = notice.sentence
                if notice.is_finish:
                    sentence = finished_hint(has_samples=bool(view.samples))
                is_problem = notice.severity != "information"
                self.post_message(NoteWritten(sentence, is_problem=is_problem))
            self._follow_requests(news)
        elif isinstance(news, Exception):
            view.problem = safe_line(str(news))
        else:
            view.description = news
        self.post_message(RunChanged())

    def _follow_requests(self, news: RunNews) -> None:
        """Drop what was answered, and show what was not."""
        self.pending.take(news.records)
        if self.view is None or not self.view.is_live:
            self.pending.clear()
        for late in self.pending.overdue(time.monotonic()):
            sentence = tr(
                "No answer yet from the trainer, which was {words}: it looks between two batches, "
                "and cannot while it is silent."
                if self.view is not None and self.view.life == "silent"
                else "No answer yet from the trainer, which was {words}: it looks between two "
                "batches, and cannot while it is busy.",
                words=late.words,
            )
            self.post_message(NoteWritten(sentence, is_problem=True))
