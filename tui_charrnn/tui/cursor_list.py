"""Rows of one height, one of which has the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from typing import Any

    from textual import events


class CursorView(ScrollView, can_focus=True):
    """Keeps the cursor in view; what the rows show is for others to draw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move_page(-1)", show=False),
        Binding("pagedown", "move_page(1)", show=False),
        Binding("home", "move_to(0)", show=False),
        Binding("end", "move_to(-1)", show=False),
    ]

    class CursorMoved(Message, namespace="history_list"):
        """The cursor is on another row, or there is no row left."""

    class Entered(Message, namespace="history_list"):
        """The row under the cursor is wanted: a double click."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        """Index of the row that has it."""
        self.count = 0
        """How many rows there are."""

    def take_count(self, count: int, cursor: int) -> None:
        """Have so many rows, with the cursor on one of them."""
        self.count, self.cursor = count, max(0, min(cursor, count - 1))
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        self.refresh()
        self.reveal()
        self.post_message(self.CursorMoved())

    def put_cursor(self, index: int) -> None:
        """Put the cursor on a row, or on the one that is nearest to it."""
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
        """Put the cursor on a row; -1 is the last."""
        self.put_cursor(index if index >= 0 else self.count - 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click is; a double click wants the row."""
        index = int(self.scroll_y) + event.y
        if index < self.count:
            self.put_cursor(index)
            if event.chain == 2:
                self.post_message(self.Entered())

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.count)
        self.reveal()

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once: rows that glide cannot be read."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def reveal(self) -> None:
        """Scroll as little as it takes to see the cursor."""
        top, height = int(self.scroll_y), self.size.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, force=True)
        elif height and self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, force=True)
