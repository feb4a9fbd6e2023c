"""Keeps what is known of a run up to date from its directory."""

import threading
import time
from typing import Any, Final

from textual.message import Message
from textual.widget import Widget

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.control import new_request_id, send_request
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoticePosted, RunChanged
from tui_charrnn.tui.run.feed import RunDescribed, RunFeed, RunRead, RunUnreadable
from tui_charrnn.tui.session import Session
from tui_charrnn.viewing.pending import Pending, PendingRequests
from tui_charrnn.viewing.run_view import Notice, RunView

NO_TRAINER: Final = "Nothing is being trained here."
READ_ONLY: Final = "This view is read-only: nothing is asked of the trainer."


class RequestRefused(Message):
    """The disk did not take a request."""

    def __init__(self, identifier: str, error: CharRNNError) -> None:
        self.identifier = identifier
        self.error = error
        super().__init__()


class RunFollower(Widget):
    """Folds what a `RunFeed` tells into a view and says so in `RunChanged`; draws nothing."""

    DEFAULT_CSS = "RunFollower { display: none; }"

    def __init__(
        self,
        session: Session,
        *,
        posts_notices: bool = True,
    ) -> None:
        """Wait to be told which run to follow.

        Args:
            session: Knows the trainers that this app started.
            posts_notices: Whether what happens in the run is told in `NoticePosted`.
        """
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
            self._feed = RunFeed(run, self.post_message)
            self._feed.start()
        self.post_message(RunChanged())

    def ask(self, request: str, words: str, **arguments: Any) -> None:
        """Ask the trainer for something; its answer comes as a record.

        Args:
            request: One of `control.REQUESTS`.
            words: What it is asked for, as in `asked to save`.
            arguments: Of the request.
        """
        view = self.view
        if view is None or not view.is_live:
            self._tell(NO_TRAINER)
        elif self._session.is_readonly:
            self._tell(READ_ONLY)
        else:
            identifier = new_request_id()
            self.pending.add(Pending(identifier, request, words, time.monotonic()))
            self._tell(f"The trainer is {words} …")
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
                self.post_message(RequestRefused(identifier, error))

        self._requests.append(BackgroundTask("request", send))

    def finish_requests(self, seconds: float) -> None:
        """Wait until everything that was asked for is written, but at most so many seconds."""
        deadline = time.monotonic() + seconds
        for task in self._requests:
            task.join(max(0.0, deadline - time.monotonic()))

    def on_request_refused(self, event: RequestRefused) -> None:
        """Say why a request could not be sent, and wait for no answer."""
        event.stop()
        self.pending.drop(event.identifier)
        self.post_message(NoticePosted(Notice(safe_line(str(event.error)), "error")))
        self.post_message(RunChanged())

    def on_run_described(self, event: RunDescribed) -> None:
        """Take over what the run trains on what."""
        event.stop()
        if event.feed is self._feed and self.view is not None:
            self.view.description = event.description
            self.post_message(RunChanged())
        event.feed.taken()

    def on_run_read(self, event: RunRead) -> None:
        """Take over what is new."""
        event.stop()
        view = self.view
        if event.feed is self._feed and view is not None:
            view.problem = ""
            if event.starts_over:
                view.forget()
            news = view.take(event.records)
            is_gone = self._session.has_lost_trainer(view.run, event.status)
            is_lost = is_gone and event.life != "ended"
            view.observe(event.status, "lost" if is_lost else event.life, time.monotonic())
            for told in news if self._posts_notices and not event.is_history else []:
                self.post_message(NoticePosted(told))
            self._follow_requests(event)
            self.post_message(RunChanged())
        event.feed.taken()

    def on_run_unreadable(self, event: RunUnreadable) -> None:
        """Say that the run cannot be read; the feed tries again."""
        event.stop()
        if event.feed is self._feed and self.view is not None:
            self.view.problem = safe_line(str(event.error))
            self.post_message(RunChanged())
        event.feed.taken()

    def _follow_requests(self, event: RunRead) -> None:
        """Strike out what was answered, and say what was not."""
        self.pending.take(event.records)
        if self.view is None or not self.view.is_live:
            self.pending.clear()
        for late in self.pending.overdue(time.monotonic()):
            sentence = (
                f"No answer yet from the trainer, which was {late.words}: it looks between two "
                f"batches, and cannot while it {'is silent' if self._is_silent else 'is busy'}."
            )
            self.post_message(NoticePosted(Notice(sentence, "warning")))

    @property
    def _is_silent(self) -> bool:
        return self.view is not None and self.view.life == "silent"

    def _tell(self, sentence: str) -> None:
        self.post_message(NoticePosted(Notice(sentence)))
