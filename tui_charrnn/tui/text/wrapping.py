"""Makes streamed text safe to show, and breaks lines into rows by the width of their cells.

The last column of a row stays free for the space that ends a word and for the caret. A row ends
after a space, or after an ideograph or kana; a word that is wider than a row is cut between
characters. Hangul is wrapped at words. Nothing is dropped: the rows of a line, joined, are the
line. Where a row ends never depends on text after the first character of the next row, so text
can be wrapped as it arrives.
"""

from itertools import pairwise
from typing import Final

from rich.cells import cell_len, get_character_cell_size, split_graphemes

from tui_charrnn.hangul import placed
from tui_charrnn.safe_text import safe_signs

TAB_STOP: Final = 4
"""Columns between two tab stops, counted from the start of the line."""
NARROWEST: Final = 3
"""Minimum width: one wide character and the free column."""

_HANGUL: Final = (("\u1100", "\u11ff"), ("\u3130", "\u318f"), ("\uac00", "\ud7a3"))
_CONTEXT: Final = 9
"""Shown characters on which `safe_text` of the next one depends: a base and its marks.

Joiners are not counted.
"""
_LONGEST_CLUSTER: Final = 16
"""Most code points of one grapheme cluster; the longest emoji in use have 11."""
_REREAD: Final = 64
"""Shown characters that are read again to restore the state after them."""
_JOINER: Final = "\N{ZERO WIDTH JOINER}"
_NON_JOINER: Final = "\N{ZERO WIDTH NON-JOINER}"
_EMOJI: Final = (("\u2190", "\u2bff"), ("\U0001f000", "\U0001faff"))
"""Ranges of the characters that a terminal may join with another emoji."""


class TextSanitizer:
    """Makes a stream of text safe and measurable, however the stream is cut into pieces.

    It does more than `safe_text`. It bounds clusters: a model may chain joiners, variation
    selectors or Hangul vowels, which `safe_text` does not count, without end. And it separates a
    joiner from anything but emoji: Rich measures what follows a joiner as zero cells, but a
    terminal joins emoji only. A tab is shown as the spaces up to the next tab stop.
    """

    def __init__(self) -> None:
        self._context = ""
        """The end of the shown text, passed to `safe_text` again because it counts marks."""
        self._cluster = 0
        """Code points of the last cluster; 0 at the start of a line."""
        self._is_emoji = False
        """Whether the last cluster starts with an emoji."""
        self._joins = False
        """Whether the stream ends in a joiner after another character."""
        self._parts = 0
        """Parts of the last syllable, if it is in jamo."""
        self._column = 0
        """Columns of the line so far."""

    def show(self, text: str) -> str:
        """Return what to show for the next piece of the stream."""
        before, *others = text.split("\t")
        shown = self._show(before)
        for part in others:
            shown += self._show(" " * (TAB_STOP - self._column % TAB_STOP)) + self._show(part)
        return shown

    def resume(self, line: str) -> None:
        """Continue after a line as it was shown; its last characters restore the state."""
        self.show(line[-_REREAD:] or "\n")
        self._column = _columns(line)

    def _show(self, text: str) -> str:
        shown = safe_signs(self._context + text)[len(self._context) :]
        counted = shown.replace(_JOINER, "").replace(_NON_JOINER, "")
        self._context = (self._context + counted)[-_CONTEXT:]
        if not shown.isascii() or self._joins:
            shown = "".join(self._bounded(sign) for char in shown for sign in self._placed(char))
        elif shown:
            self._parts = 0
            self._cluster, self._is_emoji = 0 if shown[-1] == "\n" else 1, False
        _, feed, line = shown.rpartition("\n")
        self._column = _columns(line) + (0 if feed else self._column)
        return shown

    def _placed(self, character: str) -> str:
        shown, self._parts = placed(character, self._parts)
        return shown

    def _bounded(self, character: str) -> str:
        """Return the character, after a separator if it must not join the cluster."""
        joined, self._joins = self._joins, False
        if character == "\n":
            self._cluster, self._is_emoji = 0, False
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


def _columns(line: str) -> int:
    """Return the columns of a line, however it is cut into pieces."""
    return len(line) if line.isascii() else sum(map(get_character_cell_size, line))


def _is_emoji(character: str) -> bool:
    return any(first <= character <= last for first, last in _EMOJI)


def wrap_line(text: str, width: int) -> list[int]:
    """Wrap a line.

    Args:
        text: A line without its line feed, as shown (see `TextSanitizer`).
        width: Columns of a row, at least `NARROWEST`; smaller values are raised to it.

    Returns:
        The index of the first character of every row but the first, ascending.
    """
    width = max(width, NARROWEST)
    if text.isascii():
        return wrap_ascii(text, width)
    fits = 2 * len(text) < width or cell_len(text) < width
    return [] if fits else wrap_clusters(text, width)


def wrapped(text: str, width: int) -> list[str]:
    """Wrap a fixed text into rows of at most `width` columns, without spaces at their ends."""
    if cell_len(text) <= width:
        return [text] if text else []
    bounds = [0, *wrap_line(text, width + 1), len(text)]  # no column is kept free for a caret
    return [text[start:end].strip() for start, end in pairwise(bounds)]


def wrap_ascii(text: str, width: int) -> list[int]:
    """Wrap printable ASCII: the same rows as `wrap_clusters`, 20 times faster."""
    body, length, start, starts = width - 1, len(text), 0, []
    while length - start > body:
        if text[start + body] == " ":
            start += body + 1
        else:
            start = text.rfind(" ", start, start + body) + 1 or start + body
        if start >= length:
            break
        starts.append(start)
    return starts


def wrap_clusters(text: str, width: int) -> list[int]:
    """Wrap text of any script; marks and joined characters stay with their base."""
    starts: list[int] = []
    row_start = word_start = column = word_column = 0
    for start, end, cells in split_graphemes(text)[0]:
        cluster = text[start:end]
        room = width if cluster == " " else width - 1
        while column + cells > room and start > row_start:
            if word_start > row_start:
                row_start, column = word_start, column - word_column
            else:
                row_start, column = start, 0
            starts.append(row_start)
        column += cells
        if cluster == " " or _may_end_row(cluster, cells):
            word_start, word_column = end, column
    return starts


def _may_end_row(cluster: str, cells: int) -> bool:
    is_hangul = any(first <= cluster[0] <= last for first, last in _HANGUL)
    return cells > 1 and not is_hangul
