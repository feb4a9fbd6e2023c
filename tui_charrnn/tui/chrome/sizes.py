"""What the style sheet calls terminals of different sizes."""

from typing import Final

from textual.geometry import Size

WIDTHS: Final = [(0, "-too-narrow"), (40, "-small"), (60, "-narrow"), (110, "-wide")]
"""Columns from which on a screen has a class."""
HEIGHTS: Final = [
    (0, "-too-low"),
    (12, "-flat"),
    (16, "-low"),
    (20, "-medium"),
    (30, "-high"),
]
"""Rows from which on a screen has a class."""
TOO_SMALL: Final = "This terminal is too small: charrnn-tui needs 40 columns and 12 rows."
"""What stands in a terminal that has no room for anything else."""


def size_classes(size: Size) -> tuple[str, str]:
    """The classes of a screen in a terminal, as Textual sets them once it is laid out.

    A screen that has them from the beginning need not be styled a second time.
    """
    widest = max(limit for limit in WIDTHS if limit[0] <= size.width)
    highest = max(limit for limit in HEIGHTS if limit[0] <= size.height)
    return widest[1], highest[1]


def is_too_small(size: Size) -> bool:
    """Whether a terminal has no room for anything but a sentence that says so."""
    return size.width < WIDTHS[1][0] or size.height < HEIGHTS[1][0]
