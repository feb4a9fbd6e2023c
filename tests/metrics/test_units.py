"""Losses in three units."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.metrics import bits_per_character, perplexity


@given(st.integers(1, 100_000))
def test_a_uniform_guess_has_the_known_figures(choices: int) -> None:
    loss = math.log(choices)
    assert bits_per_character(loss) == pytest.approx(math.log2(choices))
    assert perplexity(loss) == pytest.approx(choices)


def test_perplexity_ends_where_a_float_ends() -> None:
    assert perplexity(1e6) == math.inf
