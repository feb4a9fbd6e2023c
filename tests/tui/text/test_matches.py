"""Search in wrapped text."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.hangul import join_syllables, split_syllables
from tui_charrnn.tui.text.search import Span, drawn_spans, find_matches
from tui_charrnn.tui.text.wrapped_text import MOST_ROWS, WrappedText, source_at


def wrapped(text: str, *, width: int = 20, limit: int = MOST_ROWS) -> WrappedText:
    rows = WrappedText(width=width, limit=limit)
    rows.append(text, "generated")
    return rows


def found_pieces(rows: WrappedText, query: str) -> list[str]:
    """Return the drawn text of every match, joined across rows."""
    return pieces_of(rows, find_matches(rows, query))


def pieces_of(rows: WrappedText, matches: Sequence[Span]) -> list[str]:
    pieces = ["" for _ in matches]
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
    assert len(find_matches(rows, query)) == count


def test_a_match_continues_in_the_next_row_but_not_in_the_next_line() -> None:
    rows = wrapped("one two three four five six\nseven", width=10)
    assert len(rows.rows) > 3
    assert found_pieces(rows, "two three") == ["two three"]
    assert find_matches(rows, "six seven") == []


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
    assert find_matches(wrapped("aaaaa"), "aa") == [(0, 2), (2, 4)]


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
    assert len(matches) == len(rows.rows) - 2  # the notice, and the open row at the end
    assert list(drawn_spans(rows, matches, rows.first)) == []
    assert list(drawn_spans(rows, matches, rows.first + 1)) == [(0, 0, 6)]


def test_nothing_is_found_once_only_the_notice_for_dropped_rows_is_left() -> None:
    rows = wrapped("needle " * 300, limit=100)
    rows.cut(source_at(rows, (rows.first + 1, 0)))
    assert rows.end == rows.first + 1
    assert find_matches(rows, "needle") == []


@given(st.text("ab \n", max_size=60), st.text("abA ", min_size=1, max_size=3), st.integers(3, 9))
def test_what_is_marked_is_what_a_line_has(text: str, query: str, width: int) -> None:
    rows = wrapped(text, width=width)
    pieces = found_pieces(rows, query)
    assert len(pieces) == text.count(query)
    assert set(pieces) <= {query}


@pytest.mark.parametrize(
    ("old", "new", "query", "found"),
    [
        ("the the t", "he the", "the", ["the"] * 4),
        ("one tw", "o three", "one two three", ["one two three"]),
        ("aaa", "aa", "aa", ["aa", "aa"]),
        ("line o", "ne\nline two", "line", ["line", "line"]),
        ("the end", "\nThe end", "The", ["The"]),
        ("하", "\u11ab 하", "하", ["하"]),
        (split_syllables("한 하"), "\u11ab", "한", ["한", "한"]),
        ("", "a", "a", ["a"]),
    ],
)
def test_new_text_is_searched_with_the_end_of_the_old(
    old: str, new: str, query: str, found: list[str]
) -> None:
    rows = wrapped(old, width=8)
    known, searched = find_matches(rows, query), rows.sources.shown(len(old))
    rows.append(new, "generated")
    matches = find_matches(rows, query, known, searched)
    assert matches == find_matches(rows, query)
    assert [join_syllables(piece) for piece in pieces_of(rows, matches)] == found


def test_matches_in_dropped_rows_are_forgotten_and_the_others_stay() -> None:
    rows = wrapped("needle\n" * 99, limit=100)
    known, searched = find_matches(rows, "needle"), rows.sources.shown(rows.sources.length)
    rows.append("needle\n" * 20, "generated")
    matches = find_matches(rows, "needle", known, searched)
    assert rows.first > 0
    assert matches == find_matches(rows, "needle")
    assert set(matches) & set(known)


@given(
    st.lists(st.text("ab하\u1112\u1161\u11ab \n", max_size=20), max_size=8),
    st.sampled_from(["a", "aa", "aba", "하", "한", "하a", "b "]),
    st.integers(3, 9),
)
def test_a_search_in_pieces_finds_the_same(pieces: list[str], query: str, width: int) -> None:
    rows, searched = WrappedText(width=width), 0
    matches: list[Span] = []
    for piece in pieces:
        rows.append(piece, "generated")
        matches = find_matches(rows, query, matches, searched)
        searched = rows.sources.shown(rows.sources.length)
    assert matches == find_matches(rows, query)
