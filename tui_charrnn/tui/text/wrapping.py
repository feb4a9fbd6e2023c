"""Breaks one line of text into rows of a terminal, by the width of its cells.

A row is filled up to its last column, which is kept free for the space that ends a word and for
the caret. A row ends after a space or tab, or after an ideograph or kana; a word that is wider than
a row is cut between characters. Hangul is wrapped by words, as it is written. Nothing is dropped:
the rows of a line, joined, are the line. Whether a row ends somewhere depends on nothing that
comes after the next row's first character, so text can be wrapped as it arrives.
"""

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, split_graphemes

TAB_STOP: Final = 4
"""Columns between two tab stops, counted from the start of the row."""
NARROWEST: Final = 3
"""The least width that is wrapped to: a wide character, and the column that stays free."""

_HANGUL: Final = (("\u1100", "\u11ff"), ("\u3130", "\u318f"), ("\uac00", "\ud7a3"))


def wrap_line(text: str, width: int) -> list[int]:
    """Find where the rows of a line end.

    Args:
        text: A line without line feeds, as it is shown (see `TextGate`).
        width: Columns of a row; fewer than `NARROWEST` count as `NARROWEST`.

    Returns:
        The index of the first character of every row but the first, ascending.
    """
    width = max(width, NARROWEST)
    if "\t" in text:
        return wrap_clusters(text, width)
    if text.isascii():
        return wrap_ascii(text, width)
    fits = 2 * len(text) < width or cell_len(text) < width
    return [] if fits else wrap_clusters(text, width)


def wrap_ascii(text: str, width: int) -> list[int]:
    """Wrap printable ASCII, where every character is one cell: the same rows, 20 times faster."""
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
    for start, cluster, cells in _clusters(text):
        is_space = cluster in {" ", "\t"}
        room = width if is_space else width - 1
        taken = _tab_cells(column, width) if cluster == "\t" else cells
        while column + taken > room and start > row_start:
            if word_start > row_start:
                row_start, column = word_start, column - word_column
            else:
                row_start, column = start, 0
            starts.append(row_start)
            taken = _tab_cells(column, width) if cluster == "\t" else cells
        column += taken
        if is_space or _may_end_row(cluster, cells):
            word_start, word_column = start + len(cluster), column
    return starts


def expand_tabs(text: str, width: int) -> str:
    """Replace the tabs of one row by the spaces that `wrap_line` counted for them."""
    expanded, column = [], 0
    for index, part in enumerate(text.split("\t")):
        if index:
            spaces = _tab_cells(column, max(width, NARROWEST))
            expanded.append(" " * spaces)
            column += spaces
        expanded.append(part)
        column += cell_len(part)
    return "".join(expanded)


def _clusters(text: str) -> Iterator[tuple[int, str, int]]:
    """The index, the characters and the cells of everything that takes a place of its own."""
    position = 0
    for index, part in enumerate(text.split("\t")):
        if index:
            yield position, "\t", 0
            position += 1
        for start, end, cells in split_graphemes(part)[0]:
            yield position + start, part[start:end], cells
        position += len(part)


def _tab_cells(column: int, width: int) -> int:
    """Cells to the next tab stop, or to the end of the row if that comes first."""
    to_stop = TAB_STOP - column % TAB_STOP
    return min(to_stop, width - column) if column < width else to_stop


def _may_end_row(cluster: str, cells: int) -> bool:
    is_hangul = any(first <= cluster[0] <= last for first, last in _HANGUL)
    return cells > 1 and not is_hangul
