"""Draws syllables on a terminal as their jamo come, each in its place."""

import os
import sys
from collections.abc import Callable

from rich.cells import cell_len

from tui_charrnn.hangul import INITIALS, is_jamo, is_open_syllable, join_syllables, shown_hangul

_TAB = 8
"""Columns between two tab stops of a terminal."""


class DrawnSyllables:
    """Draws a text that comes in jamo: a syllable is written over in its two cells as it grows."""

    def __init__(self, width: Callable[[], int] | None = None) -> None:
        """Start at the left of a line; `width` gives the columns, None asks the system."""
        # a serial line reports no columns: then no row ends
        self._width = width or (lambda: os.get_terminal_size().columns or sys.maxsize)
        self._growing = ""
        """The jamo of the syllable before the cursor."""
        self._column = 0

    def draw(self, text: str) -> str:
        """What the terminal is sent for some more of the text, which is safe but for its jamo."""
        return "".join(map(self._sent, text))

    def _sent(self, character: str) -> str:
        grown = self._growing + character
        if self._growing and len(joined := join_syllables(grown)) == 1 and is_jamo(character):
            self._growing = grown
            # behind the last column terminals differ in where the cursor waits
            is_last = self._column == self._width()
            return (f"\x1b[{self._column - 1}G" if is_last else "\x1b[2D") + joined
        is_open = character in INITIALS or is_open_syllable(character)
        self._growing = character if is_open else ""
        shown = shown_hangul(character)
        self._advance(shown)
        return shown

    def _advance(self, shown: str) -> None:
        if shown == "\n":
            self._column = 0
        elif shown == "\t":
            self._column = min(self._column // _TAB * _TAB + _TAB, self._width() - 1)
        else:
            for sign in shown:
                cells = cell_len(sign)
                self._column += cells
                if self._column > self._width():  # it went to the next row
                    self._column = cells
