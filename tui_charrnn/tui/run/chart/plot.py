"""The area between the axes: every sign that stands in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tui_charrnn.metrics import Bucket
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.tui.run.chart.course import Course, Ruler
from tui_charrnn.tui.run.chart.dots import DotPlot, mean_points
from tui_charrnn.tui.run.chart.glyphs import Glyphs
from tui_charrnn.tui.run.chart.marks import Mark, Piece
from tui_charrnn.tui.run.chart.value_scale import ValueScale
from tui_charrnn.tui.run.chart.window import Window

_BEHIND_CURSOR = frozenset({Mark.BLANK, Mark.BAND, Mark.BASELINE})
_BEHIND_NAMES = frozenset({Mark.BLANK, Mark.BAND, Mark.BASELINE, Mark.CURSOR})

_SPACING = 3
"""Columns from one score to the next at least, where there are very many."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What places everything in the area."""

    window: Window
    scale: ValueScale
    glyphs: Glyphs
    width: int
    height: int
    """In cells, as the width."""

    @property
    def across(self) -> int:
        """Columns of dots."""
        return self.width * self.glyphs.across

    @property
    def down(self) -> int:
        """Rows of dots."""
        return self.height * self.glyphs.down

    def column(self, place: float) -> int:
        """The column of cells of a place; -1 or `width` for one outside."""
        return self.window.dot(place, self.width)

    def row(self, loss: float) -> int:
        """The row of cells of a loss; the first or the last for one off the scale."""
        return self.scale.dot(loss, self.down) // self.glyphs.down


