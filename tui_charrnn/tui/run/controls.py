"""Follows runs: polls their directories, sends requests to a trainer, and announces its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from textual.widget import Widget

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, RunError
from tui_charrnn.runs.catalogue import find_pinned, summarize_run
from tui_charrnn.runs.control import new_request_id, send_request
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.liveness import AT_WORK, Liveness, Verdict
from tui_charrnn.runs.reader import RecordOrBatch, RunReader, read_description, read_status
from tui_charrnn.runs.records import RequestAnswered
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, Poller
from tui_charrnn.tui.dialogs import AskTextScreen, ask_to_stop
from tui_charrnn.tui.hints import finished_hint, lost_hint
from tui_charrnn.tui.messages import NoteWritten, RunChanged, RunPinned
from tui_charrnn.tui.session import READ_ONLY, Session
from tui_charrnn.tui.textual_patches import send_to_terminal
from tui_charrnn.viewing.announcements import TerminalStatus, announce_end
from tui_charrnn.viewing.run_view import RunView

if TYPE_CHECKING:
    from tui_charrnn.preferences import Preferences

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


class RunFollower(Widget):
    """Applies the updates of a `RunFeed` to a view and posts `RunChanged`; draws nothing."""

    def __init__(self, session: Session, *, posts_notices: bool) -> None:
        """Follow no run yet; with `posts_notices`, notices about the run are shown as notes."""
        super().__init__()
        self.view: RunView | None = None
        """The data of the followed run; None if there is none."""
        self._pending: dict[str, Pending] = {}
        """The requests without an answer, by their ids."""
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
        self._pending.clear()
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
        view, is_readonly = self.view, self._session.is_readonly
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
        for record in update.records:
            if isinstance(record, RequestAnswered):
                self._pending.pop(record.id, None)
        if self.view is None or not self.view.is_live:
            self._pending.clear()
        now = time.monotonic()
        for late in self._pending.values():
            if late.is_reported or now - late.sent_at < PATIENCE:
                continue
            late.is_reported = True
            sentence = tr(
                "No answer yet: the trainer was {words}. It reads requests between batches, not "
                "while it is silent."
                if self.view is not None and self.view.life == "silent"
                else "No answer yet: the trainer was {words}. It reads requests between batches, "
                "not while it is busy.",
                words=late.words,
            )
            self.post_message(NoteWritten(sentence, is_problem=True))


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
        self.announcer = RunAnnouncer(session.preferences)

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
        follower, is_paused = self.follower, self._session.is_paused
        if follower.is_waiting("pause") or (is_paused and not follower.is_waiting("resume")):
            follower.ask("resume", tr("asked to resume"))
        else:
            follower.ask("pause", tr("asked to pause"))

    def action_stop_training(self) -> None:
        """Ask the trainer to save and stop, after the user has confirmed it."""
        if (view := self.follower.controllable()) is None:
            return

        def stop(answer: str | None) -> None:
            if answer == "stop":
                self.follower.ask("stop", tr("asked to save and stop"))

        self.app.push_screen(ask_to_stop(view.run.name), stop)

    def action_learning_rate(self) -> None:
        """Ask the user for another learning rate, and send it to the trainer."""
        if (view := self.follower.controllable()) is None:
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
"""Seconds after a trainer has ended in which the record of its end may still be read."""


class RunAnnouncer(Widget):
    """Shows progress in the terminal's title; notifies and runs the user's command at the end."""

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
        if view.ended is not None:
            self._announce(view)
        elif view.life in {"lost", "ended"} and self._live not in (None, (view.run, view.status)):
            # its status has changed, so it did not die long ago; its last record may come yet
            self.set_timer(RECORD_DELAY, partial(self._announce, view))

    def on_unmount(self) -> None:
        """Restore the terminal's title."""
        self._terminal.close()

    def _announce(self, view: RunView) -> None:
        if self._live is None or self._live[0] != view.run or view.is_live:
            return
        self._live = None
        send = partial(send_to_terminal, self.app)
        if problem := announce_end(view, self._preferences, send):
            self.post_message(NoteWritten(problem, is_problem=True))
