"""Search in a text: the search bar, the layer that marks matches, and the matching itself."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.hangul import spelled_pattern
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.keys.keymap import bindings_of
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView
from tui_charrnn.tui.text.wrapped_text import (
    Place,
    WrappedText,
    shown_place,
    text_of,
)

_LONGEST: Final = 200  # characters
_PAUSE: Final = 0.25
"""Seconds between two searches of streaming text."""
Span = tuple[int, int]
"""Start and end of a match, as offsets like those of `WrappedText.starts`."""


class Search(TextLayer):
    """Underlines all matches, and reverses the current one.

    During a search the view does not follow the end, because a match would scroll away.
    """

    def __init__(self, view: TextView) -> None:
        self.view = view
        self.changed = Signal()
        """Sent when `count` has changed."""
        self.count = ""
        """Number of the current match and of all, such as 3/17; empty without a search."""
        self._query = ""
        self._matches: list[Span] = []
        """All matches, ascending."""
        self._searched = 0
        """The end of the text when it was searched."""
        self._at = 0
        """Index of the current match, from 0."""
        self._from = 0
        """Where the search started, as an offset."""
        self._is_due = False
        """Whether a search of new text is scheduled."""

    def find(self, query: str) -> None:
        """Mark all matches and show the first; an empty query ends the search."""
        wrapped = self.view.wrapped
        if not self._query:
            # a cleared view scrolls only later
            self._from = wrapped.starts[min(self.view.scroll_offset.y, len(wrapped.starts) - 1)]
        self._query = unicodedata.normalize("NFC", query)
        self._searched = 0
        self._find_from(self._from)
        self._show_found()

    def step(self, direction: int) -> None:
        """Go to the next match (1) or the previous one (-1); wraps around."""
        if count := len(self._matches):
            self._at = (self._at + direction) % count
            self._mark_found()
            self._show_found()

    def found_place(self) -> Place | None:
        """Return row and column, as drawn, of the current match; None without matches."""
        return shown_place(self.view.wrapped, self._matches[self._at][0]) if self._matches else None

    def overlays(self, row: int) -> Iterator[Overlay]:
        """Yield the matches of a row."""
        for index, start, end in drawn_spans(self.view.wrapped, self._matches, row):
            look = "text-view--found" if index == self._at else "text-view--match"
            yield Overlay(start, end, look, is_opaque=True)

    def text_changed(self) -> None:
        """Schedule a search of the new text."""
        if self._query and not self._is_due:
            self._is_due = True
            self.view.set_timer(_PAUSE, self._find_again)

    def rewrapped(self) -> None:
        """Search the new rows; the current match stays."""
        if self._query:
            self._searched = 0
            self._find_new()
            self._at = min(self._at, max(len(self._matches) - 1, 0))
            self._mark_found()
            self._show_found()

    def _find_new(self) -> None:
        """Search what was added since the last search."""
        wrapped = self.view.wrapped
        self._matches = find_matches(wrapped, self._query, self._matches, self._searched)
        self._searched = wrapped.starts[-1] + len(wrapped.rows[-1].text)

    def _find_from(self, offset: int) -> None:
        """Find the first match at or after an offset, else the first match."""
        self._find_new()
        found = bisect_left(self._matches, (offset,))
        self._at = found if found < len(self._matches) else 0
        self._mark_found()

    def _find_again(self) -> None:
        """Search the changed text; the current match stays."""
        self._is_due = False
        if self._query:
            self._find_from(self._matches[self._at][0] if self._matches else self._from)

    def _mark_found(self) -> None:
        count = len(self._matches)
        at = f"{self._at + 1:,}/{count:,}" if count else tr("no match")
        before, self.count = self.count, at if self._query else ""
        self.view.redraw()
        if self.count != before:
            self.changed.send()

    def _show_found(self) -> None:
        if place := self.found_place():
            self.view.reveal(place[0])


class SearchBar(Horizontal):
    """Searches as the user types; Enter returns to the text and keeps the search active."""

    OWNER: Final = "search"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    DEFAULT_CSS = """
    SearchBar {
        height: 1;
        padding: 0 2;
        & #search-sign { width: 2; color: $accent; text-style: bold; }
        & #search-field { width: 1fr; }
        & #search-count { width: auto; margin-left: 1; color: $text-muted; }
    }
    """

    field = query_one(SafeInput)
    count = query_one("#search-count", Static)

    def __init__(self, search: Search) -> None:
        super().__init__()
        self.search = search

    def compose(self) -> ComposeResult:
        """Yield a sign, the input and the count."""
        yield Static("/", id="search-sign", markup=False)
        yield SafeInput(
            id="search-field", placeholder=tr("look for"), compact=True, max_length=_LONGEST
        )
        yield Static("", id="search-count", markup=False)

    def on_mount(self) -> None:
        """Follow the count and focus the input."""
        self.search.changed.connect(lambda: self.count.update(self.search.count))
        self.field.focus()

    def action_open(self) -> None:
        """Open the bar with the last query selected, so that typing replaces it."""
        if not self.is_mounted:
            return  # mounting opens it
        self.display = True
        self.field.action_select_all()
        self.field.focus()
        self.search.find(self.field.value)

    def action_match(self, direction: int) -> None:
        """Go to the next match (1) or the previous one (-1); without a search, open the bar."""
        if self.search.count:
            self.search.step(direction)
        else:
            self.action_open()

    def close(self) -> None:
        """End the search."""
        self.display = False
        self.search.find("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for the typed query."""
        event.stop()
        if self.display:
            self.search.find(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Focus the text."""
        event.stop()
        self.search.view.focus()


def find_matches(
    wrapped: WrappedText, query: str, known: Sequence[Span] = (), searched: int = 0
) -> list[Span]:
    """Search a text as it is shown; an empty query has no matches.

    The search ignores case unless the query has an upper-case letter. Matches do not overlap; one
    may continue in the next row, but not in the next line.

    `known` are the matches in the text when it was shorter and ended at `searched`. Only their end
    and what follows is searched again.
    """
    unseen = 1 if wrapped.first else 0  # a notice replaces the oldest row
    if not query or len(wrapped.rows) == unseen:
        return []
    first = wrapped.starts[unseen]
    # a match at the old end may have been the beginning of a longer syllable
    kept = known[bisect_left(known, (first,)) : bisect_left(known, searched, key=itemgetter(1))]
    longest = 3 * len(query)  # a syllable has up to three jamo
    start = max(first, searched - longest, kept[-1][1] if kept else 0)
    index = bisect_right(wrapped.starts, start) - 1
    offset = wrapped.starts[index]
    text = text_of(wrapped.rows[index:])
    flags = 0 if any(map(str.isupper, query)) else re.IGNORECASE
    found = re.compile(spelled_pattern(query), flags).finditer(text, start - offset)
    return [*kept, *((offset + each.start(), offset + each.end()) for each in found)]


def drawn_spans(
    wrapped: WrappedText, matches: Sequence[Span], number: int
) -> Iterator[tuple[int, int, int]]:
    """Yield index, start and end of every match in a row, by its number, clipped to it."""
    row = number - wrapped.first
    if not 0 <= row < len(wrapped.rows):
        return
    text, offset = wrapped.rows[row].text, wrapped.starts[row]
    index = bisect_right(matches, offset, key=itemgetter(1))
    while index < len(matches) and matches[index][0] < offset + len(text):
        start, end = matches[index]
        yield index, max(start - offset, 0), min(end - offset, len(text))
        index += 1
