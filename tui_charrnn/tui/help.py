"""One page: every key and what it does, and a line to find one by."""

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Input, Static

from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import Dialog, SafeInput
from tui_charrnn.tui.keys.bindings import grouped, matching
from tui_charrnn.tui.keys.keymap import active_keys
from tui_charrnn.tui.keys.table import Key


class KeyList(Widget):
    """Keys and what they do, below their headings; a sentence goes on below itself."""

    DEFAULT_CSS = "KeyList { height: auto; }"

    def __init__(self, keys: Sequence[Key]) -> None:
        """List some keys."""
        super().__init__()
        self.keys = keys
        self._column = max(7, *(cell_len(key.display) + 1 for key in keys))

    def show(self, keys: Sequence[Key]) -> None:
        """List other keys."""
        self.keys = keys
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """The rows that it takes."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Its rows."""
        return Content("\n").join(self._rows(self.size.width))

    def _rows(self, width: int) -> list[Content]:
        rows: list[Content] = []
        for heading, keys in grouped(self.keys).items():
            rows += [Content(), Content.styled(tr(heading), "bold")][not rows :]
            for key in keys:
                name = Content.styled(set_cell_size(key.display, self._column), "bold $accent")
                first, *others = Content(tr(key.sentence)).wrap(
                    max(width, 2 * self._column) - self._column
                )
                rows += [name + first, *(each.pad_left(self._column) for each in others)]
        return rows or [Content(tr("No key does that."))]


class HelpScreen(Dialog[None]):
    """Lists the keys that are in force; those that have what is typed, once something is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", show=False),
        # the key that opened it, whichever a user gave it
        Binding("f1", "dismiss", "Close", show=False, id="app.help"),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "scroll_page(-1)", show=False),
        Binding("pagedown", "scroll_page(1)", show=False),
    ]
    CSS = """
    HelpScreen {
        #help { width: 78; height: 100%; padding: 0 1; }
        #help-search {
            border: none;
            height: 1;
            padding: 0 1;
            background: $panel;
        }
        #help-page {
            height: 1fr;
            padding: 0 1;
            scrollbar-size-vertical: 1;
            scrollbar-background: $surface;
            scrollbar-background-hover: $surface;
            scrollbar-background-active: $surface;
        }
        #help-about { color: $text-muted; margin: 1 0; }
    }
    """

    search = query_one("#help-search", SafeInput)
    page = query_one("#help-page", VerticalScroll)
    list = query_one("KeyList", KeyList)

    def compose(self) -> ComposeResult:
        """A line to type in, what the program does, then a heading a group and a line a key."""
        with Vertical(id="help", classes="box") as box:
            box.border_title = Content(tr("Keys"))
            box.border_subtitle = Content(tr("Type to find · Esc closes"))
            yield SafeInput(placeholder=tr("find a key by what it does"), id="help-search")
            with VerticalScroll(id="help-page", can_focus=False):
                about = tr(
                    "A character LSTM reads text one character at a time and guesses the next. "
                    "What you type into the box is its beginning; what it guesses is written "
                    "above. Loss is in nats per character: less is better."
                )
                yield Static(about, markup=False, id="help-about")
                yield KeyList(active_keys())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the keys that have every word that is typed."""
        event.stop()
        self.list.show(matching(active_keys(), event.value))
        self.query_one("#help-about").display = not event.value.strip()
        self.page.scroll_home(animate=False)

    def action_scroll(self, rows: int) -> None:
        """Move the page by rows, down or (below 0) up."""
        self.page.scroll_relative(y=rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Move the page by its height, down or (below 0) up."""
        self.page.scroll_relative(y=pages * max(1, self.page.size.height - 1), animate=False)
