"""Search in wrapped text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.hangul import join_syllables, split_syllables
from tui_charrnn.tui.text.search import drawn_spans, find_matches
from tui_charrnn.tui.text.wrapped_text import MOST_ROWS, WrappedText


def wrapped(text: str, *, width: int = 20, limit: int = MOST_ROWS) -> WrappedText:
    rows = WrappedText(width=width, limit=limit)
    rows.append(text, "generated")
    return rows


def found_pieces(rows: WrappedText, query: str) -> list[str]:
    """Return the drawn text of every match, joined across rows."""
    matches = find_matches(rows, query)
    pieces = ["" for _ in matches.spans]
    for number in range(rows.first, rows.end):
        for index, start, end in drawn_spans(rows, matches, number):
            pieces[index] += rows.shown(number).text[start:end]
    return pieces


@pytest.mark.parametrize(
    ("query", "count"),
    [("the", 3), ("The", 1), ("THE", 0), ("he", 3), ("zzz", 0), ("", 0), (" ", 4), ("á", 1)],
)
def test_case_matters_only_if_an_upper_case_letter_is_typed(query: str, count: int) -> None:
    rows = wrapped("The end, the\nother Á end")
    assert len(find_matches(rows, query).spans) == count


def test_a_match_continues_in_the_next_row_but_not_in_the_next_line() -> None:
    rows = wrapped("one two three four five six\nseven", width=10)
    assert len(rows.rows) > 3
    assert found_pieces(rows, "two three") == ["two three"]
    assert find_matches(rows, "six seven").spans == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("하늘", ["하늘", "하늘", "하늘"]),
        ("하", ["하", "하", "하"]),
        ("한", ["한"]),
        ("한 하늘", ["한 하늘"]),
        ("ㅋ", ["ㅋ"]),
        ("늘a", ["늘a"]),
    ],
)
def test_syllables_are_found_whole_and_in_jamo(query: str, found: list[str]) -> None:
    rows = wrapped("하늘 하")  # a seed; the model continues its last syllable
    rows.append(split_syllables("\u11ab 하늘a ㅋ 하늘"), "generated")
    assert [join_syllables(piece) for piece in found_pieces(rows, query)] == found


def test_matches_do_not_overlap() -> None:
    assert find_matches(wrapped("aaaaa"), "aa").spans == [(0, 2), (2, 4)]


def test_letters_that_are_two_in_lower_case_move_nothing() -> None:
    assert found_pieces(wrapped("İİ abc"), "abc") == ["abc"]


def test_a_match_is_marked_behind_tabs() -> None:
    rows = wrapped("a\tb\tcat")
    assert found_pieces(rows, "cat") == ["cat"]
    assert rows.shown(0).text == "a   b   cat"


def test_the_notice_for_dropped_rows_has_no_matches() -> None:
    rows = wrapped("needle\n" * 500, limit=100)
    matches = find_matches(rows, "needle")
    assert rows.first > 0
    assert len(matches.spans) == len(rows.rows) - 2  # the notice, and the open row at the end
    assert list(matches.in_row(rows.first)) == []
    assert matches.place(0) == (rows.first + 1, 0)


def test_the_next_match_is_found_from_a_place_and_round_the_end() -> None:
    matches = find_matches(wrapped("x\n\nx\nx"), "x")
    assert [matches.next_to((row, 0)) for row in range(4)] == [0, 1, 1, 2]
    assert matches.next_to((3, 1)) == 0
    assert matches.next_to((99, 0)) == 0


@given(st.text("ab \n", max_size=60), st.text("abA ", min_size=1, max_size=3), st.integers(3, 9))
def test_what_is_marked_is_what_a_line_has(text: str, query: str, width: int) -> None:
    rows = wrapped(text, width=width)
    pieces = found_pieces(rows, query)
    assert len(pieces) == text.count(query)
    assert set(pieces) <= {query}
