"""A vocabulary assigns indices to characters and reports missing ones."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError, DataError
from tui_charrnn.text.vocabulary import Vocabulary, choose_vocabulary

characters = st.characters(exclude_categories=["Cs"])


@given(st.text(characters, min_size=1))
def test_decoding_undoes_encoding(text: str) -> None:
    vocabulary = choose_vocabulary(Counter(text))
    indices = vocabulary.encode(text)
    assert indices.dtype == np.int32
    assert vocabulary.decode(indices) == text


@given(st.text(characters, min_size=1))
def test_characters_are_distinct_and_sorted_by_code_point(text: str) -> None:
    assert list(choose_vocabulary(Counter(text)).characters) == sorted(set(text))


@given(st.text(characters, min_size=1), characters)
def test_contains_exactly_its_characters(known: str, character: str) -> None:
    assert (character in choose_vocabulary(Counter(known))) == (character in known)


def test_indices_follow_the_given_order() -> None:
    assert Vocabulary("zaż").encode("żaz").tolist() == [2, 1, 0]


def test_an_unknown_character_is_named_with_code_point_and_position() -> None:
    with pytest.raises(CorpusError, match=r"'é' \(U\+00E9\).*position 3 "):
        Vocabulary("abc").encode("abcé")


def test_an_empty_text_is_encoded_to_no_indices() -> None:
    assert Vocabulary("abc").encode("").shape == (0,)
    assert Vocabulary("abc").decode([]) == ""


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_out_of_bounds_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match=f"Received: index={index}"):
        Vocabulary("abc").decode([0, index])


@pytest.mark.parametrize(
    ("wrong", "reason"), [("", "at least one"), ("aba", "'a'"), ("a\ud800", "surrogate")]
)
def test_what_is_no_vocabulary_is_refused(wrong: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        Vocabulary(wrong)


def test_only_single_characters_are_contained() -> None:
    assert "ab" not in Vocabulary("ab")
    assert 0 not in Vocabulary("ab")


def test_equal_by_characters_and_their_order() -> None:
    assert Vocabulary("ab") == Vocabulary("ab")
    assert hash(Vocabulary("ab")) == hash(Vocabulary("ab"))
    assert Vocabulary("ab") != Vocabulary("ba")
