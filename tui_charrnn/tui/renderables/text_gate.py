"""The one place where streamed text enters the rendering."""

from typing import Final

from rich.cells import get_character_cell_size

from tui_charrnn.safe_text import safe_text

_CONTEXT: Final = 9
"""Shown characters that decide how `safe_text` treats the next one: a base and its marks."""
_LONGEST_CLUSTER: Final = 16
"""Code points that may share one place on the screen; the longest emoji in use have 11."""
_JOINER: Final = "\N{ZERO WIDTH JOINER}"


class TextGate:
    """Makes a stream of text safe and its rows of bounded length, however the stream is cut.

    `safe_text` looks at one code point at a time but for piles of marks, so it is given the last
    few characters again; and a model may join characters without end where `safe_text` sees none of
    the marks that it counts (joiners, variation selectors, Hangul vowels), which would make one row
    of the screen endless.
    """

    def __init__(self) -> None:
        self._context = ""
        self._cluster = 0
        """Code points of the cluster that the stream ends in."""
        self._joins = False
        """Whether the next code point belongs to that cluster whatever it is."""

    def show(self, text: str) -> str:
        """Turn the next piece of the stream into what is shown for it."""
        shown = safe_text(self._context + text)[len(self._context) :]
        self._context = (self._context + shown)[-_CONTEXT:]
        if shown.isascii() and not self._joins:
            if shown:
                self._cluster = 0 if shown[-1] == "\n" else 1
            return shown
        return "".join(map(self._bounded, shown))

    def _bounded(self, character: str) -> str:
        """The character, after a base of its own if its cluster has grown too long."""
        if character in "\n\t":
            self._cluster, self._joins = 1 if character == "\t" else 0, False
            return character
        joined, self._joins = self._joins, False
        if not joined:
            # At the start of a line there is nothing that a joiner could join to.
            self._joins = character == _JOINER and self._cluster > 0
            if character != _JOINER and get_character_cell_size(character):
                self._cluster = 0
        self._cluster += 1
        if joined or self._cluster <= _LONGEST_CLUSTER:
            return character
        self._cluster = 2
        return "\N{DOTTED CIRCLE}" + character
