"""Choosing from logits: the filters, the draw, and the edges of both."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.sampling import choose, distribution, keep_nucleus, keep_top_k

finite_logits = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20)


def softmax(logits: Sequence[float]) -> list[float]:
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    return [weight / math.fsum(weights) for weight in weights]


class FixedDraw(np.random.Philox):
    """A generator whose next number is known."""

    def __init__(self, raw: int) -> None:
        super().__init__(0)
        self.raw = raw

    def random_raw(self, size: object = None, output: object = True) -> int:  # type: ignore[override]  # the tests draw single numbers only
        return self.raw


@given(finite_logits, st.floats(0.05, 5))
def test_without_filters_it_is_the_softmax_of_logits_over_temperature(
    logits: list[float], temperature: float
) -> None:
    expected = softmax([logit / temperature for logit in logits])

    actual = distribution(np.array(logits, np.float32), SamplingConfig(temperature=temperature))

    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-300)


@given(finite_logits, st.integers(1, 25))
def test_top_k_keeps_the_k_likeliest(logits: list[float], top_k: int) -> None:
    probabilities = distribution(logits, SamplingConfig(temperature=1))
    kept = np.flatnonzero(distribution(logits, SamplingConfig(temperature=1, top_k=top_k)))
    dropped = np.setdiff1d(np.arange(len(logits)), kept)

    assert len(kept) == min(top_k, len(logits))
    assert all(probabilities[kept].min() >= probabilities[index] for index in dropped)


@given(finite_logits, st.floats(0.01, 0.999))
def test_the_nucleus_is_the_smallest_set_that_reaches_p(logits: list[float], top_p: float) -> None:
    probabilities = distribution(logits, SamplingConfig(temperature=1))
    kept = np.flatnonzero(keep_nucleus(probabilities, top_p))
    mass = math.fsum(probabilities[kept])

    assert mass >= top_p - 1e-12
    assert mass - probabilities[kept].min() < top_p + 1e-12


@given(finite_logits, st.integers(1, 20), st.floats(0.01, 1))
def test_what_is_kept_sums_to_one_in_the_old_proportions(
    logits: list[float], top_k: int, top_p: float
) -> None:
    plain = distribution(logits, SamplingConfig(temperature=1))
    filtered = distribution(logits, SamplingConfig(temperature=1, top_k=top_k, top_p=top_p))
    kept = filtered > 0

    assert filtered.sum() == pytest.approx(1)
    np.testing.assert_allclose(filtered[kept] * plain[kept].sum(), plain[kept], rtol=1e-9)


def test_the_nucleus_is_taken_of_what_top_k_left() -> None:
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    config = SamplingConfig(temperature=1, top_k=2, top_p=0.5)

    # of the two that are left the first has 4/7, which reaches one half by itself
    np.testing.assert_allclose(distribution(logits, config), [1, 0, 0, 0])


def test_of_equally_likely_characters_the_first_are_kept() -> None:
    even = np.full(6, 1 / 6)

    assert np.flatnonzero(keep_top_k(even, 2)).tolist() == [0, 1]
    assert np.flatnonzero(keep_nucleus(even, 0.4)).tolist() == [0, 1, 2]


def test_p_of_one_keeps_even_what_rounding_hides() -> None:
    logits = np.array([0.0, -80.0, -90.0])

    assert (distribution(logits, SamplingConfig(temperature=1, top_p=1.0)) > 0).all()


@given(finite_logits)
def test_temperature_zero_always_takes_the_first_of_the_likeliest(logits: list[float]) -> None:
    choice = choose(logits, SamplingConfig(temperature=0), np.random.Philox(3))

    assert choice.index == logits.index(max(logits))
    assert choice.probability == 1


@pytest.mark.parametrize("temperature", [1e-3, 1e-100, 5e-324])
def test_a_falling_temperature_ends_at_the_likeliest(temperature: float) -> None:
    logits = [1.0, 2.0, 3.0, 2.9]

    choice = choose(logits, SamplingConfig(temperature=temperature), np.random.Philox(3))

    assert (choice.index, choice.probability) == (2, 1.0)


def test_a_high_temperature_makes_all_equal() -> None:
    actual = distribution([0.0, 0.5, 1.0], SamplingConfig(temperature=100))

    np.testing.assert_allclose(actual, 1 / 3, rtol=0.01)


@pytest.mark.parametrize("scale", [1e4, 3e38])
def test_logits_of_any_size_overflow_nothing(scale: float) -> None:
    logits = np.array([-scale, 0, scale, scale], np.float32)

    actual = distribution(logits, SamplingConfig(temperature=0.5))

    np.testing.assert_allclose(actual, [0, 0, 0.5, 0.5])


@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0, 1])
def test_logits_that_are_no_numbers_are_refused(broken: float, temperature: float) -> None:
    with pytest.raises(ModelFileError, match="not finite"):
        choose([0.0, broken], SamplingConfig(temperature=temperature), np.random.Philox(0))


def test_many_draws_follow_the_distribution() -> None:
    rng, draws = np.random.Philox(1), 20_000
    logits = np.log([0.05, 0.4, 0.1, 0.25, 0.2])
    config = SamplingConfig(temperature=1)
    counts = np.bincount([choose(logits, config, rng).index for _ in range(draws)], minlength=5)

    expected = distribution(logits, config) * draws
    chi_square = float(((counts - expected) ** 2 / expected).sum())

    assert chi_square < 13.28  # 1% of correct samplers exceed it, with 4 degrees of freedom


def test_the_draw_inverts_the_cumulative_distribution() -> None:
    logits, config = np.log([0.25, 0.5, 0.25]), SamplingConfig(temperature=1)

    def chosen(uniform: float) -> int:
        return choose(logits, config, FixedDraw(int(uniform * 2**64))).index

    assert [chosen(uniform) for uniform in (0, 0.24, 0.26, 0.74, 0.76, 0.99)] == [0, 0, 1, 1, 2, 2]


@given(finite_logits, st.integers(1, 20), st.sampled_from([0, 2**64 - 1]))
def test_the_ends_of_the_draw_choose_only_what_was_kept(
    logits: list[float], top_k: int, raw: int
) -> None:
    config = SamplingConfig(temperature=1, top_k=top_k)

    choice = choose(logits, config, FixedDraw(raw))

    assert choice.probability == distribution(logits, config)[choice.index] > 0


@given(finite_logits, st.sampled_from([0, 0.5, 2.0]), st.sampled_from([None, 1, 3]))
def test_every_choice_takes_one_number(
    logits: list[float], temperature: float, top_k: int | None
) -> None:
    rng, other = np.random.Philox(9), np.random.Philox(9)
    choose(logits, SamplingConfig(temperature=temperature, top_k=top_k), rng)

    other.random_raw()

    assert rng.random_raw() == other.random_raw()


def test_an_rng_seed_names_the_same_choices_for_ever() -> None:
    rng, config = np.random.Philox(1), SamplingConfig(temperature=1)

    indices = [choose(np.zeros(10), config, rng).index for _ in range(12)]

    assert indices == [0, 0, 0, 8, 2, 3, 3, 4, 5, 8, 7, 1]
