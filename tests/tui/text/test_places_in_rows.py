"""The mapping between places in rows and source characters, and cutting a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.text.test_wrapping import PIECES, WIDTHS, wrapped
from tui_charrnn.tui.text.wrapped_text import WrappedText, place_of, source_at, sources_in_row
from tui_charrnn.tui.text.wrapping import TextSanitizer


def shown_one_by_one(text: str) -> list[str]:
    gate = TextSanitizer()
    return [gate.show(character) for character in text]


def all_shown(rows: WrappedText) -> str:
    return "".join(row.text + "\n" * row.ends_line for row in rows.rows)


@given(PIECES, WIDTHS)
def test_every_character_is_where_its_signs_are(pieces: list[str], width: int) -> None:
    rows, shown = wrapped(pieces, width), shown_one_by_one("".join(pieces))
    assert rows.sources.length == len(shown)
    offset = 0
    for source, signs in enumerate(shown):
        assert rows.sources.shown(source) == offset
        assert {rows.sources.source(offset + sign) for sign in range(len(signs))} <= {source}
        offset += len(signs)
    assert offset == len(all_shown(rows))
    starts = [sum(len(r.text) + r.ends_line for r in rows.rows[:n]) for n in range(len(rows.rows))]
    assert rows.starts == starts


@given(st.text("abc de\n\tñ한", max_size=80), WIDTHS)
def test_a_place_leads_back_to_its_character(text: str, width: int) -> None:
    rows = wrapped([text], width)
    for source in range(len(text) + 1):
        place = place_of(rows, source)
        assert place is not None
        assert source_at(rows, place) == source
        drawn = rows.shown(place[0])
        if text[source : source + 1] not in {"\n", "\t", ""}:
            assert drawn.text[place[1]] == text[source]


@given(PIECES, WIDTHS)
def test_every_character_begins_in_one_row(pieces: list[str], width: int) -> None:
    rows = wrapped(pieces, width)
    found = [source for number in range(rows.end) for source in sources_in_row(rows, number)]
    assert found == list(range(len("".join(pieces))))
    assert list(sources_in_row(rows, rows.end)) == []


@given(st.text("abcdef -\n\t漢é", max_size=120), WIDTHS, st.data())
def test_a_cut_text_equals_a_text_that_ended_there(
    text: str, width: int, data: st.DataObject
) -> None:
    rows = wrapped([text], width)
    cut = data.draw(st.integers(0, len(text)))
    rows.cut(cut)
    fresh = wrapped([text[:cut]], width)
    assert (rows.rows, rows.starts) == (fresh.rows, fresh.starts)
    more = data.draw(st.text("abc \n", max_size=30))
    rows.append(more, "generated")
    assert rows.rows == wrapped([text[:cut] + more], width).rows


@given(PIECES, WIDTHS, st.data())
def test_a_cut_text_continued_equals_the_whole_except_marks_at_the_cut(
    pieces: list[str], width: int, data: st.DataObject
) -> None:
    text = "".join(pieces)
    rows = wrapped([text], width)
    cut = data.draw(st.integers(0, len(text)))
    rows.cut(cut)
    assert all_shown(rows) == "".join(shown_one_by_one(text)[:cut])
    rows.append(text[cut:], "generated")
    assert rows.sources.length == len(text)


def test_styles_are_kept_before_a_cut() -> None:
    rows = WrappedText(width=12)
    rows.append("seed ", "seed")
    rows.append("generated text", "generated")
    rows.cut(8)
    assert [row.text for row in rows.rows] == ["seed gen"]
    assert rows.styles(0) == [(0, 5, "seed"), (5, 8, "generated")]
    rows.append("!", "note")
    assert rows.styles(0) == [(0, 5, "seed"), (5, 8, "generated"), (8, 9, "note")]


@pytest.mark.parametrize("width", [5, 40])
def test_what_was_dropped_has_no_place(width: int) -> None:
    rows = WrappedText(width=width, limit=20)
    rows.append("words and more\n" * 40, "generated")
    assert rows.first > 0
    assert place_of(rows, 0) is None
    last = place_of(rows, 15 * 40 - 1)
    assert last is not None
    assert source_at(rows, last) == 15 * 40 - 1
    rows.rewrap(width + 3, rows.first)
    moved = place_of(rows, 15 * 40 - 1)
    assert moved is not None
    assert source_at(rows, moved) == 15 * 40 - 1
