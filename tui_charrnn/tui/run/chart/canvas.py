"""What the chart is drawn with: glyphs, marks and layers of dots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final, TypeAlias

from tui_charrnn.viewing.formatting import in_ascii

_BRAILLE_DOTS: Final = (0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80)
"""The bits of the code points, for the left column from the top, then the right one."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters of a chart, and the number of dots in a cell.

    The strings from `line` to `second` are indexed by the dots of a cell as a bit mask: from the
    top, the left column in the lower bits.
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
    """For the second quantity, whose line is dotted."""
    band_rows: tuple[int, ...]
    """Bit masks of the rows of dots in the band, repeated over the dot columns."""
    dash: int
    """Dash length of the compared run's line: so many dot columns with dots, then without."""
    validation: str = "◆"
    other_validation: str = "◇"
    clipped: str = "▲"
    baseline: str = "┄"
    cursor: str = "┊"
    side: str = "│"
    left_tick: str = "┤"
    right_tick: str = "├"
    left_corner: str = "└"
    right_corner: str = "┘"
    bottom: str = "─"
    bottom_tick: str = "┬"
    checkpoint: str = "┴"
    checkpoint_tick: str = "┼"
    """A checkpoint at a tick."""
    gap: str = "✗"
    gap_line: str = "╎"
    """Above the sign of a gap."""
    dash_word: str = "\N{EN DASH}"
    """Between the ends of a range."""
    separator: str = " · "
    """Between two items."""

    @property
    def samples(self) -> dict[str, str]:
        """The lines and the band for the legend, two cells of each, by name."""
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
_OTHER_SIGNS: Final = {
    "checkpoint": "|",
    "checkpoint_tick": "|",
    "gap": "!",
    "gap_line": "!",
    "separator": ", ",
}
"""Signs whose usual replacements in ASCII mean something else in a chart."""
_SIGNS: Final = {each.name: each.default for each in fields(Glyphs)}
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
    **{
        name: _OTHER_SIGNS.get(name, in_ascii(sign))
        for name, sign in _SIGNS.items()
        if isinstance(sign, str)
    },
)
"""For everything else."""

_GLYPHS: Final = {"braille": BRAILLE, "blocks": BLOCKS, "ascii": ASCII}
_TERMINALS: Final = {"linux": BLOCKS, "dumb": ASCII, "vt100": ASCII, "vt220": ASCII, "ansi": ASCII}
"""Terminals that are known to have no braille."""


def glyphs_of(preferred: str, terminal: str) -> Glyphs:
    """Return the preferred glyphs (`braille`, `blocks` or `ascii`); else TERM decides."""
    return _GLYPHS.get(preferred) or _TERMINALS.get(terminal, BRAILLE)


class Mark(StrEnum):
    """What a cell of the chart represents."""

    BLANK = "blank"
    AXIS = "axis"
    """Lines and ticks around the plot."""
    LABEL = "label"
    """Numbers and words around the plot."""
    BAND = "band"
    """From the lowest to the highest loss of a bucket."""
    LINE = "line"
    """The smoothed training loss."""
    CLIPPED = "clipped"
    """The training loss is above the scale here."""
    VALIDATION = "validation"
    """A loss on held-out text."""
    BASELINE = "baseline"
    """The loss of an n-gram model, and its name."""
    OTHER = "other"
    """The training loss of the compared run."""
    OTHER_VALIDATION = "other-validation"
    PINNED = "pinned"
    """The training loss, or the second quantity, of the pinned run."""
    SECOND = "second"
    """The second quantity, drawn beside the losses."""
    CHECKPOINT = "checkpoint"
    GAP = "gap"
    """A step whose loss was not finite."""
    CURSOR = "cursor"
    VALUE = "value"
    """A value in the readout."""


Piece: TypeAlias = tuple[str, Mark]
"""A text and its mark."""
Row: TypeAlias = list[Piece]
"""A row of the chart, from left to right."""


def joined_row(cells: Iterable[Piece]) -> Row:
    """Join neighbors of the same mark to one piece."""
    return [
        ("".join(text for text, _ in group), mark)
        for mark, group in groupby(cells, key=lambda cell: cell[1])
    ]


class DotPlot:
    """One layer of the chart: a bit mask of dots per column, the top in the lowest bit."""

    def __init__(self, across: int) -> None:
        self.columns = [0] * across

    def draw_column(self, column: int, high: int, low: int) -> None:
        """Set all dots of a column from `high` to `low`, both counted from the top, inclusive."""
        self.columns[column] |= (1 << low + 1) - (1 << high)

    def draw_line(self, points: Sequence[tuple[int, int]]) -> None:
        """Connect points (column, height), sorted by column, with at most one per column."""
        for column, height in points[:1]:
            self.draw_column(column, height, height)
        for (left, start), (right, stop) in pairwise(points):
            before = start
            for column in range(left + 1, right + 1):
                height = start + round((stop - start) * (column - left) / (right - left))
                # start where the last column ended, so that a steep line has no holes
                toward = before + (height > before) - (height < before)
                self.draw_column(column, min(toward, height), max(toward, height))
                before = height

    def keep(self, patterns: Sequence[int]) -> None:
        """Keep only the dots in the patterns, which repeat over the columns; -1 keeps all."""
        for column, dots in enumerate(self.columns):
            self.columns[column] = dots & patterns[column % len(patterns)]

    def rows(self, glyphs: Glyphs, height: int) -> list[list[int]]:
        """Return the index of every cell into a string of glyphs, by row; 0 is no dot."""
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
