"""Stop strings, against a search in the whole text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.stream import StopStrings


@given(
    st.text(st.sampled_from("ab\n"), max_size=40),
    st.lists(st.text(st.sampled_from("ab\n"), min_size=1, max_size=4), max_size=3),
)
def test_a_text_ends_where_the_first_string_is_complete(text: str, strings: list[str]) -> None:
    stops = StopStrings(strings)
    expected = next(
        (
            length
            for length in range(1, len(text) + 1)
            if any(text[:length].endswith(string) for string in strings)
        ),
        None,
    )

    ended = next((place + 1 for place, one in enumerate(text) if stops.has_ended(one)), None)

    assert ended == expected


def test_an_empty_string_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 character"):
        StopStrings(["end", ""])


def test_strings_are_composed_as_the_text_is() -> None:
    stops = StopStrings([unicodedata.normalize("NFD", "é")])

    assert stops.has_ended("é")


def test_strings_that_the_model_cannot_say_are_named() -> None:
    assert StopStrings(["ab", "aΩ", "b"]).unreachable("ab\n") == ["aΩ"]
