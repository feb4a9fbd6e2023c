"""The failure card: what went wrong with a run, its last words, and what helps."""

from collections.abc import Sequence
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Button, Static

from tui_charrnn.tui.messages import NewRunRequested, PaneRequested, ResumeRequested
from tui_charrnn.tui.renderables.text_gate import TextGate
from tui_charrnn.tui.renderables.wrapping import wrap_line
from tui_charrnn.viewing.failures import Failure, FailureKind
from tui_charrnn.viewing.log_lines import last_words
from tui_charrnn.viewing.remedies import Remedy, RemedyId

_LOG_LINES: Final = 6
_ORDER: Final[tuple[RemedyId, ...]] = ("half_batch", "lower_rate", "resume", "log")
_HIGH_SCREEN: Final = 30
"""Rows of a terminal from which on the log need not make way for the rest of the screen."""
_LOW_CARD: Final = 8
"""Rows inside the frame that the card takes at most on a lower one, unless words need more."""
_GAP: Final = 2  # columns between two buttons


class FailureCard(VerticalScroll, can_focus=False):
    """Shows a `Failure`; hidden while there is none.

    Its buttons take Enter, the mouse, and while one of them has the focus a letter each.
    """

    DEFAULT_CSS = """
    FailureCard {
        display: none;
        height: auto;
        max-height: 100%;
        padding: 0 1;
        border: round $error;
        border-title-color: $text-error;
        border-title-style: bold;
        background: $background;
        &.-silent { border: round $warning; border-title-color: $text-warning; }
        & Static { width: 100%; height: auto; }
        & #failure-hint { color: $text-muted; }
        & #failure-log {
            color: $text-muted;
            text-wrap: nowrap;
            text-overflow: ellipsis;
            border-left: outer $foreground 25%;
            padding-left: 1;
        }
        & #failure-remedies { dock: bottom; height: auto; layout: vertical; }
        &.-broad #failure-remedies { layout: horizontal; }
        & Button { width: auto; min-width: 0; margin-right: 2; }
    }
    """

    sentence = query_one("#failure-sentence", Static)
    hint = query_one("#failure-hint", Static)
    log_end = query_one("#failure-log", Static)

    def __init__(self) -> None:
        super().__init__()
        self._failure: Failure | None = None
        self._log: tuple[str, ...] = ()
        """The last lines that tell anything, safe to show."""

    def compose(self) -> ComposeResult:
        """Words first; the buttons stay in sight at the bottom."""
        yield Static(id="failure-sentence", markup=False)
        yield Static(id="failure-hint", markup=False)
        yield Static(id="failure-log", markup=False)
        with Container(id="failure-remedies"):
            for name in _ORDER:
                yield Button("", id=name, compact=True)

    def show(self, failure: Failure | None, log: Sequence[str]) -> None:
        """Show a failure, or hide.

        Args:
            failure: What is wrong; None while nothing is.
            log: The last lines of the trainer's log, as they are.
        """
        lines = tuple(TextGate().show(line.text) for line in last_words(log, _LOG_LINES))
        if (failure, lines) != (self._failure, self._log):
            self._failure, self._log = failure, lines
            self._draw()

    def on_mount(self) -> None:
        """Draw what was shown before."""
        self._draw()

    def on_resize(self) -> None:
        """Arrange the buttons, and leave out of the log what has no room."""
        self._draw()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask for what helps."""
        event.stop()
        for remedy in self._failure.remedies if self._failure else ():
            if remedy.id == event.button.id:
                self._ask_for(remedy)

    def on_key(self, event: events.Key) -> None:
        """Press a button by its letter; go on to another by an arrow."""
        for remedy in self._failure.remedies if self._failure else ():
            if remedy.key == event.key:
                event.stop()
                self._ask_for(remedy)
        if event.key in {"left", "up", "right", "down"}:
            event.stop()
            back = event.key in {"left", "up"}
            (self.screen.focus_previous if back else self.screen.focus_next)("FailureCard Button")

    def _ask_for(self, remedy: Remedy) -> None:
        if self._failure is None:
            return
        if remedy.id == "log":
            self.post_message(PaneRequested("log"))
        elif remedy.id == "resume":
            self.post_message(ResumeRequested(self._failure.run))
        else:
            self.post_message(NewRunRequested(self._failure.run, dict(remedy.changes)))

    def _draw(self) -> None:
        failure = self._failure
        self.display = failure is not None
        if failure is None or not self.is_mounted:
            return
        self.border_title = Content(failure.kind.value)
        self.set_class(failure.kind is FailureKind.SILENT, "-silent")
        self.sentence.update(failure.sentence)
        self.hint.update(failure.hint)
        labels = {remedy.id: f"{remedy.key} {remedy.label}" for remedy in failure.remedies}
        for button in self.query(Button):
            label = labels.get(button.id or "", "")
            button.display = bool(label)
            button.label = Content.assemble((label[:1], "bold"), label[1:])
        if width := self.content_size.width:
            taken = sum(len(label) + 2 + _GAP for label in labels.values())
            self.set_class(taken <= width, "-broad")
            others = _rows(failure.sentence, width) + _rows(failure.hint, width)
            self._draw_log(others + (1 if taken <= width else len(labels)))

    def _draw_log(self, other_rows: int) -> None:
        """Show as many of the last lines as there is room for beside the other rows."""
        is_high = self.app.size.height >= _HIGH_SCREEN
        room = _LOG_LINES if is_high else max(0, _LOW_CARD - other_rows)
        lines = self._log[max(0, len(self._log) - room) :] if room else ()
        self.log_end.display = bool(lines)
        self.log_end.update("\n".join(lines))


def _rows(text: str, width: int) -> int:
    return len(wrap_line(text, width)) + 1
