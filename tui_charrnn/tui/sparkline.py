"""Draws a series of losses as bars of eighth blocks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_TYPICAL: Final = 0.9
"""The quantile of the values that has to be well visible."""
_OUTLYING: Final = 2.0
"""How many times as high as that quantile the largest value must be for the scale to end below."""
_HEADROOM: Final = 1.25
"""Where it ends then, as a multiple of that quantile."""
_LINES: Final = "▁▁▁───▔▔"
"""The baseline within its row, by eighths from the bottom."""


class Mark(StrEnum):
    """What a cell of the drawing stands for."""

    BAR = "bar"
    """A value, drawn to scale; so is the space above it."""
    CLIPPED = "clipped"
    """A value above the scale: a full block."""
    BASELINE = "baseline"
    """The line of a value to compare with, beside the bars."""
    CROSSING = "crossing"
    """That line across a bar."""


Cell: TypeAlias = tuple[str, Mark]
"""A sign, and what it stands for."""


def draw_bars(
    values: Sequence[float], *, rows: int, baseline: float | None = None
) -> list[list[Cell]]:
    """Draw one bar a value, as rows of cells, the highest first.

    The smallest value is one eighth high and the largest one eighth short of the top. If a few
    values, such as the first losses of a training, would press all others to the bottom, the scale
    ends a little above nine tenths of them, and what is above it is a full block: only such a value
    is one. Infinity is above every scale; NaN leaves a gap.

    Args:
        values: One value a column.
        rows: Height of the drawing, at least 1.
        baseline: A value to compare with, drawn as a line where it lies on the scale, but not in
            the cell where a bar ends; one row has no room for it.
    """
    scale = _Scale.of(values, eighths=8 * rows)
    heights = [scale.height(value) for value in values]
    line = None
    if baseline is not None and rows > 1 and scale.low <= baseline <= scale.high:
        line = scale.height(baseline) - 1
    return [
        [
            (_EIGHTHS[8], Mark.CLIPPED) if height == 8 * rows else _cell(height, floor, line)
            for height in heights
        ]
        for floor in range(8 * (rows - 1), -1, -8)
    ]


def joined_columns(values: Sequence[float], width: int) -> Sequence[float]:
    """At most `width` values: all of them, or means of neighbors that stand for all of them."""
    count = len(values)
    if count <= width:
        return values
    edges = [column * count // width for column in range(width + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to eighths of a row: `low` is at 1, `high` one short of the top."""

    low: float
    high: float
    eighths: int

    @classmethod
    def of(cls, values: Sequence[float], *, eighths: int) -> "_Scale":
        finite = sorted(filter(math.isfinite, values))
        if not finite:
            return cls(0.0, 0.0, eighths)
        low, high = finite[0], finite[-1]
        typical = finite[math.ceil(_TYPICAL * len(finite)) - 1]
        if 0 < _OUTLYING * (typical - low) < high - low:
            high = low + _HEADROOM * (typical - low)
        return cls(low, high, eighths)

    def height(self, value: float) -> int:
        """Eighths from the bottom: 0 for a gap, all of them for a value above the scale."""
        if math.isnan(value) or value == -math.inf:
            return 0
        if value == math.inf or value > self.high:
            return self.eighths
        span = self.high - self.low
        if not 0 < span < math.inf:
            return self.eighths // 2
        return 1 + round((value - self.low) / span * (self.eighths - 2))


def _cell(height: int, floor: int, line: int | None) -> Cell:
    """The cell of a bar whose lower edge is `floor` eighths above the bottom."""
    filled = min(max(height - floor, 0), 8)
    if line is not None and floor <= line < floor + 8 and filled in {0, 8}:
        return _LINES[line - floor], Mark.CROSSING if filled else Mark.BASELINE
    return _EIGHTHS[filled], Mark.BAR


_UNKNOWN: Final = "·"


def small_curve(losses: Sequence[float], width: int) -> str:
    """A row of exactly so many cells: eighth blocks for losses, dots where there are none."""
    (row,) = draw_bars(joined_columns(losses, width), rows=1)
    return "".join(sign for sign, _ in row).ljust(width, _UNKNOWN)
