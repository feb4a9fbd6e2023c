"""What a widget draws, as the terminal gets it."""

import re

from rich.segment import Segment
from textual.geometry import Region
from textual.widget import Widget

from tui_charrnn.tui.text.text_view import TextView
from tui_charrnn.tui.theme.themed_app import ThemedApp

__all__ = ["ThemedApp", "drawn_rows", "drawn_segments", "streamed", "styled"]


def drawn_segments(widget: Widget) -> list[list[Segment]]:
    """The rows that a widget draws, as the terminal gets them, border and all."""
    strips = widget.render_lines(Region(0, 0, *widget.outer_size))
    return [list(strip) for strip in strips]


def drawn_rows(widget: Widget) -> list[str]:
    """The text of the rows that a widget draws, without the space at their ends."""
    return ["".join(part.text for part in row).rstrip() for row in drawn_segments(widget)]


def streamed(view: TextView) -> str:
    """The seeds and the generated text in a view, as they are shown, without notes and rules."""
    signs = {"seed": "", "generated": "", "skipped": "\0", "note": "\1", "rule": "\2"}
    rows = []
    for number in range(view.wrapped.first, view.wrapped.end):
        row = view.wrapped.shown(number)
        parts = view.wrapped.styles(number)
        text = "".join(signs[style] or row.text[start:end] for start, end, style in parts)
        rows.append(text + "\n" * row.ends_line)
    return re.sub("\0|\1+\n*|\n\n\2+\n", "", "".join(rows))


def styled(widget: Widget, text: str) -> Segment:
    """The one piece of a widget's drawing that has exactly this text."""
    (found,) = (part for row in drawn_segments(widget) for part in row if part.text == text)
    return found
