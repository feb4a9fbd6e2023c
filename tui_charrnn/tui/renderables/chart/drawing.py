"""The whole chart: legend, plot, axes, values."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tui_charrnn.tui.renderables.chart.course import Course, Ruler
from tui_charrnn.tui.renderables.chart.glyphs import Glyphs
from tui_charrnn.tui.renderables.chart.look import Axis, Look, Span
from tui_charrnn.tui.renderables.chart.marks import Mark, Piece, Row, joined_row
from tui_charrnn.tui.renderables.chart.plot import Frame, Plot
from tui_charrnn.tui.renderables.chart.stations import Station, nearest, stations_of
from tui_charrnn.tui.renderables.chart.value_scale import ValueScale, quantile
from tui_charrnn.tui.renderables.chart.window import Window
from tui_charrnn.tui.renderables.chart.words import fitted, legend_row, readout_row

_LEAST_WIDTH: Final = 24
"""Columns from which on there is an axis at the left."""
_LEAST_WIDTH_FOR_BITS: Final = 56
_LABEL_WIDTH: Final = 5
"""Columns of the numbers beside the plot; longer ones are left out."""
_BITS: Final = 1 / math.log(2)
_TAIL: Final = 0.02
"""The share of extremes at either end that may lie off the scale."""
_T = TypeVar("_T")


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
    scale = _scale_over(courses, look).or_earlier(earlier)
    frame = Frame(window, scale, glyphs, parts.plot_width, parts.plot_height)
    stations = stations_of(courses[0], rulers[0], window, frame.width)
    station = stations[-1 if cursor is None else nearest(stations, cursor)] if stations else None
    column = station.column if station is not None and cursor is not None else None
    gaps = _gap_columns(courses[0], rulers[0], frame)
    rows = _plot_rows(frame, courses, rulers, gaps, column)
    rows = _with_side_axes(frame, parts, rows)
    if parts.has_bottom:
        rows += _bottom_rows(frame, parts, courses[0], rulers[0], gaps)
    if parts.has_legend:
        rows.insert(0, legend_row(courses, glyphs, width, has_bits=bool(parts.right)))
    if parts.has_readout:
        is_newest = cursor is None
        rows.append(readout_row(courses[0], station, glyphs, width, is_newest=is_newest))
    return Chart(rows, scale, stations, parts.left)


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
        left = _LABEL_WIDTH + 1 if width >= _LEAST_WIDTH else 0
        right = _LABEL_WIDTH + 1 if width >= _LEAST_WIDTH_FOR_BITS else 0
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


def _scale_over(courses: Sequence[Course], look: Look) -> ValueScale:
    """A scale for the lines, the scores of held-out text and nearly all extremes."""
    losses: list[float] = []
    for course in courses:
        losses += course.line
        losses += (scored.loss for scored in _thinned(_within(course, look)))
    buckets = courses[0].buckets
    losses += quantile((bucket.minimum for bucket in buckets), _TAIL)
    losses += quantile((bucket.maximum for bucket in buckets), 1 - _TAIL)
    return ValueScale.over(losses, [loss for _, loss in courses[0].ladder], look.curvature)


def _within(course: Course, look: Look) -> list[SplitEvaluated]:
    if look.span is Span.WHOLE or not course.buckets: return course.evaluations
