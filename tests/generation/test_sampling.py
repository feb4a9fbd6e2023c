"""Sampling from logits: filters, sampling, and edge cases."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import FILTERS, SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.sampling import (
    RandomStream,
    choose,
    distribution,
    surprise,
)

finite_logits = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=20)


def softmax(logits: Sequence[float]) -> list[float]:
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    return [weight / math.fsum(weights) for weight in weights]


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
    kept = np.flatnonzero(distribution(logits, SamplingConfig(temperature=1, top_p=top_p)))
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
    for config, kept in (
        (SamplingConfig(temperature=1, top_k=2), [0, 1]),
        (SamplingConfig(temperature=1, top_p=0.4), [0, 1, 2]),
    ):
        assert np.flatnonzero(distribution(np.zeros(6), config)).tolist() == kept


def test_p_of_one_keeps_even_what_rounding_hides() -> None:
    logits = np.array([0.0, -80.0, -90.0])

    assert (distribution(logits, SamplingConfig(temperature=1, top_p=1.0)) > 0).all()


@given(finite_logits)
def test_temperature_zero_always_takes_the_first_of_the_likeliest(logits: list[float]) -> None:
    probabilities = distribution(logits, SamplingConfig(temperature=0))

    assert probabilities[logits.index(max(logits))] == probabilities.sum() == 1


@pytest.mark.parametrize("temperature", [1e-3, 1e-100, 5e-324])
def test_a_falling_temperature_ends_at_the_likeliest(temperature: float) -> None:
    logits = [1.0, 2.0, 3.0, 2.9]

    actual = distribution(logits, SamplingConfig(temperature=temperature))

    np.testing.assert_allclose(actual, [0, 0, 1, 0], rtol=0, atol=1e-40)


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
        distribution([0.0, broken], SamplingConfig(temperature=temperature))


def test_many_draws_follow_the_distribution() -> None:
    rng, draws = RandomStream(1), 20_000
    probabilities = np.array([0.05, 0.4, 0.1, 0.25, 0.2])
    counts = np.bincount([choose(probabilities, rng.next())[0] for _ in range(draws)], minlength=5)

    expected = probabilities * draws
    chi_square = float(((counts - expected) ** 2 / expected).sum())

    assert chi_square < 13.28  # 1% of correct samplers exceed it, with 4 degrees of freedom


def test_the_draw_inverts_the_cumulative_distribution() -> None:
    probabilities = np.array([0.25, 0.5, 0.25])
    uniforms = (0, 0.24, 0.26, 0.74, 0.76, 0.99)

    assert [choose(probabilities, uniform)[0] for uniform in uniforms] == [0, 0, 1, 1, 2, 2]


@given(finite_logits, st.integers(1, 20), st.sampled_from([0, 1 - 2**-53]))
def test_the_ends_of_the_draw_choose_only_what_was_kept(
    logits: list[float], top_k: int, uniform: float
) -> None:
    probabilities = distribution(logits, SamplingConfig(temperature=1, top_k=top_k))

    assert probabilities[choose(probabilities, uniform)[0]] > 0


def test_an_rng_seed_names_the_same_choices_for_ever() -> None:
    draws, even = RandomStream(1), distribution(np.zeros(10), SamplingConfig(temperature=1))

    chosen = [choose(even, draws.next())[0] for _ in range(12)]

    assert chosen == [0, 0, 0, 8, 2, 3, 3, 4, 5, 8, 7, 1]


@given(st.integers(0, 2**63 - 1), st.integers(0, 60))
def test_every_place_of_the_draws_can_be_gone_to(rng_seed: int, place: int) -> None:
    walked = RandomStream(rng_seed)
    for _ in range(place):
        walked.next()
    there = RandomStream(rng_seed, place)

    assert there.drawn == walked.drawn == place
    assert [there.next() for _ in range(9)] == [walked.next() for _ in range(9)]


@given(finite_logits, st.floats(0.001, 1))
def test_min_p_keeps_what_is_likely_enough_beside_the_likeliest(
    logits: list[float], min_p: float
) -> None:
    probabilities = distribution(logits, SamplingConfig(temperature=1))
    kept = distribution(logits, SamplingConfig(temperature=1, min_p=min_p))
    bound = min_p * max(probabilities)

    assert (kept[probabilities > bound * (1 + 1e-9)] > 0).all()
    assert (kept[probabilities < bound * (1 - 1e-9)] == 0).all()
    assert kept.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", FILTERS)
def test_every_filter_leaves_out_the_least_likely(name: str) -> None:
    config = SamplingConfig(**{name: SamplingConfig.parse(name, "1" if name == "top_k" else "0.1")})
    probabilities = distribution(np.array([3, 2, 1, -9], np.float32), config)
    assert probabilities[0] > 0
    assert probabilities[3] == 0


def test_min_p_is_measured_on_what_the_other_filters_left() -> None:
    logits = np.log([0.5, 0.3, 0.15, 0.05])
    config = SamplingConfig(temperature=1, top_k=3, top_p=0.95, min_p=0.5)

    np.testing.assert_allclose(distribution(logits, config), [0.625, 0.375, 0, 0])


@given(finite_logits, st.lists(st.integers(0, 30), max_size=5), st.floats(0.1, 10))
def test_the_penalty_divides_positive_scores_and_multiplies_negative_ones(
    logits: list[float], occurred: list[int], penalty: float
) -> None:
    recent = [index for index in occurred if index < len(logits)]
    changed = [
        logit if index not in recent else logit / penalty if logit > 0 else logit * penalty
        for index, logit in enumerate(logits)
    ]
    config = SamplingConfig(temperature=0.7, repetition_penalty=penalty)

    actual = distribution(np.array(logits, np.float32), config, recent)

    np.testing.assert_allclose(
        actual, distribution(changed, SamplingConfig(temperature=0.7)), rtol=1e-9, atol=1e-300
    )


def test_the_smallest_penalty_makes_a_recent_character_certain() -> None:
    config = SamplingConfig(temperature=0.8, repetition_penalty=5e-324)

    np.testing.assert_array_equal(distribution([1e30, 0.5, 2.0], config, [1]), [0, 1, 0])
    with pytest.raises(ModelFileError, match="not finite"):
        distribution([math.inf, 0.5], config, [0])


def test_a_penalty_of_one_changes_nothing() -> None:
    logits = [0.3, -2.0, 1.5]

    np.testing.assert_array_equal(
        distribution(logits, SamplingConfig(), [0, 1]), distribution(logits, SamplingConfig())
    )


@given(finite_logits)
def test_surprise_is_bits_under_the_model_itself(logits: list[float]) -> None:
    expected = [-math.log2(max(one, 1e-300)) for one in softmax(logits)]

    actual = [surprise(logits, index) for index in range(len(logits))]

    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9)


def test_a_guess_among_all_surprises_by_log2_of_their_number() -> None:
    assert surprise(np.zeros(64), 5) == pytest.approx(6)
