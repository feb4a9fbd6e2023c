"""Scroll views of drawn rows: a list with a cursor, and rows that follow their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui_charrnn.viewing.formatting import fitted

if TYPE_CHECKING:
    from textual import events
    from textual.selection import Selection

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


class FollowingScrollView(RowView):
    """Follows its end until the user scrolls away; keeps the rows that were drawn.

    Textual's own anchor posts no message when it is released, and breaks when rows are removed at
    the top.
    """

    ALLOW_SELECT = True

    follows_end: reactive[bool] = reactive(True, repaint=False, init=False)
    """Whether the newest rows stay visible; the user changes this by scrolling."""

    _is_placing = False
    """Whether the program, not the user, is setting the position."""

    @dataclass
    class FollowChanged(Message):
        """The user scrolled away from the end, or back to it."""

        follows: bool

    def __init__(self) -> None:
        super().__init__()
        self.strips: LRUCache[int, Strip] = LRUCache(1024)
        """Drawn rows, by their numbers."""

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the rows again, with or without the selection."""
        self.strips.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Draw the rows again, in another theme."""
        self.strips.clear()
        super().notify_style_update()

    def place(self, rows: int, top: int, *, is_new: bool = False) -> None:
        """Set the number of rows; show the end if it is followed, else row `top` at the top.

        While the scrollbar neither appears nor disappears, nothing around the text moves. So this
        avoids Textual's layout and drawing of the whole screen for every new row.

        Args:
            rows: The number of rows.
            top: The row at the top, if the end is not followed.
            is_new: Whether the rows are other ones: drops the drawn ones and the selection.
        """
        if is_new:
            self.strips.clear()
            if self.is_attached and self.text_selection is not None:
                self.screen.clear_selection()  # it refers to row numbers
            self.refresh()
        self._is_placing = True
        try:
            size = Size(self.scrollable_content_region.width, rows)
            had_bar, needs_bar = self.show_vertical_scrollbar, size.height > self.size.height
            is_same_width = size.width == self.virtual_size.width
            if had_bar != needs_bar or (needs_bar and not is_same_width):
                self.virtual_size = size
            else:
                self.set_reactive(FollowingScrollView.virtual_size, size)
                if needs_bar:
                    self.vertical_scrollbar.window_virtual_size = size.height
            target = self.max_scroll_y if self.follows_end else top
            if self.is_attached and target != self.scroll_y:
                self.scroll_to(y=target, force=True)  # the scrollbar may not exist yet
        finally:
            self._is_placing = False

    def action_scroll_end(self) -> None:
        """Follow the end again."""
        self.follows_end = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end if and only if it is visible to the user."""
        super().watch_scroll_y(old_value, new_value)
        if not self._is_placing:
            self.follows_end = new_value >= self.max_scroll_y

    def watch_show_vertical_scrollbar(self, shows: bool) -> None:
        """Set the position of a scrollbar that has just appeared."""
        if shows:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_follows_end(self, follows: bool) -> None:
        """Post `FollowChanged`, and show the end if it is followed again."""
        self.post_message(self.FollowChanged(follows))
        if follows:
            self.place(self.virtual_size.height, 0)
