"""The form for a new run: its fields as one widget, and the dialog that starts the run."""

import contextlib
import dataclasses
import os
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from tui_charrnn.config import ModelConfig, TrainingConfig, format_length
from tui_charrnn.errors import CharRNNError, CorpusError, StorageError
from tui_charrnn.generation.training_corpus import open_starting_model
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import NameTakenError
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.storage import Storage
from tui_charrnn.safe_text import safe_line
from tui_charrnn.settings import SettingError
from tui_charrnn.text.cache import Progress
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.creation import make_run
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.background import BackgroundTask, CancelledError
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.messages import NewRunRequested, TrainerStarted
from tui_charrnn.tui.new_run.corpus import CorpusField, problem_of
from tui_charrnn.tui.new_run.estimate import PresetField
from tui_charrnn.tui.new_run.fields import (
    ARROWS,
    FormInput,
    FormRow,
    FormSettings,
    SettingsTitle,
    show_text,
)
from tui_charrnn.tui.new_run.form_values import (
    DEFAULT_PRESET,
    FormError,
    FormValues,
    NewRun,
    check_form,
    problems_of_settings,
    read_seeds,
    values_of_run,
    with_changes,
    write_seeds,
)
from tui_charrnn.tui.new_run.path_fields import PathInput, StartField, dropped_paths
from tui_charrnn.tui.session import Session

Launch = Callable[[RunDirectory], "subprocess.Popen[bytes]"]

_WIDTHS: Final = [(0, "-tight"), (60, "-one-column"), (100, "-two-columns")]
"""Smallest width in columns of each style class."""
_FIELDS: Final = {CorpusError: "corpus", NameTakenError: "name"}
"""The key of the field at fault, by kind of error of the start."""


def start_run(
    new: NewRun, runs_folder: Path, launch: Launch, progress: Progress, task: BackgroundTask
) -> tuple[RunDirectory, "subprocess.Popen[bytes]"]:
    """Read the corpus, create the run directory and start its trainer.

    This takes time: call it in a task. If no trainer starts, the run directory is removed.

    Raises:
        CharRNNError: If the corpus cannot be read or is too short, the name is taken, or writing
            fails.
        CancelledError: If the user cancelled.
    """
    choice, training = new.corpus, new.training
    reading = dataclasses.replace(choice.reading, units=training.units, records=training.records)
    corpus = read_corpus(choice.arguments, reading, progress=progress, check_cancelled=task.check)
    task.check()
    starting = None
    if new.start.argument:
        starting = open_starting_model(new.start.argument, runs_folder)
    task.check()
    settings = new.model, new.training
    run = make_run(runs_folder, new.name, new.preset, settings, corpus, new.seeds, starting)
    try:
        task.commit()
        return run, launch(run)
    except (CancelledError, StorageError):
        with contextlib.suppress(StorageError):
            Storage().remove_tree(run.path)  # newly created, and no trainer uses it
        raise


def problems_of_start(error: CharRNNError | OSError) -> Mapping[str, str]:
    """Return the problems of a failed start by the key of the field at fault, `form` for none."""
    if isinstance(error, SettingError):
        return problems_of_settings(error)
    field = next((key for kind, key in _FIELDS.items() if isinstance(error, kind)), "form")
    return {field: problem_of(error)}


