"""Syllables and jamo: nothing is lost, and every syllable is drawn two cells wide."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_charrnn.errors import CorpusError
from tui_charrnn.hangul import (
    FINALS,
    INITIALS,
    MEDIALS,
    JoinedText,
    compose_typed,
    drawn_hangul,
    is_jamo,
    join_syllables,
    placed,
    refuse_uncomposed,
    shown_hangul,
    split_syllables,
)

SYLLABLES = "".join(map(chr, range(0xAC00, 0xD7A4)))
HANGUL = st.text(
    st.sampled_from(sorted(INITIALS | MEDIALS | FINALS))
    | st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0x1100, max_codepoint=0x11FF)
    | st.sampled_from("aé\u0301ㅎㅏ\u302e\u115f\u1160\n\x1b")
    | st.characters()
)


def gated(text: str) -> str:
    """A text as a view stores it, character by character."""
    shown, parts = "", 0
    for character in text:
        sign, parts = placed(character, parts)
        shown += sign
    return shown


def test_every_syllable_is_cut_as_unicode_cuts_it_and_comes_back() -> None:
    parts = split_syllables(SYLLABLES)
    assert parts == unicodedata.normalize("NFD", SYLLABLES)
    assert set(parts) == INITIALS | MEDIALS | FINALS
    assert len(INITIALS) + len(MEDIALS) + len(FINALS) == 67
    assert join_syllables(parts) == SYLLABLES


def test_every_beginning_of_every_syllable_is_two_cells_wide() -> None:
    for syllable in SYLLABLES:
        parts = split_syllables(syllable)
        for end in range(1, len(parts) + 1):
            drawn = drawn_hangul(gated(parts[:end]))
            assert (cell_len(drawn), len(drawn)) == (2, 1)
            assert not is_jamo(drawn)


@given(HANGUL)
def test_a_text_comes_back_or_is_refused(text: str) -> None:
    try:
        refuse_uncomposed(text)
    except CorpusError:
        assert join_syllables(split_syllables(text)) != text
    else:
        assert join_syllables(split_syllables(text)) == text


@given(HANGUL)
def test_a_composed_text_is_never_refused(text: str) -> None:
    refuse_uncomposed(unicodedata.normalize("NFC", text))


@given(HANGUL)
def test_no_jamo_is_shown(text: str) -> None:
    assert not any(map(is_jamo, shown_hangul(text)))
    assert not any(map(is_jamo, drawn_hangul(gated(text))))


@given(HANGUL)
def test_what_is_drawn_is_as_wide_as_what_is_measured(text: str) -> None:
    kept = gated("".join(filter(is_jamo, text)))
    assert cell_len(drawn_hangul(kept)) == cell_len(kept)


@given(HANGUL, st.lists(st.integers(0, 50)))
def test_pieces_are_joined_like_the_whole(text: str, cuts: list[int]) -> None:
    joined, whole, start = JoinedText(), "", 0
    for cut in [*sorted(cuts), len(text)]:
        whole += joined.add(text[start:cut])
        start = max(start, cut)
    assert whole + joined.close() == join_syllables(text)


def test_letters_alone_and_old_ones_are_shown_as_what_they_are() -> None:
    assert shown_hangul("\u1112") == "ㅎ"
    assert shown_hangul("\u1161\u11ab") == "ㅏㄴ"
    assert shown_hangul("\u1112\u1112\u1161\u11ab\u11ab") == "ㅎ한ㄴ"
    assert shown_hangul("\u1113") == "⟨1113⟩"


def test_what_would_come_back_otherwise_is_named() -> None:
    with pytest.raises(CorpusError, match=r"U\+1112 U\+1161"):
        refuse_uncomposed("abc \u1112\u1161")


@given(
    st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3) | st.sampled_from(" éệㅋa"))
)
def test_what_is_typed_letter_by_letter_is_put_together(text: str) -> None:
    field = shown = ""
    for letter in unicodedata.normalize("NFD", text):
        taken, composed = compose_typed(field, letter)
        field = field[: len(field) - taken] + composed
        taken, composed = compose_typed(shown, letter)  # in a field that holds only what it shows
        shown = shown[: len(shown) - taken] + shown_hangul(composed)
    assert field == shown == text


def test_only_what_is_typed_is_put_together() -> None:
    assert compose_typed("\u1112", "a") == (0, "a")
    assert compose_typed("각", "\u11a8") == (0, "\u11a8")
