"""Bar charts of eighth blocks for series of losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_TYPICAL: Final = 0.9
"""The quantile of the values that must stay clearly visible."""
_OUTLYING: Final = 2.0
"""The scale is cut if the largest value exceeds that quantile this many times."""
_HEADROOM: Final = 1.25
"""Where the scale is cut, as a multiple of that quantile."""
_LINES: Final = "▁▁▁───▔▔"
"""The baseline within its row, by its height in eighths."""


class Mark(StrEnum):
    """What a cell of the drawing represents."""

    BAR = "bar"
    """A value drawn to scale, or the space above it."""
    CLIPPED = "clipped"
    """A value above the scale: a full block."""
    BASELINE = "baseline"
    """The line of the baseline, above the bars."""
    CROSSING = "crossing"
    """The line of the baseline across a bar."""


Cell: TypeAlias = tuple[str, Mark]
"""A character and what it represents."""


def draw_bars(
    values: Sequence[float], *, rows: int, baseline: float | None = None
) -> list[list[Cell]]:
    """Draw one bar per value, as rows of cells, the top row first.

    The smallest value is one eighth high, the largest one eighth short of the top. If a few
    outliers, such as the first losses of a training, would flatten all other bars, the scale is cut
    a little above the 90th percentile; only values above it are full bars. Infinity is above every
    scale; NaN leaves a gap.

    Args:
        values: One value per column.
        rows: Height of the drawing, at least 1.
        baseline: A value to draw as a line if it is on the scale and there is more than one row;
            cells where a bar ends are left out.
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
    """Return all values, or at most `width` means of groups of neighbors."""
    count = len(values)
    if count <= width:
        return values
    edges = [column * count // width for column in range(width + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Maps values to eighths of a row: `low` to 1, `high` to one short of the top."""

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
        """Return eighths from the bottom: 0 for a gap, all of them for a value above the scale."""
        if math.isnan(value) or value == -math.inf:
            return 0
        if value == math.inf or value > self.high:
            return self.eighths
        span = self.high - self.low
        if not 0 < span < math.inf:
            return self.eighths // 2
        return 1 + round((value - self.low) / span * (self.eighths - 2))


def _cell(height: int, floor: int, line: int | None) -> Cell:
    """Return the cell of a bar whose lower edge is `floor` eighths above the bottom."""
    filled = min(max(height - floor, 0), 8)
    if line is not None and floor <= line < floor + 8 and filled in {0, 8}:
        return _LINES[line - floor], Mark.CROSSING if filled else Mark.BASELINE
    return _EIGHTHS[filled], Mark.BAR


_UNKNOWN: Final = "·"


def small_curve(losses: Sequence[float], width: int) -> str:
    """Return one row of exactly `width` cells: eighth blocks for losses, dots after the last."""
    (row,) = draw_bars(joined_columns(losses, width), rows=1)
    return "".join(sign for sign, _ in row).ljust(width, _UNKNOWN)
