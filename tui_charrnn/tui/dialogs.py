"""Modal screens: questions and text prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.hangul import compose_typed
from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.keys.table import shown_key
from tui_charrnn.tui.textual_patches import KeysInOrder, forward_key

Reply = TypeVar("Reply")


class Dialog(ModalScreen[Reply]):
    """A modal screen that Esc closes without a result; it ignores a second request to close.

    The CSS class `box` marks the frame around its contents.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", show=False)]
    DEFAULT_CSS = """
    Dialog .box, Dialog VerticalScroll {
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        scrollbar-background-hover: $surface;
        scrollbar-background-active: $surface;
    }
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

    def open(self, app: App[object], take: Callable[[Reply], object]) -> None:
        """Open, and call `take` with the result, unless there is none."""

        def pass_on(result: Reply | None) -> None:
            if result is not None:
                take(result)

        app.push_screen(self, pass_on)

    def dismiss(self, result: Reply | None = None) -> AwaitComplete:
        """Close with a result; do nothing if another screen is active.

        A second Enter may arrive while the first one closes the screen; it would close the screen
        below.
        """
        return super().dismiss(result) if self.is_active else AwaitComplete()


class MessageLine(Static):
    """A sentence about what was typed; a problem has another color."""

    DEFAULT_CSS = """
    MessageLine {
        height: auto;
        color: $text-muted;
        &.-problem { color: $text-error; }
    }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)

    def show(self, sentence: str, *, is_problem: bool = False) -> None:
        """Show a sentence, made safe for the terminal."""
        self.update(safe_line(sentence))
        self.set_class(is_problem, "-problem")


class LookupDialog(Dialog[Reply]):
    """Looks up what is typed, in a thread, and returns what was found once it is submitted."""

    def __init__(self) -> None:
        super().__init__()
        self._lookup = LatestTask("lookup")
        self._found: Reply | None = None
        self._is_submitted = False

    def find(self, typed: str) -> Reply:
        """Look a line up, in a thread; raise a `CharRNNError` if it is invalid."""
        raise NotImplementedError

    def show_found(self, found: Reply | CharRNNError) -> None:
        """Show what was found, or the error."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        """End the thread."""
        self._lookup.cancel()

    def look_up(self, typed: str) -> None:
        """Look a line up in place of any other."""
        self.settle(None)

        def look(task: BackgroundTask) -> None:
            found: Reply | Exception
            try:
                found = self.find(typed)
            except Exception as error:  # noqa: BLE001 - shown or raised again in the screen's thread
                found = error
            task.deliver(self.call_later, self._take, found)

        self._lookup.start(look)

    def settle(self, found: Reply | None) -> None:
        """Take a result that needs no lookup, in place of any other; None is no result."""
        self._lookup.cancel()
        self._found, self._is_submitted = found, False

    def submit(self) -> None:
        """Return the result as soon as there is one."""
        self._is_submitted = True
        self._return_found()

    def _take(self, found: Reply | Exception) -> None:
        if isinstance(found, CharRNNError):
            self.show_found(found)
        elif isinstance(found, Exception):
            raise found
        else:
            self._found = found
            self.show_found(found)
            self._return_found()

    def _return_found(self) -> None:
        if self._is_submitted and self._found is not None:
            self.dismiss(self._found)


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible answer."""

    key: str
    """Textual's name of the key; empty for the default answer, which has the focus."""
    label: str
    result: str
    """The result of the screen; empty for none."""


