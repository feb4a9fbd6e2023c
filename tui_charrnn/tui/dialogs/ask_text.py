"""A question that is answered by one line of text."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.tui.dialogs.dialog import Dialog
from tui_charrnn.tui.textual_patches import KeysInOrder


class SafeInput(Input, KeysInOrder):
    """A line to type into that never holds what would harm a terminal, pasted or not."""

    def validate_value(self, value: str) -> str:
        """What is shown, and returned: signs in the place of what cannot be."""
        return safe_line(value)

    def replace(self, text: str, start: int, end: int) -> None:
        """As `Input`, with the cursor behind all of what is shown for the text."""
        super().replace(safe_line(text), start, end)


class AskTextScreen(Dialog[str | None]):
    """Asks, and returns the line once nothing is wrong with it; None if it is left by Esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "give_up", "Cancel", show=False)]
    DEFAULT_CSS = """
    AskTextScreen {
        align: center middle;
        & #ask {
            border: round $primary;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
            width: 60;
            max-width: 100%;
            height: auto;
            max-height: 100%;
        }
        & Static { height: auto; }
        & #ask-problem { color: $text-error; }
    }
    """

    field = query_one(SafeInput)
    problem = query_one("#ask-problem", Static)

    def __init__(self, title: str, question: str, value: str, check: Callable[[str], str]) -> None:
        """Ask.

        Args:
            title: What it is about, in a word or two.
            question: What is wanted; may be empty.
            value: What the line holds at first, all of it selected.
            check: Says what is wrong with a line; empty if nothing is. Asked as one types.
        """
        super().__init__()
        self._title = safe_line(title)
        self._question = safe_text(question)
        self._value = value
        self._check = check

    def compose(self) -> ComposeResult:
        """The question above the line, and what is wrong with it below."""
        with Vertical(id="ask") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("Enter takes it · Esc leaves it")
            if self._question:
                yield Static(self._question, markup=False)
            yield SafeInput(self._value, select_on_focus=True, compact=True)
            yield Static("", id="ask-problem", markup=False)

    def on_mount(self) -> None:
        """Let the cursor wait in the line."""
        self.field.cursor_blink = False  # a screen at rest draws nothing
        self.field.focus()
        self._show_problem()

    def on_input_changed(self) -> None:
        """Say what is wrong as one types."""
        self._show_problem()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, unless something is wrong with it."""
        event.stop()
        if not self._show_problem():
            self.dismiss(self.field.value)

    def action_give_up(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def _show_problem(self) -> str:
        problem = self._check(self.field.value)
        self.problem.update(safe_line(problem))
        return problem
