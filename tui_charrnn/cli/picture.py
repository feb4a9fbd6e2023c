"""What the commands that draw share: a short text as an argument, pictures and tables."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final, TypeAlias

import typer
from rich.cells import cell_len

from tui_charrnn.cli.output import print_data, stdout_is_terminal
from tui_charrnn.preferences import resolve
from tui_charrnn.viewing.ascii_signs import in_ascii
from tui_charrnn.viewing.formatting import fitted

DrawnInAscii: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Draw in ASCII; the setting `ascii` does so always.")
]
_GAP: Final = "  "
"""Between two columns of a table."""
_LEAST_WIDTH: Final = 40


def picture_width() -> int:
    """Columns that there are to draw in."""
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def draws_ascii(*, is_asked: bool) -> bool:
    """Whether signs are drawn in ASCII, by an option or by the settings."""
    return resolve({"ascii": is_asked or None}, wanted=["ascii"]).checked().ascii


def print_picture(rows: Iterable[str], *, is_ascii: bool) -> None:
    """Print rows that are safe for a terminal; in ASCII if asked, or by the settings."""
    is_ascii = draws_ascii(is_asked=is_ascii)
    for row in rows:
        print_data((in_ascii(row) if is_ascii else row).rstrip())


def table_lines(rows: Sequence[Sequence[str]], cut: int = 0, least: int = 8) -> Iterator[str]:
    """A line for each row; rows are of equal length and safe to show, the headings first.

    Where the whole is too wide for a terminal, one column is `cut`, to so many columns at `least`.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if stdout_is_terminal():
        gaps = len(_GAP) * (len(widths) - 1)
        left = shutil.get_terminal_size().columns - sum(widths) + widths[cut] - gaps
        widths[cut] = min(widths[cut], max(least, left))
    return (_GAP.join(map(fitted, row, widths)).rstrip() for row in rows)
