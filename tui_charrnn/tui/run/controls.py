"""The control of the shown run: keys, the requests that they send, and the trainer's answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from textual.widget import Widget

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.runs.catalogue import find_pinned, summarize_run
from tui_charrnn.runs.control import new_request_id, send_request
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.records import RequestAnswered
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import AskTextScreen, ask_to_stop
from tui_charrnn.tui.hints import finished_hint, lost_hint
from tui_charrnn.tui.messages import NoteWritten, RunChanged, RunPinned
from tui_charrnn.tui.run.announcer import RunAnnouncer
from tui_charrnn.tui.run.follower import RunFollower, RunUpdate
from tui_charrnn.tui.session import READ_ONLY, Session
from tui_charrnn.viewing.run_view import Notice, RunView

PATIENCE: Final = 5.0
"""Seconds after which a missing answer is reported; a trainer reads requests between batches."""
NO_TRAINER: Final = "Nothing is being trained here."
"""In English; translated where it is shown."""


@dataclass
class Pending:
    """A request that the trainer has not answered yet."""

    request: str
    words: str
    """The request as safe text, as in `asked to save`."""
    sent_at: float
    """Seconds on the monotonic clock of the viewer."""
    is_reported: bool = False
    """Whether a note about the missing answer was shown."""


class RunControls(Widget):
    """Controls the shown run, and follows it and those that it is compared with; draws nothing.

    It is mounted with the first run, or when a key for a run is pressed: the first frame does not
    wait for the modules that read runs.
    """

    DEFAULT_CSS = "RunControls { display: none; }"

    def __init__(self, session: Session) -> None:
        """Follow no run yet."""
        super().__init__()
        self._session = session
        self.follower = RunFollower(session, self._take_update)
        """Follows the shown run; see `show`."""
        self.compared = RunFollower(session)
        """Follows the compared run."""
        self.pinned = RunFollower(session)
        """Follows the pinned run, with which every run is compared."""
        self.announcer = RunAnnouncer(session)
        self._pending: dict[str, Pending] = {}
        """The requests without an answer, by their ids."""
        self._requests: list[BackgroundTask] = []
        self._sending = threading.Lock()
        """Held while a request is written: one at a time."""

    def on_mount(self) -> None:
        """Search for the pinned run in a thread."""
        folder = self._session.runs_folder

        def look(_: BackgroundTask) -> None:
            self.post_message(RunPinned(find_pinned(folder)))

        BackgroundTask("pinned-run", look)

    def show(self, run: RunDirectory | None) -> None:
        """Follow and control a run in place of any other; None follows none."""
        self._pending.clear()
        self.follower.follow(run)

    def ask(self, request: str, words: str, **arguments: Any) -> None:
        """Send a request to the trainer, which answers with a record.

        `words` is the request as translated text, as in `asked to save`.
        """
        if (view := self.controllable()) is None:
            return
        identifier = new_request_id()
        self._pending[identifier] = Pending(request, words, time.monotonic())
        self.post_message(NoteWritten(tr("The trainer is {words} …", words=words)))
        self.post_message(RunChanged())
        run = view.run

        def send(_: BackgroundTask) -> None:
            try:
                with self._sending:
                    send_request(run, request, identifier=identifier, **arguments)
            except CharRNNError as error:
                self.call_later(self._refuse, identifier, error)

        self._requests.append(BackgroundTask("request", send))

    def controllable(self) -> RunView | None:
        """Return the run if its trainer can be controlled; else post why not."""
        view, is_readonly = self.follower.view, self._session.is_readonly
        is_live = view is not None and view.is_live
        if is_live and not is_readonly:
            return view
        note = tr(READ_ONLY if is_live else NO_TRAINER)
        if view is not None and view.has_lost_trainer and not is_readonly:
            note = f"{note} {lost_hint(view)}"
        self.post_message(NoteWritten(note))
        return None

    def is_waiting(self, request: str) -> bool:
        """Whether a request of this kind has no answer yet."""
        return any(pending.request == request for pending in self._pending.values())

    @property
    def pending_text(self) -> str:
        """All requests without an answer, as text; empty if there is none."""
        return ", ".join(dict.fromkeys(pending.words for pending in self._pending.values()))

    def finish_requests(self, seconds: float) -> None:
        """Wait until all requests are written, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        for task in self._requests:
            task.join(max(0.0, deadline - time.monotonic()))

    def _refuse(self, identifier: str, error: CharRNNError) -> None:
        """Show why a request could not be sent, and expect no answer."""
        self._pending.pop(identifier, None)
        self.post_message(NoteWritten(safe_line(str(error)), is_problem=True))
        self.post_message(RunChanged())

    def _take_update(self, update: RunUpdate, notices: list[Notice]) -> None:
        """Show the notices of an update, unless it is history, and the answers to requests."""
        view = self.follower.view
        if view is None:
            return
        for notice in [] if update.is_history else notices:
            sentence = notice.sentence
            if notice.is_finish:
                sentence = finished_hint(view, self._session)
            is_problem = notice.severity != "information"
            self.post_message(NoteWritten(sentence, is_problem=is_problem))
        for record in update.records:
            if isinstance(record, RequestAnswered):
                self._pending.pop(record.id, None)
        if not view.is_live:
            self._pending.clear()
        self._report_overdue(view)

    def _report_overdue(self, view: RunView) -> None:
        """Report once each request that has had no answer for `PATIENCE`."""
        now = time.monotonic()
        for late in self._pending.values():
            if late.is_reported or now - late.sent_at < PATIENCE:
                continue
            late.is_reported = True
            sentence = tr(
                "No answer yet: the trainer was {words}. It reads requests between batches, not "
                "while it is silent."
                if view.life == "silent"
                else "No answer yet: the trainer was {words}. It reads requests between batches, "
                "not while it is busy.",
                words=late.words,
            )
            self.post_message(NoteWritten(sentence, is_problem=True))

    def action_checkpoint(self) -> None:
        """Ask the trainer to save now."""
        self.ask("checkpoint", tr("asked to save a checkpoint"))

    def action_pause(self) -> None:
        """Ask the trainer to pause or to resume."""
        is_paused = self._session.is_paused
        if self.is_waiting("pause") or (is_paused and not self.is_waiting("resume")):
            self.ask("resume", tr("asked to resume"))
        else:
            self.ask("pause", tr("asked to pause"))

    def action_stop_training(self) -> None:
        """Ask the trainer to save and stop, after the user has confirmed it."""
        if (view := self.controllable()) is None:
            return
        question = ask_to_stop(view.run.name)
        question.open(self.app, lambda _: self.ask("stop", tr("asked to save and stop")))

    def action_learning_rate(self) -> None:
        """Ask the user for another learning rate, and send it to the trainer."""
        if (view := self.controllable()) is None:
            return
        now = view.newest_batch.learning_rate if view.newest_batch else None
        peak = view.peak_rate or view.planned_rate or 1e-3
        question = tr("Peak learning rate from the next batch on; its schedule continues.")
        if now is not None:
            question += " " + tr("Now, after the schedule: {now:.3g}.", now=now)

        def change(typed: str) -> None:
            rate = float(typed)
            request = tr("asked for the learning rate {rate:g}", rate=rate)
            self.ask("learning_rate", request, value=rate)

        screen = AskTextScreen(tr("Learning rate"), question, f"{peak:g}", rate_problem)
        screen.open(self.app, change)


def rate_problem(typed: str) -> str:
    """Return what is wrong with a typed learning rate; empty if it is valid."""
    try:
        TrainingConfig.parse("learning_rate", typed)
    except ConfigError:
        allowed = TrainingConfig.bounds()["learning_rate"].allowed()
        return tr("It must be {bounds}.", bounds=allowed)
    return ""


def format_all_continuing(runs: Iterable[RunDirectory]) -> str:
    """Return the commands that attach to each run that is still training, and stop it."""
    now = time.time()
    return "\n".join(
        tr(
            "{name} keeps training. Come back: {attach} · stop it: {stop}",
            name=safe_line(run.name),
            attach=format_command("attach", run),
            stop=format_command("stop", run),
        )
        for run in runs
        if summarize_run(run).is_at_work(now)
    )


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
