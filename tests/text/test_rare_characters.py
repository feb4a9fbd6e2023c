"""Rare characters become one unknown symbol, by their counts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.text.vocabulary import UNKNOWN_SYMBOL, Vocabulary, choose_vocabulary

texts = st.text(st.sampled_from("abcdefg 한국어\ufffd😀"), min_size=1, max_size=80)


def reference(text: str, min_count: int, max_vocabulary: int | None) -> set[str]:
    """Reference: the kept characters, chosen one by one."""
    counts = Counter(text)
    stay = {character for character in counts if counts[character] >= min_count}
    is_bounded = max_vocabulary is not None and len(stay) > max_vocabulary
    if stay == set(counts) and not is_bounded:
        return stay
    stay.discard(UNKNOWN_SYMBOL)
    while max_vocabulary is not None and len(stay) > max_vocabulary - 1:
        fewest = min(counts[character] for character in stay)
        stay.remove(max(character for character in stay if counts[character] == fewest))
    return stay


@given(text=texts, min_count=st.integers(1, 6), maximum=st.none() | st.integers(2, 16))
def test_rare_characters_are_those_of_the_counts(
    text: str, min_count: int, maximum: int | None
) -> None:
    stay = reference(text, min_count, maximum)
    if not stay:
        with pytest.raises(ConfigError, match=f"No character would be left.*{min_count}"):
            choose_vocabulary(Counter(text), min_count=min_count, max_vocabulary=maximum)
        return
    found = choose_vocabulary(Counter(text), min_count=min_count, max_vocabulary=maximum)
    is_folded = stay != set(text)
    assert found.characters == "".join(sorted(stay)) + (UNKNOWN_SYMBOL if is_folded else "")
    assert found.unknown_symbol == (UNKNOWN_SYMBOL if is_folded else None)
    assert found.unknown_index == (len(stay) if is_folded else None)
    assert maximum is None or len(found) <= maximum
    expected = [character if character in stay else UNKNOWN_SYMBOL for character in text]
    assert found.decode(found.encode(text)) == "".join(expected)


def test_without_a_rare_character_nothing_changes() -> None:
    text = "to be\ufffdto be\ufffd"
    assert choose_vocabulary(Counter(text), min_count=2) == Vocabulary("".join(sorted(set(text))))
    assert choose_vocabulary(Counter(text), max_vocabulary=6) == Vocabulary(
        "".join(sorted(set(text)))
    )


def test_two_vocabularies_with_another_symbol_differ() -> None:
    assert Vocabulary("ab\ufffd") != Vocabulary("ab\ufffd", "\ufffd")
    assert len({Vocabulary("ab\ufffd"), Vocabulary("ab\ufffd", "\ufffd")}) == 2


@pytest.mark.parametrize(
    ("characters", "symbol"), [("ab", "\ufffd"), ("ab", "ab"), ("ab", ""), ("\ufffd", "\ufffd")]
)
def test_a_symbol_must_be_one_of_several_characters(characters: str, symbol: str) -> None:
    with pytest.raises(DataError, match="unknown symbol"):
        Vocabulary(characters, symbol)
