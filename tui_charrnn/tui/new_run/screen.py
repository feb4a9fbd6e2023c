"""The form for a new run."""

import contextlib
import dataclasses
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Button, Input

from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError, StorageError
from tui_charrnn.generation.training_corpus import open_starting_model
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.creation import make_run
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, CancelledError
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.messages import NewRunRequested
from tui_charrnn.tui.new_run.corpus_summary import problem_of
from tui_charrnn.tui.new_run.fields import ARROWS, FormRow, SettingsTitle
from tui_charrnn.tui.new_run.form import FormBody, FormFooter
from tui_charrnn.tui.new_run.form_values import (
    FormError,
    FormValues,
    NewRun,
    check_form,
    length_words,
    values_of_run,
    with_changes,
)
from tui_charrnn.tui.session import Session

Launch = Callable[[RunDirectory], "subprocess.Popen[bytes]"]

_WIDTHS: Final = [(0, "-tight"), (60, "-one-column"), (100, "-two-columns")]
"""Columns from which on the style sheet has a class."""
_FIELDS: Final = {CorpusError: "corpus", ConfigError: "name"}
"""Whose fault it is that a run cannot be made, by the kind of error."""


class CancelToken:
    """Whether a run may be made: the user can withdraw it until its trainer is started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_used = False
        self._is_cancelled = False

    def cancel(self) -> bool:
        """Take it back; False if it is too late."""
        with self._lock:
            self._is_cancelled = not self._is_used
            return self._is_cancelled

    def check(self) -> None:
        """Go on only while it lasts.

        Raises:
            CancelledError: If it was taken back.
        """
        if self._is_cancelled:
            raise CancelledError

    def use(self) -> None:
        """Make it final: it can no longer be taken back.

        Raises:
            CancelledError: If it was taken back before.
        """
        with self._lock:
            self.check()
            self._is_used = True


def start_run(
    new: NewRun, runs_folder: Path, launch: Launch, progress: Progress, token: CancelToken
) -> tuple[RunDirectory, "subprocess.Popen[bytes]"]:
    """Read the corpus, make the run directory and start its trainer.

    Takes a while: call it in a thread. Without a trainer no run is left behind.

    Raises:
        CharRNNError: If the corpus cannot be read or is too short, the name is taken, or the disk
            refuses.
        CancelledError: If the user gave up meanwhile.
    """
    choice, training = new.corpus, new.training
    reading = dataclasses.replace(choice.reading, units=training.units, records=training.records)
    corpus = read_corpus(choice.arguments, reading, progress=progress, check_cancelled=token.check)
    token.check()
    starting = None
    if new.start.argument:
        starting = open_starting_model(new.start.argument, runs_folder)
    token.check()
    settings = new.model, new.training
    run = make_run(runs_folder, new.name, new.preset, settings, corpus, new.seeds, starting)
    try:
        token.use()
        return run, launch(run)
    except (CancelledError, StorageError):
        with contextlib.suppress(StorageError):
            Storage().remove_tree(run.path)  # made a moment ago, and no trainer has seen it
        raise


class NewRunScreen(Dialog[bool]):
    """Takes what is needed to train, and returns True once a trainer was started.

    What is wrong is shown at its field, and nothing that was typed is lost.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", show=False),
        *ARROWS,
    ]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    DEFAULT_CSS = """
    NewRunScreen {
        #new-run {
            padding: 0 1;
            width: 80;
            height: 100%;
            max-height: 56;
        }
    }
    NewRunScreen.-two-columns {
        #new-run { width: 140; }
        FormBody { layout: horizontal; overflow: hidden; }
        #form-main { width: 11fr; height: 100%; overflow-y: auto; margin-right: 2; }
        FormSettings { width: 10fr; height: 100%; overflow-y: auto; margin-top: 0; }
    }
    NewRunScreen.-tight {
        #new-run { border: none; }
        FormSettings .setting .form-line { layout: vertical; }
        FormSettings .setting .form-line > * { width: 1fr; }
    }
    """

    body = query_one(FormBody)
    footer = query_one(FormFooter)

    def __init__(
        self, session: Session, launch: Launch, prefill: NewRunRequested | None = None
    ) -> None:
        """Show a form, as it was last left or as a run was made.

        Args:
            session: What is open; keeps what was typed from one form to the next.
            launch: Starts a trainer on a run directory.
            prefill: A run to be made once more, and what is to differ.
        """
        super().__init__()
        self._session = session
        self._launch = launch
        self._prefill = prefill
        self._token = CancelToken()
        """For the run that is being made."""
        self._taken: frozenset[str] = frozenset()
        """Names of runs that there are."""
        self._failure: tuple[FormValues, str, str] | None = None
        """With what no run could be made, whose fault that is, and a sentence."""

    def compose(self) -> ComposeResult:
        """The fields, advice on the one with the focus, and the buttons."""
        with Vertical(id="new-run", classes="box") as box:
            box.border_title = Content(tr("Train a model"))
            box.border_subtitle = Content(tr("Enter starts · Tab goes on · Esc leaves"))
            yield FormBody(self._session.runs_folder)
            yield FormFooter()

    def on_mount(self) -> None:
        """Wait for a path; Enter alone trains on the text of the list."""
        last, prefill = self._session.form, self._prefill
        values = last if isinstance(last, FormValues) else self.body.values
        if prefill is not None and prefill.run is None:
            values = with_changes(values, prefill.changes)
        self.body.restore(values)
        self.body.corpus.path.focus()
        BackgroundTask("run-names", self._read_names)
        if prefill is not None and (run := prefill.run) is not None:
            self.footer.occupy(tr("Reading how {name} was made …", name=run.name))
            BackgroundTask("form-prefill", lambda _: self._read_prefill(run, prefill.changes))

    def _read_names(self, _: BackgroundTask) -> None:
        with contextlib.suppress(OSError):  # an error when the run is made
            with os.scandir(self._session.runs_folder) as entries:
                names = frozenset(entry.name for entry in entries)
            self.call_later(self._refuse_names, names)

    def _refuse_names(self, names: frozenset[str]) -> None:
        """Refuse a name that is taken as it is typed."""
        self._taken = names
        self.update_facts()

    def _read_prefill(self, run: RunDirectory, changes: Mapping[str, str]) -> None:
        """Read with what a run is made once more; an error says why that cannot be known."""
        found: FormValues | Exception
        try:
            found = values_of_run(run, read_description(run), changes)
        except (CharRNNError, OSError) as error:
            found = error
        self.call_later(self._fill_in, found)

    def _fill_in(self, found: FormValues | Exception) -> None:
        """Fill the form in as a run was made."""
        self.footer.occupy("")
        if isinstance(found, FormValues):
            self.body.restore(found)
        else:
            self._failure = (self.body.values, "form", str(found))
        self.update_facts()

    def scroll_to_center(self, *args: Any, **options: Any) -> None:
        """Jump to the field that gets the focus: a form that glides is hard to read."""
        super().scroll_to_center(*args, **{**options, "animate": False})

    def on_unmount(self) -> None:
        """Start no trainer once the app is left."""
        self._token.cancel()

    @on(FormBody.Changed)
    def update_facts(self) -> None:
        """Show what follows from what was typed, and what is wrong with it."""
        self._show(edited=self._at_hand)

    def _show(
        self, *, edited: FormRow | SettingsTitle | None = None
    ) -> tuple[NewRun | None, Mapping[str, str]]:
        """Show and return what the form asks for, and what is wrong with it; see `FormBody`."""
        new, problems, values = None, dict[str, str](), self.body.values
        try:
            new = check_form(values, self._taken)
        except FormError as error:
            problems |= error.problems
        if self._failure is not None and self._failure[0] == values:
            problems, edited = {self._failure[1]: self._failure[2], **problems}, None
        trainers = self._session.trainers.values()
        is_busy = self._session.has_live_run or any(each.poll() is None for each in trainers)
        self.body.show(new, problems, is_busy=is_busy, edited=edited)
        self.footer.complain(problems.get("form", ""))
        return new, problems

    @property
    def _at_hand(self) -> FormRow | SettingsTitle | None:
        """What has the focus."""
        around = self.focused.ancestors_with_self if self.focused else []
        return next((each for each in around if isinstance(each, FormRow | SettingsTitle)), None)

    def on_descendant_focus(self) -> None:
        """Show advice on the field at hand, and what is wrong with the last one."""
        self.footer.advise(self._at_hand.advice if self._at_hand else "")
        self.update_facts()

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def start(self) -> None:
        """Check everything, then read the corpus in a thread and start the trainer."""
        if self.footer.is_occupied:
            return  # at work already
        self._failure = None
        new, problems = self._show()
        if new is None:
            self.body.focus_problem(problems)
            return
        self.footer.occupy(tr("Reading the text …"))
        self._session.started_words = f"{new.preset}, {length_words(new.training)}"
        token = self._token = CancelToken()
        BackgroundTask("run-preparation", lambda _: self._prepare(new, token))

    def _prepare(self, new: NewRun, token: CancelToken) -> None:
        """Make a run and start its trainer, in a thread; nothing is shown once it was given up."""

        def show_progress(done: int, total: int | None) -> None:
            token.check()
            self.call_later(self._show_progress, done, total)

        try:
            made = start_run(new, self._session.runs_folder, self._launch, show_progress, token)
        except CancelledError:
            raise  # ends the task
        except Exception as error:  # noqa: BLE001 - the form shows it, or the app closes by it
            self.call_later(self._show_failure, error)
        else:
            self.call_later(self._finish, *made)

    def _show_progress(self, done: int, total: int | None) -> None:
        """Show how much of the corpus has been read."""
        self.footer.occupy(
            tr("Reading the text … {share:.0%}", share=done / total)
            if total
            else tr("Reading the text … {done:,} bytes", done=done)
        )

    def _finish(self, run: RunDirectory, trainer: subprocess.Popen[bytes]) -> None:
        """Close; the app shows the run."""
        self._session.trainers[run.path] = trainer
        self._session.started = run
        self._session.form = dataclasses.replace(self.body.values, name="")
        self.dismiss(True)

    def _show_failure(self, error: Exception) -> None:
        """Show what is wrong; the form stays as it is.

        Raises:
            Exception: If it is a defect of the program; the app closes by it.
        """
        if not isinstance(error, CharRNNError | OSError):
            raise error
        field = next((key for kind, key in _FIELDS.items() if isinstance(error, kind)), "form")
        self._failure = (self.body.values, field, problem_of(error))
        self.footer.occupy("")
        self.update_facts()
        self.body.focus_problem({field: problem_of(error)})

    @on(Button.Pressed, "#cancel")
    def action_give_up(self) -> None:
        """Close without a run, even while the corpus is being read.

        What was typed is kept for the next time. If a trainer has just been started, the form
        closes by itself in a moment.
        """
        if self._token.cancel():
            self._session.form = self.body.values
            self.dismiss(False)
