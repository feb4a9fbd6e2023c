"""The failure card: the error of a run, the end of its log, and remedies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Button, Static

from tui_charrnn.translation import tr
from tui_charrnn.tui.messages import NewRunRequested, PaneRequested, ResumeRequested
from tui_charrnn.tui.text.wrapping import TextSanitizer, wrap_line
from tui_charrnn.viewing.failures import Failure, FailureKind, Remedy, RemedyId
from tui_charrnn.viewing.log_lines import log_end

_LOG_LINES: Final = 6
_GROUPS: Final[tuple[tuple[RemedyId, ...], ...]] = (("half_batch", "lower_rate"), ("resume", "log"))
"""Buttons that stay side by side if one row has no room for all of them."""
_LONGEST: Final = 600
"""Maximum length of a shown sentence in characters."""
_LOW_CARD: Final = 6
"""Rows inside the frame on a low terminal; the log fills what the rest leaves of them."""


class FailureCard(VerticalScroll, can_focus=False):
    """Shows a `Failure`; hidden while there is none.

    Its buttons respond to Enter, to the mouse and, while one has the focus, to a letter each.
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
        border-subtitle-color: $text-muted;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        &.-low { max-height: 10; }
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
        & #failure-remedies { dock: bottom; height: auto; }
        &.-broad #failure-remedies { layout: horizontal; }
        & Horizontal { width: auto; height: auto; }
        &.-narrow Horizontal { layout: vertical; }
        & Button { width: auto; min-width: 3; margin-right: 2; } /* no room for one is an error */
        & Button.-style-default { text-style: none; }
    }
    """

    sentence = query_one("#failure-sentence", Static)
    hint = query_one("#failure-hint", Static)
    log_end = query_one("#failure-log", Static)

    def __init__(self) -> None:
        super().__init__()
        self._failure: Failure | None = None
        self._log: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        """The texts, and the buttons, which are docked at the bottom."""
        yield Static(id="failure-sentence", markup=False)
        yield Static(id="failure-hint", markup=False)
        yield Static(id="failure-log", markup=False)
        with Container(id="failure-remedies"):
            for group in _GROUPS:
                with Horizontal():
                    for name in group:
                        yield Button("", id=name, compact=True)

    def show(self, failure: Failure | None, log: Sequence[str]) -> None:
        """Show a failure above the last lines of the trainer's log, or hide if there is none."""
        if (failure, log) != (self._failure, self._log):
            self._failure, self._log = failure, log
            self._draw()

    def on_mount(self) -> None:
        """Draw what `show` received before."""
        self._draw()

    def on_resize(self) -> None:
        """Arrange the buttons, and fit the log to the height."""
        self._draw()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Request the remedy of the button."""
        event.stop()
        for remedy in self._failure.remedies if self._failure else ():
            if remedy.id == event.button.id:
                self._request_remedy(remedy)

    def on_key(self, event: events.Key) -> None:
        """Press a button by its letter; move the focus by an arrow key."""
        for remedy in self._failure.remedies if self._failure else ():
            if remedy.key == event.key:
                event.stop()
                self._request_remedy(remedy)
        if event.key in {"left", "up", "right", "down"}:
            event.stop()
            back = event.key in {"left", "up"}
            (self.screen.focus_previous if back else self.screen.focus_next)("FailureCard Button")

    def _request_remedy(self, remedy: Remedy) -> None:
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
        self.border_title = Content(tr(failure.kind.value))
        self.border_subtitle = Content(tr("Tab, then a letter") if failure.remedies else "")
        self.set_class(failure.kind is FailureKind.SILENT, "-silent")
        sentence = TextSanitizer().show(shortened(failure.sentence))
        self.sentence.update(sentence)
        self.hint.update(failure.hint)
        labels = {remedy.id: f"{remedy.key} {tr(remedy.label)}" for remedy in failure.remedies}
        self._draw_buttons(labels)
        if width := self.content_size.width:
            groups = [[labels[name] for name in group if name in labels] for group in _GROUPS]
            button_rows = rows_of_buttons(groups, width)
            self.set_class(button_rows <= 1, "-broad")
            self.set_class(button_rows > len(list(filter(None, groups))), "-narrow")
            rows_of_text = text_rows(sentence, width) + text_rows(failure.hint, width)
            self._draw_log(rows_of_text + button_rows)

    def _draw_buttons(self, labels: Mapping[RemedyId, str]) -> None:
        for name in itertools.chain.from_iterable(_GROUPS):
            label, button = labels.get(name, ""), self.query_one(f"#{name}", Button)
            button.display = bool(label)
            content = Content.assemble((label[:1], "bold"), label[1:])
            if button.label != content:
                button.label = content
                button.refresh(layout=True)  # Textual keeps the width of the old label

    def _draw_log(self, other_rows: int) -> None:
        """Show as many of the last lines as fit beside the other rows."""
        is_high = self.app.size.height >= 30  # rows
        self.set_class(not is_high, "-low")
        room = _LOG_LINES if is_high else max(0, _LOW_CARD - other_rows)
        lines = log_end(self._log, room) if room else []
        self.log_end.display = bool(lines)
        self.log_end.update("\n".join(TextSanitizer().show(line.text) for line in lines))


def shortened(sentence: str) -> str:
    """Return a sentence cut to `_LONGEST`; the log or the records have all of it."""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"


def text_rows(text: str, width: int) -> int:
    """Return the number of rows that a text takes in `width` columns."""
    return len(wrap_line(text, width)) + 1


def rows_of_buttons(groups: Sequence[Sequence[str]], width: int) -> int:
    """Return the number of rows of the buttons: one, or one per group, or one per button."""
    widths = [sum(cell_len(label) + 4 for label in group) for group in groups if group]
    if sum(widths) <= width:
        return min(1, len(widths))
    return len(widths) if max(widths) <= width else sum(map(len, groups))
