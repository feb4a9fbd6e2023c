"""Marks, passages and shares of new text, compared with a brute-force search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.text.originality import CopiedPassage, OriginalityMeter, PassageMarks
from tui_charrnn.text.suffix_index import SuffixIndex

corpora = st.text("ab\n", max_size=60) | st.text("가나다 ", max_size=60)
texts = st.text("ab\n?", max_size=60) | st.text("가나다 ?", max_size=60)


def occurring(text: str, corpus: str, length: int) -> list[int]:
    """Positions of the n-grams of a text that occur in a corpus."""
    places = range(len(text) - length + 1)
    return [place for place in places if text[place : place + length] in corpus]


def copied_positions(text: str, corpus: str, least: int) -> set[int]:
    return {
        position
        for place in occurring(text, corpus, least)
        for position in range(place, place + least)
    }


def measured(corpus: str, text: str, copied_length: int) -> OriginalityMeter:
    meter = OriginalityMeter(SuffixIndex.of(corpus), copied_length)
    for character in text:
        meter.add(character)
    return meter


@given(corpora, texts, st.integers(1, 8))
def test_shares_of_new_text_equal_a_search(corpus: str, text: str, length: int) -> None:
    share = measured(corpus, text, 20).new_share(length)

    grams = len(text) - length + 1
    if grams < 1:
        assert share is None
    else:
        copied = len(occurring(text, corpus, length))
        assert share == pytest.approx(1 - copied / grams, abs=1e-12)


@given(corpora, texts, st.integers(1, 6))
def test_copied_characters_equal_a_search(corpus: str, text: str, least: int) -> None:
    meter = measured(corpus, text, least)
    assert meter.characters == len(text)
    assert meter.copied_characters == len(copied_positions(text, corpus, least))


@given(corpora, texts)
def test_the_longest_passage_equals_a_search(corpus: str, text: str) -> None:
    found = measured(corpus, text, 20).longest

    lengths = [n for n in range(1, len(text) + 1) if occurring(text, corpus, n)]
    if not lengths:
        assert found is None
    else:
        position = occurring(text, corpus, lengths[-1])[0]
        passage = text[position : position + lengths[-1]]
        assert found == CopiedPassage(position, lengths[-1], corpus.find(passage))


@given(corpora, texts, st.integers(1, 6))
def test_marks_equal_a_search_while_less_than_a_passage_is_held_back(
    corpus: str, text: str, least: int
) -> None:
    meter, marks = OriginalityMeter(SuffixIndex.of(corpus), least), PassageMarks(least)
    said, marked = "", set[int]()
    for count, character in enumerate(text, 1):
        for piece, is_copied in marks.add(character, meter.add(character)):
            assert piece
            marked |= set(range(len(said), len(said) + len(piece))) if is_copied else set()
            said += piece
        assert count - len(said) < least
    assert said + marks.close() == text
    assert marked == copied_positions(text, corpus, least)


def test_nothing_said_is_nothing_copied() -> None:
    meter = measured("abc", "", 20)
    assert (meter.characters, meter.copied_characters, meter.longest) == (0, 0, None)
    assert meter.new_share(5) is None


def test_an_empty_corpus_leaves_everything_new() -> None:
    meter = measured("", "abcdef", 2)
    assert meter.new_share(5) == 1
    assert meter.longest is None
