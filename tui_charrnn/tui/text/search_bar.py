"""One row to type in what is looked for, and how often it is there."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.text.searched_text import SearchedText
from tui_charrnn.tui.textual_patches import KeysInOrder

_LONGEST: Final = 200  # characters


class SearchField(Input, KeysInOrder):
    """A line that holds what is looked for as the text would show it."""

    def __init__(self) -> None:
        super().__init__(
            id="search-field", placeholder="look for", compact=True, max_length=_LONGEST
        )
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        """Turn what would not be shown as it is into the sign that stands for it."""
        return safe_line(value)


class SearchBar(Horizontal):
    """Looks through a text at every key; Enter goes back to it, where the search goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "The match before", show=False),
        Binding("down", "step(1)", "The next match", show=False),
    ]
    DEFAULT_CSS = """
    SearchBar {
        height: 1;
        padding: 0 2;
        & #search-sign { width: 2; color: $accent; text-style: bold; }
        & #search-field { width: 1fr; }
        & #search-count { width: auto; margin-left: 1; color: $text-muted; }
    }
    """

    field = query_one(SearchField)
    count = query_one("#search-count", Static)

    def __init__(self, text: SearchedText) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """A sign, the line, the count."""
        yield Static("/", id="search-sign", markup=False)
        yield SearchField()
        yield Static("", id="search-count", markup=False)

    def on_mount(self) -> None:
        """Count what is found, also in text that streams in."""
        self.watch(self._text, "match_words", self._show_count)
        self.field.focus()

    def open(self) -> None:
        """Take another query; the last one is selected, so that typing replaces it."""
        self.display = True
        self.field.action_select_all()
        self.field.focus()
        self._text.find(self.field.value)

    def close(self) -> None:
        """Look for nothing any more."""
        self.display = False
        self._text.find("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed now."""
        event.stop()
        if self.display:
            self._text.find(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the text, at the match."""
        event.stop()
        self._text.focus()

    def action_step(self, direction: int) -> None:
        """Go to the next match (1) or to the one before (-1)."""
        self._text.step(direction)

    def _show_count(self, words: str) -> None:
        self.count.update(words)
