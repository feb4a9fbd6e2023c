"""A text of the history, whole, below what it came from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from textual.containers import Vertical
from textual.getters import query_one
from textual.widgets import Static

from tui_charrnn.tui.history.format import settings_lines
from tui_charrnn.tui.text.generated_text import GeneratedText

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.history.generation import Entry

_MOST_FACTS: Final = 5  # lines
_LOW: Final = 10  # rows of the preview below which two facts must do


class HistoryText(GeneratedText):
    """The text; scrolls by keys while it has the focus."""


class HistoryPreview(Vertical):
    """Shows a text as it is kept, or as it is being said again."""

    DEFAULT_CSS = """
    HistoryPreview {
        & #history-facts {
            height: auto;
            color: $text-muted;
            padding: 0 1;
            text-wrap: nowrap;
            text-overflow: ellipsis;
        }
        & HistoryText { height: 1fr; padding: 0 1; }
    }
    """

    facts = query_one("#history-facts", Static)
    text = query_one(HistoryText)

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def compose(self) -> ComposeResult:
        """The facts above the text."""
        yield Static("", id="history-facts", markup=False)
        yield HistoryText(limit=200_000)

    def on_resize(self) -> None:
        """Say as much as there is room for."""
        self._show_facts()

    def show(self, entry: Entry | None) -> None:
        """Show a text from its beginning; None shows nothing."""
        self._lines = [] if entry is None else list(settings_lines(entry, datetime.now(UTC)))
        self._show_facts()
        self.text.streaming = False
        self.text.clear()
        self.text.follows_end = False
        if entry is None:
            return
        said = entry.generation
        self.text.append(said.seed_text, "seed")
        self.text.append(said.text, "generated")
        if said.length > len(said.text):
            more = said.length - len(said.text)
            self.text.append(f"\n… and {more:,} more characters, which were not kept", "note")
        self.text.scroll_to(y=0)

    def begin_again(self, read_text: str) -> None:
        """Show a text from its seed text on, as it is being said again."""
        self.text.clear()
        self.text.append(read_text, "seed")
        self.text.streaming = True

    def _show_facts(self) -> None:
        most = _MOST_FACTS if self.size.height >= _LOW else 2
        lines = self._lines
        if len(lines) > most:
            lines = [*lines[: most - 1], f"… and {len(lines) - most + 1} more lines of settings"]
        self.facts.update("\n".join(lines))
        self.facts.display = bool(lines)
