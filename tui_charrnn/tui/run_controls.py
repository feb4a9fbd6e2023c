"""Control of the shown training: keys send requests to its trainer; its end is announced."""

from __future__ import annotations

import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.widget import Widget

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, reason_of
from tui_charrnn.runs.catalogue import find_pinned, summarize_run
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import AskTextScreen, ask_to_stop
from tui_charrnn.tui.messages import NoteWritten, RunPinned
from tui_charrnn.tui.run.follower import NO_TRAINER, RunFollower
from tui_charrnn.tui.session import READ_ONLY
from tui_charrnn.tui.textual_patches import send_to_terminal
from tui_charrnn.viewing.announcements import (
    TerminalStatus,
    end_sentence,
    notification,
    run_notify_command,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui_charrnn.preferences import Preferences
    from tui_charrnn.runs.description import RunStatus
    from tui_charrnn.tui.session import Session
    from tui_charrnn.viewing.run_view import RunView


class RunControls(Widget):
    """Follows the shown run and those that it is compared with; handles keys; draws nothing.

    It is mounted with the first run, or when a key for a run is pressed: the first frame does not
    wait for the modules that read runs.
    """

    DEFAULT_CSS = "RunControls { display: none; }"

    def __init__(self, session: Session) -> None:
        """Follow no run yet."""
        super().__init__()
        self._session = session
        self.follower = RunFollower(session, posts_notices=True)
        """Follows the shown run."""
        self.compared = RunFollower(session, posts_notices=False)
        """Follows the compared run."""
        self.pinned = RunFollower(session, posts_notices=False)
        """Follows the pinned run, with which every run is compared."""

    def on_mount(self) -> None:
        """Search for the pinned run in a thread."""
        folder = self._session.runs_folder

        def look(_: BackgroundTask) -> None:
            self.post_message(RunPinned(find_pinned(folder)))

        BackgroundTask("pinned-run", look)

    def action_checkpoint(self) -> None:
        """Ask the trainer to save now."""
        self.follower.ask("checkpoint", tr("asked to save a checkpoint"))

    def action_pause(self) -> None:
        """Ask the trainer to pause or to resume."""
        view, pending = self._session.view, self.follower.pending
        is_paused = view is not None and view.state is RunState.PAUSED
        if pending.is_waiting("pause") or (is_paused and not pending.is_waiting("resume")):
            self.follower.ask("resume", tr("asked to resume"))
        else:
            self.follower.ask("pause", tr("asked to pause"))

    def action_stop_training(self) -> None:
        """Ask the trainer to save and stop, after the user has confirmed it."""
        if (view := self._controllable_view()) is None:
            return

        def stop(answer: str | None) -> None:
            if answer == "stop":
                self.follower.ask("stop", tr("asked to save and stop"))

        self.app.push_screen(ask_to_stop(view.run.name), stop)

    def action_learning_rate(self) -> None:
        """Ask the user for another learning rate, and send it to the trainer."""
        if (view := self._controllable_view()) is None:
            return
        now = view.newest_batch.learning_rate if view.newest_batch else None
        peak = view.peak_rate or view.planned_rate or 1e-3
        question = tr("Peak learning rate from the next batch on; its schedule continues.")
        if now is not None:
            question += " " + tr("Now, after the schedule: {now:.3g}.", now=now)

        def change(typed: str | None) -> None:
            if typed is not None:
                rate = float(typed)
                request = tr("asked for the learning rate {rate:g}", rate=rate)
                self.follower.ask("learning_rate", request, value=rate)

        screen = AskTextScreen(tr("Learning rate"), question, f"{peak:g}", rate_problem)
        self.app.push_screen(screen, change)

    def _controllable_view(self) -> RunView | None:
        """Return the shown run if it can be controlled; else show why not."""
        view = self._session.view
        if view is None or not view.is_live:
            self.post_message(NoteWritten(tr(NO_TRAINER)))
            return None
        if self._session.is_readonly:
            self.post_message(NoteWritten(tr(READ_ONLY)))
            return None
        return view


def rate_problem(typed: str) -> str:
    """Return what is wrong with a typed learning rate; empty if it is valid."""
    bounds = TrainingConfig.bounds()["learning_rate"]
    with contextlib.suppress(ConfigError):
        if bounds.admits(TrainingConfig.parse("learning_rate", typed)):
            return ""
    return tr("It must be {bounds}.", bounds=bounds.allowed())


def format_continuing(run: RunDirectory) -> str:
    """Return a message on a run that continues: the commands that attach to it and stop it."""
    return tr(
        "{name} keeps training. Come back: {attach} · stop it: {stop}",
        name=safe_line(run.name),
        attach=format_command("attach", run),
        stop=format_command("stop", run),
    )


def format_all_continuing(runs: Iterable[RunDirectory]) -> str:
    """Return this message for each run that is still training; reads their status files."""
    now = time.time()
    return "\n".join(format_continuing(run) for run in runs if summarize_run(run).is_at_work(now))


def stop_run(run: RunDirectory) -> str:
    """Ask a trainer to save and stop; return a message with the command to resume the run."""
    name = safe_line(run.name)
    try:
        send_request(run, "stop")
    except CharRNNError as error:
        problem = safe_line(str(error))
        return tr("{name} could not be asked to stop: {problem}", name=name, problem=problem)
    resume = format_command("resume", run)
    return tr("{name} saves and stops. Resume: {resume}", name=name, resume=resume)


RECORD_DELAY: Final = 2.0
"""Seconds after a trainer has vanished in which the record of its end may still be read."""


class RunAnnouncer(Widget):
    """Shows progress in the terminal's title; notifies and runs the user's command at the end."""

    DEFAULT_CSS = "RunAnnouncer { display: none; }"

    def __init__(self, preferences: Preferences) -> None:
        """Announce nothing yet."""
        super().__init__()
        self._preferences = preferences
        self._terminal = TerminalStatus(lambda sequence: send_to_terminal(self.app, sequence))
        self._live: tuple[RunDirectory, RunStatus] | None = None
        """The run that was seen training, and its first status; only its end is announced."""

    def observe(self, view: RunView) -> None:
        """Update the title from a run, and announce its end."""
        if view.is_live:
            # until its status is read, an ended run looks live too
            if view.status is not None and (self._live is None or self._live[0] != view.run):
                self._live = view.run, view.status
            if (share := view.share_done) is not None:
                self._terminal.show(view.run.name, share)
            return
        self._terminal.close()
        if view.ended is not None or view.state is RunState.FAILED:
            self._announce(view)
        elif self._live is not None and view.life == "lost" and view.status != self._live[1]:
            # its status did change: it did not die long ago; its last record may come yet
            self.set_timer(RECORD_DELAY, partial(self._announce, view))

    def on_unmount(self) -> None:
        """Restore the terminal's title."""
        self._terminal.close()

    def _announce(self, view: RunView) -> None:
        if self._live is None or self._live[0] != view.run or view.is_live:
            return
        self._live = None
        sequence = notification(self._preferences.notify, end_sentence(view))
        send_to_terminal(self.app, sequence)
        command = self._preferences.notify_command
        if command is None:
            return
        try:
            run_notify_command(command, view)
        except OSError as error:
            message = tr("The notify command could not be run: {reason}.", reason=reason_of(error))
            self.post_message(NoteWritten(message, is_problem=True))
