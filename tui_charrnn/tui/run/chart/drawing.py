"""The whole chart: legend, plot, axes, values."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.metrics import Bucket
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.translation import tr
from tui_charrnn.tui.run.chart.canvas import (
    DotPlot,
    Glyphs,
    Mark,
    Piece,
    Row,
    joined_row,
    mean_points,
)
from tui_charrnn.tui.run.chart.readout import (
    Reading,
    Readout,
    fitted,
    legend_row,
    line_at,
    nearest,
    readings_of,
    readout_row,
)
from tui_charrnn.tui.run.chart.scales import ValueScale, Window, XScale, quantile
from tui_charrnn.tui.run.chart.series import Axis, Curvature, Look, SecondLine, Series
from tui_charrnn.tui.text.wrapping import wrapped

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
    second: ValueScale | None = None
    """Of what is drawn beside the losses, if there is something."""

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

    def draw_band(self, series: Series, x_scale: XScale, blank: Iterable[int]) -> None:
        """From the lowest to the highest loss of every stretch."""
        frame = self._frame
        dots = DotPlot(frame.across, frame.down)
        extremes: dict[int, tuple[float, float]] = {}
        for bucket in series.buckets:
            first, last = self._reach(bucket, x_scale)
            for column in range(max(first, 0), min(last, frame.across - 1) + 1):
                low, high = extremes.get(column, (bucket.minimum, bucket.maximum))
                extremes[column] = min(low, bucket.minimum), max(high, bucket.maximum)
        for column, (low, high) in extremes.items():
            top, bottom = frame.scale.dot(high, frame.down), frame.scale.dot(low, frame.down)
            dots.draw_span(column, column, top, bottom)
        dots.keep_rows(frame.glyphs.band_rows)
        dots.cut(blank)
        self._put(dots, frame.glyphs.band, Mark.BAND)

    def draw_line(self, series: Series, x_scale: XScale, blank: Iterable[int]) -> None:
        """The smoothed loss, with a sign where it lies above the scale."""
        frame = self._frame
        places = list(self._places(series, x_scale))
        dots = DotPlot(frame.across, frame.down)
        dots.draw_line(mean_points(places, frame.scale, frame.down))
        dots.cut(blank)
        self._put(dots, frame.glyphs.line, Mark.LINE)
        cut = set(blank)
        for column, loss in places:
            if not loss <= frame.scale.high and column not in cut:
                cell = column // frame.glyphs.across
                self.cells[0][cell] = frame.glyphs.clipped, Mark.CLIPPED

    def draw_other_line(self, series: Series, x_scale: XScale) -> None:
        """The smoothed loss of a run that is compared: dashes, or dots if it is pinned."""
        frame, glyphs, is_pinned = self._frame, self._frame.glyphs, series.is_pinned
        dots = DotPlot(frame.across, frame.down)
        dots.draw_line(mean_points(list(self._places(series, x_scale)), frame.scale, frame.down))
        if is_pinned:
            dots.cut(column for column in range(frame.across) if column % (glyphs.dash + 1))
        else:
            dots.cut(column for column in range(frame.across) if column // glyphs.dash % 2)
        signs = glyphs.pinned if is_pinned else glyphs.other
        self._put(dots, signs, Mark.PINNED if is_pinned else Mark.OTHER)

    def draw_second(self, line: SecondLine, x_scale: XScale, mark: Mark = Mark.SECOND) -> None:
        """The quantity beside the losses, on its own scale; dotted, its references as rows."""
        frame, scale = self._frame, self._frame.second
        if scale is None:
            return
        for name, value in line.references if mark is Mark.SECOND else ():
            if scale.contains(value):
                row = scale.dot(value, frame.down) // frame.glyphs.down
                cells = _cells_of(f" {name} {value:g} ", Mark.SECOND)
                rest = [(frame.glyphs.baseline, Mark.SECOND)] * frame.width
                self.cells[row] = [*cells, *rest][: frame.width]
        for points in (line.points, line.lower):
            places = [
                (frame.window.dot(x_scale.place(step), frame.across), value)
                for step, value in points
            ]
            places = [place for place in places if 0 <= place[0] < frame.across]
            dots = DotPlot(frame.across, frame.down)
            dots.draw_line(mean_points(places, scale, frame.down))
            dots.cut(column for column in range(frame.across) if column % 2)
            self._put(dots, frame.glyphs.second, mark)

    def draw_evaluations(
        self, evaluations: Sequence[SplitEvaluated], x_scale: XScale, sign: str, mark: Mark
    ) -> None:
        """A sign at every score of the held-out text that lies on the scale.

        Where they would touch one another, one in so many columns, and the newest, so that the
        line can be seen between them.
        """
        frame = self._frame
        places = {}
        for scored in evaluations:
            column = frame.column(x_scale.place(scored.step))
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
                cells = _cells_of(text, Mark.BASELINE)
                start = self._free_place(row, len(cells))
                if start is not None:
                    self.cells[row][start : start + len(cells)] = cells
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

    def rows(self) -> list[Row]:
        """What is drawn by now; half a wide sign is left out."""
        return [joined_row(_without_halves(row)) for row in self.cells]

    def _places(self, series: Series, x_scale: XScale) -> Iterator[tuple[int, float]]:
        """Column of dots and loss of every point of the line within the window."""
        frame = self._frame
        for bucket, loss in zip(series.buckets, series.line, strict=True):
            middle = (x_scale.place(bucket.first_step - 1) + x_scale.place(bucket.last_step)) / 2
            column = frame.window.dot(middle, frame.across)
            if 0 <= column < frame.across:
                yield column, loss

    def _reach(self, bucket: Bucket, x_scale: XScale) -> tuple[int, int]:
        """The first and the last column of dots of a stretch."""
        window, across = self._frame.window, self._frame.across
        return (
            window.dot(x_scale.place(bucket.first_step - 1), across),
            window.dot(x_scale.place(bucket.last_step), across),
        )

    def _put(self, dots: DotPlot, signs: str, mark: Mark) -> None:
        for row, keys in zip(
            self.cells, dots.rows(self._frame.glyphs, self._frame.height), strict=True
        ):
            for column, key in enumerate(keys):
                if key:
                    row[column] = signs[key], mark

    def _free_place(self, row: int, length: int) -> int | None:
        """Where so many cells are free in a row: at its end, at its beginning, or anywhere."""
        width: int = self._frame.width
        taken = [mark not in _BEHIND_NAMES for _, mark in self.cells[row]]
        starts: list[int] = [width - length - 1, 1, *range(width - length, -1, -1)]
        for start in starts:
            if 0 <= start <= width - length and not any(taken[start : start + length]):
                return start
        return None


def _cells_of(text: str, mark: Mark) -> list[Piece]:
    """A text cell by cell; the second cell of a wide sign is empty."""
    return [
        piece for sign in text for piece in [(sign, mark), ("", mark)][: max(1, cell_len(sign))]
    ]


def _without_halves(row: Sequence[Piece]) -> Iterator[Piece]:
    before = ""
    for (text, mark), (after, _) in zip(row, [*row[1:], (" ", Mark.BLANK)], strict=True):
        is_half = cell_len(before) < 2 if not text else cell_len(text) > 1 and after
        yield (" " if is_half else text), mark
        before = text


LABEL_WIDTH: Final = 5
"""Columns of the numbers beside the plot; longer ones are left out."""


def with_side_axes(frame: Frame, rows: Sequence[Row], left: int, right: int) -> list[Row]:
    """Put nats before the rows of the plot, and after them bits or what a second line counts.

    `left` and `right` are the columns of these axes, 0 for none.
    """
    glyphs = frame.glyphs
    nats = frame.scale.ticks(frame.height, frame.down) if left else {}
    factor, scale = (1.0, frame.second) if frame.second else (1 / math.log(2), frame.scale)
    beside = scale.ticks(frame.height, frame.down, factor) if right else {}
    framed = []
    for place, row in enumerate(rows):
        whole: Row = list(row)
        if left:
            label = _label(nats.get(place, ""))
            sign = glyphs.left_tick if label else glyphs.left_axis
            whole = [(label.rjust(left - 1), Mark.LABEL), (sign, Mark.AXIS), *whole]
        if right:
            label = _label(beside.get(place, ""))
            sign = glyphs.right_tick if label else glyphs.right_axis
            whole += [(sign, Mark.AXIS), (label.ljust(right - 1), Mark.LABEL)]
        framed.append(whole)
    return framed


def bottom_rows(
    frame: Frame, checkpoints: Collection[int], gaps: Collection[int], left: int, right: int
) -> list[Row]:
    """The axis below the plot with its ticks, and their labels; checkpoints and gaps by column."""
    ticks = frame.window.ticks(frame.width)
    line = [
        _axis_sign(frame, column in ticks, column in checkpoints, column in gaps)
        for column in range(frame.width)
    ]
    before = [(" " * (left - 1), Mark.BLANK), (frame.glyphs.left_corner, Mark.AXIS)] if left else []
    after = (
        [(frame.glyphs.right_corner, Mark.AXIS), (" " * (right - 1), Mark.BLANK)] if right else []
    )
    return [joined_row([*before, *line, *after]), _label_row(frame, left, right)]


def _axis_sign(frame: Frame, is_tick: bool, is_checkpoint: bool, is_gap: bool) -> Piece:
    glyphs = frame.glyphs
    if is_gap:
        return glyphs.gap, Mark.GAP
    if is_checkpoint:
        return glyphs.checkpoint_tick if is_tick else glyphs.checkpoint, Mark.CHECKPOINT
    return glyphs.bottom_tick if is_tick else glyphs.bottom, Mark.AXIS


def _label_row(frame: Frame, left: int, right: int) -> Row:
    """The numbers below the axis, and before them what they count."""
    unit = frame.window.unit
    text = f"{' ' * (left - 1 - cell_len(unit))}{unit} " if left else ""
    for start, label in sorted(frame.window.ticks(frame.width).values()):
        text = text + " " * (left + start - cell_len(text)) + label
    return [(set_cell_size(text, left + frame.width + right), Mark.LABEL)]


def _label(words: str) -> str:
    return words if len(words) <= LABEL_WIDTH else ""


_TAIL: Final = 0.02
"""The share of extremes at either end that may lie off the scale."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of pieces, each exactly as wide as was asked for."""

    rows: list[Row]
    scale: ValueScale | None = None
    readings: list[Reading] = field(default_factory=list)
    left: int = 0
    """The first column of the plot."""


