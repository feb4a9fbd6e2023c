"""Scroll views of drawn rows; a list with a cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_charrnn.viewing.formatting import fitted

if TYPE_CHECKING:
    from textual import events

GAP: Final = 2
"""Empty columns after every cell."""


class RowView(ScrollView):
    """A view of drawn rows that scrolls up and down."""

    DEFAULT_CSS = """
    RowView {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll without animation: moving rows cannot be read, and each frame costs a redraw."""
        super().scroll_to(x, y, **{**options, "animate": False})


class Cell(NamedTuple):
    """A part of a row."""

    text: str
    """Safe text; it is cut with an ellipsis if it is too long."""
    columns: int
    kind: str = "text"
    """Its component class, without `cursor-view--`."""


class CursorView(RowView, can_focus=True):
    """Draws the visible rows, and scrolls to keep the cursor visible."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("home", "move_to(0)", show=False),
        Binding("end", "move_to(-1)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "cursor-view--about",
        "cursor-view--text",
        "cursor-view--cursor",
    }
    DEFAULT_CSS = """
    CursorView {
        & .cursor-view--about { color: $text-muted; }
        & .cursor-view--text { color: $foreground; }
        & .cursor-view--cursor { background: $panel; text-style: bold; }
        &:focus .cursor-view--cursor { background: $primary 40%; }
    }
    """

    class CursorMoved(Message):
        """The cursor moved to another row, or there is no row left."""

    class Entered(Message):
        """The user double-clicked the row at the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        """Index of the row at the cursor."""
        self.count = 0
        """Number of rows."""
        self.empty_text = ""
        """Safe text to show if there is no row."""

    def cells(self, index: int, width: int) -> list[Cell]:
        """Return the cells of a row that fit in `width` columns."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Draw row `y`, counted from the top of the view."""
        width, index = self.scrollable_content_region.width, self.scroll_offset.y + y
        if index >= self.count:
            lines = [] if self.count else Content(self.empty_text).wrap(max(width - 1, 1))
            text = f" {lines[y]}" if y < len(lines) else ""
            about = self.get_component_rich_style("cursor-view--about")
            return Strip([Segment(text, about)]).adjust_cell_length(width, self.rich_style)
        style = Style.null()
        if index == self.cursor:
            style = self.get_component_rich_style("cursor-view--cursor", partial=True)
        segments = [
            Segment(
                fitted(cell.text, cell.columns) + " " * GAP,
                self.get_component_rich_style(f"cursor-view--{cell.kind}") + style,
            )
            for cell in self.cells(index, width)
        ]
        return Strip(segments).crop_extend(0, width, self.rich_style + style)

    def take_count(self, count: int, cursor: int) -> None:
        """Set the number of rows and the cursor."""
        self.count, self.cursor = count, max(0, min(cursor, count - 1))
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        self.refresh()
        self.reveal()
        self.post_message(self.CursorMoved())

    def put_cursor(self, index: int) -> None:
        """Move the cursor to a row, or to the nearest one that exists."""
        index = max(0, min(index, self.count - 1))
        if index != self.cursor:
            self.cursor = index
            self.reveal()
            self.refresh()
            self.post_message(self.CursorMoved())

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows, down or (below 0) up."""
        self.put_cursor(self.cursor + rows)

    def action_move_page(self, pages: int) -> None:
        """Move the cursor by the height of the view, down or (below 0) up."""
        self.put_cursor(self.cursor + pages * max(1, self.size.height - 1))

    def action_move_to(self, index: int) -> None:
        """Move the cursor to a row; -1 is the last."""
        self.put_cursor(index if index >= 0 else self.count - 1)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; post `Entered` at a double click."""
        index = int(self.scroll_y) + event.y
        if index < self.count:
            self.put_cursor(index)
            if event.chain == 2:
                self.post_message(self.Entered())

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.count)
        self.reveal()

    def reveal(self) -> None:
        """Scroll just far enough to show the cursor."""
        top, height = int(self.scroll_y), self.size.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, force=True)
        elif height and self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, force=True)
