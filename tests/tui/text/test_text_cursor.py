"""Cursor movement in wrapped text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.tui.text.wrapped_text import (
    DIRECTIONS,
    MOST_ROWS,
    Direction,
    WrappedText,
    cluster_end,
    moved,
)


def wrapped(text: str, *, width: int = 10, limit: int = MOST_ROWS) -> WrappedText:
    rows = WrappedText(width=width, limit=limit)
    rows.append(text, "generated")
    return rows


@pytest.mark.parametrize(
    ("start", "direction", "end"),
    [
        ((0, 0), "left", (0, 0)),
        ((0, 3), "right", (0, 4)),
        ((0, 7), "right", (1, 0)),  # the line continues in the next row
        ((1, 0), "left", (0, 7)),
        ((1, 5), "right", (2, 0)),  # after the end of the line
        ((2, 0), "left", (1, 5)),
        ((3, 2), "right", (3, 2)),
        ((0, 6), "down", (1, 5)),
        ((3, 2), "up", (2, 0)),
        ((3, 1), "pageup", (0, 1)),
        ((0, 1), "pagedown", (3, 1)),
        ((1, 3), "home", (1, 0)),
        ((1, 3), "end", (1, 5)),
    ],
)
def test_a_key_moves_the_cursor(
    start: tuple[int, int], direction: Direction, end: tuple[int, int]
) -> None:
    rows = wrapped("one two three\n\nab")
    assert [row.text for row in rows.rows] == ["one two ", "three", "", "ab"]
    assert moved(rows, start, direction, page=3) == end


def test_up_and_down_keep_the_column_of_the_screen() -> None:
    rows = wrapped("abcdef\n가나다")
    assert moved(rows, (0, 4), "down", page=3) == (1, 2)
    assert moved(rows, (0, 5), "down", page=3) == (1, 2)
    assert moved(rows, (1, 2), "up", page=3) == (0, 4)


def test_marks_belong_to_their_letter() -> None:
    rows = wrapped("e\u0301x")
    assert moved(rows, (0, 0), "right", page=3) == (0, 2)
    assert moved(rows, (0, 2), "left", page=3) == (0, 0)
    assert cluster_end(rows.shown(0), 0) == 2


def test_a_cursor_in_a_dropped_row_continues_from_the_first_kept_row() -> None:
    rows = wrapped("word\n" * 500, limit=100)
    assert rows.first > 10
    assert moved(rows, (3, 2), "down", page=3)[0] == rows.first + 1


@given(
    st.text("ab 가\t\n\u0301", max_size=40),
    st.lists(st.sampled_from(DIRECTIONS), max_size=12),
    st.integers(3, 12),
)
def test_the_cursor_never_leaves_the_text(
    text: str, directions: list[Direction], width: int
) -> None:
    rows, place = wrapped(text, width=width), (0, 0)
    for direction in directions:
        place = moved(rows, place, direction, page=4)
        assert rows.first <= place[0] < rows.end
        assert 0 <= place[1] <= len(rows.shown(place[0]).text)


@given(st.text("ab 가\n", min_size=1, max_size=40), st.integers(3, 12))
def test_going_right_visits_every_row_and_ends_at_the_end(text: str, width: int) -> None:
    rows, place = wrapped(text, width=width), (0, 0)
    visited = {0}
    for _ in range(2 * len(text) + len(rows.rows)):
        place = moved(rows, place, "right", page=4)
        visited.add(place[0])
    assert visited == set(range(len(rows.rows)))
    assert place == (rows.end - 1, len(rows.rows[-1].text))
