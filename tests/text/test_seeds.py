"""The pinned seeds of a run."""

import pytest

from tui_charrnn.errors import ConfigError
from tui_charrnn.text.corpus import SEED_LENGTH, SEED_LIMIT, choose_seeds, default_seed_of


@pytest.mark.parametrize(
    ("text", "seed"),
    [
        ("First Citizen:\nBefore we proceed", "First Citizen:"),
        ("\n \t\n  indented \r\nnext", "indented"),
        ("x" * 100, "x" * 40),
        ("a word that is cut right behind a blank here", "a word that is cut right behind a blank"),
        ("\ud55c\uae00 \u2028one line", "\ud55c\uae00 \u2028one line"),
        (" \n\t\n", ""),
        ("", ""),
    ],
)
def test_the_default_is_the_beginning_of_the_first_line(text: str, seed: str) -> None:
    assert default_seed_of(text) == seed


def test_nobody_need_choose_and_nobody_need_have_any() -> None:
    assert choose_seeds("one\ntwo") == ("one",)
    assert choose_seeds("one\ntwo", []) == ()
    assert choose_seeds("one\ntwo", ["b", "", "b", "a "]) == ("b", "", "a ")


def test_too_many_seeds_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"At most 8 seeds can be pinned\. Received: 9"):
        choose_seeds("", [str(number) for number in range(SEED_LIMIT + 1)])


def test_a_seed_that_is_too_long_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"at most 200 characters\. Received: one of 201"):
        choose_seeds("", ["short", "x" * (SEED_LENGTH + 1)])
