"""What lies over the app until it is answered: questions, and lines of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.hangul import typed_on
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.textual_patches import KeysInOrder

Reply = TypeVar("Reply")


class Dialog(ModalScreen[Reply]):
    """A screen over another one that can be closed once, however often that is asked for.

    Whatever has the class `box` in it is the frame around its contents.
    """

    DEFAULT_CSS = """
    Dialog .box, Dialog .box:focus {
        border: round $primary;
        border-title-color: $primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        background: $surface;
        max-width: 100%;
        max-height: 100%;
    }
    """

    def dismiss(self, result: Reply | None = None) -> AwaitComplete:
        """Close it, with an answer; one that is closed, or lies below another, stays as it is.

        Keys come faster than screens go: a second Enter is on its way while the first one closes
        the screen, and would close what lies below.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()


_Found = TypeVar("_Found")


class Lookup(Generic[_Found]):
    """Looks lines up one after another; only the newest one is told of."""

    def __init__(
        self,
        name: str,
        find: Callable[[str], _Found],
        call_later: Callable[..., object],
        show: Callable[[str, _Found | CharRNNError], object],
    ) -> None:
        """Begin with nothing; lines are looked up in a thread, and shown on the screen's side."""
        self._find = find
        self._call_later = call_later
        self._show = show
        self._task = LatestTask(name)

    def begin(self, typed: str) -> None:
        """Look a line up, and no longer the one before."""

        def look(task: BackgroundTask) -> None:
            found: _Found | Exception
            try:
                found = self._find(typed)
            except Exception as error:  # noqa: BLE001 - the screen shows it, or the app closes by it
                found = error
            task.check()
            self._call_later(self._take, typed, found)

        self._task.start(look)

    def end(self) -> None:
        """Look nothing up any more."""
        self._task.cancel()

    def _take(self, typed: str, found: _Found | Exception) -> None:
        if isinstance(found, Exception) and not isinstance(found, CharRNNError):
            raise found
        self._show(typed, found)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer."""

    key: str
    """As Textual names it; empty for the default, which has the focus and takes Enter."""
    shown_key: str
    label: str
    result: str
    """What the screen returns; empty to change nothing."""


class QuestionScreen(Dialog[str]):
    """Asks, and returns the result of the chosen answer; the first one is the default."""

    def __init__(self, title: str, question: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title = safe_line(title)
        self._question = safe_text(question)
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(id="question", classes="box") as box:
            box.border_title = Content(self._title)
            yield Static(self._question, markup=False)
            for number, answer in enumerate(self._answers):
                label = Content.assemble((f"{answer.shown_key:>5}", "bold"), f"  {answer.label}")
                yield Button(label, id=f"answer-{number}", compact=True)

    def on_key(self, event: events.Key) -> None:
        """Answer by a key."""
        for answer in self._answers:
            if event.key == answer.key:
                event.stop()
                self.dismiss(answer.result)
                return
        if event.key in {"up", "down"}:
            (self.focus_previous if event.key == "up" else self.focus_next)()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by the mouse, or by Enter on an answer."""
        event.stop()
        number = int((event.button.id or "").removeprefix("answer-"))
        self.dismiss(self._answers[number].result)


def list_problems(problems: Sequence[str]) -> QuestionScreen:
    """All that is not right in the settings."""
    page = "\n\n".join(problems)
    answers = [Answer("", "Enter", tr("Close"), "")]
    return QuestionScreen(tr("Problems of the settings"), page, answers)


def ask_to_leave(run_name: str, others: Sequence[str] = ()) -> QuestionScreen:
    """What becomes of a run that trains when the app is left: `leave`, `stop` or nothing.

    Args:
        run_name: The run that is shown.
        others: Names of runs that train besides, and go on in any case.
    """
    question = tr("Run {name} is being trained.", name=run_name)
    if others:
        goes_on = tr(
            "{names} goes on training in any case."
            if len(others) == 1
            else "{names} go on training in any case.",
            names=", ".join(others),
        )
        question = f"{question} {goes_on}"
    return QuestionScreen(
        tr("Leave charrnn-tui"),
        question,
        [
            Answer("", "Enter", tr("Leave it running"), "leave"),
            Answer("s", "s", tr("Save and stop it"), "stop"),
            Answer("escape", "Esc", tr("Stay here"), ""),
        ],
    )