def draw_chart(
    all_series: Sequence[Series],
    look: Look,
    size: tuple[int, int],
    glyphs: Glyphs,
    *,
    earlier: ValueScale | None = None,
    cursor: int | None = None,
) -> Chart:
    """Draw a run, and others over it.

    Args:
        all_series: As `series_of` makes them of this look.
        look: What is shown, and how.
        size: Columns and rows.
        glyphs: The signs to draw with.
        earlier: The scale of the picture before, kept as long as it does.
        cursor: A step to read out; None reads out the newest.
    """
    width, height = size
    if width < 1 or height < 1:
        return Chart([[] for _ in range(max(height, 0))])
    parts = _Parts.of(width, height)
    axis = _known_axis(all_series[0], look.axis)
    all_series = [series for series in all_series if _known_axis(series, axis) is axis]
    x_scales = [XScale(series, axis) for series in all_series]
    window = Window.over(all_series, x_scales, axis, look.span)
    scale = _scale_over(all_series, window, x_scales, look).or_earlier(earlier)
    second = _second_scale(all_series[0], x_scales[0], window)
    frame = Frame(window, scale, glyphs, parts.plot_width, parts.plot_height, second)
    readings = readings_of(all_series[0], x_scales[0], window, frame.width)
    reading = readings[-1 if cursor is None else nearest(readings, cursor)] if readings else None
    column = reading.column if reading is not None and cursor is not None else None
    gaps = _gap_columns(all_series[0], x_scales[0], frame)
    rows = _plot_rows(frame, all_series, x_scales, gaps, column, has_axis=parts.has_bottom)
    rows = with_side_axes(frame, rows, parts.left, parts.right)
    if parts.has_bottom:
        saved = (x_scales[0].place(step) for step in all_series[0].checkpoints)
        checkpoints = {frame.column(place) for place in saved}
        rows += bottom_rows(frame, checkpoints, gaps, parts.left, parts.right)
    if parts.has_legend:
        is_clipped = any(not loss <= scale.high for loss in all_series[0].line)
        has_bits = bool(parts.right)
        legend = legend_row(all_series, glyphs, width, has_bits=has_bits, is_clipped=is_clipped)
        rows.insert(0, legend)
    if parts.has_readout:
        beside = _losses_beside(all_series, x_scales, reading)
        readout = Readout(all_series[0], reading, axis, cursor is None, beside)
        rows.append(readout_row(readout, glyphs, width))
    return Chart(rows, scale, readings, parts.left)