class Plot:
    """Cells that are drawn over, layer by layer."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.cells: list[list[Piece]] = [
            [(" ", Mark.BLANK)] * frame.width for _ in range(frame.height)
        ]

    def draw_band(self, course: Course, ruler: Ruler, blank: Iterable[int]) -> None:
        """From the lowest to the highest loss of every stretch."""
        frame = self._frame
        dots = DotPlot(frame.across, frame.down)
        extremes: dict[int, tuple[float, float]] = {}
        for bucket in course.buckets:
            first, last = self._reach(bucket, ruler)
            for column in range(max(first, 0), min(last, frame.across - 1) + 1):
                low, high = extremes.get(column, (bucket.minimum, bucket.maximum))
                extremes[column] = min(low, bucket.minimum), max(high, bucket.maximum)
        for column, (low, high) in extremes.items():
            top, bottom = frame.scale.dot(high, frame.down), frame.scale.dot(low, frame.down)
            dots.draw_span(column, column, top, bottom)
        dots.keep_rows(frame.glyphs.band_rows)
        dots.cut(blank)
        self._put(dots, frame.glyphs.band, Mark.BAND)

    def draw_line(self, course: Course, ruler: Ruler, blank: Iterable[int]) -> None:
        """The smoothed loss, with a sign where it lies above the scale."""
        frame = self._frame
        places = list(self._places(course, ruler))
        dots = DotPlot(frame.across, frame.down)
        dots.draw_line(mean_points(places, frame.scale, frame.down))
        dots.cut(blank)
        self._put(dots, frame.glyphs.line, Mark.LINE)
        cut = set(blank)
        for column, loss in places:
            if not loss <= frame.scale.high and column not in cut:
                cell = column // frame.glyphs.across
                self.cells[0][cell] = frame.glyphs.clipped, Mark.CLIPPED

    def draw_other_line(self, course: Course, ruler: Ruler) -> None:
        """The smoothed loss of the run that is compared."""
        frame, dash = self._frame, self._frame.glyphs.dash
        dots = DotPlot(frame.across, frame.down)
        dots.draw_line(mean_points(list(self._places(course, ruler)), frame.scale, frame.down))
        dots.cut(column for column in range(frame.across) if column // dash % 2)
        self._put(dots, frame.glyphs.other, Mark.OTHER)

    def draw_evaluations(
        self, evaluations: Sequence[SplitEvaluated], ruler: Ruler, sign: str, mark: Mark
    ) -> None:
        """A sign at every score of the held-out text that lies on the scale.

        Where they would touch one another, one in so many columns, and the newest, so that the
        line can be seen between them.
        """
        frame = self._frame
        places = {}
        for scored in evaluations:
            column = frame.column(ruler.place(scored.step))
            if 0 <= column < frame.width and frame.scale.contains(scored.loss):
                places[column] = frame.row(scored.loss)
        is_crowded = len(places) * _SPACING > frame.width
        for column, row in places.items():
            if not is_crowded or column % _SPACING == 0 or column == max(places):
                self.cells[row][column] = sign, mark

    def draw_references(self, ladder: Sequence[tuple[str, float]]) -> dict[int, str]:
        """A line at each loss that has room: the first ones go before the later.

        Returns:
            What is written on each line, by the row.
        """
        frame, names = self._frame, dict[int, str]()
        for name, loss in ladder:
            row = frame.row(loss)
            if frame.scale.contains(loss) and not {row - 1, row, row + 1} & names.keys():
                names[row] = f" {name} {loss:.3f} "
                self.cells[row] = [(frame.glyphs.baseline, Mark.BASELINE)] * frame.width
        return names

    def write_names(self, names: dict[int, str]) -> None:
        """Write on each line what it stands for, where nothing is drawn; else leave it out."""
        for row, name in names.items():
            for text in (name, f" {name.split()[0]} "):
                start = self._free_place(row, len(text))
                if start is not None:
                    cells = [(sign, Mark.BASELINE) for sign in text]
                    self.cells[row][start : start + len(text)] = cells
                    break

    def draw_gaps(self, columns: Iterable[int], *, has_foot: bool) -> None:
        """A line from top to bottom where there is no loss; with a sign at its foot, or without."""
        glyphs = self._frame.glyphs
        for column in columns:
            for row in self.cells:
                if row[column][1] in _BEHIND_CURSOR:
                    row[column] = glyphs.gap_line, Mark.GAP
            if has_foot:
                self.cells[-1][column] = glyphs.gap, Mark.GAP

    def draw_cursor(self, column: int) -> None:
        """A line from top to bottom, behind what is drawn."""
        for row in self.cells:
            if 0 <= column < len(row) and row[column][1] in _BEHIND_CURSOR:
                row[column] = self._frame.glyphs.cursor, Mark.CURSOR

    def _places(self, course: Course, ruler: Ruler) -> Iterator[tuple[int, float]]:
        """Column of dots and loss of every point of the line within the window."""
        frame = self._frame
        for bucket, loss in zip(course.buckets, course.line, strict=True):
            middle = (ruler.place(bucket.first_step - 1) + ruler.place(bucket.last_step)) / 2
            column = frame.window.dot(middle, frame.across)
            if 0 <= column < frame.across:
                yield column, loss

    def _reach(self, bucket: Bucket, ruler: Ruler) -> tuple[int, int]:
        """The first and the last column of dots of a stretch."""
        window, across = self._frame.window, self._frame.across
        return (
            window.dot(ruler.place(bucket.first_step - 1), across),
            window.dot(ruler.place(bucket.last_step), across),
        )

    def _put(self, dots: DotPlot, signs: str, mark: Mark) -> None:
        for row, keys in zip(
            self.cells, dots.rows(self._frame.glyphs, self._frame.height), strict=True
        ):
            for column, key in enumerate(keys):
                if key:
                    row[column] = signs[key], mark

    def _free_place(self, row: int, length: int) -> int | None:
        """Where so many cells are free in a row: at its end, at its beginning, or in between."""
        width = self._frame.width
        taken = [mark not in _BEHIND_NAMES for _, mark in self.cells[row]]
        middle = (width - length) // 2
        for start in (width - length - 1, 1, middle, middle // 2, middle + middle // 2):
            if 0 <= start <= width - length and not any(taken[start : start + length]):
                return start
        return None
