"""Tells whoever looks elsewhere how far the shown run is, and that it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

from tui_charrnn.errors import reason_of
from tui_charrnn.translation import tr
from tui_charrnn.tui.messages import NoticePosted
from tui_charrnn.tui.textual_patches import send_to_terminal
from tui_charrnn.viewing.announcements import (
    TerminalStatus,
    end_sentence,
    notification,
    run_notify_command,
)
from tui_charrnn.viewing.run_view import Notice

if TYPE_CHECKING:
    from tui_charrnn.preferences.declaration import Preferences
    from tui_charrnn.runs.layout import RunDirectory
    from tui_charrnn.viewing.run_view import RunView


class RunAnnouncer(Widget):
    """Keeps the terminal's title up to date; rings, and runs the user's command, at a run's end."""

    DEFAULT_CSS = "RunAnnouncer { display: none; }"

    def __init__(self, preferences: Preferences) -> None:
        """Say nothing yet.

        Args:
            preferences: How the user wants to be told.
        """
        super().__init__()
        self._preferences = preferences
        self._terminal = TerminalStatus(lambda sequence: send_to_terminal(self.app, sequence))
        self._live: RunDirectory | None = None
        """The run that was seen while it trained, whose end is news."""

    def look(self, view: RunView) -> None:
        """Take what is known of the run by now."""
        if view.is_live:
            self._live = view.run
            if view.total_steps:
                self._terminal.show(view.run.name, view.step / view.total_steps)
            return
        self._terminal.close()
        if self._live == view.run and view.ended is not None:
            self._live = None
            self._announce(view)

    def on_unmount(self) -> None:
        """Leave the terminal as it was."""
        self._terminal.close()

    def _announce(self, view: RunView) -> None:
        sequence = notification(self._preferences.notify, end_sentence(view))
        send_to_terminal(self.app, sequence)
        command = self._preferences.notify_command
        if command is None:
            return
        try:
            run_notify_command(command, view)
        except OSError as error:
            words = tr("The notify command could not be run: {reason}.", reason=reason_of(error))
            self.post_message(NoticePosted(Notice(words, "warning")))
