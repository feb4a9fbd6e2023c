"""A table on standard output: columns as wide as they must be, the first cut to the terminal."""

import shutil
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.cli.output import stdout_is_terminal

GAP: Final = "  "
"""Between two columns."""
_LEAST_NAME: Final = 8  # columns


def table_lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A line for each row; rows are of equal length and safe to show, the headings first.

    In a terminal the first column, names, is cut where the whole is too wide.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if stdout_is_terminal():
        left = shutil.get_terminal_size().columns - sum(widths[1:]) - len(GAP) * len(widths[1:])
        widths[0] = min(widths[0], max(_LEAST_NAME, left))
    return (GAP.join(map(fit_cell, row, widths)).rstrip() for row in rows)


def fit_cell(text: str, width: int) -> str:
    """A text in so many columns, cut off if it is longer."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
