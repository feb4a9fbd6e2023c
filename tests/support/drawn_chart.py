"""The loss chart as rows of text, without any widget, taken apart by what its cells stand for."""

from tui_charrnn.tui.run.chart.canvas import BRAILLE, Glyphs, Mark
from tui_charrnn.tui.run.chart.drawing import Chart, draw_chart
from tui_charrnn.tui.run.chart.series import ChartOptions, series_of
from tui_charrnn.viewing.run_view import RunView

SIZE = (100, 20)
RAW = ChartOptions(smoothing=0.0)
"""The loss as it is."""


def drawn(
    view: RunView,
    other: RunView | None = None,
    *,
    options: ChartOptions = RAW,
    size: tuple[int, int] = SIZE,
    glyphs: Glyphs = BRAILLE,
    cursor: int | None = None,
    pinned: RunView | None = None,
) -> Chart:
    return draw_chart(series_of(view, other, options, pinned), options, size, glyphs, cursor=cursor)


def lines(chart: Chart) -> list[str]:
    return ["".join(text for text, _ in row) for row in chart.rows]


def marks(chart: Chart) -> list[list[Mark]]:
    """The mark of every cell, row by row."""
    return [[mark for text, mark in row for _ in text] for row in chart.rows]


def plot_of(chart: Chart) -> list[list[Mark]]:
    """The cells between the axes: without legend, the axis below and what is read out."""
    return [row[chart.left : -6] for row in marks(chart)[1:-3]]


def rows_of(chart: Chart, mark: Mark) -> list[int]:
    """The rows of the plot that hold a mark."""
    return [row for row, found in enumerate(plot_of(chart)) if mark in found]


def columns_of(chart: Chart, mark: Mark) -> set[int]:
    """The columns of the plot that hold a mark."""
    return {column for row in plot_of(chart) for column, found in enumerate(row) if found is mark}


def heights(chart: Chart, mark: Mark) -> dict[int, int]:
    """The highest row of a mark in every column of the plot that has it."""
    plot = plot_of(chart)
    return {
        column: next(row for row, cells in enumerate(plot) if cells[column] is mark)
        for column in columns_of(chart, mark)
    }
