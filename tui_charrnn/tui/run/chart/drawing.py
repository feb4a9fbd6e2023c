"""The whole chart: legend, plot, axes, values."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tui_charrnn.tui.run.chart.axes import LABEL_WIDTH, bottom_rows, with_side_axes
from tui_charrnn.tui.run.chart.course import Course, Ruler
from tui_charrnn.tui.run.chart.glyphs import Glyphs
from tui_charrnn.tui.run.chart.look import Axis, Look
from tui_charrnn.tui.run.chart.marks import Mark, Row, joined_row
from tui_charrnn.tui.run.chart.plot import Frame, Plot
from tui_charrnn.tui.run.chart.stations import Station, line_at, nearest, stations_of
from tui_charrnn.tui.run.chart.value_scale import ValueScale, quantile
from tui_charrnn.tui.run.chart.window import Window
from tui_charrnn.tui.run.chart.words import Reading, fitted, legend_row, readout_row

_LEAST_WIDTH: Final = 24
"""Columns from which on there is an axis at the left."""
_LEAST_WIDTH_FOR_BITS: Final = 56
_TAIL: Final = 0.02
"""The share of extremes at either end that may lie off the scale."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of pieces, each exactly as wide as was asked for."""

    rows: list[Row]
    scale: ValueScale | None = None
    stations: list[Station] = field(default_factory=list)
    left: int = 0
    """The first column of the plot."""


def draw_chart(
    courses: Sequence[Course],
    look: Look,
    size: tuple[int, int],
    glyphs: Glyphs,
    *,
    earlier: ValueScale | None = None,
    cursor: int | None = None,
) -> Chart:
    """Draw a run, and another one over it.

    Args:
        courses: The run, and perhaps the other one, both as `Course.of` makes them of this look.
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
    axis = _known_axis(courses[0], look.axis)
    courses = [course for course in courses if _known_axis(course, axis) is axis]
    rulers = [Ruler(course, axis) for course in courses]
    window = Window.over(courses, rulers, axis, look.span)
    scale = _scale_over(courses, window, rulers, look).or_earlier(earlier)
    frame = Frame(window, scale, glyphs, parts.plot_width, parts.plot_height)
    stations = stations_of(courses[0], rulers[0], window, frame.width)
    station = stations[-1 if cursor is None else nearest(stations, cursor)] if stations else None
    column = station.column if station is not None and cursor is not None else None
    gaps = _gap_columns(courses[0], rulers[0], frame)
    rows = _plot_rows(frame, courses, rulers, gaps, column, has_axis=parts.has_bottom)
    rows = with_side_axes(frame, rows, parts.left, parts.right)
    if parts.has_bottom:
        saved = (rulers[0].place(step) for step in courses[0].checkpoints)
        checkpoints = {frame.column(place) for place in saved}
        rows += bottom_rows(frame, checkpoints, gaps, parts.left, parts.right)
    if parts.has_legend:
        is_clipped = any(not loss <= scale.high for loss in courses[0].line)
        has_bits = bool(parts.right)
        legend = legend_row(courses, glyphs, width, has_bits=has_bits, is_clipped=is_clipped)
        rows.insert(0, legend)
    if parts.has_readout:
        beside = _losses_beside(courses, rulers, station)
        reading = Reading(courses[0], station, axis, cursor is None, beside)
        rows.append(readout_row(reading, glyphs, width))
    return Chart(rows, scale, stations, parts.left)


def draw_words(words: str, size: tuple[int, int]) -> Chart:
    """A sentence in the middle, where there is nothing to draw yet; wrapped, cut if it must be.

    Args:
        words: Safe to show.
        size: Columns and rows.
    """
    width, height = size
    if width < 1 or height < 1:
        return Chart([[] for _ in range(max(height, 0))])
    lines = textwrap.wrap(words, width)[:height]
    before = (height - len(lines)) // 2
    placed = [*[""] * before, *(line.center(width) for line in lines)]
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
        left = LABEL_WIDTH + 1 if width >= _LEAST_WIDTH else 0
        right = LABEL_WIDTH + 1 if width >= _LEAST_WIDTH_FOR_BITS else 0
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


def _known_axis(course: Course, axis: Axis) -> Axis:
    """The axis, or steps if a run does not know yet how long an epoch is."""
    return Axis.STEPS if axis is Axis.EPOCHS and not course.steps_per_epoch else axis


def _scale_over(
    courses: Sequence[Course], window: Window, rulers: Sequence[Ruler], look: Look
) -> ValueScale:
    """A scale for the lines, the scores of held-out text and nearly all extremes."""
    losses: list[float] = []
    for course, ruler in zip(courses, rulers, strict=True):
        losses += (
            loss
            for bucket, loss in zip(course.buckets, course.line, strict=True)
            if window.begin <= ruler.place(bucket.last_step) <= window.end
        )
        losses += (
            scored.loss
            for scored in course.evaluations
            if window.begin <= ruler.place(scored.step) <= window.end
        )
    buckets = courses[0].buckets
    losses += quantile((bucket.minimum for bucket in buckets), _TAIL)
    losses += quantile((bucket.maximum for bucket in buckets), 1 - _TAIL)
    return ValueScale.over(losses, [loss for _, loss in courses[0].ladder], look.curvature)


def _losses_beside(
    courses: Sequence[Course], rulers: Sequence[Ruler], station: Station | None
) -> list[tuple[str, float]]:
    """What the other runs had reached where one column ends."""
    if station is None:
        return []
    place = rulers[0].place(station.bucket.last_step)
    found = [
        (course.name, line_at(course, ruler, place))
        for course, ruler in zip(courses[1:], rulers[1:], strict=True)
    ]
    return [(name, loss) for name, loss in found if loss is not None]


def _gap_columns(course: Course, ruler: Ruler, frame: Frame) -> list[int]:
    """The columns of cells that hold a step whose loss was not finite."""
    columns = {frame.column(ruler.place(step)) for step in course.gaps}
    return sorted(column for column in columns if 0 <= column < frame.width)


def _plot_rows(
    frame: Frame,
    courses: Sequence[Course],
    rulers: Sequence[Ruler],
    gaps: Sequence[int],
    cursor: int | None,
    *,
    has_axis: bool,
) -> list[Row]:
    """The area between the axes, from what lies behind to what lies before it."""
    plot, glyphs = Plot(frame), frame.glyphs
    course, ruler = courses[0], rulers[0]
    blank = [
        dots
        for column in gaps
        for dots in range(column * glyphs.across, (column + 1) * glyphs.across)
    ]
    names = plot.draw_references(course.ladder)
    plot.draw_band(course, ruler, blank)
    for other, other_ruler in zip(courses[1:], rulers[1:], strict=True):
        plot.draw_other_line(other, other_ruler)
        plot.draw_evaluations(
            other.evaluations, other_ruler, glyphs.other_validation, Mark.OTHER_VALIDATION
        )
    plot.draw_line(course, ruler, blank)
    plot.draw_evaluations(course.evaluations, ruler, glyphs.validation, Mark.VALIDATION)
    plot.draw_gaps(gaps, has_foot=not has_axis)
    if cursor is not None:
        plot.draw_cursor(cursor)
    plot.write_names(names)
    return [joined_row(row) for row in plot.cells]
