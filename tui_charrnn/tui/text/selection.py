"""The layer that selects text with the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView, drawn_column
from tui_charrnn.tui.text.wrapped_text import DIRECTIONS, Direction, Place, cluster_end, moved

if TYPE_CHECKING:
    from textual import events


class KeySelection(TextLayer):
    """Has a cursor while the reader selects with the keys.

    The mark key puts the cursor there, and then begins the selection at it; Shift with an arrow
    does both at once, in terminals that tell it from the arrow alone.
    """

    def __init__(self, view: TextView) -> None:
        self._view = view
        self.start: Callable[[], Place | None] = lambda: None
        """Gives the place of a new cursor; None is the top of what is in view."""
        self._cursor: Place | None = None
        self._anchor: Place | None = None
        """Where the selection began; None before."""

    @property
    def has_cursor(self) -> bool:
        """Whether the arrows move a cursor, not the view."""
        return self._cursor is not None

    def mark(self) -> None:
        """Put a cursor into the text; once it is there, begin the selection at it."""
        if self._cursor is None:
            self._cursor = self._new_cursor()
        else:
            self._anchor = self._cursor
        self._show()

    def select_all(self) -> None:
        """Select the whole text."""
        self.drop()
        self._view.screen.selections = {self._view: SELECT_ALL}

    def drop(self) -> None:
        """Let the arrows scroll again, and select nothing."""
        if self._cursor is not None:
            self._cursor = self._anchor = None
            self._view.screen.clear_selection()
            self._view.redraw()

    def take_key(self, event: events.Key) -> None:
        """Move the cursor by arrows, pages, Home and End."""
        key = event.key.removeprefix("shift+")
        has_shift = key != event.key
        if key in DIRECTIONS and (has_shift or self._cursor is not None):
            event.stop()
            event.prevent_default()
            self.move(key, selects=has_shift)

    def move(self, direction: Direction, *, selects: bool) -> None:
        """Move the cursor; one that selects begins the selection if it has not begun."""
        cursor = self._cursor or self._new_cursor()
        if selects and self._anchor is None:
            self._anchor = cursor
        page = max(self._view.scrollable_content_region.height - 1, 1)
        self._cursor = moved(self._view.wrapped, cursor, direction, page)
        self._show()

    def overlays(self, row: int) -> Iterable[Overlay]:
        """The cursor, if it is in the row."""
        if self._cursor is None or self._cursor[0] != row:
            return ()
        column = self._cursor[1]
        end = cluster_end(self._view.wrapped.shown(row), column)
        return (Overlay(column, max(end, column + 1), "text-view--cursor"),)

    def rewrapped(self) -> None:
        """Drop the cursor: its rows are gone."""
        self._cursor = self._anchor = None

    def _new_cursor(self) -> Place:
        self._view.follows_end = False
        return self.start() or (self._view.top, 0)

    def _show(self) -> None:
        if self._cursor is None:
            return
        if self._anchor is not None:
            ends = (self._offset(*place) for place in (self._anchor, self._cursor))
            self._view.screen.selections = {self._view: Selection.from_offsets(*ends)}
        self._view.reveal(self._cursor[0])
        self._view.redraw()

    def _offset(self, row: int, column: int) -> Offset:
        """A place as Textual counts, which knows only what is drawn."""
        wrapped = self._view.wrapped
        is_there = wrapped.first <= row < wrapped.end  # it may have been dropped meanwhile
        return Offset(drawn_column(wrapped.shown(row).text, column) if is_there else column, row)
