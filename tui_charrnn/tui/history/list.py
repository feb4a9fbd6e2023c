"""The texts of the history as rows, of which those in view alone are ever read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from tui_charrnn.tui.cursor_list import CursorView
from tui_charrnn.tui.theme.filters import KeepsText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.tui.history.format import HistoryRow

_GAP: Final = 2  # columns between two cells
_AGE: Final = 4  # columns
_MODEL: Final = 14  # columns
_SETTINGS: Final = 10  # columns
_ROOM_FOR_MODEL: Final = 56  # columns of the list from which on there is room
_ROOM_FOR_SETTINGS: Final = 44
_KEPT: Final = 1024  # rows


class HistoryList(KeepsText, CursorView):
    """Has a cursor on one text; asks for the rows that it lacks in `RowsWanted`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "history-list--about",
        "history-list--text",
        "history-list--cursor",
    }
    DEFAULT_CSS = """
    HistoryList {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .history-list--about { color: $text-muted; }
        & .history-list--text { color: $foreground; }
        & .history-list--cursor { background: $panel; text-style: bold; }
        &:focus .history-list--cursor { background: $primary 40%; }
    }
    """

    class RowsWanted(Message):
        """These rows are in view and not known yet."""

        def __init__(self, numbers: Sequence[int]) -> None:
            self.numbers = numbers
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []
        """The texts in their order, by their numbers."""
        self._rows: LRUCache[int, HistoryRow] = LRUCache(_KEPT)
        self._is_waiting = False

    @property
    def selected(self) -> int | None:
        """The number of the text under the cursor."""
        return self.numbers[self.cursor] if self.numbers else None

    def show(self, numbers: list[int], cursor: int | None = None) -> None:
        """Show these texts.

        Args:
            numbers: In their order.
            cursor: The text to put the cursor on; None, or one that is not there, is the first.
        """
        self.numbers, self._is_waiting = numbers, False
        self._rows.clear()  # of a search, rows show what was found
        self.take_count(len(numbers), numbers.index(cursor) if cursor in numbers else 0)
        self._want_rows()

    def drop(self, gone: set[int]) -> None:
        """Show some texts no longer; the cursor stays where it is."""
        before = sum(number in gone for number in self.numbers[: self.cursor])
        self.numbers = [number for number in self.numbers if number not in gone]
        self.take_count(len(self.numbers), self.cursor - before)
        self._want_rows()

    def take(self, numbers: Sequence[int], rows: dict[int, HistoryRow]) -> None:
        """Draw rows that are known now.

        Args:
            numbers: Which were asked for.
            rows: What is known of them; those that are missing are shown no longer.
        """
        self._is_waiting = False
        for number, row in rows.items():
            self._rows[number] = row
        gone = set(numbers) - rows.keys()
        if gone & set(self.numbers):
            self.drop(gone)
        self.refresh()
        self._want_rows()

    def on_resize(self) -> None:
        """Keep the cursor in view and read what has come into view."""
        super().on_resize()
        self._want_rows()

    def on_show(self) -> None:
        """Read what has come into view with the list itself."""
        self._want_rows()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read what has come into view."""
        super().watch_scroll_y(old_value, new_value)
        self._want_rows()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view.

        Args:
            y: The row, counted from the top of the view.
        """
        width, index = self.scrollable_content_region.width, self.scroll_offset.y + y
        if index >= len(self.numbers):
            return Strip.blank(width, self.rich_style)
        look = Style.null()
        if index == self.cursor:
            look = self.get_component_rich_style("history-list--cursor", partial=True)
        row = self._rows.get(self.numbers[index])
        cells = [("…", _AGE, "about")] if row is None else _cells(row, width)
        segments = [Segment(" ", self.rich_style + look)]
        for text, columns, kind in cells:
            style = self.get_component_rich_style(f"history-list--{kind}") + look
            segments.append(Segment(_cut(text, columns) + " " * _GAP, style))
        return Strip(segments).crop_extend(0, width, self.rich_style + look)

    def _want_rows(self) -> None:
        """Ask for what is in view and not known; one question at a time, the newest view last."""
        top, height = int(self.scroll_y), self.size.height
        lacking = [
            number for number in self.numbers[top : top + height] if number not in self._rows
        ]
        if lacking and not self._is_waiting:
            self._is_waiting = True
            self.post_message(self.RowsWanted(lacking))


def _cells(row: HistoryRow, width: int) -> list[tuple[str, int, str]]:
    """Text, columns and kind of every cell that there is room for."""
    cells = [(row.age(datetime.now(UTC)), _AGE, "about")]
    if width >= _ROOM_FOR_MODEL:
        cells.append((row.model, _MODEL, "about"))
    if width >= _ROOM_FOR_SETTINGS:
        cells.append((row.settings, _SETTINGS, "about"))
    left = width - 1 - sum(columns + _GAP for _, columns, _ in cells)
    return [*cells, (row.text, max(left, 1), "text")]


def _cut(text: str, columns: int) -> str:
    """A text in so many columns, with an ellipsis if it is longer."""
    if cell_len(text) > columns:
        return set_cell_size(text, columns - 1) + "…"
    return set_cell_size(text, columns)
