"""Losses as columns of dots, each a whole number with a bit for every dot, the highest first."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from tui_charrnn.tui.run.chart.glyphs import Glyphs
from tui_charrnn.tui.run.chart.value_scale import ValueScale


class DotPlot:
    """Dots over a width and a height, one layer of the chart."""

    def __init__(self, across: int, down: int) -> None:
        self.columns = [0] * across
        self._down = down

    def draw_span(self, first: int, last: int, high: int, low: int) -> None:
        """Set all dots between two columns and two heights, ends included."""
        dots = (1 << low + 1) - (1 << high)
        for column in range(max(first, 0), min(last, len(self.columns) - 1) + 1):
            self.columns[column] |= dots

    def draw_line(self, points: Sequence[tuple[int, int]]) -> None:
        """Connect points (column, height) that come from left to right, one a column at most."""
        for column, height in points[:1]:
            self.draw_span(column, column, height, height)
        for (left, start), (right, stop) in pairwise(points):
            before = start
            for column in range(left + 1, right + 1):
                height = start + round((stop - start) * (column - left) / (right - left))
                # from where the last column ended, so that a steep line has no holes
                toward = before + (height > before) - (height < before)
                self.draw_span(column, column, min(toward, height), max(toward, height))
                before = height

    def keep_rows(self, patterns: Sequence[int]) -> None:
        """Keep those rows of dots only that a pattern has; column by column another one."""
        for column, dots in enumerate(self.columns):
            self.columns[column] = dots & patterns[column % len(patterns)]

    def cut(self, columns: Iterable[int]) -> None:
        """Take all dots out of some columns."""
        for column in columns:
            self.columns[column] = 0

    def rows(self, glyphs: Glyphs, height: int) -> list[list[int]]:
        """What to look every cell up by, row by row; 0 where there is no dot."""
        across, down = glyphs.across, glyphs.down
        mask = (1 << down) - 1
        groups = [self.columns[place::across] for place in range(across)]
        rows = []
        for row in range(height):
            shift = row * down
            keys = [dots >> shift & mask for dots in groups[0]]
            for place, group in enumerate(groups[1:], start=1):
                keys = [
                    key | (dots >> shift & mask) << place * down
                    for key, dots in zip(keys, group, strict=True)
                ]
            rows.append(keys)
        return rows


def mean_points(
    places: Sequence[tuple[int, float]], scale: ValueScale, down: int
) -> list[tuple[int, int]]:
    """One point a column: the mean of its losses, at its height.

    Args:
        places: Column and loss, in any order.
        scale: From losses to heights.
        down: Height in dots.
    """
    sums: dict[int, tuple[float, int]] = {}
    for column, loss in places:
        total, count = sums.get(column, (0.0, 0))
        sums[column] = total + loss, count + 1
    return [
        (column, scale.dot(total / count, down)) for column, (total, count) in sorted(sums.items())
    ]
