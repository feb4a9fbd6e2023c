"""Draws the chart: legend, plot, axes, readout."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.translation import tr
from tui_charrnn.tui.run.chart.canvas import DotPlot, Glyphs, Mark, Piece, Row, joined_row
from tui_charrnn.tui.run.chart.readout import (
    Reading,
    fitted,
    legend_row,
    nearest,
    readings_of,
    readout_row,
)
from tui_charrnn.tui.run.chart.scales import UNITS, ValueScale, Window, quantile
from tui_charrnn.tui.run.chart.series import ChartOptions, Curvature, Series
from tui_charrnn.tui.text.wrapping import wrapped

_BEHIND_CURSOR: Final = frozenset({Mark.BLANK, Mark.BAND, Mark.BASELINE})
_BEHIND_NAMES: Final = _BEHIND_CURSOR | {Mark.CURSOR}
_NOT_IN_GAPS: Final = frozenset({Mark.BAND, Mark.LINE})
_SPACING: Final = 3
"""Minimum columns between validation losses if they are crowded."""
_LABEL_WIDTH: Final = 5
"""Columns of the numbers beside the plot; longer ones are left out."""
_TAIL: Final = 0.02
"""The share of extremes at either end that may be off the scale."""


@dataclass(slots=True)
class Plot:
    """The cells of the plot, drawn layer by layer, in a chart of `columns` and `rows`.

    The band and the line leave gaps out.
    """

    columns: int
    rows: int
    run: Series
    window: Window
    scale: ValueScale
    second: ValueScale | None
    """The scale of the second quantity, if there is one; `scale` itself if it is drawn alone."""
    glyphs: Glyphs
    cells: list[list[Piece]] = field(init=False)
    gaps: set[int] = field(init=False)
    """The columns that hold a step whose loss was not finite."""

    def __post_init__(self) -> None:
        """Leave all cells blank."""
        self.cells = [[(" ", Mark.BLANK)] * self.width for _ in range(self.height)]
        places = map(self.run.place, self.run.gaps)
        self.gaps = set(map(self.column, places)) & {*range(self.width)}

    @property
    def has_legend(self) -> bool:
        """Whether the first row is the legend."""
        return self.rows >= 8

    @property
    def has_bottom(self) -> bool:
        """Whether the two rows below the plot are its axis."""
        return self.rows >= 5

    @property
    def has_readout(self) -> bool:
        """Whether the last row is the values of a column."""
        return self.rows >= 3

    @property
    def is_alone(self) -> bool:
        """Whether the second quantity is drawn without the losses."""
        return self.second is self.scale

    @property
    def left(self) -> int:
        """Columns of the left axis; 0 for none."""
        return _LABEL_WIDTH + 1 if self.columns >= 24 else 0

    @property
    def right(self) -> int:
        """Columns of the right axis; 0 for none."""
        return _LABEL_WIDTH + 1 if self.columns >= 56 and not self.is_alone else 0

    @property
    def width(self) -> int:
        """Width of the plot in cells."""
        return self.columns - self.left - self.right

    @property
    def height(self) -> int:
        """Height of the plot in cells."""
        return self.rows - self.has_legend - 2 * self.has_bottom - self.has_readout

    @property
    def across(self) -> int:
        """Columns of dots in the plot."""
        return self.width * self.glyphs.across

    @property
    def down(self) -> int:
        """Rows of dots in the plot."""
        return self.height * self.glyphs.down

    def column(self, place: float) -> int:
        """Return the column of cells of an axis position; -1 or `width` if it is outside."""
        return self.window.dot(place, self.width)

    def row(self, loss: float) -> int:
        """Return the row of cells of a loss; the first or the last if it is off the scale."""
        return self.scale.dot(loss, self.down) // self.glyphs.down

    def draw_band(self) -> None:
        """Draw the range from the lowest to the highest loss of every bucket."""
        series, across = self.run, self.across
        dots = DotPlot(across)
        extremes: dict[int, tuple[float, float]] = {}
        for bucket in series.buckets:
            first = self.window.dot(series.place(bucket.first_step - 1), across)
            last = self.window.dot(series.place(bucket.last_step), across)
            for column in range(max(first, 0), min(last, across - 1) + 1):
                low, high = extremes.get(column, (bucket.minimum, bucket.maximum))
                extremes[column] = min(low, bucket.minimum), max(high, bucket.maximum)
        for column, (low, high) in extremes.items():
            dots.draw_column(
                column, self.scale.dot(high, self.down), self.scale.dot(low, self.down)
            )
        dots.keep(self.glyphs.band_rows)
        self._put(dots, self.glyphs.band, Mark.BAND)

    def draw_line(self) -> None:
        """Draw the smoothed loss, with a sign where it is above the scale."""
        places = self._columns_of_line(self.run)
        self._put(self._line_of(places, self.scale), self.glyphs.line, Mark.LINE)
        for column, loss in places:
            cell = column // self.glyphs.across
            if not loss <= self.scale.high and cell not in self.gaps:
                self.cells[0][cell] = self.glyphs.clipped, Mark.CLIPPED

    def draw_other_line(self, series: Series) -> None:
        """Draw the smoothed loss of another run: dashed, or dotted if it is the pinned one."""
        glyphs = self.glyphs
        dots = self._line_of(self._columns_of_line(series), self.scale)
        if series.is_pinned:
            dots.keep((-1, *[0] * glyphs.dash))
            self._put(dots, glyphs.pinned, Mark.PINNED)
        else:
            dots.keep((*[-1] * glyphs.dash, *[0] * glyphs.dash))
            self._put(dots, glyphs.other, Mark.OTHER)

    def draw_second(self, series: Series) -> None:
        """Draw the second quantity, dotted, on its own scale; with references unless pinned."""
        line, scale = series.second, self.second
        if line is None or scale is None:
            return
        mark = Mark.PINNED if series.is_pinned else Mark.SECOND
        for name, value in () if series.is_pinned else line.references:
            if scale.contains(value):
                row = scale.dot(value, self.down) // self.glyphs.down
                cells = _cells_of(f" {name} {value:g} ", Mark.SECOND)
                rest = [(self.glyphs.baseline, Mark.SECOND)] * self.width
                self.cells[row] = [*cells, *rest][: self.width]
        for points in (line.points, line.lower):
            dots = self._line_of(
                self._columns_of((series.place(step), value) for step, value in points), scale
            )
            dots.keep((-1, 0))
            self._put(dots, self.glyphs.second, mark)

    def draw_evaluations(self, series: Series, sign: str, mark: Mark) -> None:
        """Draw a sign at every validation loss that is on the scale.

        If they are crowded, only one in `_SPACING` columns and the newest are drawn, so that the
        line stays visible.
        """
        places = {}
        for scored in series.evaluations:
            column = self.column(series.place(scored.step))
            if 0 <= column < self.width and self.scale.contains(scored.loss):
                places[column] = self.row(scored.loss)
        is_crowded = len(places) * _SPACING > self.width
        for column, row in places.items():
            if not is_crowded or column % _SPACING == 0 or column == max(places):
                self.cells[row][column] = sign, mark

    def draw_references(self) -> dict[int, str]:
        """Draw a line at each reference loss that has room; earlier ones take precedence.

        Returns:
            The label of each line, by row.
        """
        names = dict[int, str]()
        for name, loss in self.run.ladder:
            row = self.row(loss)
            if self.scale.contains(loss) and not {row - 1, row, row + 1} & names.keys():
                names[row] = f" {name} {loss:.3f} "
                self.cells[row] = [(self.glyphs.baseline, Mark.BASELINE)] * self.width
        return names

    def write_names(self, names: dict[int, str]) -> None:
        """Write the label of each line, or its first word, where cells are free; else neither."""
        for row, name in names.items():
            for text in (name, f" {name.split()[0]} "):
                cells = _cells_of(text, Mark.BASELINE)
                start = self._free_place(row, len(cells))
                if start is not None:
                    self.cells[row][start : start + len(cells)] = cells
                    break

    def draw_gaps(self) -> None:
        """Draw a vertical line where the loss is not finite, with a sign at its foot or below."""
        glyphs = self.glyphs
        for column in self.gaps:
            self._draw_behind(column, glyphs.gap_line, Mark.GAP)
            if not self.has_bottom:
                self.cells[-1][column] = glyphs.gap, Mark.GAP

    def draw_cursor(self, column: int) -> None:
        """Draw a vertical line behind the lines and signs."""
        if 0 <= column < self.width:
            self._draw_behind(column, self.glyphs.cursor, Mark.CURSOR)

    def drawn_rows(self) -> list[Row]:
        """Return the rows of the plot, with a space for half of a wide character."""
        return [joined_row(_without_halves(row)) for row in self.cells]

    def _columns_of_line(self, series: Series) -> list[tuple[int, float]]:
        """Return the dot column and the loss of every point of the line."""
        points = zip(map(series.middle, series.buckets), series.line, strict=True)
        return self._columns_of(points)

    def _columns_of(self, points: Iterable[tuple[float, float]]) -> list[tuple[int, float]]:
        """Return (dot column, value) for the points (position, value) that are in the window."""
        dot, across = self.window.dot, self.across
        columns = ((dot(place, across), value) for place, value in points)
        return [(column, value) for column, value in columns if 0 <= column < across]

    def _line_of(self, places: Iterable[tuple[int, float]], scale: ValueScale) -> DotPlot:
        """Return a line through one point per column, the mean of its values."""
        sums: dict[int, tuple[float, int]] = {}
        for column, value in places:
            total, count = sums.get(column, (0.0, 0))
            sums[column] = total + value, count + 1
        dots, down = DotPlot(self.across), self.down
        means = ((column, total / count) for column, (total, count) in sorted(sums.items()))
        dots.draw_line([(column, scale.dot(mean, down)) for column, mean in means])
        return dots

    def _put(self, dots: DotPlot, signs: str, mark: Mark) -> None:
        left_out = self.gaps if mark in _NOT_IN_GAPS else ()
        for row, keys in zip(self.cells, dots.rows(self.glyphs, self.height), strict=True):
            for column, key in enumerate(keys):
                if key and column not in left_out:
                    row[column] = signs[key], mark

    def _draw_behind(self, column: int, sign: str, mark: Mark) -> None:
        for row in self.cells:
            if row[column][1] in _BEHIND_CURSOR:
                row[column] = sign, mark

    def _free_place(self, row: int, length: int) -> int | None:
        """Return where `length` cells are free in a row: at its end, its start, or anywhere."""
        width = self.width
        taken = [mark not in _BEHIND_NAMES for _, mark in self.cells[row]]
        starts: list[int] = [width - length - 1, 1, *range(width - length, -1, -1)]
        for start in starts:
            if 0 <= start <= width - length and not any(taken[start : start + length]):
                return start
        return None


def _cells_of(text: str, mark: Mark) -> list[Piece]:
    """Return a text as cells; the second cell of a wide character is empty."""
    return [
        piece for sign in text for piece in [(sign, mark), ("", mark)][: max(1, cell_len(sign))]
    ]


def _without_halves(row: Sequence[Piece]) -> Iterator[Piece]:
    before = ""
    for (text, mark), (after, _) in zip(row, [*row[1:], (" ", Mark.BLANK)], strict=True):
        is_half = cell_len(before) < 2 if not text else cell_len(text) > 1 and after
        yield (" " if is_half else text), mark
        before = text


def _with_side_axes(plot: Plot) -> list[Row]:
    """Return the plot with nats at the left, and bits or the second quantity at the right."""
    glyphs, left, right = plot.glyphs, plot.left, plot.right
    nats = plot.scale.ticks(plot.height, plot.down) if left else {}
    factor, scale = (1.0, plot.second) if plot.second else (1 / math.log(2), plot.scale)
    beside = scale.ticks(plot.height, plot.down, factor) if right else {}
    framed = []
    for place, row in enumerate(plot.drawn_rows()):
        whole: Row = list(row)
        if left:
            label = _label(nats.get(place, ""))
            sign = glyphs.left_tick if label else glyphs.side
            whole = [(label.rjust(left - 1), Mark.LABEL), (sign, Mark.AXIS), *whole]
        if right:
            label = _label(beside.get(place, ""))
            sign = glyphs.right_tick if label else glyphs.side
            whole += [(sign, Mark.AXIS), (label.ljust(right - 1), Mark.LABEL)]
        framed.append(whole)
    return framed


def _label(words: str) -> str:
    return words if len(words) <= _LABEL_WIDTH else ""


def _bottom_rows(plot: Plot) -> list[Row]:
    """Return the axis below the plot, and its labels."""
    glyphs, left, right = plot.glyphs, plot.left, plot.right
    unit, ticks = tr(UNITS[plot.window.axis]), plot.window.ticks(plot.width)
    steps = () if plot.is_alone else plot.run.checkpoints
    checkpoints = {plot.column(plot.run.place(step)) for step in steps}
    line: list[Piece] = []
    for column in range(plot.width):
        is_tick = column in ticks
        if column in plot.gaps:
            line.append((glyphs.gap, Mark.GAP))
        elif column in checkpoints:
            sign = glyphs.checkpoint_tick if is_tick else glyphs.checkpoint
            line.append((sign, Mark.CHECKPOINT))
        else:
            line.append((glyphs.bottom_tick if is_tick else glyphs.bottom, Mark.AXIS))
    before = [(" " * (left - 1), Mark.BLANK), (glyphs.left_corner, Mark.AXIS)] if left else []
    after = [(glyphs.right_corner, Mark.AXIS), (" " * (right - 1), Mark.BLANK)] if right else []
    text = f"{' ' * (left - 1 - cell_len(unit))}{unit} " if left else ""
    for start, label in sorted(ticks.values()):
        text = text + " " * (left + start - cell_len(text)) + label
    labels = set_cell_size(text, plot.columns)
    return [joined_row([*before, *line, *after]), [(labels, Mark.LABEL)]]


@dataclass(frozen=True, slots=True)
class Chart:
    """The rows of a chart, each exactly as wide as requested."""

    rows: list[Row]
    scale: ValueScale | None = None
    readings: list[Reading] = field(default_factory=list)
    left: int = 0
    """The first column of the plot."""


def draw_chart(
    all_series: Sequence[Series],
    options: ChartOptions,
    size: tuple[int, int],
    glyphs: Glyphs,
    *,
    earlier: ValueScale | None = None,
    cursor: int | None = None,
) -> Chart:
    """Draw a run, and other runs over it.

    Args:
        all_series: The result of `series_of` with the same `options`.
        options: The display options.
        size: Columns and rows.
        glyphs: The characters to draw with.
        earlier: The scale of the previous chart, kept while it fits.
        cursor: The step to read out; None reads out the newest.
    """
    if min(size) < 1:
        return draw_message("", size)
    run, window = all_series[0], Window.over(all_series, options.span)
    scale = _scale_over(all_series, window, options.curvature).or_earlier(earlier)
    plot = Plot(*size, run, window, scale, _second_scale(run, window), glyphs)
    readings = readings_of(run, window, plot.width)
    reading = readings[-1 if cursor is None else nearest(readings, cursor)] if readings else None
    # from back to front
    names = plot.draw_references()
    plot.draw_band()
    for other in all_series[1:]:
        plot.draw_other_line(other)
        if not other.is_pinned:
            plot.draw_evaluations(other, glyphs.other_validation, Mark.OTHER_VALIDATION)
    plot.draw_second(run)
    plot.draw_line()
    plot.draw_evaluations(run, glyphs.validation, Mark.VALIDATION)
    plot.draw_gaps()
    if reading is not None and cursor is not None:
        plot.draw_cursor(reading.column)
    plot.write_names(names)
    is_clipped = any(not loss <= scale.high for loss in run.line)
    has_bits = bool(plot.right)
    legend = legend_row(all_series, glyphs, size[0], has_bits=has_bits, is_clipped=is_clipped)
    readout = readout_row(all_series, reading, glyphs, size[0], is_newest=cursor is None)
    return Chart(_with_surroundings(plot, legend, readout), scale, readings, plot.left)


def draw_quantity(
    all_series: Sequence[Series],
    options: ChartOptions,
    size: tuple[int, int],
    glyphs: Glyphs,
    *,
    cursor: int | None = None,
) -> Chart:
    """Draw the second quantity of a run in a graph of its own, over the same steps.

    The arguments are those of `draw_chart`; every series but the first is drawn as pinned.
    """
    run = all_series[0]
    window = Window.over([run], options.span)
    line, scale = run.second, _second_scale(run, window)
    if line is None or scale is None or min(size) < 1:
        return draw_message(tr(f"No {options.quantity.value} yet."), size)
    plot = Plot(*size, run, window, scale, scale, glyphs)
    legend: Row = [
        (f"{line.unit}  ", Mark.LABEL),
        (glyphs.samples["second"], Mark.SECOND),
        (f" {line.name}", Mark.LABEL),
    ]
    for other in all_series[1:]:
        if other.second is not None:
            plot.draw_second(other)
            legend.append((f"   {glyphs.samples['pinned']}", Mark.PINNED))
            legend.append((f" {tr('{name} (pinned)', name=other.name)}", Mark.LABEL))
    plot.draw_second(run)
    plot.draw_gaps()
    if cursor is not None:
        plot.draw_cursor(plot.column(run.place(cursor)))
    step = run.step if cursor is None else cursor
    at = tr("step {step:,}", step=step)
    value = tr("{value:.3g} {unit}", value=line.value_at(step), unit=line.unit)
    readout: Row = [(f"{at}{glyphs.separator}{value}", Mark.VALUE)]
    return Chart(_with_surroundings(plot, fitted(legend, size[0]), fitted(readout, size[0])))


def _with_surroundings(plot: Plot, legend: Row, readout: Row) -> list[Row]:
    """Return the plot with all parts around it that fit."""
    return [
        *([legend] if plot.has_legend else []),
        *_with_side_axes(plot),
        *(_bottom_rows(plot) if plot.has_bottom else []),
        *([readout] if plot.has_readout else []),
    ]


def draw_message(message: str, size: tuple[int, int]) -> Chart:
    """Draw safe text in the middle of columns and rows, wrapped, and cut if it does not fit."""
    width, height = size
    if width < 1 or height < 1:
        return Chart([[] for _ in range(max(height, 0))])
    lines = wrapped(message, width)[:height]
    before = (height - len(lines)) // 2
    placed = [*[""] * before, *(" " * ((width - cell_len(line)) // 2) + line for line in lines)]
    placed += [""] * (height - len(placed))
    return Chart([fitted([(line, Mark.LABEL)], width) for line in placed])


def _scale_over(all_series: Sequence[Series], window: Window, curvature: Curvature) -> ValueScale:
    """Return a scale for the lines, the validation losses and nearly all extremes.

    Validation losses after the best one are always on it: overfitting stays visible.
    """
    losses: list[float] = []
    for series in all_series:
        losses += (
            loss
            for bucket, loss in zip(series.buckets, series.line, strict=True)
            if window.contains(series.place(bucket.last_step))
        )
        losses += _scores_within(series, window)
    run = all_series[0]
    scores = [*filter(math.isfinite, _scores_within(run, window))]
    after_best = scores[scores.index(min(scores)) :] if scores else []
    losses += quantile((bucket.minimum for bucket in run.buckets), _TAIL)
    losses += quantile((bucket.maximum for bucket in run.buckets), 1 - _TAIL)
    return ValueScale.over(losses, [loss for _, loss in run.ladder], curvature, shown=after_best)


def _scores_within(series: Series, window: Window) -> list[float]:
    places = ((series.place(scored.step), scored.loss) for scored in series.evaluations)
    return [loss for place, loss in places if window.contains(place)]


def _second_scale(series: Series, window: Window) -> ValueScale | None:
    """Return the scale of the second quantity; None if there is none."""
    line = series.second
    if line is None:
        return None
    places = ((series.place(step), value) for step, value in line.values)
    values = [value for place, value in places if window.contains(place)]
    return ValueScale.over(values, [value for _, value in line.references], Curvature.LINEAR)