def draw_quantity(
    all_series: Sequence[Series],
    look: Look,
    size: tuple[int, int],
    glyphs: Glyphs,
    *,
    cursor: int | None = None,
) -> Chart:
    """Draw what a run has beside its losses in a graph of its own, over the same steps.

    Arguments as of `draw_chart`.
    """
    series, (width, height) = all_series[0], size
    line = series.second
    if line is None or width < 1 or height < 1:
        return draw_words(tr(f"There is no {look.quantity.value} yet."), size)
    parts, axis = _Parts.of(width, height), _known_axis(series, look.axis)
    x_scale = XScale(series, axis)
    window = Window.over([series], [x_scale], axis, look.span)
    scale = _second_scale(series, x_scale, window)
    plot_width = parts.plot_width + parts.right
    losses = scale or ValueScale(0.0, 1.0, Curvature.LINEAR)
    frame = Frame(window, losses, glyphs, plot_width, parts.plot_height, scale)
    plot, gaps = Plot(frame), _gap_columns(series, x_scale, frame)
    legend = [
        (f"{line.unit}  ", Mark.LABEL),
        (glyphs.samples["second"], Mark.SECOND),
        (f" {line.name}", Mark.LABEL),
        *_draw_pinned(plot, all_series[1:], axis, glyphs),
    ]
    plot.draw_second(line, x_scale)
    plot.draw_gaps(gaps, has_foot=not parts.has_bottom)
    if cursor is not None:
        plot.draw_cursor(frame.column(x_scale.place(cursor)))
    rows = with_side_axes(frame, plot.rows(), parts.left, 0)
    if parts.has_bottom:
        rows += bottom_rows(frame, (), gaps, parts.left, 0)
    if parts.has_legend:
        rows.insert(0, fitted(legend, width))
    if parts.has_readout:
        step = series.step if cursor is None else cursor
        at = tr("step {step:,}", step=step)
        value = tr("{value:.3g} {unit}", value=line.value_at(step), unit=line.unit)
        rows.append(fitted([(f"{at}{glyphs.separator}{value}", Mark.VALUE)], width))
    return Chart(rows, scale, [], parts.left)


