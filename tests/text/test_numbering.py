"""Characters are numbered, counted and hashed independently of the pieces."""

import hashlib
from collections import Counter
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.numbered_text import NumberedText, encoded_folder
from tui_charrnn.text.numbering import Numbering
from tui_charrnn.text.vocabulary import Vocabulary, choose_vocabulary

characters = st.characters(exclude_categories=["Cs"])
EVERYTHING = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000)]))


def number(pieces: list[str], limit: int | None = None) -> NumberedText:
    with closing(Numbering(limit)) as numbering:
        for piece in pieces:
            numbering.add(piece)
        return numbering.finish()


@given(
    pieces=st.lists(st.text(characters | st.sampled_from("aab \n한"), max_size=30), min_size=1),
    limit=st.sampled_from([1, 7, 1000]),
)
def test_it_is_what_numbering_the_whole_would_be(pieces: list[str], limit: int) -> None:
    text = "".join(pieces) + "."
    found = number([*pieces, "."], limit)
    vocabulary = choose_vocabulary(Counter(text))
    np.testing.assert_array_equal(np.asarray(found.indices(vocabulary)), vocabulary.encode(text))
    assert found.occurrences() == Counter(text)
    firsts = zip(found.characters, found.firsts.tolist(), strict=True)
    assert all(text.index(character) == first for character, first in firsts)
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (found.decode(), "".join(found.pieces())) == (text, text)
    assert not encoded_folder().exists() or list(encoded_folder().iterdir()) == []


@pytest.mark.parametrize("limit", [1, 1 << 30])
@pytest.mark.parametrize(
    ("different", "dtype"),
    [(1, "u1"), (256, "u1"), (257, "u2"), (65_536, "u2"), (65_537, "u4")],
)
def test_a_number_takes_as_few_bytes_as_the_text_needs(
    different: int, dtype: str, limit: int
) -> None:
    text = "aaaa" + EVERYTHING[0x100 : 0x100 + different - 1]
    pieces = [text[start : start + 999] for start in range(0, len(text), 999)]
    found = number(pieces, limit)
    assert (len(found.characters), found.numbers.dtype) == (different, np.dtype(dtype))
    assert found.decode() == text


def test_ascii_is_numbered_right_after_many_other_characters() -> None:
    text = EVERYTHING[0xAC00:0xAE00] + "plain text\n" * 3
    assert number([text[:512], text[512:]]).decode() == text


def test_indices_behave_as_an_array() -> None:
    text = "to be, or not to be"
    vocabulary = choose_vocabulary(Counter(text))
    expected = vocabulary.encode(text)
    found = number([text]).indices(vocabulary)
    places = np.array([[0, 3], [18, 5]])
    assert len(found) == len(expected)
    assert found[places].dtype == np.int32
    np.testing.assert_array_equal(found[places], expected[places])
    np.testing.assert_array_equal(np.asarray(found[3:9][2:]), expected[5:9])
    assert np.asarray(found, np.int64).dtype == np.int64


def test_a_character_that_a_vocabulary_lacks_is_named_with_its_first_place() -> None:
    found = number(["abc", "dcéx", "é"])
    with pytest.raises(CorpusError, match=r"'é' \(U\+00E9\).*position 5 "):
        found.indices(Vocabulary("abcdx"))


def test_what_a_vocabulary_lacks_is_its_unknown_symbol() -> None:
    vocabulary = Vocabulary("ab\ufffd", "\ufffd")
    text = "abcda\ufffdb"
    found = np.asarray(number([text]).indices(vocabulary))
    assert found.tolist() == [0, 1, 2, 2, 0, 2, 1]
    np.testing.assert_array_equal(found, vocabulary.encode(text))
