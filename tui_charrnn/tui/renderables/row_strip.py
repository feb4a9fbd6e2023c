"""Draws a row of wrapped text."""

from collections.abc import Iterator, Mapping

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui_charrnn.tui.renderables.wrapped_text import Row, Run, split_runs


def draw_row(
    row: Row,
    styles: Mapping[str, Style],
    *,
    selected: tuple[int, int] | None = None,
    selection_style: Style | None = None,
    caret_style: Style | None = None,
) -> Strip:
    """Draw a row, as long as its text.

    Args:
        row: A row with its tabs expanded.
        styles: How each style of text looks.
        selected: The first selected character and the one after the last, -1 for all the rest.
        selection_style: How selected text looks.
        caret_style: How the caret looks; None for no caret.
    """
    runs: list[tuple[Run, bool]] = [(run, False) for run in row.runs]
    if selected is not None:
        runs = list(_marked(row, *selected))
    segments, start = [], 0
    for (style, length), is_selected in runs:
        look = styles[style] + selection_style if is_selected else styles[style]
        segments.append(Segment(row.text[start : start + length], look))
        start += length
    if caret_style is not None:
        segments.append(Segment(" ", caret_style))
    return Strip(segments)


def _marked(row: Row, start: int, end: int) -> Iterator[tuple[Run, bool]]:
    """The runs of a row, cut where the selection begins and ends."""
    length = len(row.text)
    end = length if end < 0 else min(end, length)
    start = min(start, end)
    bounds = [0, start, end, length]
    for runs, is_selected in zip(split_runs(row.runs, bounds), (False, True, False), strict=True):
        yield from ((run, is_selected) for run in runs)