def _draw_pinned(plot: Plot, others: Sequence[Series], axis: Axis, glyphs: Glyphs) -> Row:
    """Draw what the pinned run has beside its losses; its part of the legend."""
    legend: Row = []
    for series in others:
        if series.second is not None and _known_axis(series, axis) is axis:
            plot.draw_second(series.second, XScale(series, axis), Mark.PINNED)
            legend.append((f"   {glyphs.samples['pinned']}", Mark.PINNED))
            legend.append((f" {tr('{name} (pinned)', name=series.name)}", Mark.LABEL))
    return legend


def draw_words(words: str, size: tuple[int, int]) -> Chart:
    """A sentence in the middle, where there is nothing to draw yet; wrapped, cut if it must be.

    Args:
        words: Safe to show.
        size: Columns and rows.
    """
    width, height = size
    if width < 1 or height < 1:
        return Chart([[] for _ in range(max(height, 0))])
    lines = wrapped(words, width)[:height]
    before = (height - len(lines)) // 2
    placed = [*[""] * before, *(" " * ((width - cell_len(line)) // 2) + line for line in lines)]
    placed += [""] * (height - len(placed))
    return Chart([fitted([(line, Mark.LABEL)], width) for line in placed])


@dataclass(frozen=True, slots=True)
class _Parts:
    """What there is room for."""

    left: int
    """Columns of the axis at the left, and of that at the right."""
    right: int
    plot_width: int
    plot_height: int
    has_legend: bool
    has_bottom: bool
    has_readout: bool

    @classmethod
    def of(cls, width: int, height: int) -> "_Parts":
        left = LABEL_WIDTH + 1 if width >= 24 else 0
        right = LABEL_WIDTH + 1 if width >= 56 else 0
        has_legend, has_bottom, has_readout = height >= 10, height >= 5, height >= 3
        others = has_legend + 2 * has_bottom + has_readout
        return cls(
            left,
            right,
            width - left - right,
            height - others,
            has_legend,
            has_bottom,
            has_readout,
        )


def _known_axis(series: Series, axis: Axis) -> Axis:
    """The axis, or steps if a run does not know yet how long an epoch is."""
    return Axis.STEPS if axis is Axis.EPOCHS and not series.steps_per_epoch else axis


def _scale_over(
    all_series: Sequence[Series], window: Window, x_scales: Sequence[XScale], look: Look
) -> ValueScale:
    """A scale for the lines, the scores of held-out text and nearly all extremes.

    Where a run overfits, its scores after the best one are on it however high they are.
    """
    losses: list[float] = []
    scores = [
        scored.loss
        for scored in all_series[0].evaluations
        if math.isfinite(scored.loss)
        and window.begin <= x_scales[0].place(scored.step) <= window.end
    ]
    risen = scores[scores.index(min(scores)) :] if scores else []
    for series, x_scale in zip(all_series, x_scales, strict=True):
        losses += (
            loss
            for bucket, loss in zip(series.buckets, series.line, strict=True)
            if window.begin <= x_scale.place(bucket.last_step) <= window.end
        )
        losses += (
            scored.loss
            for scored in series.evaluations
            if window.begin <= x_scale.place(scored.step) <= window.end
        )
    buckets = all_series[0].buckets
    losses += quantile((bucket.minimum for bucket in buckets), _TAIL)
    losses += quantile((bucket.maximum for bucket in buckets), 1 - _TAIL)
    ladder = [loss for _, loss in all_series[0].ladder]
    return ValueScale.over(losses, ladder, look.curvature, shown=risen)


def _second_scale(series: Series, x_scale: XScale, window: Window) -> ValueScale | None:
    """The scale of what is drawn beside the losses, if there is something."""
    line = series.second
    if line is None:
        return None
    places = ((x_scale.place(step), value) for step, value in line.values)
    values = [value for place, value in places if window.begin <= place <= window.end]
    return ValueScale.over(values, [value for _, value in line.references], Curvature.LINEAR)


def _losses_beside(
    all_series: Sequence[Series], x_scales: Sequence[XScale], reading: Reading | None
) -> list[tuple[str, float]]:
    """What the other runs had reached where one column ends."""
    if reading is None:
        return []
    place = x_scales[0].place(reading.bucket.last_step)
    found = [
        (series.name, line_at(series, x_scale, place))
        for series, x_scale in zip(all_series[1:], x_scales[1:], strict=True)
    ]
    return [(name, loss) for name, loss in found if loss is not None]


def _gap_columns(series: Series, x_scale: XScale, frame: Frame) -> list[int]:
    """The columns of cells that hold a step whose loss was not finite."""
    columns = {frame.column(x_scale.place(step)) for step in series.gaps}
    return sorted(column for column in columns if 0 <= column < frame.width)


def _plot_rows(
    frame: Frame,
    all_series: Sequence[Series],
    x_scales: Sequence[XScale],
    gaps: Sequence[int],
    cursor: int | None,
    *,
    has_axis: bool,
) -> list[Row]:
    """The area between the axes, from what lies behind to what lies before it."""
    plot, glyphs = Plot(frame), frame.glyphs
    series, x_scale = all_series[0], x_scales[0]
    blank = [
        dots
        for column in gaps
        for dots in range(column * glyphs.across, (column + 1) * glyphs.across)
    ]
    names = plot.draw_references(series.ladder)
    plot.draw_band(series, x_scale, blank)
    for other, other_x_scale in zip(all_series[1:], x_scales[1:], strict=True):
        plot.draw_other_line(other, other_x_scale)
        scores = () if other.is_pinned else other.evaluations
        plot.draw_evaluations(scores, other_x_scale, glyphs.other_validation, Mark.OTHER_VALIDATION)
    if series.second is not None:
        plot.draw_second(series.second, x_scale)
    plot.draw_line(series, x_scale, blank)
    plot.draw_evaluations(series.evaluations, x_scale, glyphs.validation, Mark.VALIDATION)
    plot.draw_gaps(gaps, has_foot=not has_axis)
    if cursor is not None:
        plot.draw_cursor(cursor)
    plot.write_names(names)
    return plot.rows()
