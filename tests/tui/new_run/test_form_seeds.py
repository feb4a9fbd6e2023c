"""Pinned seeds in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.tui.new_run.form_values import read_seeds, write_seeds

CHARACTERS = st.sampled_from("nNoOeEtT |\\\n\t\u3000가")


@pytest.mark.parametrize(
    ("typed", "seeds"),
    [
        ("", None),
        ("  ", None),
        ("none", ()),
        (" None ", ()),
        ("ROMEO: ", ("ROMEO: ",)),
        ("ROMEO:|JULIET:", ("ROMEO:", "JULIET:")),
        ("a|a", ("a",)),
        ("|", ("",)),
        (r"one\ntwo", ("one\ntwo",)),
        (r"a\|b\\n", (r"a|b\n",)),
        ("a\\", ("a\\",)),
    ],
)
def test_a_line_is_parsed_into_seeds(typed: str, seeds: tuple[str, ...] | None) -> None:
    assert read_seeds(typed) == seeds


@given(st.none() | st.lists(st.text(CHARACTERS, max_size=5), max_size=4, unique=True).map(tuple))
def test_formatted_seeds_parse_back(seeds: tuple[str, ...] | None) -> None:
    assert read_seeds(write_seeds(seeds)) == seeds
