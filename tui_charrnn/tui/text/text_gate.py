"""The one place where streamed text enters the rendering."""

from typing import Final

from rich.cells import get_character_cell_size

from tui_charrnn.safe_text import safe_text

_CONTEXT: Final = 9
"""Shown characters that decide how `safe_text` treats the next one: a base and its marks.

Joiners between them do not count.
"""
_LONGEST_CLUSTER: Final = 16
"""Code points that may share one place on the screen; the longest emoji in use have 11."""
_JOINER: Final = "\N{ZERO WIDTH JOINER}"
_NON_JOINER: Final = "\N{ZERO WIDTH NON-JOINER}"
_EMOJI: Final = (("\u2190", "\u2bff"), ("\U0001f000", "\U0001faff"))
"""Where characters are that a terminal may draw as one with another emoji."""


class TextGate:
    """Makes a stream of text safe and its rows of measurable length, however the stream is cut.

    Beyond what `safe_text` does: a model may join characters without end where `safe_text` sees
    none of the marks that it counts (joiners, variation selectors, Hangul vowels), which would make
    one row of the screen endless. And Rich measures whatever follows a joiner as nothing, where a
    terminal joins emoji only, so any other character is separated from the joiner.
    """

    def __init__(self) -> None:
        self._context = ""
        """The end of what was shown, given to `safe_text` again, since it counts marks."""
        self._cluster = 0
        """Code points of the cluster that the stream ends in; 0 at the start of a line."""
        self._is_emoji = False
        """Whether that cluster begins with an emoji."""
        self._joins = False
        """Whether the stream ends in a joiner that has something to join to."""

    def show(self, text: str) -> str:
        """Turn the next piece of the stream into what is shown for it."""
        shown = safe_text(self._context + text)[len(self._context) :]
        counted = shown.replace(_JOINER, "").replace(_NON_JOINER, "")
        self._context = (self._context + counted)[-_CONTEXT:]
        if shown.isascii() and not self._joins:
            if shown:
                self._cluster, self._is_emoji = 0 if shown[-1] == "\n" else 1, False
            return shown
        return "".join(map(self._bounded, shown))

    def _bounded(self, character: str) -> str:
        """The character, after what keeps it apart from its cluster if it has to be."""
        joined, self._joins = self._joins, False
        if character in "\n\t":
            self._cluster, self._is_emoji = 1 if character == "\t" else 0, False
            return character
        if joined and self._is_emoji and _is_emoji(character):
            self._cluster += 1
            return character
        separator = _NON_JOINER if joined else ""
        self._cluster += len(separator)
        if character == _JOINER:
            self._joins = self._cluster > 0
        elif get_character_cell_size(character):
            self._cluster, self._is_emoji = 0, _is_emoji(character)
        self._cluster += 1
        if self._cluster > _LONGEST_CLUSTER:
            separator += "\N{DOTTED CIRCLE}"
            self._cluster, self._is_emoji = 2, False
        return separator + character


def _is_emoji(character: str) -> bool:
    return any(first <= character <= last for first, last in _EMOJI)
