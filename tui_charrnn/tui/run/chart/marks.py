"""What the pieces of the chart stand for."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import groupby
from typing import TypeAlias


class Mark(StrEnum):
    """What a cell of the chart stands for."""

    BLANK = "blank"
    AXIS = "axis"
    """Lines and ticks around the plot."""
    LABEL = "label"
    """Numbers and words around the plot."""
    BAND = "band"
    """From the lowest to the highest loss of a stretch."""
    LINE = "line"
    """The smoothed training loss."""
    CLIPPED = "clipped"
    """The training loss lies above the scale here."""
    VALIDATION = "validation"
    """A score of the held-out text."""
    BASELINE = "baseline"
    """The loss of an n-gram model, and its name."""
    OTHER = "other"
    """The training loss of the run that is compared."""
    OTHER_VALIDATION = "other-validation"
    CHECKPOINT = "checkpoint"
    GAP = "gap"
    """A step whose loss was not finite."""
    CURSOR = "cursor"
    VALUE = "value"
    """A number that is read out."""


Piece: TypeAlias = tuple[str, Mark]
"""Text of one mark."""
Row: TypeAlias = list[Piece]
"""A row of the chart, from left to right."""


def joined_row(cells: Iterable[Piece]) -> Row:
    """The pieces of a row, neighbors of one mark together."""
    return [
        ("".join(text for text, _ in group), mark)
        for mark, group in groupby(cells, key=lambda cell: cell[1])
    ]
