"""What a frame of the loss chart costs, whatever the length of the run."""

import time
from pathlib import Path
from typing import Final

from benchmarks.costs.long_run import loss_after
from benchmarks.rounds import rotated
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch
from tui_charrnn.runs.records import BaselinesMeasured, SplitEvaluated
from tui_charrnn.tui.run.chart.canvas import BRAILLE
from tui_charrnn.tui.run.chart.drawing import draw_chart
from tui_charrnn.tui.run.chart.series import ChartOptions, Span, series_of
from tui_charrnn.viewing.run_view import RunView

SIZE: Final = (116, 18)
"""Columns and rows of a chart in a large terminal."""
_PIECE: Final = 10_000


def measure_frames(lengths: list[int], rounds: int) -> dict[str, dict[int, list[float]]]:
    """Draw the charts of runs of several lengths in turns.

    Args:
        lengths: Batches of each run.
        rounds: How often each chart is drawn.

    Returns:
        Seconds of each frame, by what is shown and by the length of the run.
    """
    views = {length: _view_of(length) for length in lengths}
    spans: dict[str, dict[int, list[float]]] = {}
    for span in Span:
        options = ChartOptions(span=span)
        seconds: dict[int, list[float]] = {length: [] for length in lengths}
        for number in range(rounds):
            for length in rotated(lengths, number):
                began = time.perf_counter()
                draw_chart(series_of(views[length], None, options), options, SIZE, BRAILLE)
                seconds[length].append(time.perf_counter() - began)
        spans[span.value] = seconds
    return spans


def _view_of(batches: int) -> RunView:
    """A run of so many batches, scored every hundred steps."""
    view = RunView(RunDirectory(Path("run")))
    view.take([BaselinesMeasured((0, 2, 5), (4.174, 2.486, 1.669))])
    for begin in range(0, batches, _PIECE):
        steps = range(begin + 1, min(begin + _PIECE, batches) + 1)
        losses = [loss_after(step / batches) + 0.05 * (step % 7 - 3) / 3 for step in steps]
        ones = [1.0] * len(steps)
        view.take([BatchStretch(steps, losses, ones, ones, [float(step) for step in steps])])
        view.take(
            SplitEvaluated(step, loss_after(step / batches) + 0.1, False, float(step))
            for step in steps[99::100]
        )
    return view
