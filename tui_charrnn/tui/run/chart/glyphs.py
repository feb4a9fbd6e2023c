"""The signs that a chart is drawn with: braille, blocks, or ASCII alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    """Between two things that are told."""

    @property
    def samples(self) -> dict[str, str]:
        """How line, band and the other run's line look, two cells of each, for the legend."""
        middle = self._middle
        band = sum(
            (self.band_rows[column % len(self.band_rows)] & (1 << self.down) - 1)
            << column * self.down
            for column in range(self.across)
        )
        return {
            "line": self.line[middle] * 2,
            "band": self.band[band] * 2,
            "other": self.other[middle] + " " + self.other[middle],
        }

    @property
    def _middle(self) -> int:
        """A flat line through the middle of a cell."""
        return sum(1 << column * self.down + (self.down - 1) // 2 for column in range(self.across))


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
BLOCKS: Final = Glyphs(
    across=1,
    down=2,
    line=" ▀▄█",
    band=" ░░░",
    other=" ▀▄█",
    band_rows=(_EVERY_ROW,),
    dash=1,
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
"""For terminals without braille."""
ASCII: Final = Glyphs(
    across=1,
    down=1,
    line=" *",
    band=" :",
    other=" +",
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


def glyphs_of(environment: Mapping[str, str] = os.environ, preferred: str = "auto") -> Glyphs:
    """The signs that a terminal has, or those that the user wants.

    Args:
        environment: CHARRNN_GLYPHS names one of `braille`, `blocks` and `ascii`.
        preferred: One of these where it does not; else TERM decides.
    """
    known = _GLYPHS.get(preferred) or _TERMINALS.get(environment.get("TERM", ""), BRAILLE)
    return _GLYPHS.get(environment.get("CHARRNN_GLYPHS", "").strip().lower(), known)
