"""A question with a few answers, each on a key of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui_charrnn.safe_text import safe_line, safe_text
from tui_charrnn.tui.dialogs.dialog import Dialog


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
        with Vertical(id="question") as box:
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


def ask_to_leave(run_name: str) -> QuestionScreen:
    """What becomes of a run that trains when the app is left: `leave`, `stop` or nothing."""
    return QuestionScreen(
        "Leave charrnn-tui",
        f"Run {run_name} is being trained.",
        [
            Answer("", "Enter", "Leave it running", "leave"),
            Answer("s", "s", "Save and stop it", "stop"),
            Answer("escape", "Esc", "Stay here", ""),
        ],
    )


def ask_to_stop(run_name: str) -> QuestionScreen:
    """Whether to stop a run: `stop` or nothing."""
    return QuestionScreen(
        "Stop training",
        f"Save run {run_name} and stop it? It can be resumed later, exactly where it was.",
        [
            Answer("escape", "Esc", "Let it train", ""),
            Answer("s", "s", "Save and stop it", "stop"),
        ],
    )
