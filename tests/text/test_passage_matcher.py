"""The longest suffix of a text in the corpus, compared with a brute-force search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.text.originality import PassageMatcher
from tui_charrnn.text.suffix_index import SuffixIndex


def longest_known_end(text: str, corpus: str) -> int:
    return next(n for n in range(len(text), -1, -1) if text[len(text) - n :] in corpus)


def assert_equals_a_search(corpus: str, said: str) -> None:
    matcher = PassageMatcher(SuffixIndex.of(corpus))
    for position, character in enumerate(said, 1):
        match = matcher.add(character)
        text = said[:position]
        assert match.length == matcher.length == longest_known_end(text, corpus)
        assert corpus[match.offset :].startswith(text[position - match.length :])


def repeating(alphabet: str, longest: int) -> st.SearchStrategy[str]:
    plain = st.text(alphabet, max_size=longest)
    return plain | st.builds(lambda part, times: part * times, plain, st.integers(2, 5))


@pytest.mark.parametrize("alphabet", ["a", "ab", "abc\n", "가나다라 \n", "a\xe9한\U0001f600"])
@given(data=st.data())
def test_matches_equal_a_search(alphabet: str, data: st.DataObject) -> None:
    corpus = data.draw(repeating(alphabet, 40))
    said = data.draw(repeating(f"{alphabet}?", 40))
    assert_equals_a_search(corpus, said)


@given(st.data())
def test_matches_of_pieces_of_the_corpus_equal_a_search(data: st.DataObject) -> None:
    """A text like that of a model that copies its corpus."""
    corpus = data.draw(st.text("abcd", min_size=30, max_size=120))
    places = st.tuples(st.integers(0, len(corpus)), st.integers(0, 30))
    pieces = data.draw(st.lists(places, max_size=5))
    assert_equals_a_search(corpus, "".join(corpus[begin:][:length] for begin, length in pieces))


@given(st.text(max_size=30), st.text(max_size=30))
def test_matches_of_any_characters_equal_a_search(corpus: str, said: str) -> None:
    assert_equals_a_search(corpus, said)


def test_more_characters_than_a_byte_can_number() -> None:
    corpus = "".join(map(chr, range(0xAC00, 0xAC00 + 300))) * 2
    assert_equals_a_search(corpus, corpus[250:340] + corpus[10:20] + "가각힣" + corpus[255:258])


def test_an_empty_corpus_has_nothing() -> None:
    assert_equals_a_search("", "ab")


def test_a_long_match_that_breaks_goes_on_with_its_end() -> None:
    corpus = "x" * 50 + "abcdefgh" * 100 + "gh!"
    assert_equals_a_search(corpus, "abcdefgh" * 90 + "!" + "x" * 60)


def test_a_restart_forgets_the_text() -> None:
    matcher = PassageMatcher(SuffixIndex.of("abc"))
    matcher.add("a")
    matcher.restart()
    assert matcher.length == 0
    assert matcher.add("b").length == 1
