"""One page: every key and what it does, and a line to find one by."""

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Input, Static

from tui_charrnn.tui.dialogs import Dialog, SafeInput
from tui_charrnn.tui.keys.bindings import grouped, matching
from tui_charrnn.tui.keys.key import Key
from tui_charrnn.tui.keys.keymap import active_keys

_ABOUT = (
    "A character LSTM reads text one character at a time and guesses the next. What you type into "
    "the box is its beginning; what it guesses is written above. Loss is in nats per character: "
    "less is better."
)
_LEAST_COLUMN = 7


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
        #help-about { color: $text-muted; margin-top: 1; }
        #help-nothing, .help-group { margin-top: 1; }
        HelpLine { height: auto; }
    }
    """

    search = query_one("#help-search", SafeInput)
    page = query_one("#help-page", VerticalScroll)

    def compose(self) -> ComposeResult:
        """A line to type in, what the program does, then a heading a group and a line a key."""
        with Vertical(id="help", classes="box") as box:
            box.border_title = Content("Keys")
            box.border_subtitle = Content("Type to find · Esc closes")
            yield SafeInput(placeholder="find a key by what it does", id="help-search")
            with VerticalScroll(id="help-page", can_focus=False):
                yield Static(_ABOUT, markup=False, id="help-about")
                width = max(_LEAST_COLUMN, *(len(key.display) + 1 for key in active_keys()))
                for number, (group, keys) in enumerate(grouped(active_keys()).items()):
                    yield Static(
                        Content.styled(group, "bold"), classes="help-group", id=f"group-{number}"
                    )
                    for key in keys:
                        yield HelpLine(key, width)
                yield Static("No key does that.", markup=False, id="help-nothing")

    def on_mount(self) -> None:
        """Show all keys."""
        self._show_found("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the keys that have every word that is typed."""
        event.stop()
        self._show_found(event.value)

    def action_scroll(self, rows: int) -> None:
        """Move the page by rows, down or (below 0) up."""
        self.page.scroll_relative(y=rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Move the page by its height, down or (below 0) up."""
        self.page.scroll_relative(y=pages * max(1, self.page.size.height - 1), animate=False)

    def _show_found(self, typed: str) -> None:
        found = {key.id for key in matching(active_keys(), typed)}
        for line in self.query(HelpLine):
            line.display = line.key.id in found
        headings = {
            f"group-{number}": any(key.id in found for key in keys)
            for number, keys in enumerate(grouped(active_keys()).values())
        }
        for heading in self.query(".help-group"):
            heading.display = headings[str(heading.id)]
        self.query_one("#help-about").display = not typed.strip()
        self.query_one("#help-nothing").display = not found
        self.page.scroll_home(animate=False)


class HelpLine(Widget):
    """A key and what it does, which goes on below itself and not below the key."""

    def __init__(self, key: Key, width: int) -> None:
        """Keep what the line says.

        Args:
            key: The key.
            width: Columns for its name.
        """
        super().__init__()
        self.key = key
        self._width = width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's own
        """The rows that its sentence takes."""
        return len(self._rows(width))

    def render(self) -> Content:
        """Its name, then its sentence, in as many rows as that takes."""
        name = f"{self.key.display:<{self._width}}"
        sentence = ("\n" + " " * self._width).join(self._rows(self.size.width))
        return Content.assemble((name, "bold $accent"), sentence)

    def _rows(self, width: int) -> list[str]:
        return textwrap.wrap(self.key.sentence, max(width - self._width, self._width))