class FormBody(Vertical):
    """The fields: corpus, preset, starting model, length, seeds, name and all settings."""

    DEFAULT_CSS = """
    FormBody {
        height: 1fr;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        #form-main { height: auto; scrollbar-size-vertical: 1; }
        PresetField, #form-rest { margin-top: 1; height: auto; }
        FormSettings { margin-top: 1; scrollbar-size-vertical: 1; }
    }
    """

    class Changed(Message):
        """The typed values, or the facts of the corpus or model, have changed."""

        def can_replace(self, message: Message) -> bool:
            """Combine several changes that arrive together."""
            return isinstance(message, FormBody.Changed)

    def __init__(self, runs_folder: Path) -> None:
        """Show the default values."""
        super().__init__()
        preset = PRESETS[DEFAULT_PRESET]
        self.corpus = CorpusField()
        self.start = StartField(runs_folder)
        self.preset = PresetField()
        self.settings = FormSettings(preset)
        self._length = FormInput(id="length")
        self._seeds = FormInput(placeholder=tr("the beginning of the text"), id="seeds")
        self._run_name = FormInput(placeholder=tr("chosen for you"), id="name")
        self._training = preset.training
        """The newest valid settings, which the facts of the corpus depend on."""
        self._follows_focus = True
        """Whether to keep the focused field visible; False after the mouse scrolled."""

    def compose(self) -> ComposeResult:
        """Yield the main fields, then all settings."""
        with Vertical(id="form-main"):
            yield self.corpus
            yield self.preset
            with Vertical(id="form-rest"):
                yield self.start
                advice = tr(
                    "About how long: a time like 90s or 1h30m, to which the steps are adjusted, "
                    "or 10 epochs, or 2000 steps. max time, below, ends it in any case."
                )
                yield FormRow(tr("How long"), self._length, key="length", advice=advice)
                advice = tr(
                    "Continued at every evaluation. Separate several with |; spaces count, \\n "
                    "is a line feed, none samples nothing."
                )
                yield FormRow(tr("Seeds"), self._seeds, key="seeds", advice=advice)
                advice = tr(
                    "The name of the run's folder. Without one it is the time and the text."
                )
                yield FormRow(tr("Name"), self._run_name, key="name", advice=advice)
        yield self.settings

    def on_resize(self) -> None:
        """Open the settings if they have their own column."""
        if self.screen.has_class("-two-columns"):
            self.settings.open()
        self.watch_virtual_size()

    def watch_virtual_size(self) -> None:
        """Keep the focused field visible when the content grows."""
        focused = self.screen.focused
        if self._follows_focus and focused is not None and self in focused.ancestors:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def on_descendant_focus(self) -> None:
        """Keep the focused field visible again."""
        self._follows_focus = True

    def on_mouse_scroll_down(self) -> None:
        """Keep the scroll position that the user chose."""
        self._follows_focus = False

    on_mouse_scroll_up = on_mouse_scroll_down

    @property
    def values(self) -> FormValues:
        """The typed values."""
        return FormValues(
            corpus=self.corpus.choice,
            start=self.start.choice,
            preset=self.preset.preset.name,
            length=self._length.value,
            seeds=read_seeds(self._seeds.value),
            name=self._run_name.value,
            settings=self.settings.typed,
        )

    def restore(self, values: FormValues) -> None:
        """Show values in the fields."""
        self.preset.restore(values.preset)
        self.start.restore(values.start)
        preset = values.start.adapt(self.preset.preset)
        self.settings.restore(values.settings, preset)
        self._length.placeholder = format_length(preset.training)
        self._length.show(values.length)
        self._seeds.show(write_seeds(values.seeds))
        self._run_name.show(values.name)
        self.corpus.restore(values.corpus)

    def show(
        self,
        new: NewRun | None,
        problems: Mapping[str, str],
        *,
        is_busy: bool,
        edited: Widget | None = None,
    ) -> None:
        """Show the facts and estimates of the typed values, and each problem at its field.

        Args:
            new: The checked values; None if there are problems.
            problems: The problems by key of the field.
            is_busy: Whether another training runs here.
            edited: The row with the focus. A new problem there is not shown until the user
                leaves it, except for the name, where any beginning of a valid name is valid.
        """
        if new is not None:
            self._training = new.training
            self.preset.show(new, self.corpus.facts, is_busy=is_busy)
        for row in self.query(FormRow):
            if row.key in {"catalogue", "corpus", "encoding"}:
                continue  # `CorpusField.show` shows it
            if row is not edited or row.problem or row.key == "name":
                row.show_problem(problems.get(row.key, ""))
        self.corpus.show(self._training, problems.get("corpus", ""))

    def focus_problem(self, problems: Mapping[str, str]) -> None:
        """Give the focus to the first field with a problem."""
        if problems.keys() & {*ModelConfig.bounds(), *TrainingConfig.bounds()}:
            self.settings.open()

        def go() -> None:
            rows = [row for row in self.query(FormRow) if row.problem]
            if rows:
                rows[0].query("FormInput, FormSelect").first().focus()

        self.call_after_refresh(go)

    @on(Select.Changed, "#preset")
    @on(Select.Changed, "#start-from")
    @on(StartField.Updated)
    def _follow_preset(self) -> None:
        preset = self.start.choice.adapt(self.preset.preset)
        self._length.placeholder = format_length(preset.training)
        self.settings.follow(preset)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(CorpusField.Updated)
    @on(PathInput.OfferChanged)
    @on(StartField.Updated)
    def post_change(self, event: Message) -> None:
        """Post `Changed`."""
        event.stop()
        self.post_message(self.Changed())


