"""Where each character of a text stands in the rows that show it, and back.

A text is counted in its own characters, from the first that was ever appended. What is shown for
one of them is mostly one character, and sometimes several signs.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from tui_charrnn.tui.text.wrapping import expand_tabs

if TYPE_CHECKING:
    from tui_charrnn.tui.text.wrapped_text import WrappedText

Place = tuple[int, int]
"""The number of a row, and the index of a character in the row as it is drawn."""


class SourceMap:
    """Which shown characters stand for which one of a text: one for one, but for exceptions.

    Costs nothing a character where one is shown for one.
    """

    def __init__(self) -> None:
        """Begin without a character."""
        self.length = 0
        """Characters of the text."""
        self._shown_length = 0
        self._sources = [0]
        """From where on the two run side by side again, in the text; ascending."""
        self._shown = [0]
        """The same places in what is shown."""

    def add(self, count: int) -> None:
        """Add characters that are shown as one each."""
        self.length += count
        self._shown_length += count

    def add_one(self, width: int) -> None:
        """Add a character for which some are shown, or none."""
        self.length += 1
        self._shown_length += width
        if width != 1:
            self._sources.append(self.length)
            self._shown.append(self._shown_length)

    def shown(self, source: int) -> int:
        """Where a character's signs begin in what is shown; for the length, where that ends."""
        index = bisect_right(self._sources, source) - 1
        return self._shown[index] + source - self._sources[index]

    def source(self, shown: int) -> int:
        """The character that a shown one stands for; the length, from the end on."""
        if shown >= self._shown_length:
            return self.length
        index = bisect_right(self._shown, shown) - 1
        source = self._sources[index] + shown - self._shown[index]
        if index + 1 < len(self._sources):
            source = min(source, self._sources[index + 1] - 1)  # one of several signs
        return source

    def cut(self, length: int) -> None:
        """Forget what comes after so many characters."""
        self._shown_length = self.shown(length)
        self.length = length
        kept = bisect_right(self._sources, length)
        del self._sources[kept:], self._shown[kept:]


def place_of(wrapped: WrappedText, source: int) -> Place | None:
    """Where a character is shown; None if its row was dropped.

    Args:
        wrapped: The rows.
        source: Which character; the length is the place behind the last one.
    """
    offset = wrapped.sources.shown(source)
    index = bisect_right(wrapped.starts, offset) - 1
    if index < (1 if wrapped.first else 0):  # a notice stands in the place of that row
        return None
    text = wrapped.rows[index].text
    return wrapped.first + index, _drawn(text, offset - wrapped.starts[index], wrapped.width)


def source_at(wrapped: WrappedText, place: Place) -> int:
    """The character that is shown at a place, or that is nearest to it in its row.

    Args:
        wrapped: The rows.
        place: A row and a character in it; behind a row it is the line feed that ends it.
    """
    index = min(max(place[0] - wrapped.first, 0), len(wrapped.rows) - 1)
    row = wrapped.rows[index]
    column = _undrawn(row.text, place[1], wrapped.width)
    goes_on = not row.ends_line and index + 1 < len(wrapped.rows)
    last = max(len(row.text) - 1, 0) if goes_on else len(row.text)
    return wrapped.sources.source(wrapped.starts[index] + min(column, last))


def sources_in_row(wrapped: WrappedText, number: int) -> range:
    """The characters that begin in a row, the line feed that ends it among them.

    Args:
        wrapped: The rows.
        number: The number of the row.
    """
    index = number - wrapped.first
    if not 0 <= index < len(wrapped.rows):
        return range(0)
    starts, sources = wrapped.starts, wrapped.sources
    is_last = index + 1 == len(starts)
    stop = sources.length if is_last else _first_from(sources, starts[index + 1])
    return range(_first_from(sources, starts[index]), stop)


def _first_from(sources: SourceMap, offset: int) -> int:
    """The first character whose signs begin at or after a shown one."""
    source = sources.source(offset)
    return source + 1 if sources.shown(source) < offset else source


def _drawn(text: str, column: int, width: int) -> int:
    """An index of a row's text as an index of the row with its tabs expanded."""
    return len(expand_tabs(text[:column], width)) if "\t" in text else column


def _undrawn(text: str, column: int, width: int) -> int:
    """An index of a row with its tabs expanded as an index of its text."""
    if "\t" not in text:
        return column
    found = (
        index for index in range(len(text)) if len(expand_tabs(text[: index + 1], width)) > column
    )
    return next(found, len(text))
