"""Streamed text that can be selected with keys."""

from typing import Final

from rich.style import Style
from textual import events
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from tui_charrnn.tui.text.row_strip import Overlay
from tui_charrnn.tui.text.searched_text import SearchedText
from tui_charrnn.tui.text.text_cursor import DIRECTIONS, Direction, Place, cluster_end, moved

_REVERSED: Final = Style(reverse=True)


class MarkedText(SearchedText):
    """Has a cursor while the reader selects with the keys.

    The mark key puts the cursor there, and then begins the selection at it; Shift with an arrow
    does both at once, in terminals that tell it from the arrow alone.
    """

    _cursor: Place | None = None
    _anchor: Place | None = None
    """Where the selection began, as a row and a character of it; None before."""

    @property
    def has_cursor(self) -> bool:
        """Whether the arrows move a cursor, not the view."""
        return self._cursor is not None

    @property
    def is_held(self) -> bool:
        """Whether the end is not followed because of a search or a selection."""
        return self._cursor is not None or bool(self.match_words)

    def on_key(self, event: events.Key) -> None:
        """Move the cursor by arrows, pages, Home and End."""
        key = event.key.removeprefix("shift+")
        has_shift = key != event.key
        if key in DIRECTIONS and (has_shift or self._cursor is not None):
            event.stop()
            event.prevent_default()
            self._move_cursor(key, selects=has_shift)

    def action_mark(self) -> None:
        """Put a cursor into the text; once it is there, begin the selection at it."""
        if self._cursor is None:
            self._put_cursor()
        else:
            self._anchor = self._cursor
            self._show_cursor()

    def action_select_all(self) -> None:
        """Select the whole text."""
        self.drop_cursor()
        self.screen.selections = {self: SELECT_ALL}

    def drop_cursor(self) -> None:
        """Let the arrows scroll again, and select nothing."""
        if self._cursor is not None:
            self._cursor = self._anchor = None
            self.screen.clear_selection()
            self._strips.clear()
            self.refresh()

    def _put_cursor(self) -> None:
        """Put it at the match that was found, or at the top of what is in view."""
        self.follows_end = False
        top = (self._wrapped.first + self.scroll_offset.y, 0)
        found = self.found_place()
        self._cursor = found if found is not None else top
        self._show_cursor()

    def _move_cursor(self, direction: Direction, *, selects: bool) -> None:
        if self._cursor is None:
            self._put_cursor()
        if self._cursor is None:
            return
        if selects and self._anchor is None:
            self._anchor = self._cursor
        page = max(self.scrollable_content_region.height - 1, 1)
        self._cursor = moved(self._wrapped, self._cursor, direction, page)
        self._show_cursor()

    def _show_cursor(self) -> None:
        if self._cursor is None:
            return
        if self._anchor is not None:
            ends = (Offset(column, row) for row, column in (self._anchor, self._cursor))
            self.screen.selections = {self: Selection.from_offsets(*ends)}
        self.reveal(self._cursor[0])
        self._strips.clear()
        self.refresh()

    def _start_afresh(self, top: int) -> None:
        """Drop the cursor: it stood in rows that are no more."""
        self._cursor = self._anchor = None
        super()._start_afresh(top)

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: matches, the selection, the cursor."""
        overlays = super()._overlays(number)
        if self._cursor is not None and self._cursor[0] == number:
            column = self._cursor[1]
            end = cluster_end(self._wrapped.shown(number), column)
            overlays.append((column, max(end, column + 1), _REVERSED))
        return overlays