class NewRunScreen(Dialog[TrainerStarted | None]):
    """Asks for the settings of a run; returns its start, or None if it was closed.

    Problems are shown at their fields, and typed values are kept.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", show=False),
        *ARROWS,
    ]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    DEFAULT_CSS = """
    NewRunScreen {
        #new-run { padding: 0 1; width: 80; height: 100%; max-height: 56; }
        #form-advice { height: 2; margin-top: 1; color: $text-muted; }
        #form-problem { height: auto; display: none; color: $text-error; }
        #form-actions { height: 1; Button { margin-right: 2; } }
        #form-progress { width: 1fr; height: 1; color: $text-muted; text-wrap: nowrap; }
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
    _advice = query_one("#form-advice", Static)
    _button = query_one("#start", Button)
    _problem = query_one("#form-problem", Static)
    _progress = query_one("#form-progress", Static)

    def __init__(
        self, session: Session, launch: Launch, prefill: NewRunRequested | None = None
    ) -> None:
        """Show the values of last time, with the changes of `prefill`, or those of its run."""
        super().__init__()
        self._session = session
        self._launch = launch
        self._prefill = prefill
        self._starting: BackgroundTask | None = None
        """Starts the run; the user can cancel it until the trainer starts."""
        self._taken: frozenset[str] = frozenset()
        """Names of the existing runs."""
        self._failure: tuple[FormValues, Mapping[str, str]] | None = None
        """The values of a failed start, and its problem by the key of the field at fault."""
        self._started: TrainerStarted | None = None
        """The started run, with which the form closes."""

    def compose(self) -> ComposeResult:
        """Yield the fields; below them, not scrolled: the problem, the advice and the buttons."""
        with Vertical(id="new-run", classes="box") as box:
            box.border_title = Content(tr("Train a model"))
            box.border_subtitle = Content(tr("Enter starts · Tab moves on · Esc closes"))
            yield FormBody(self._session.runs_folder)
            yield Static("", id="form-problem", markup=False)
            yield Static("", id="form-advice", markup=False)
            with Horizontal(id="form-actions"):
                yield Button(tr("Start training"), id="start", variant="primary", compact=True)
                yield Button(tr("Cancel"), id="cancel", compact=True)
                yield Static("", id="form-progress", markup=False)

    def on_mount(self) -> None:
        """Fill in the form, and focus the path; Enter alone trains on the listed text."""
        last, prefill = self._session.form, self._prefill
        values = last if isinstance(last, FormValues) else self.body.values
        if prefill is not None and prefill.run is None:
            values = with_changes(values, prefill.changes)
        self.body.restore(values)
        self.body.corpus.path.focus()
        BackgroundTask("run-names", self._read_names)
        if prefill is not None and (run := prefill.run) is not None:
            self._show_task(tr("Reading the settings of {name} …", name=run.name))
            BackgroundTask("form-prefill", lambda _: self._read_prefill(run, prefill.changes))

    def _read_names(self, _: BackgroundTask) -> None:
        with contextlib.suppress(OSError):  # creating the run reports the error
            with os.scandir(self._session.runs_folder) as entries:
                names = frozenset(entry.name for entry in entries)
            self.call_later(self._refuse_names, names)

    def _refuse_names(self, names: frozenset[str]) -> None:
        """Store the names of the existing runs, and refuse them from now on."""
        self._taken = names
        self.update_facts()

    def _read_prefill(self, run: RunDirectory, changes: Mapping[str, str]) -> None:
        """Read the values of the run to copy, in a thread; on failure pass on the error."""
        found: FormValues | Exception
        try:
            found = values_of_run(run, read_description(run), changes)
        except (CharRNNError, OSError) as error:
            found = error
        self.call_later(self._fill_in, found)

    def _fill_in(self, found: FormValues | Exception) -> None:
        """Show the values of the run to copy, or why they cannot be read."""
        self._show_task("")
        if isinstance(found, FormValues):
            self.body.restore(found)
        else:
            self._failure = self.body.values, {"form": str(found)}
        self.update_facts()

    def scroll_to_center(self, *args: Any, **options: Any) -> None:
        """Scroll without animation: a moving form is hard to read."""
        super().scroll_to_center(*args, **{**options, "animate": False})

    def on_paste(self, event: events.Paste) -> None:
        """Train on files that are dropped while no line has the focus, which would take them."""
        if dropped_paths(event.text):
            self.body.corpus.path.post_message(events.Paste(event.text))

    def on_unmount(self) -> None:
        """Cancel the run that is being started."""
        if self._starting is not None:
            self._starting.cancel()

    @on(FormBody.Changed)
    def update_facts(self) -> None:
        """Show the facts, estimates and problems of the typed values."""
        self._check_values(edited=self._focused_row)

    def _check_values(
        self, *, edited: FormRow | SettingsTitle | None = None
    ) -> tuple[NewRun | None, Mapping[str, str]]:
        """Check the typed values; show and return the request and the problems."""
        new, problems, values = None, dict[str, str](), self.body.values
        try:
            new = check_form(values, self._taken)
        except FormError as error:
            problems |= error.problems
        if self._failure is not None and self._failure[0] == values:
            problems, edited = {**self._failure[1], **problems}, None
        trainers = self._session.trainers.values()
        is_busy = self._session.has_live_run or any(each.poll() is None for each in trainers)
        self.body.show(new, problems, is_busy=is_busy, edited=edited)
        problem = problems.get("form", "")
        show_text(self._problem, f"✗ {safe_line(problem)}" if problem else "")
        self._problem.display = bool(problem)
        return new, problems

    @property
    def _focused_row(self) -> FormRow | SettingsTitle | None:
        """The row or title with the focus."""
        around = self.focused.ancestors_with_self if self.focused else []
        return next((each for each in around if isinstance(each, FormRow | SettingsTitle)), None)

    def on_descendant_focus(self) -> None:
        """Show the advice on the focused field, and the problem of the field that was left."""
        show_text(self._advice, safe_line(self._focused_row.advice if self._focused_row else ""))
        self.update_facts()

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def start(self) -> None:
        """Check the values, then read the corpus and start the trainer in a thread."""
        if self._button.disabled:
            return
        self._failure = None
        new, problems = self._check_values()
        if new is None:
            self.body.focus_problem(problems)
            return
        self._show_task(tr("Reading the text …"))
        self._starting = BackgroundTask("run-preparation", lambda task: self._prepare(new, task))

    def _prepare(self, new: NewRun, task: BackgroundTask) -> None:
        """Create a run and start its trainer, in a thread; show nothing after a cancel."""
        progress = partial(task.deliver, self.call_later, self._show_reading)
        folder = self._session.runs_folder
        try:
            run, trainer = start_run(new, folder, self._launch, progress, task)
        except CancelledError:
            raise  # ends the task
        except Exception as error:  # noqa: BLE001 - `_show_failure` shows it or reraises it
            self.call_later(self._show_failure, error)
        else:
            length = f"{new.preset}, {format_length(new.training)}"
            sentence = tr("Training starts: {run}.", run=length)
            can_generate = not new.model.reads_both
            started = TrainerStarted(run, trainer, sentence, can_generate)
            self.call_later(self._finish, started)

    def _show_task(self, progress: str) -> None:
        """Show the progress of a task and disable the start button; an empty text enables it."""
        self._button.disabled = bool(progress)
        show_text(self._progress, safe_line(progress))

    def _show_reading(self, done: int, total: int | None) -> None:
        """Show how much of the corpus has been read."""
        self._show_task(
            tr("Reading the text … {share}", share=format_percent(done / total))
            if total
            else tr("Reading the text … {done:,} bytes", done=done)
        )

    def _finish(self, started: TrainerStarted) -> None:
        """Close the form, at the latest once no other screen is above it; the app shows the run."""
        self._session.form = dataclasses.replace(self.body.values, name="")
        self._session.trainers[started.run.path] = started.trainer
        self._started = started
        self._close()

    def on_screen_resume(self) -> None:
        """Close the form if its run was started while another screen was above it."""
        self.call_later(self._close)

    def _close(self) -> None:
        if self._started is not None:
            self.dismiss(self._started)

    def _show_failure(self, error: Exception) -> None:
        """Show the problem and keep the form open.

        Raises:
            Exception: If the error is unexpected, i.e. a defect of the program.
        """
        if not isinstance(error, CharRNNError | OSError):
            raise error
        self._starting = None
        problems = problems_of_start(error)
        self._failure = self.body.values, problems
        self._show_task("")
        self.update_facts()
        self.body.focus_problem(problems)

    @on(Button.Pressed, "#cancel")
    def action_give_up(self) -> None:
        """Close without starting a run, even while the corpus is being read.

        The typed values are kept for the next form. If the trainer has just started, the form
        closes by itself.
        """
        if self._starting is None or self._starting.cancel():
            self._session.form = self.body.values
            self.dismiss(None)