def ask_to_stop(run_name: str) -> QuestionScreen:
    """Whether to stop a run: `stop` or nothing."""
    return QuestionScreen(
        tr("Stop training"),
        tr(
            "Save run {name} and stop it? It can be resumed later, exactly where it was.",
            name=run_name,
        ),
        [
            Answer("escape", "Esc", tr("Let it train"), ""),
            Answer("s", "s", tr("Save and stop it"), "stop"),
        ],
    )


class SafeInput(Input, KeysInOrder):
    """A line to type into that never holds what would harm a terminal, pasted or not."""

    def validate_value(self, value: str) -> str:
        """What is shown, and returned: signs in the place of what cannot be."""
        return safe_line(value)

    def on_paste(self, event: events.Paste) -> None:
        """Say that only the first line is taken, which `Input` does."""
        if "\n" in event.text.strip().replace("\r", "\n"):
            words = tr("Only the first line of what was pasted is taken.")
            self.notify(words, severity="warning", markup=False)

    def replace(self, text: str, start: int, end: int) -> None:
        """As `Input`, with the cursor behind all of what is shown for the text."""
        taken, text = typed_on(self.value[:start], text)
        super().replace(safe_line(text), start - taken, end)


class AskTextScreen(Dialog[str | None]):
    """Asks, and returns the line once nothing is wrong with it; None if it is left by Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    DEFAULT_CSS = """
    AskTextScreen {
        align: center middle;
        & #ask {
            padding: 0 1;
            width: 60;
            height: auto;
        }
        & Static { height: auto; }
        & #ask-words { color: $text-muted; }
        & #ask-words.-problem { color: $text-error; }
    }
    """

    field = query_one(SafeInput)
    words = query_one("#ask-words", Static)

    def __init__(
        self,
        title: str,
        question: str,
        value: str,
        check: Callable[[str], str] | None = None,
        *,
        find: Callable[[str], str] | None = None,
    ) -> None:
        """Ask.

        Args:
            title: What it is about, in a word or two.
            question: What is wanted; may be empty.
            value: What the line holds at first, all of it selected.
            check: Says what is wrong with a line; empty if nothing is. Asked as one types.
            find: Says in a thread, as one types, what is returned for a line: where the disk has
                to be asked. It raises a `CharRNNError` that says what is wrong with the line.
        """
        super().__init__()
        self._title = safe_line(title)
        self._question = safe_text(question)
        self._value = value
        self._check = check
        self._lookup = (
            Lookup("line-lookup", find, self.call_later, self._show_found) if find else None
        )
        self._reply: str | None = None
        """What is returned for the line; None while that is not known, or it is wrong."""
        self._is_submitted = False

    def compose(self) -> ComposeResult:
        """The question above the line, and below what is wrong with it."""
        with Vertical(id="ask", classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(tr("Enter takes it · Esc leaves it"))
            if self._question:
                yield Static(self._question, markup=False)
            yield SafeInput(self._value, select_on_focus=True, compact=True)
            yield Static("", id="ask-words", markup=False)

    def on_mount(self) -> None:
        """Let the cursor wait in the line."""
        self.field.cursor_blink = False  # a screen at rest draws nothing
        self.field.focus()
        self._judge()

    def on_unmount(self) -> None:
        """Let the thread end."""
        if self._lookup is not None:
            self._lookup.end()

    def on_input_changed(self) -> None:
        """Say what is wrong as one types."""
        self._judge()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, unless something is wrong with it; wait until that is known."""
        event.stop()
        self._is_submitted = True
        self._reply_if_ready()

    def _show_found(self, typed: str, found: str | CharRNNError) -> None:
        """Say what was found out of the line, if it is still the same."""
        if typed != self.field.value:
            return
        is_problem = isinstance(found, CharRNNError)
        self._reply = None if is_problem else str(found)
        # nobody sees what an empty line stands for
        self._say(str(found) if is_problem or not typed else "", is_problem=is_problem)
        self._reply_if_ready()

    def action_give_up(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def _judge(self) -> None:
        """Find out whether the line can be taken."""
        typed = self.field.value
        self._is_submitted = False
        problem = self._check(typed) if self._check is not None else ""
        self._reply = None if problem or self._lookup is not None else typed
        self._say(problem, is_problem=True)
        if self._lookup is not None and not problem:
            self._lookup.begin(typed)

    def _say(self, words: str, *, is_problem: bool = False) -> None:
        self.words.update(safe_line(words))
        self.words.set_class(is_problem, "-problem")

    def _reply_if_ready(self) -> None:
        if self._is_submitted and self._reply is not None:
            self.dismiss(self._reply)
