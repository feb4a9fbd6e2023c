"""A passage of a text with the level of a cell at every character, on a terminal or in a pipe.

A sign below each character says the level; colors say the same once more, where they are wanted.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.cells import cell_len

from tui_charrnn.cli.output import stdout_is_terminal
from tui_charrnn.lens.levels import BORDERS
from tui_charrnn.safe_text import safe_line

SIGNS: Final = {-2: "=", -1: "-", 0: " ", 1: "+", 2: "#"}
"""By level."""
_COLORS: Final = {
    -2: "\x1b[97;44m",  # each with its background, to be read on a dark and on a light one
    -1: "\x1b[30;46m",
    1: "\x1b[30;43m",
    2: "\x1b[97;41m",
}
LEGEND: Final = (
    f"Below each character: the cell is above (+) or below (-) its mean by {BORDERS[0]:g} standard "
    f"deviations,\nor by {BORDERS[1]:g} (# and =)."
)
_PIPE_WIDTH: Final = 80
_LEAST_WIDTH: Final = 20


@dataclass(frozen=True, slots=True)
class ExcerptRow:
    """One row of a passage."""

    pieces: tuple[tuple[str, int], ...]
    """Its text, safe to show, where neighbors of one level are together, and their levels."""
    marks: str
    """The signs below it; empty if there are none."""


def terminal_colors(environment: Mapping[str, str] = os.environ) -> Mapping[int, str]:
    """The escape sequence of every level that has one; none where no color is wanted.

    Args:
        environment: The variables of this process.
    """
    if environment.get("NO_COLOR") or environment.get("TERM", "") in {"", "dumb"}:
        return {}
    return _COLORS


def text_width() -> int:
    """Columns that a line may take."""
    if not stdout_is_terminal():
        return _PIPE_WIDTH
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns)


def excerpt_rows(text: str, levels: npt.NDArray[np.int8], width: int) -> Iterator[ExcerptRow]:
    """Lay a passage out in rows.

    Args:
        text: N characters; a line feed is shown as a sign and ends its row.
        levels: Of each, shape (N,).
        width: Columns of a row.
    """
    row: list[tuple[str, int]] = []
    used = 0
    for character, level in zip(text, levels.tolist(), strict=True):
        shown = safe_line(character)
        columns = cell_len(shown)
        if used + columns > width and columns:
            yield _row(row)
            row, used = [], 0
        # a mark that is put on the character before it is drawn with that one
        row.append((shown, row[-1][1] if row and not columns else level))
        used += columns
        if character == "\n":
            yield _row(row)
            row, used = [], 0
    if row:
        yield _row(row)


def _row(characters: Sequence[tuple[str, int]]) -> ExcerptRow:
    pieces = tuple(
        ("".join(shown for shown, _ in group), level)
        for level, group in groupby(characters, key=lambda each: each[1])
    )
    marks = "".join(SIGNS[level] * cell_len(shown) for shown, level in characters)
    return ExcerptRow(pieces, marks.rstrip())
