"""Search in a text: the search bar, the layer that marks matches, and the matching itself."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
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
from tui_charrnn.tui.text.wrapped_text import Place, WrappedText, expanded_column

_LONGEST: Final = 200  # characters
_PAUSE: Final = 0.25
"""Seconds between two searches of streaming text."""


@dataclass(frozen=True, slots=True)
class Matches:
    """All matches in a text, as the text was when it was searched.

    Matches stay valid when rows are added or dropped, because rows keep their numbers.
    """

    first: int
    """Number of the first searched row."""
    row_starts: Sequence[int]
    """Offset of every row in the searched text, ascending, then the length of the text."""
    spans: Sequence[tuple[int, int]]
    """Start and end offset of every match, ascending."""

    def place(self, index: int) -> Place:
        """Return where a match starts, by its index from 0."""
        start = self.spans[index][0]
        row = bisect_right(self.row_starts, start) - 1
        return self.first + row, start - self.row_starts[row]

    def next_to(self, place: Place) -> int:
        """Return the index of the first match at or after a place, else of the first match."""
        row = min(max(place[0] - self.first, 0), len(self.row_starts) - 1)
        found = bisect_left(self.spans, (self.row_starts[row] + place[1],))
        return found if found < len(self.spans) else 0

    def in_row(self, number: int) -> Iterator[tuple[int, int, int]]:
        """Yield match index, start and end column of every match, clipped to a row."""
        row = number - self.first
        if not 0 <= row < len(self.row_starts) - 1:
            return
        begin, end = self.row_starts[row], self.row_starts[row + 1]
        index = bisect_right(self.spans, begin, key=itemgetter(1))
        while index < len(self.spans) and (span := self.spans[index])[0] < end:
            yield index, max(span[0] - begin, 0), min(span[1], end) - begin
            index += 1


NO_MATCHES: Final = Matches(0, (0,), ())


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
        self._matches = NO_MATCHES
        self._at = 0
        """Index of the current match, from 0."""
        self._from: Place = (0, 0)
        """Where the search started."""
        self._is_due = False
        """Whether a search of new text is scheduled."""

    def find(self, query: str) -> None:
        """Mark all matches and show the first; an empty query ends the search."""
        if not self._query:
            self._from = self.view.top, 0
        self._query = unicodedata.normalize("NFC", query)
        self._find_from(self._from)
        self._show_found()

    def step(self, direction: int) -> None:
        """Go to the next match (1) or the previous one (-1); wraps around."""
        if count := len(self._matches.spans):
            self._at = (self._at + direction) % count
            self._mark_found()
            self._show_found()

    def found_place(self) -> Place | None:
        """Return row and column, as drawn, of the current match; None without matches."""
        if not self._matches.spans:
            return None
        row, _ = self._matches.place(self._at)
        spans = drawn_spans(self.view.wrapped, self._matches, row)
        return next(((row, start) for index, start, _ in spans if index == self._at), None)

    def overlays(self, row: int) -> Iterator[Overlay]:
        """Yield the matches of a row."""
        for index, start, end in drawn_spans(self.view.wrapped, self._matches, row):
            look = "text-view--found" if index == self._at else "text-view--match"
            yield Overlay(start, end, look, is_opaque=True)

    def text_changed(self, first_row: int) -> None:  # noqa: ARG002 - all of it is searched
        """Schedule another search."""
        if self._query and not self._is_due:
            self._is_due = True
            self.view.set_timer(_PAUSE, self._find_again)

    def rewrapped(self) -> None:
        """Search the new rows; the current match stays."""
        if self._query:
            self._matches = find_matches(self.view.wrapped, self._query)
            self._at = min(self._at, max(len(self._matches.spans) - 1, 0))
            self._mark_found()
            self._show_found()

    def _find_from(self, place: Place) -> None:
        self._matches = find_matches(self.view.wrapped, self._query) if self._query else NO_MATCHES
        if self._matches.spans:
            self._at = self._matches.next_to(place)
        self._mark_found()

    def _find_again(self) -> None:
        """Search the changed text; the current match stays."""
        self._is_due = False
        if self._query:
            matches = self._matches
            self._find_from(matches.place(self._at) if matches.spans else self._from)

    def _mark_found(self) -> None:
        count = len(self._matches.spans)
        at = f"{self._at + 1:,}/{count:,}" if count else tr("no match")
        before, self.count = self.count, at if self._query else ""
        self.view.redraw()
        if self.count != before:
            self.changed.send()

    def _show_found(self) -> None:
        if self._matches.spans:
            self.view.reveal(self._matches.place(self._at)[0])


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


def find_matches(wrapped: WrappedText, query: str) -> Matches:
    """Search a text as it is shown; an empty query has no matches.

    The search ignores case unless the query has an upper-case letter. Matches do not overlap; one
    may continue in the next row, but not in the next line.
    """
    skipped = 1 if wrapped.first else 0  # a notice replaces that row
    rows = wrapped.rows[skipped:]
    pieces = [row.text + "\n" if row.ends_line else row.text for row in rows]
    text = "".join(pieces)
    flags = 0 if any(map(str.isupper, query)) else re.IGNORECASE
    found = re.finditer(spelled_pattern(query), text, flags) if query else ()
    row_starts = list(accumulate(map(len, pieces), initial=0))
    return Matches(wrapped.first + skipped, row_starts, [each.span() for each in found])


def drawn_spans(
    wrapped: WrappedText, matches: Matches, number: int
) -> Iterator[tuple[int, int, int]]:
    """Like `Matches.in_row`, but with the columns of the drawn row, where tabs are expanded."""
    index = number - wrapped.first
    text = wrapped.rows[index].text if 0 <= index < len(wrapped.rows) else ""
    for match, *cuts in matches.in_row(number):
        start, end = (expanded_column(text, cut, wrapped.width) for cut in cuts)
        yield match, start, end
