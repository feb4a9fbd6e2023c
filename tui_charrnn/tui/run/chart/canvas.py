"""What the chart is drawn with: glyphs, marks and columns of dots."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final, TypeAlias

_BRAILLE_DOTS: Final = (0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80)
"""The bits of the code points, for the left column from the top, then the right one."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """How many dots a cell has, and how everything looks.

    A cell is looked up by a number: its dots from the top, the left column in the lower bits.
    """

    across: int
    """Columns of dots in a cell."""
    down: int
    """Rows of dots in a cell."""
    line: str
    band: str
    other: str
    pinned: str
    second: str
    """Of the quantity beside the losses, whose line is dotted."""
    band_rows: tuple[int, ...]
    """Which rows of dots are set in the band, as bits, for one dot column after the other."""
    dash: int
    """The line of the other run: so many dot columns with dots, then as many without."""
    validation: str
    other_validation: str
    clipped: str
    baseline: str
    cursor: str
    left_axis: str
    left_tick: str
    right_axis: str
    right_tick: str
    left_corner: str
    right_corner: str
    bottom: str
    bottom_tick: str
    checkpoint: str
    checkpoint_tick: str
    """A checkpoint at a tick."""
    gap: str
    gap_line: str
    """Above it."""
    dash_word: str
    """Between the lowest and the highest of two numbers."""
    separator: str
    """Between two items."""

    @property
    def samples(self) -> dict[str, str]:
        """How the lines and the band look, two cells of each, for the legend."""
        columns, middle = range(self.across), (self.down - 1) // 2
        line = sum(1 << column * self.down + middle for column in columns)
        dot = 1 << middle
        band = sum(
            (self.band_rows[column % len(self.band_rows)] & (1 << self.down) - 1)
            << column * self.down
            for column in columns
        )
        return {
            "line": self.line[line] * 2,
            "band": self.band[band] * 2,
            "other": self.other[line] + " " + self.other[line],
            "pinned": self.pinned[dot] + " " + self.pinned[dot],
            "second": self.second[dot] * 2,
        }


def _braille(key: int) -> str:
    if not key:
        return " "
    return chr(0x2800 + sum(dot for bit, dot in enumerate(_BRAILLE_DOTS) if key >> bit & 1))


_EVERY_OTHER_ROW: Final = int("01" * 256, 2)
_EVERY_ROW: Final = (1 << 512) - 1
_BRAILLE_CELLS: Final = "".join(map(_braille, range(256)))

BRAILLE: Final = Glyphs(
    across=2,
    down=4,
    line=_BRAILLE_CELLS,
    band=_BRAILLE_CELLS,
    other=_BRAILLE_CELLS,
    pinned=_BRAILLE_CELLS,
    second=_BRAILLE_CELLS,
    band_rows=(_EVERY_OTHER_ROW, _EVERY_OTHER_ROW << 1),
    dash=2,
    validation="◆",
    other_validation="◇",
    clipped="▲",
    baseline="┄",
    cursor="┊",
    left_axis="│",
    left_tick="┤",
    right_axis="│",
    right_tick="├",
    left_corner="└",
    right_corner="┘",
    bottom="─",
    bottom_tick="┬",
    checkpoint="┴",
    checkpoint_tick="┼",
    gap="✗",
    gap_line="╎",
    dash_word="\N{EN DASH}",
    separator=" · ",
)
"""For terminals with a font that has braille: four times as fine as blocks."""
BLOCKS: Final = replace(
    BRAILLE,
    across=1,
    down=2,
    line=" ▀▄█",
    band=" ░░░",
    other=" ▀▄█",
    pinned=" ˙.:",
    second=" ˙.:",
    band_rows=(_EVERY_ROW,),
    dash=1,
)
"""For terminals without braille."""
ASCII: Final = Glyphs(
    across=1,
    down=1,
    line=" *",
    band=" :",
    other=" +",
    pinned=" .",
    second=" ~",
    band_rows=(_EVERY_ROW,),
    dash=1,
    validation="x",
    other_validation="o",
    clipped="^",
    baseline="-",
    cursor="|",
    left_axis="|",
    left_tick="+",
    right_axis="|",
    right_tick="+",
    left_corner="+",
    right_corner="+",
    bottom="-",
    bottom_tick="+",
    checkpoint="|",
    checkpoint_tick="|",
    gap="!",
    gap_line="!",
    dash_word="-",
    separator=", ",
)
"""For everything else."""

_GLYPHS: Final = {"braille": BRAILLE, "blocks": BLOCKS, "ascii": ASCII}
_TERMINALS: Final = {"linux": BLOCKS, "dumb": ASCII, "vt100": ASCII, "vt220": ASCII, "ansi": ASCII}
"""Terminals that are known to have no braille."""


def glyphs_of(preferred: str, terminal: str) -> Glyphs:
    """The signs that the user wants, one of `braille`, `blocks` and `ascii`; else TERM decides."""
    return _GLYPHS.get(preferred) or _TERMINALS.get(terminal, BRAILLE)


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
    PINNED = "pinned"
    """The run that each is compared with."""
    SECOND = "second"
    """The quantity that is drawn beside the losses."""
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


class DotPlot:
    """Columns of dots over a height, one layer of the chart."""

    def __init__(self, across: int) -> None:
        self.columns = [0] * across

    def draw_column(self, column: int, high: int, low: int) -> None:
        """Set all dots of a column between two heights, ends included."""
        self.columns[column] |= (1 << low + 1) - (1 << high)

    def draw_line(self, points: Sequence[tuple[int, int]]) -> None:
        """Connect points (column, height) that come from left to right, one a column at most."""
        for column, height in points[:1]:
            self.draw_column(column, height, height)
        for (left, start), (right, stop) in pairwise(points):
            before = start
            for column in range(left + 1, right + 1):
                height = start + round((stop - start) * (column - left) / (right - left))
                # from where the last column ended, so that a steep line has no holes
                toward = before + (height > before) - (height < before)
                self.draw_column(column, min(toward, height), max(toward, height))
                before = height

    def keep_rows(self, patterns: Sequence[int]) -> None:
        """Keep those rows of dots only that a pattern has; column by column another one."""
        for column, dots in enumerate(self.columns):
            self.columns[column] = dots & patterns[column % len(patterns)]

    def keep_columns(self, is_kept: Callable[[int], bool]) -> None:
        """Take all dots out of the other columns."""
        self.columns = [dots if is_kept(at) else 0 for at, dots in enumerate(self.columns)]

    def rows(self, glyphs: Glyphs, height: int) -> list[list[int]]:
        """What to look every cell up by, row by row; 0 where there is no dot."""
        across, down = glyphs.across, glyphs.down
        mask = (1 << down) - 1
        groups = [self.columns[place::across] for place in range(across)]
        rows = []
        for row in range(height):
            shift = row * down
            keys = [dots >> shift & mask for dots in groups[0]]
            for place, group in enumerate(groups[1:], start=1):
                keys = [
                    key | (dots >> shift & mask) << place * down
                    for key, dots in zip(keys, group, strict=True)
                ]
            rows.append(keys)
        return rows
