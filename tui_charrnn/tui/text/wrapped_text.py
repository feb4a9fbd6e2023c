"""Text that only grows, wrapped into rows, and places in these rows.

Source characters are numbered from the first one ever appended. Most are shown as one character,
some as none or as several.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from copy import copy
from itertools import pairwise
from typing import Final, Literal, NamedTuple, get_args

from rich.cells import cell_len, split_graphemes

from tui_charrnn.translation import tr
from tui_charrnn.tui.text.wrapping import TextSanitizer, wrap_line

Place = tuple[int, int]
"""Number of a row, and index of a character in it."""
Direction = Literal["left", "right", "up", "down", "pageup", "pagedown", "home", "end"]
DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)
TextStyle = Literal[
    "seed", "generated", "skipped", "note", "rule", "noise", "plain", "good", "warning", "error"
]
"""Kind of a piece of text, or of a line of a log; each has its own style."""

MOST_ROWS: Final = 20_000
"""Most rows that are kept."""


class Row(NamedTuple):
    """One row of the screen."""

    text: str = ""
    """The text as shown."""
    ends_line: bool = False
    """Whether a line feed follows, rather than the rest of the line."""


def dropped_notice() -> Row:
    """Return the row that replaces the oldest kept one once rows have been dropped."""
    return Row(tr("(older text was dropped)"), ends_line=True)


class SourceMap:
    """Maps source characters to shown ones; only exceptions to one-to-one take memory."""

    def __init__(self) -> None:
        """Start without characters."""
        self.length = 0
        """Number of source characters."""
        self._shown_length = 0
        self._sources = [0]
        """Source offsets from which the mapping is one-to-one again, ascending."""
        self._shown = [0]
        """The shown offsets of the same places."""

    def add(self, count: int) -> None:
        """Add source characters that are shown as one character each."""
        self.length += count
        self._shown_length += count

    def add_one(self, width: int) -> None:
        """Add a source character that is shown as `width` characters."""
        self.length += 1
        self._shown_length += width
        if width != 1:
            self._sources.append(self.length)
            self._shown.append(self._shown_length)

    def shown(self, source: int) -> int:
        """Convert a source offset to a shown offset; `length` maps to the end."""
        index = bisect_right(self._sources, source) - 1
        return self._shown[index] + source - self._sources[index]

    def source(self, shown: int) -> int:
        """Convert a shown offset to a source offset; from the end on, return `length`."""
        if shown >= self._shown_length:
            return self.length
        index = bisect_right(self._shown, shown) - 1
        source = self._sources[index] + shown - self._shown[index]
        if index + 1 < len(self._sources):
            source = min(source, self._sources[index + 1] - 1)  # shown as several characters
        return source

    def cut(self, length: int) -> None:
        """Keep only the first `length` source characters."""
        self._shown_length = self.shown(length)
        self.length = length
        kept = bisect_right(self._sources, length)
        del self._sources[kept:], self._shown[kept:]


class WrappedText:
    """Rows that grow at the end; appending takes time proportional to the added text.

    Only the last row is ever wrapped again (see `wrapping`). Rows are numbered from the first one
    ever shown, so a number stays valid when old rows are dropped.
    """

    def __init__(self, *, width: int, limit: int = MOST_ROWS, is_sanitized: bool = False) -> None:
        """Start without text; `is_sanitized` if all of it comes from a `TextSanitizer`."""
        self.width = width
        self.limit = limit
        """Beyond so many rows the oldest tenth is dropped."""
        self.first = 0
        """Number of the oldest kept row."""
        self.rows = [Row()]
        """The rows from `first` on; the last one is open and may be empty."""
        self.starts = [0]
        """Offset of each row, in shown characters and line feeds since the first row ever."""
        self.sources = SourceMap()
        """Maps source offsets to shown offsets."""
        self._style_starts: list[int] = []
        self._styles: list[TextStyle] = []
        """The style of the text, and the offsets, ascending, from which on each applies."""
        self._sanitizer = TextSanitizer()
        self._is_sanitized = is_sanitized

    @property
    def end(self) -> int:
        """One more than the number of the last row."""
        return self.first + len(self.rows)

    def shown(self, number: int) -> Row:
        """Return a row, by its number, as it is drawn."""
        if number == self.first > 0:
            return dropped_notice()
        return self.rows[number - self.first]

    def styles(self, number: int) -> list[tuple[int, int, TextStyle]]:
        """Return start and end, as drawn, of every part of a row that has a style, by its number.

        An empty row has none.
        """
        text, start = self.shown(number).text, self.starts[number - self.first]
        if number == self.first > 0:
            return [(0, len(text), "note")]
        if not text:
            return []
        first = bisect_right(self._style_starts, start)
        last = bisect_left(self._style_starts, start + len(text))
        cuts = [0, *(offset - start for offset in self._style_starts[first:last]), len(text)]
        styles = self._styles[first - 1 : last]
        return [(*span, style) for span, style in zip(pairwise(cuts), styles, strict=True)]

    def append(self, text: str, style: TextStyle) -> int:
        """Add text at the end; return the number of the first row that changed."""
        changed = self.end - 1
        if self._styles[-1:] != [style]:
            self._style_starts.append(self.starts[-1] + len(self.rows[-1].text))
            self._styles.append(style)
        self._add(self._show(text))
        if len(self.rows) > self.limit:
            dropped = len(self.rows) - 9 * self.limit // 10  # so that this is rare
            del self.rows[:dropped], self.starts[:dropped]
            self.first += dropped
            old = bisect_right(self._style_starts, self.starts[0]) - 1
            del self._style_starts[:old], self._styles[:old]
        return changed

    def cut(self, source: int) -> None:
        """Remove a source character, whose row must not have been dropped, and all after it."""
        offset = self.sources.shown(source)
        self.sources.cut(source)
        index = max(bisect_right(self.starts, offset) - 1, 0)
        column = offset - self.starts[index]
        while len(self.rows) > index + 1:
            self._pop()
        text = self._pop().text[:column]
        if self.rows and not self.rows[-1].ends_line:
            text = self._pop().text + text  # a shortened word may fit into it
        self._push_line(text)
        begin = len(self.rows) - 1
        while begin and not self.rows[begin - 1].ends_line:
            begin -= 1
        self._sanitizer = TextSanitizer()
        self._sanitizer.resume(text_of(self.rows[begin:]))
        kept = bisect_left(self._style_starts, offset)
        del self._style_starts[kept:], self._styles[kept:]

    def rewrap(self, width: int, anchor: int) -> int:
        """Wrap to another width; return the number of the row where row `anchor` now starts."""
        offset = self.starts[min(max(anchor - self.first, 0), len(self.rows) - 1)]
        text, self.width = text_of(self.rows), width
        self.rows = [Row()]
        del self.starts[1:]
        self._add(text)
        return self.first + bisect_right(self.starts, offset) - 1

    def _show(self, text: str) -> str:
        """Return what to show for the next piece of text, and extend `sources`."""
        shown = ""
        for part in re.split("(\t+)", text):
            before = copy(self._sanitizer)
            shown_part = part if self._is_sanitized else self._sanitizer.show(part)
            shown += shown_part
            if shown_part == part:
                self.sources.add(len(part))
            else:
                for character in part:
                    self.sources.add_one(len(before.show(character)))
        return shown

    def _add(self, text: str) -> None:
        """Add text as shown to the last row."""
        for index, piece in enumerate(text.split("\n")):
            if index:
                self._push(Row(self._pop().text, ends_line=True))
                self._push(Row())
            if piece:
                self._push_line(self._pop().text + piece)

    def _push_line(self, text: str) -> None:
        starts = [0, *wrap_line(text, self.width), len(text)]
        for start, end in pairwise(starts):
            self._push(Row(text[start:end]))

    def _push(self, row: Row) -> None:
        if self.rows:  # the first row keeps its offset
            last = self.rows[-1]
            self.starts.append(self.starts[-1] + len(last.text) + last.ends_line)
        self.rows.append(row)

    def _pop(self) -> Row:
        row = self.rows.pop()
        if self.rows:
            self.starts.pop()
        return row


def text_of(rows: Iterable[Row]) -> str:
    """Return the text of rows as shown, with its line feeds."""
    return "".join([row.text + "\n" if row.ends_line else row.text for row in rows])


def place_of(wrapped: WrappedText, source: int) -> Place | None:
    """Return where a source character is shown, or the end; None if its row was dropped."""
    return shown_place(wrapped, wrapped.sources.shown(source))


def shown_place(wrapped: WrappedText, offset: int) -> Place | None:
    """Like `place_of`, for an offset in shown characters."""
    index = bisect_right(wrapped.starts, offset) - 1
    if index < (1 if wrapped.first else 0):  # a notice replaces that row
        return None
    return wrapped.first + index, offset - wrapped.starts[index]


def source_at(wrapped: WrappedText, place: Place) -> int:
    """Return the source character at a place, or the nearest; after a row, its line feed."""
    index = min(max(place[0] - wrapped.first, 0), len(wrapped.rows) - 1)
    row = wrapped.rows[index]
    continues = not row.ends_line and index + 1 < len(wrapped.rows)
    last = max(len(row.text) - 1, 0) if continues else len(row.text)
    return wrapped.sources.source(wrapped.starts[index] + min(place[1], last))


def sources_in_row(wrapped: WrappedText, number: int) -> range:
    """Return the source characters that start in a row, including its line feed."""
    index = number - wrapped.first
    if not 0 <= index < len(wrapped.rows):
        return range(0)
    starts, sources = wrapped.starts, wrapped.sources
    is_last = index + 1 == len(starts)
    stop = sources.length if is_last else _first_from(sources, starts[index + 1])
    return range(_first_from(sources, starts[index]), stop)


def _first_from(sources: SourceMap, offset: int) -> int:
    """Return the first source character that is shown at or after an offset."""
    source = sources.source(offset)
    return source + 1 if sources.shown(source) < offset else source


def moved(wrapped: WrappedText, place: Place, direction: Direction, page: int) -> Place:
    """Return the place of a cursor after a key; the old row may have been dropped.

    `home` and `end` go to the ends of the row; `page` is the number of rows of a page.
    """
    number = min(max(place[0], wrapped.first), wrapped.end - 1)
    row = wrapped.shown(number)
    column = min(place[1], _last_column(row, number, wrapped))
    match direction:
        case "left":
            return _left(wrapped, number, column)
        case "right":
            if column < _last_column(row, number, wrapped):
                return number, cluster_end(row, column)
            return (number + 1, 0) if number + 1 < wrapped.end else (number, column)
        case "home":
            return number, 0
        case "end":
            return number, _last_column(row, number, wrapped)
    rows = {"up": -1, "down": 1, "pageup": -page, "pagedown": page}[direction]
    target = min(max(number + rows, wrapped.first), wrapped.end - 1)
    return target, column_at(wrapped, target, cell_len(row.text[:column]))


def cluster_end(row: Row, column: int) -> int:
    """Return the end of the grapheme cluster at an index."""
    ends = (end for _, end, _ in split_graphemes(row.text)[0] if end > column)
    return next(ends, len(row.text))


def _left(wrapped: WrappedText, number: int, column: int) -> Place:
    if column > 0:
        clusters = split_graphemes(wrapped.shown(number).text)[0]
        return number, max(start for start, _, _ in clusters if start < column)
    if number == wrapped.first:
        return number, 0
    above = wrapped.shown(number - 1)
    return number - 1, _last_column(above, number - 1, wrapped)


def _last_column(row: Row, number: int, wrapped: WrappedText) -> int:
    """Return the last column of a row: after a line's end, else the last character of the row."""
    if row.ends_line or number == wrapped.end - 1 or not row.text:
        return len(row.text)
    return split_graphemes(row.text)[0][-1][0]


def column_at(wrapped: WrappedText, number: int, cells: int) -> int:
    """Return the column that is `cells` cells from the left of a row, or the nearest before."""
    row = wrapped.shown(number)
    column = used = 0
    for start, end, width in split_graphemes(row.text)[0]:
        if used + width > cells:
            column = start
            break
        column, used = end, used + width
    return min(column, _last_column(row, number, wrapped))
