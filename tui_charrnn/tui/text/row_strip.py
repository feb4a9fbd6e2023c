"""Draws a row of wrapped text."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui_charrnn.tui.text.wrapped_text import Row

Overlay = tuple[int, int, Style]
"""The first character of a part of a row, the one after its last, and how the part looks."""


def draw_row(
    row: Row,
    styles: Mapping[str, Style],
    *,
    overlays: Sequence[Overlay] = (),
    caret_style: Style | None = None,
) -> Strip:
    """Draw a row, as long as its text.

    Args:
        row: A row with its tabs expanded.
        styles: How each style of text looks.
        overlays: What lies over that, the lowest first; an end of -1 is that of the row. One that
            begins behind the text takes a cell there.
        caret_style: How a caret behind the text looks; None for no caret.
    """
    length = len(row.text)
    laid = [(start, length if end < 0 else end, look) for start, end, look in overlays]
    bounds = [0, *accumulate(run_length for _, run_length in row.runs)]
    looks = [styles[style] for style, _ in row.runs]
    cuts = {cut for start, end, _ in laid for cut in (start, end) if 0 < cut < length}
    segments, run = [], 0
    for start, end in pairwise(sorted({*bounds, *cuts})):
        while bounds[run + 1] <= start:
            run += 1
        look = looks[run]
        for over_start, over_end, over in laid:
            if over_start <= start and end <= over_end:
                look += over
        segments.append(Segment(row.text[start:end], look))
    segments += [Segment(" ", look) for start, end, look in laid if length <= start < end]
    if caret_style is not None:
        segments.append(Segment(" ", caret_style))
    return Strip(segments)
