"""The form for a new run."""

import threading
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.presets import PRESETS
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.tui.messages import CorpusProgressed, PreparationFailed, RunPrepared
from tui_charrnn.tui.new_run import (
    FieldError,
    Launch,
    NewRun,
    Permission,
    WithdrawnError,
    check_form,
    length_words,
    model_words,
    start_run,
)
from tui_charrnn.tui.session import Session

_DEFAULT_PRESET = "small"


class NewRunScreen(ModalScreen[bool]):
    """Takes what is needed to train, and returns True once a trainer was started.

    What is wrong is said at its field, and nothing that was typed is lost.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Close", show=False)]

    def __init__(self, session: Session, launch: Launch) -> None:
        super().__init__()
        self._session = session
        self._launch = launch
        self._permission = Permission()
        """For the run that is being made."""

    def compose(self) -> ComposeResult:
        """Corpus, preset, length, name."""
        with VerticalScroll(id="form", can_focus=False) as form:
            form.border_title = Content("Train a model")
            with _row("Text"):
                yield Select(_corpus_options(), id="catalogue", allow_blank=False, compact=True)
            with _row("or yours"):
                yield Input(placeholder="path of a text file or folder", id="corpus", compact=True)
            yield _problem("corpus")
            with _row("Preset"):
                options = [(name, name) for name in PRESETS]
                yield Select(
                    options, id="preset", value=_DEFAULT_PRESET, allow_blank=False, compact=True
                )
            yield Static("", id="preset-sentence", markup=False)
            with _row("How long"):
                yield Input(id="length", compact=True)
            yield _problem("length")
            with _row("Name"):
                yield Input(placeholder="chosen for you", id="name", compact=True)
            yield _problem("name")
            with Horizontal(id="form-buttons"):
                yield Button("Start training", id="start", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
            yield Static("", id="form-progress", markup=False)
            yield _problem("form")

    def on_mount(self) -> None:
        """Wait for a path; Enter alone trains on the text of the list."""
        for field in self.query(Input):
            field.cursor_blink = False  # a screen at rest draws nothing
        self.query_one("#corpus", Input).focus()

    def on_unmount(self) -> None:
        """Start no trainer once the app is left."""
        self._permission.withdraw()

    @on(Select.Changed, "#preset")
    def show_preset(self, event: Select.Changed) -> None:
        """Say what the preset is good for."""
        preset = PRESETS[str(event.value)]
        loss = preset.expected_loss
        reaches = "" if loss is None else f"\nvalidation {loss:.2f} nats on tiny Shakespeare"
        sentence = f"{preset.sentence}\n{model_words(preset.model)}{reaches}"
        self.query_one("#preset-sentence", Static).update(sentence)
        words = length_words(preset.training)
        self.query_one("#length", Input).placeholder = f"{words}; or 5m, 10 epochs, 2000 steps"

    @on(Input.Submitted)
    @on(Button.Pressed, "#start")
    def start(self) -> None:
        """Check everything, then read the corpus in a thread and start the trainer."""
        button = self.query_one("#start", Button)
        if button.disabled:
            return  # at work already
        for problem in self.query(".problem").results(Static):
            problem.display = False
        own = self.query_one("#corpus", Input).value
        listed = f"catalogue:{self.query_one('#catalogue', Select).value}"
        try:
            new = check_form(
                corpus=own if own.strip() else listed,
                preset=str(self.query_one("#preset", Select).value),
                length=self.query_one("#length", Input).value,
                name=self.query_one("#name", Input).value,
            )
        except FieldError as error:
            self._show_problem(error.field, error)
            return
        button.disabled = True
        self._session.started_words = f"{new.preset}, {length_words(new.training)}"
        self.query_one("#form-progress", Static).update("Reading the text …")
        self._permission = Permission()
        threading.Thread(
            target=self._prepare,
            args=(new, self._permission),
            daemon=True,
            name="run-preparation",
        ).start()

    def on_corpus_progressed(self, event: CorpusProgressed) -> None:
        """Show how much of the corpus has been read."""
        share = f" {event.done / event.total:.0%}" if event.total else f" {event.done:,} bytes"
        self.query_one("#form-progress", Static).update(f"Reading the text …{share}")

    def on_run_prepared(self, event: RunPrepared) -> None:
        """Close; the app shows the run."""
        self._session.trainers[event.run.path] = event.trainer
        self._session.started = event.run
        self.dismiss(True)

    def on_preparation_failed(self, event: PreparationFailed) -> None:
        """Say what is wrong; the form stays as it is.

        Raises:
            Exception: If it is a defect of the program; the app closes by it.
        """
        if not isinstance(event.error, CharRNNError | OSError):
            raise event.error
        self._permission = Permission()  # the last one may have been used up
        self.query_one("#start", Button).disabled = False
        self.query_one("#form-progress", Static).update("")
        self._show_problem("form", event.error)

    @on(Button.Pressed, "#cancel")
    def action_give_up(self) -> None:
        """Close without a run, even while the corpus is being read.

        If a trainer has just been started, the form closes by itself in a moment.
        """
        if self._permission.withdraw():
            self.dismiss(False)

    def _show_problem(self, field: str, error: Exception) -> None:
        problem = self.query_one(f"#{field}-problem", Static)
        problem.update(safe_line(str(error)))
        problem.display = True
        problem.scroll_visible(animate=False)
        if field != "form":
            self.query_one(f"#{field}", Input).focus()

    def _prepare(self, new: NewRun, permission: Permission) -> None:
        """Runs in a thread."""

        def tell_progress(done: int, total: int | None) -> None:
            permission.check()
            self.post_message(CorpusProgressed(done, total))

        try:
            run, trainer = start_run(
                new, self._session.runs_folder, self._launch, tell_progress, permission
            )
        except WithdrawnError:
            return
        except Exception as error:  # noqa: BLE001 - the form shows it, or the app closes by it
            self.post_message(PreparationFailed(error))
        else:
            self.post_message(RunPrepared(run, trainer))


def _row(label: str) -> Horizontal:
    return Horizontal(Label(label, markup=False), classes="form-row")


def _problem(field: str) -> Static:
    problem = Static("", id=f"{field}-problem", classes="problem", markup=False)
    problem.display = False
    return problem


def _corpus_options() -> list[tuple[str, str]]:
    entries = load_catalogue().values()
    return [
        (f"{safe_line(entry.name)} · {safe_line(entry.title)}", entry.name) for entry in entries
    ]
