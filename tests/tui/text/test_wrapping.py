"""Wrapping: no text is lost, no row is too wide, and pieces wrap like the whole text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_charrnn.tui.text import wrapped_text, wrapping
from tui_charrnn.tui.text.wrapped_text import TextStyle, WrappedText, dropped_notice
from tui_charrnn.tui.text.wrapping import (
    NARROWEST,
    TextSanitizer,
    wrap_ascii,
    wrap_clusters,
    wrap_line,
)

WIDTHS = st.integers(NARROWEST, 13)
PIECES = st.lists(
    st.text(
        st.sampled_from(
            "abc de\t\n한글ᄒ\u1161ᆫ漢か👩👧❤é\u0301\u200d\ufe0f\x1b\x9b\u202e\u2028\U0001f1f0"
        )
        | st.characters(),
        max_size=25,
    ),
    max_size=9,
)
PLAIN = st.text("abcdef   -", max_size=60)


def wrapped(pieces: list[str], width: int) -> WrappedText:
    text = WrappedText(width=width)
    for piece in pieces:
        text.append(piece, "generated")
    return text


def rows_of(text: str, width: int) -> list[str]:
    starts = [0, *wrap_line(text, width), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


@given(PIECES, WIDTHS)
def test_text_in_pieces_is_wrapped_like_the_whole(pieces: list[str], width: int) -> None:
    assert wrapped(pieces, width).rows == wrapped(["".join(pieces)], width).rows


@given(PIECES, WIDTHS, WIDTHS)
def test_wrapping_again_is_like_wrapping_at_first(pieces: list[str], old: int, new: int) -> None:
    text = wrapped(pieces, old)
    text.rewrap(new, anchor=0)
    assert text.rows == wrapped(pieces, new).rows


@given(PIECES, WIDTHS)
def test_no_row_is_wider_than_the_width(pieces: list[str], width: int) -> None:
    text = wrapped(pieces, width)
    assert all(cell_len(text.shown(number).text) <= width for number in range(text.end))


@given(PIECES, WIDTHS)
def test_joined_rows_are_the_shown_text(pieces: list[str], width: int) -> None:
    joined = "".join(row.text + "\n" * row.ends_line for row in wrapped(pieces, width).rows)
    assert joined == TextSanitizer().show("".join(pieces))


@given(PIECES, WIDTHS)
def test_the_styles_of_a_row_cover_it(pieces: list[str], width: int) -> None:
    text = wrapped(pieces, width)
    for number in range(text.end):
        bounds = [bound for start, end, _ in text.styles(number) for bound in (start, end)]
        length = len(text.shown(number).text)
        assert bounds == sorted(bounds)
        assert sum(end - start for start, end, _ in text.styles(number)) == length


@given(PLAIN, WIDTHS)
def test_the_fast_path_for_ascii_gives_the_same_rows(text: str, width: int) -> None:
    assert wrap_ascii(text, width) == wrap_clusters(text, width)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("to be or not", ["to be or ", "not"]),
        ("    to be or not", ["    to be ", "or not"]),
        ("abcdefghijkl", ["abcdefghi", "jkl"]),
        ("가나다라 마바사아", ["가나다라 ", "마바사아"]),
        ("가나다라마바", ["가나다라", "마바"]),
        ("x漢字仮名交", ["x漢字仮名", "交"]),
        ("    x   yy zz", ["    x   ", "yy zz"]),
        ("12345678e\u0301f", ["12345678e\u0301", "f"]),
        ("12345678👩\u200d👧", ["12345678", "👩\u200d👧"]),
        ("123456789 ", ["123456789 "]),
    ],
)
def test_rows_of_ten_columns(text: str, rows: list[str]) -> None:
    assert rows_of(text, 10) == rows


def test_tabs_go_to_the_next_stop() -> None:
    assert TextSanitizer().show("\ta\t한\tbcd\t\ne\t") == "    a   한  bcd \ne   "


def test_styles_are_cut_with_the_rows() -> None:
    text = WrappedText(width=8)
    pieces: list[tuple[str, TextStyle]] = [
        ("ab\n", "note"),
        ("cd e", "seed"),
        ("fghi\tj", "generated"),
    ]
    for piece, style in pieces:
        text.append(piece, style)
    assert [text.styles(number) for number in range(text.end)] == [
        [(0, 2, "note")],
        [(0, 3, "seed")],
        [(0, 1, "seed"), (1, 8, "generated")],
        [(0, 2, "generated")],  # the rest of the tab, and j
    ]


def test_appending_looks_at_the_last_row_only(monkeypatch: pytest.MonkeyPatch) -> None:
    text = wrapped(["word " * 5000], 40)
    seen: list[int] = []

    def watched(line: str, width: int) -> list[int]:
        seen.append(len(line))
        return wrap_line(line, width)

    monkeypatch.setattr(wrapped_text, "wrap_line", watched)
    for _ in range(100):
        text.append("more", "generated")
    assert max(seen) <= 44


def test_the_anchor_keeps_its_text() -> None:
    text = wrapped(["zero one two three four\nfive six seven eight nine"], 12)
    anchor = next(number for number in range(text.end) if "six" in text.shown(number).text)
    assert "six" in text.shown(text.rewrap(9, anchor)).text


def test_old_rows_are_dropped_with_a_notice() -> None:
    text = WrappedText(width=20, limit=60)
    for number in range(500):
        text.append(f"line {number}\n", "generated")
    assert text.shown(text.first) == dropped_notice()
    assert text.shown(text.end - 2).text == "line 499"
    assert text.end == 501
    assert 54 <= len(text.rows) <= 60


def test_the_kept_rows_have_their_styles_after_others_were_dropped() -> None:
    text = WrappedText(width=20, limit=60)
    for number in range(500):
        text.append(f"line {number}", "seed" if number % 2 else "generated")
        text.append("\n\n", "note")
    styles = {text.shown(row).text: text.styles(row) for row in range(text.first, text.end)}
    assert styles.pop(dropped_notice().text) == [(0, len(dropped_notice().text), "note")]
    assert styles.pop("") == []
    assert styles["line 498"] == [(0, 8, "generated")]
    assert {tuple(each) for each in styles.values()} == {
        ((0, 8, "seed"),),
        ((0, 8, "generated"),),
    }


def test_a_line_without_end_is_dropped_row_by_row() -> None:
    text = WrappedText(width=20, limit=60)
    for _ in range(500):
        text.append("x" * 33, "generated")
    assert 54 <= len(text.rows) <= 60


@pytest.mark.parametrize(
    "endless", ["\u1161", "\ufe0f", "\u200d", "\u200d👧", "a\u200d", "\u0301", "\u094d"]
)
def test_a_row_never_grows_without_end(endless: str) -> None:
    text = wrapped(["a" + endless] + [endless * 7] * 500, 10)
    assert max(len(row.text) for row in text.rows) <= 10 * 17


@pytest.mark.parametrize("between", ["", "\u200c" * 12, "\ufe0f", "\u200d", "e"])
def test_a_pile_of_marks_is_bounded_wherever_the_stream_is_cut(between: str) -> None:
    text = "a" + "\u0301" * 7 + between + "\u0300" * 12
    whole = TextSanitizer().show(text)
    for cut in range(len(text)):
        gate = TextSanitizer()
        assert gate.show(text[:cut]) + gate.show(text[cut:]) == whole


@pytest.mark.parametrize("text", ["a\u200db", "가\u200d나", "a\u200d👧", "👩\u200da", "क\u200dष"])
def test_only_emoji_are_measured_as_joined(text: str) -> None:
    parts = text.split("\u200d")
    assert cell_len(TextSanitizer().show(text)) == sum(map(cell_len, parts))


@pytest.mark.parametrize(
    "text", ["👩\u200d👧\u200d👦", "👩\u200d❤\ufe0f\u200d👨", "🐈\u200d⬛", "می\u200cکنم"]
)
def test_what_is_read_as_one_stays_one(text: str) -> None:
    assert TextSanitizer().show(text) == text


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("six by", ["six by"]),
        ("one two three", ["one", "two", "three"]),
        ("가나 다라마", ["가나", "다라마"]),
        ("abcdefgh", ["abcdef", "gh"]),
    ],
)
def test_a_sentence_takes_every_column_and_no_space_at_the_ends(text: str, rows: list[str]) -> None:
    assert wrapping.wrapped(text, 6) == rows
