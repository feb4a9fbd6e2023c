"""The run that is shown, kept up to date from its directory."""

import time

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.feed import RunFeed
from tui_charrnn.tui.messages import NewsTold, RunChanged, RunDescribed, RunRead, RunUnreadable
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.widgets.run_status import RunStatus
from tui_charrnn.viewing.run_view import News

NO_TRAINER = "Nothing is being trained here."


class FollowedRun(RunStatus):
    """Folds what a `RunFeed` tells into the session's view, and draws it."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._feed: RunFeed | None = None

    def on_unmount(self) -> None:
        """Let the thread end."""
        if self._feed is not None:
            self._feed.stop()

    def follow(self, run: RunDirectory) -> None:
        """Show a run from now on, in the place of any other."""
        if self._feed is not None:
            self._feed.stop()
        self._session.open_run(run)
        self._feed = RunFeed(run, self.post_message)
        self._feed.start()
        self._show_change()

    def ask(self, request: str, sentence: str) -> None:
        """Ask the trainer for something, and say the sentence; its answer comes as a record."""
        run = self._session.run
        if run is None or not self._session.has_live_run:
            self.post_message(NewsTold(News(NO_TRAINER)))
            return
        try:
            send_request(run, request)
        except CharRNNError as error:
            self.post_message(NewsTold(News(safe_line(str(error)), "error")))
        else:
            self.post_message(NewsTold(News(sentence)))

    def on_run_described(self, event: RunDescribed) -> None:
        """Take over what the run trains on what."""
        event.stop()
        if event.feed is self._feed and self._session.view is not None:
            self._session.view.description = event.description
            self._show_change()
        event.feed.taken()

    def on_run_read(self, event: RunRead) -> None:
        """Take over what is new."""
        event.stop()
        view = self._session.view
        if event.feed is self._feed and view is not None:
            view.problem = ""
            if event.starts_over:
                view.forget()
            news = view.take(event.records)
            is_lost = self._session.has_lost_trainer(event.status) and event.life != "ended"
            view.observe(event.status, "lost" if is_lost else event.life, time.monotonic())
            for told in [] if event.is_history else news:
                self.post_message(NewsTold(told))
            self._show_change()
        event.feed.taken()

    def on_run_unreadable(self, event: RunUnreadable) -> None:
        """Say that the run cannot be read; the feed tries again."""
        event.stop()
        if event.feed is self._feed and self._session.view is not None:
            self._session.view.problem = safe_line(str(event.error))
            self._show_change()
        event.feed.taken()

    def _show_change(self) -> None:
        if self._session.view is not None:
            self.show(self._session.view, time.monotonic())
            self.post_message(RunChanged())
