"""Announces the end of a run: of the shown one, and of those left in training for another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from textual.widget import Widget

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import AT_WORK, Liveness
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.tui.background import Poller
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.textual_patches import send_to_terminal
from tui_charrnn.viewing.announcements import TerminalStatus, announce_end, end_sentence
from tui_charrnn.viewing.failures import diagnose
from tui_charrnn.viewing.run_view import RunView

RECORD_DELAY: Final = 2.0
"""Seconds after a trainer has ended in which the record of its end may still be read."""
POLL_INTERVAL: Final = 2.0  # seconds


class RunAnnouncer(Widget):
    """Shows progress in the terminal's title; notifies and runs the user's command at the end."""

    def __init__(self, session: Session) -> None:
        """Announce nothing yet."""
        super().__init__()
        self._session = session
        self._terminal = TerminalStatus(lambda sequence: send_to_terminal(self.app, sequence))
        self._at_work: dict[Path, RunStatus] = {}
        """The first status of each run that was seen at work; only their ends are announced."""
        self._liveness: dict[Path, Liveness] = {}
        self._left = Poller("left-runs", self._poll_left, self.call_later, self._announce_left)

    def on_mount(self) -> None:
        """Watch the runs that are left in training."""
        self._left.start()

    def leave(self, run: RunDirectory) -> None:
        """Watch a run that is training, while another one is shown."""
        self._session.left_training[run.path] = run
        self._left.wake()

    def observe(self, view: RunView) -> None:
        """Update the title from a run, and announce its end."""
        if view.is_live:
            # until its status is read, an ended run looks live too
            if view.status is not None:
                self._at_work.setdefault(view.run.path, view.status)
            if (share := view.share_done) is not None:
                self._terminal.show(view.run.name, share)
            return
        self._terminal.close()
        if view.ended is not None:
            self._announce(view)
        elif view.life not in AT_WORK and self._at_work.get(view.run.path) not in (
            None,
            view.status,
        ):
            # its status has changed, so it did not die long ago; its last record may come yet
            self.set_timer(RECORD_DELAY, partial(self._announce, view))

    def on_unmount(self) -> None:
        """Restore the terminal's title, and stop the thread."""
        self._terminal.close()
        self._left.stop()

    def _announce(self, view: RunView) -> None:
        """Announce the end of a run that was seen at work, once."""
        if view.is_live or self._at_work.pop(view.run.path, None) is None:
            return
        send = partial(send_to_terminal, self.app)
        if problem := announce_end(view, self._session.preferences, send):
            self.post_message(NoteWritten(problem, is_problem=True))

    def _poll_left(self, show: Callable[[RunView], None]) -> float:
        """Look at the runs that were left in training, and show the views of those that ended."""
        for path, run in dict(self._session.left_training).items():
            with contextlib.suppress(CharRNNError, OSError):  # a network drive may come back
                status = read_status(run)
                life = self._liveness.setdefault(path, Liveness()).judge(status)
                if status is None:
                    continue
                if life in AT_WORK:
                    self._at_work.setdefault(path, status)
                elif self._at_work.get(path) not in (None, status):
                    view = RunView(run)
                    view.take(RunReader(run).read_all())
                    view.observe(status, life, time.monotonic())
                    show(view)
        return POLL_INTERVAL

    def _announce_left(self, view: RunView) -> None:
        """Announce the end of a run, unless it was opened again meanwhile, with a note."""
        if self._session.left_training.pop(view.run.path, None) is not None:
            is_problem = diagnose(view) is not None
            self.post_message(NoteWritten(end_sentence(view), is_problem=is_problem, lasts=True))
            self._announce(view)
