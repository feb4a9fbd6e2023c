"""Text that only grows, kept as the rows that a terminal shows of it."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from tui_charrnn.tui.text.text_gate import TextGate
from tui_charrnn.tui.text.text_places import SourceMap
from tui_charrnn.tui.text.wrapping import expand_tabs, wrap_line

TextStyle = Literal["seed", "generated", "skipped", "note"]
"""Why a piece of text is there; each has a look of its own."""
Run = tuple[TextStyle, int]
"""A style, and the number of characters that have it."""

_LEAST_COST: Final = 16
"""What a row counts towards the limit at least: empty lines take memory, too."""
_KEPT_FRACTION: Final = 0.9
"""How far a history at its limit is cut back, so that cutting is rare."""
_REREAD: Final = 64
"""Shown characters before a cut that the gate reads again, to know what it ends in."""


class Row(NamedTuple):
    """One row of the screen."""

    text: str = ""
    """As shown; tabs are not expanded yet."""
    runs: tuple[Run, ...] = ()
    """The styles of `text`, in order."""
    ends_line: bool = False
    """Whether a line feed follows, rather than the rest of a line that was too wide."""

    @property
    def cost(self) -> int:
        """What the row counts towards the limit of the history."""
        return max(len(self.text), _LEAST_COST)

    def drawn(self, width: int) -> "Row":
        """The row with its tabs expanded, as it is drawn, selected and copied."""
        if "\t" not in self.text:
            return self
        runs: list[Run] = []
        text, start = "", 0
        for style, length in self.runs:
            start += length
            expanded = expand_tabs(self.text[:start], width)
            runs.append((style, len(expanded) - len(text)))
            text = expanded
        return Row(text, tuple(runs), self.ends_line)


NOTICE: Final = Row("(older text was dropped)", (("note", 24),), ends_line=True)
"""What stands in the place of the oldest kept row, once rows have been dropped."""


class WrappedText:
    """Rows that grow at the end, in time proportional to what is appended.

    Only the last row is ever wrapped again (see `wrapping`). Rows are numbered from the first that
    was ever shown, so that a number stays valid when old rows are dropped.
    """

    def __init__(self, *, width: int, limit: int) -> None:
        """Start without text.

        Args:
            width: Columns of a row.
            limit: About how many characters are kept; older rows are dropped.
        """
        self.width = width
        self.first = 0
        """Number of the oldest row that is kept."""
        self.rows = [Row()]
        """The rows from `first` on; the last one is still open and may be empty."""
        self.starts = [0]
        """Where each of them begins, in shown characters and line feeds since the first row."""
        self.sources = SourceMap()
        """Which character of the text each shown one stands for; see `text_places`."""
        self._limit = limit
        self._cost = _LEAST_COST
        self._gate = TextGate()

    @property
    def end(self) -> int:
        """The number after that of the last row."""
        return self.first + len(self.rows)

    def shown(self, number: int) -> Row:
        """The row of that number, as it is drawn."""
        if number == self.first > 0:
            return NOTICE
        return self.rows[number - self.first].drawn(self.width)

    def append(self, text: str, style: TextStyle) -> int:
        """Add text at the end.

        Returns:
            The number of the first row that changed.
        """
        changed = self.end - 1
        for index, piece in enumerate(self._show(text).split("\n")):
            if index:
                last = self._pop()
                self._push(Row(last.text, last.runs, ends_line=True))
                self._push(Row())
            if piece:
                last = self._pop()
                self._push_line(last.text + piece, merge_runs([*last.runs, (style, len(piece))]))
        if self._cost > self._limit:
            self._drop_oldest()
        return changed

    def cut(self, source: int) -> int:
        """Drop what stands for a character and all after it.

        Args:
            source: Which character of the text; its row must not have been dropped.

        Returns:
            The number of the first row that changed.
        """
        offset = self.sources.shown(source)
        self.sources.cut(source)
        index = max(bisect_right(self.starts, offset) - 1, 0)
        column = offset - self.starts[index]
        while len(self.rows) > index + 1:
            self._pop()
        kept = [row := self._pop()]
        if self.rows and not self.rows[-1].ends_line:
            kept.insert(0, self._pop())  # a word that is shorter now may have room there
        text = "".join(part.text for part in kept)
        text = text[: len(text) - len(row.text) + column]
        changed = self.end
        self._push_line(text, next(split_runs(merge_runs(_runs(kept)), [0, len(text)])))
        self._gate = TextGate()
        self._gate.show(text[-_REREAD:] or "\n")
        return changed

    def rewrap(self, width: int, anchor: int) -> int:
        """Wrap everything to another width.

        Args:
            width: Columns of a row.
            anchor: The number of a row.

        Returns:
            The number of the row where the text of row `anchor` begins now.
        """
        offset = self.starts[min(max(anchor - self.first, 0), len(self.rows) - 1)]
        old, self.width = self.rows, width
        self.rows, self._cost = [], 0
        del self.starts[1:]
        for line in _lines(old):
            self._push_line("".join(row.text for row in line), merge_runs(_runs(line)))
            if line[-1].ends_line:
                last = self._pop()
                self._push(Row(last.text, last.runs, ends_line=True))
        return self.first + bisect_right(self.starts, offset) - 1

    def _show(self, text: str) -> str:
        """What is shown for the next piece of the text, and note what stands for what."""
        before = copy(self._gate)
        shown = self._gate.show(text)
        if shown == text:
            self.sources.add(len(text))
        else:
            for character in text:
                self.sources.add_one(len(before.show(character)))
        return shown

    def _push_line(self, text: str, runs: Sequence[Run]) -> None:
        starts = [0, *wrap_line(text, self.width), len(text)]
        for row_runs, (start, end) in zip(split_runs(runs, starts), pairwise(starts), strict=True):
            self._push(Row(text[start:end], row_runs))

    def _push(self, row: Row) -> None:
        if self.rows:  # the first of all keeps its beginning
            last = self.rows[-1]
            self.starts.append(self.starts[-1] + len(last.text) + last.ends_line)
        self.rows.append(row)
        self._cost += row.cost

    def _pop(self) -> Row:
        row = self.rows.pop()
        if self.rows:
            self.starts.pop()
        self._cost -= row.cost
        return row

    def _drop_oldest(self) -> None:
        kept, dropped = self._limit * _KEPT_FRACTION, 0
        while self._cost > kept and dropped < len(self.rows) - 1:
            self._cost -= self.rows[dropped].cost
            dropped += 1
        del self.rows[:dropped], self.starts[:dropped]
        self.first += dropped


def merge_runs(runs: Iterable[Run]) -> list[Run]:
    """Join neighbours of one style."""
    merged: list[Run] = []
    for style, length in runs:
        if merged and merged[-1][0] == style:
            merged[-1] = (style, merged[-1][1] + length)
        elif length:
            merged.append((style, length))
    return merged


def split_runs(runs: Sequence[Run], bounds: Sequence[int]) -> Iterator[tuple[Run, ...]]:
    """Cut runs into those of consecutive pieces of their text.

    Args:
        runs: The styles of a text.
        bounds: Where the pieces begin, ascending from 0, then the length of the text.
    """
    remaining = iter(runs)
    style, left = next(remaining, ("note", 0))
    for start, end in pairwise(bounds):
        piece: list[Run] = []
        room = end - start
        while room:
            if not left:
                style, left = next(remaining)
            taken = min(room, left)
            piece.append((style, taken))
            room, left = room - taken, left - taken
        yield tuple(piece)


def _lines(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows of each line; the last line is the open one."""
    line: list[Row] = []
    for row in rows:
        line.append(row)
        if row.ends_line:
            yield line
            line = []
    if line:
        yield line


def _runs(rows: Iterable[Row]) -> Iterator[Run]:
    for row in rows:
        yield from row.runs
