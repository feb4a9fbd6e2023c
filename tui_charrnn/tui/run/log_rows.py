"""The last lines of a log, as the rows that a terminal shows of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from tui_charrnn.tui.text.wrapping import TextGate, wrap_line
from tui_charrnn.viewing.log_lines import LogFilter, LogKind, LogLine

LINE_LIMIT: Final = 2_000
"""Lines that are kept."""
COST_LIMIT: Final = 400_000
"""Characters that are kept; those of a line that is not ASCII count more."""
_FOREIGN_COST: Final = 8
"""What such a character counts: it takes longer to wrap by far more than that."""
_LEAST_COST: Final = 16
_KEPT_FRACTION: Final = 0.9
"""How far the lines are cut back at their limit, so that cutting is rare."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the screen."""

    text: str
    kind: LogKind
    begins_line: bool
    ends_line: bool


@dataclass(slots=True)
class _Kept:
    line: LogLine
    cost: int
    rows: int = 0
    """How many rows it takes; none if it is filtered out."""


class LogRows:
    """Lines that grow at the end, wrapped and filtered; the oldest are dropped.

    Rows are numbered from the first that was shown since they were last arranged, so that a number
    stays valid when old rows are dropped.
    """

    def __init__(self, *, line_limit: int = LINE_LIMIT, cost_limit: int = COST_LIMIT) -> None:
        """Start without lines.

        Args:
            line_limit: How many lines are kept.
            cost_limit: About how many characters are kept.
        """
        self.first = 0
        """Number of the oldest row that is kept."""
        self.rows: list[LogRow] = []
        self.is_cut = False
        """Whether older lines were dropped."""
        self.width = 80
        self.filter = LogFilter.EVERYTHING
        self._line_limit, self._cost_limit = line_limit, cost_limit
        self._kept: list[_Kept] = []
        self._cost = 0

    @property
    def line_count(self) -> int:
        """How many lines are kept, those that are filtered out with them."""
        return len(self._kept)

    @property
    def shown_count(self) -> int:
        """How many of them are shown."""
        return sum(kept.rows > 0 for kept in self._kept)

    def append(self, lines: Sequence[LogLine]) -> int:
        """Add lines at the end.

        Returns:
            How many rows were dropped at the beginning.
        """
        self.is_cut = self.is_cut or len(lines) > self._line_limit
        for line in lines[-self._line_limit :]:
            is_plain = line.text.isascii()
            shown = line if is_plain else replace(line, text=TextGate().show(line.text))
            cost = max(_LEAST_COST, len(shown.text) * (1 if is_plain else _FOREIGN_COST))
            kept = _Kept(shown, cost)
            self._kept.append(kept)
            self._cost += cost
            self._lay_out(kept)
        is_full = len(self._kept) > self._line_limit or self._cost > self._cost_limit
        return self._drop_oldest() if is_full else 0

    def arrange(self, *, width: int, log_filter: LogFilter, anchor: int = 0) -> int:
        """Wrap to another width, or show other lines.

        Args:
            width: Columns of a row.
            log_filter: Which lines are shown.
            anchor: The index of a row in `rows`.

        Returns:
            The index of the row where the line of row `anchor` begins now, or the next one that is
            shown.
        """
        lines_above, row = 0, 0
        while lines_above < len(self._kept) and row + self._kept[lines_above].rows <= anchor:
            row += self._kept[lines_above].rows
            lines_above += 1
        self.width, self.filter = width, log_filter
        self.first, self.rows = 0, []
        for kept in self._kept:
            self._lay_out(kept)
        return sum(kept.rows for kept in self._kept[:lines_above])

    def clear(self) -> None:
        """Drop everything."""
        self._kept, self._cost, self.rows, self.first = [], 0, [], 0
        self.is_cut = False

    def _lay_out(self, kept: _Kept) -> None:
        kept.rows = 0
        if self.filter.passes(kept.line.kind):
            text, kind = kept.line.text, kept.line.kind
            bounds = [0, *wrap_line(text, self.width), len(text)]
            kept.rows = len(bounds) - 1
            self.rows.extend(
                LogRow(text[start:end], kind, begins_line=start == 0, ends_line=end == len(text))
                for start, end in pairwise(bounds)
            )

    def _drop_oldest(self) -> int:
        lines_left = int(self._line_limit * _KEPT_FRACTION)
        cost_left = int(self._cost_limit * _KEPT_FRACTION)
        lines = rows = 0
        while lines < len(self._kept) - 1 and (
            len(self._kept) - lines > lines_left or self._cost > cost_left
        ):
            self._cost -= self._kept[lines].cost
            rows += self._kept[lines].rows
            lines += 1
        self.is_cut = self.is_cut or lines > 0
        del self._kept[:lines], self.rows[:rows]
        self.first += rows
        return rows