class QuestionScreen(Dialog[str]):
    """Asks a question and returns the result of the chosen answer; the first is the default."""

    AUTO_FOCUS = ""  # it would scroll to the default answer, depending on when the layout is done

    def __init__(self, title: str, question: str, answers: Sequence[Answer]) -> None:
        super().__init__()
        self._title = safe_line(title)
        self._question = safe_text(question)
        self._answers = answers

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with VerticalScroll(id="question", classes="box", can_focus=False) as box:
            box.border_title = Content(self._title)
            yield Static(self._question, markup=False)
            for number, answer in enumerate(self._answers):
                label = Content.assemble(
                    (f"{shown_key(answer.key or 'enter'):>5}", "bold"), f"  {answer.label}"
                )
                yield Button(label, id=f"answer-{number}", compact=True)

    def on_mount(self) -> None:
        """Focus the default answer; a question longer than the screen shows its beginning."""
        self.set_focus(self.query(Button).first(), scroll_visible=False)

    async def ask_instead(self, other: QuestionScreen) -> None:
        """Ask another question with its answers under the title of this one."""
        if other._question != self._question:
            self._question, self._answers = other._question, other._answers
            await self.recompose()
            self.on_mount()

    def on_key(self, event: events.Key) -> None:
        """Answer by a key, or move the focus by an arrow key."""
        for answer in self._answers:
            if event.key == answer.key:
                event.stop()
                self.dismiss(answer.result or None)
                return
        if event.key in {"up", "down"}:
            (self.focus_previous if event.key == "up" else self.focus_next)()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by a click, or by Enter on a button."""
        event.stop()
        number = int((event.button.id or "").removeprefix("answer-"))
        self.dismiss(self._answers[number].result or None)


def list_problems(problems: Sequence[str]) -> QuestionScreen:
    """Return a screen that lists the problems in the settings."""
    page = "\n\n".join(problems)
    answers = [Answer("", tr("Close"), "")]
    return QuestionScreen(tr("Problems of the settings"), page, answers)


def ask_to_leave(
    run_name: str, others: Sequence[str] = (), *, has_ended: bool = False
) -> QuestionScreen:
    """Return a question before the app quits while a run trains: `leave`, `stop` or no result.

    `others` train too and continue in any case; `has_ended` if the run has ended meanwhile.
    """
    question = tr(
        "Run {name} is no longer being trained." if has_ended else "Run {name} is being trained.",
        name=run_name,
    )
    if others:
        note = tr(
            "{names} keeps training in any case."
            if len(others) == 1
            else "{names} keep training in any case.",
            names=", ".join(others),
        )
        question = f"{question} {note}"
    leave = [
        Answer("", tr("Leave it running"), "leave"),
        Answer("s", tr("Save and stop it"), "stop"),
    ]
    if has_ended:
        leave = [Answer("", tr("Quit"), "leave")]
    return QuestionScreen(
        tr("Leave charrnn-tui"), question, [*leave, Answer("escape", tr("Stay here"), "")]
    )


def ask_to_stop(run_name: str) -> QuestionScreen:
    """Return a question whether to stop a run: `stop` or no result."""
    return QuestionScreen(
        tr("Stop training"),
        tr(
            "Save run {name} and stop it? It can be resumed later, exactly where it was.",
            name=run_name,
        ),
        [
            Answer("escape", tr("Let it train"), ""),
            Answer("s", tr("Save and stop it"), "stop"),
        ],
    )


class SafeInput(Input, KeysInOrder):
    """An input whose value never contains control characters, typed or pasted."""

    cursor_blink = reactive(False, init=False)
    """Off: an idle screen draws nothing."""

    def validate_value(self, value: str) -> str:
        """Return the value with visible signs in place of control characters."""
        return safe_line(value)

    async def on_key(self, event: events.Key) -> None:
        """Forward a key that was typed after the focus moved to another field."""
        forward_key(self, event)

    def on_paste(self, event: events.Paste) -> None:
        """Warn if the paste has several lines: `Input` keeps only the first."""
        if "\n" in event.text.strip().replace("\r", "\n"):
            message = tr("Only the first pasted line is used.")
            self.notify(message, severity="warning", markup=False)

    def show(self, value: str) -> None:
        """Set the value without posting a change."""
        if value != self.value:
            with self.prevent(Input.Changed):
                self.value = value

    def replace(self, text: str, start: int, end: int) -> None:
        """Replace text as `Input` does, and put the cursor after the safe form of the new text."""
        taken, text = compose_typed(self.value[:start], text)
        super().replace(self.validate_value(text), start - taken, end)


class AskTextScreen(LookupDialog[str]):
    """Asks for a line and returns it once it is valid; returns None at Esc."""

    DEFAULT_CSS = """
    AskTextScreen {
        & #ask {
            padding: 0 1;
            width: 60;
            height: auto;
        }
        & Static { height: auto; }
    }
    """

    field = query_one(SafeInput)
    words = query_one(MessageLine)

    def __init__(
        self,
        title: str,
        question: str,
        value: str,
        check: Callable[[str], str] | None = None,
        *,
        find: Callable[[str], str] | None = None,
    ) -> None:
        """Prepare the prompt, all of its initial value selected; the question may be empty.

        At every change, `check` returns what is wrong with the line, or an empty string, and `find`
        the result for the line. `find` is called in a thread, because it may read the disk; it
        raises a `CharRNNError` if the line is invalid.
        """
        super().__init__()
        self._title = safe_line(title)
        self._question = safe_text(question)
        self._value = value
        self._check = check
        self._find = find

    def compose(self) -> ComposeResult:
        """The question, the line, and what is wrong with the line."""
        with Vertical(id="ask", classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content(tr("Enter accepts · Esc cancels"))
            if self._question:
                yield Static(self._question, markup=False)
            yield SafeInput(self._value, select_on_focus=True, compact=True)
            yield MessageLine(id="ask-words")

    def on_mount(self) -> None:
        """Focus the line and check its initial value."""
        self.field.focus()
        self._check_line()

    def on_input_changed(self) -> None:
        """Check the line."""
        self._check_line()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the line if it is valid; wait for a running lookup first."""
        event.stop()
        self.submit()

    def find(self, typed: str) -> str:
        """Return the result for a line."""
        return typed if self._find is None else self._find(typed)

    def show_found(self, found: str | CharRNNError) -> None:
        """Show what is wrong with the line, or what an empty line stands for."""
        is_problem = isinstance(found, CharRNNError)
        is_shown = is_problem or not self.field.value
        self.words.show(str(found) if is_shown else "", is_problem=is_problem)

    def _check_line(self) -> None:
        """Check the line, and look it up if it is valid so far."""
        typed = self.field.value
        problem = self._check(typed) if self._check is not None else ""
        self.words.show(problem, is_problem=True)
        if problem or self._find is None:
            self.settle(None if problem else typed)
        else:
            self.look_up(typed)
