"""The course of a loss in a few cells, for lists."""

from collections.abc import Sequence
from typing import Final

from tui_charrnn.tui.sparkline import draw_bars, joined_columns

_UNKNOWN: Final = "·"


def small_curve(losses: Sequence[float], width: int) -> str:
    """A row of exactly `width` cells: eighth blocks for losses, dots where there are none.

    Args:
        losses: Of equal stretches, oldest first; neighbors are joined if there are too many.
        width: Cells.
    """
    (row,) = draw_bars(joined_columns(losses, width), rows=1).rows
    return row.ljust(width, _UNKNOWN)
