"""Where a cursor goes in wrapped text."""

from typing import Final, Literal, get_args

from rich.cells import cell_len, split_graphemes

from tui_charrnn.tui.text.wrapped_text import Row, WrappedText

Place = tuple[int, int]
"""The number of a row, and the index of a character in the row as it is drawn."""
Direction = Literal["left", "right", "up", "down", "pageup", "pagedown", "home", "end"]
DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)


def moved(wrapped: WrappedText, place: Place, direction: Direction, page: int) -> Place:
    """Where a cursor is after a key.

    Args:
        wrapped: The text.
        place: Where the cursor is; it may be in a row that was dropped meanwhile.
        direction: The key; `home` and `end` go to the ends of the row.
        page: Rows of a page.
    """
    number = min(max(place[0], wrapped.first), wrapped.end - 1)
    row = wrapped.shown(number)
    column = min(place[1], _last_column(row, number, wrapped))
    match direction:
        case "left":
            return _left(wrapped, number, column)
        case "right":
            if column < _last_column(row, number, wrapped):
                return number, cluster_end(row, column)
            return (number + 1, 0) if number + 1 < wrapped.end else (number, column)
        case "home":
            return number, 0
        case "end":
            return number, _last_column(row, number, wrapped)
    rows = {"up": -1, "down": 1, "pageup": -page, "pagedown": page}[direction]
    target = min(max(number + rows, wrapped.first), wrapped.end - 1)
    return target, column_at(wrapped, target, cell_len(row.text[:column]))


def cluster_end(row: Row, column: int) -> int:
    """The index behind the character at an index, with the marks that belong to it."""
    ends = (end for _, end, _ in split_graphemes(row.text)[0] if end > column)
    return next(ends, len(row.text))


def _left(wrapped: WrappedText, number: int, column: int) -> Place:
    if column > 0:
        clusters = split_graphemes(wrapped.shown(number).text)[0]
        return number, max(start for start, _, _ in clusters if start < column)
    if number == wrapped.first:
        return number, 0
    above = wrapped.shown(number - 1)
    return number - 1, _last_column(above, number - 1, wrapped)


def _last_column(row: Row, number: int, wrapped: WrappedText) -> int:
    """The last place in a row: behind a line, but not behind a row that its line goes on from."""
    if row.ends_line or number == wrapped.end - 1 or not row.text:
        return len(row.text)
    return split_graphemes(row.text)[0][-1][0]


def column_at(wrapped: WrappedText, number: int, cells: int) -> int:
    """The place in a row that is so many cells from its left, or the nearest before."""
    row = wrapped.shown(number)
    column = used = 0
    for start, end, width in split_graphemes(row.text)[0]:
        if used + width > cells:
            column = start
            break
        column, used = end, used + width
    return min(column, _last_column(row, number, wrapped))
