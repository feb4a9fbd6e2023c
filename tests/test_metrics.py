"""Losses in three units, means that forget, histories that stay small."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.metrics import LossHistory, RunningMean, bits_per_character, perplexity

losses = st.floats(0, 20)


def history_of(values: list[float], capacity: int = 8) -> LossHistory:
    history = LossHistory(capacity)
    for step, value in enumerate(values, start=1):
        history.append(step, value)
    return history


@given(st.integers(1, 100_000))
def test_a_uniform_guess_has_the_known_figures(choices: int) -> None:
    loss = math.log(choices)
    assert bits_per_character(loss) == pytest.approx(math.log2(choices))
    assert perplexity(loss) == pytest.approx(choices)


def test_perplexity_ends_where_a_float_ends() -> None:
    assert perplexity(1e6) == math.inf


@given(st.lists(losses, min_size=1, max_size=50), st.floats(0, 0.999))
def test_a_running_mean_is_a_weighted_mean(values: list[float], decay: float) -> None:
    mean = RunningMean(decay)
    for value in values:
        last = mean.add(value)
    weights = [decay ** (len(values) - 1 - place) for place in range(len(values))]
    expected = sum(map(float.__mul__, weights, values)) / sum(weights)
    assert last == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert mean.value == last


def test_a_running_mean_of_nothing_is_nothing() -> None:
    assert RunningMean().value is None


@pytest.mark.parametrize("decay", [-0.1, 1.0, math.nan])
def test_a_decay_out_of_bounds_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="Received: decay="):
        RunningMean(decay)


@given(st.lists(losses, max_size=200))
def test_a_history_keeps_count_sum_and_extremes(values: list[float]) -> None:
    buckets = history_of(values).buckets
    assert len(buckets) <= 8
    assert sum(bucket.count for bucket in buckets) == len(values)
    assert sum(bucket.total for bucket in buckets) == pytest.approx(sum(values))
    if values:
        assert min(bucket.minimum for bucket in buckets) == min(values)
        assert max(bucket.maximum for bucket in buckets) == max(values)


@given(st.lists(losses, min_size=1, max_size=200))
def test_buckets_follow_one_another_without_a_gap(values: list[float]) -> None:
    buckets = history_of(values).buckets
    assert (buckets[0].first_step, buckets[-1].last_step) == (1, len(values))
    for earlier, later in pairwise(buckets):
        assert later.first_step == earlier.last_step + 1


def test_buckets_grow_by_doubling() -> None:
    counts = [bucket.count for bucket in history_of([1.0] * 35).buckets]
    assert counts == [8, 8, 8, 8, 3]


@given(st.lists(losses, max_size=200), st.integers(1, 20))
def test_columns_are_few_finite_and_within_the_values(values: list[float], width: int) -> None:
    columns = history_of(values).columns(width)
    assert len(columns) == min(width, len(history_of(values).buckets))
    assert all(min(values) - 1e-9 <= column <= max(values) + 1e-9 for column in columns)


@given(st.lists(losses, max_size=60), st.integers(0, 70))
def test_dropping_forgets_what_came_after(values: list[float], step: int) -> None:
    history = history_of(values)
    history.drop_after(step)
    assert all(bucket.first_step <= bucket.last_step <= step for bucket in history.buckets)


@given(st.lists(losses, min_size=17, max_size=200), st.integers(0, 60))
def test_steps_that_are_taken_again_count_once(values: list[float], step: int) -> None:
    history = history_of(values)
    history.drop_after(step)
    for again, value in enumerate(values[step:], start=step + 1):
        history.append(again, value)
    assert sum(bucket.count for bucket in history.buckets) == len(values)
    assert len(history.buckets) <= 8


def test_a_bucket_that_is_cut_keeps_its_mean_and_extremes() -> None:
    history = history_of([float(step) for step in range(32)])
    history.drop_after(10)  # in the middle of the second of eight buckets of four, or of eight
    before, cut = history_of([float(step) for step in range(32)]).buckets, history.buckets[-1]
    whole = next(bucket for bucket in before if bucket.first_step == cut.first_step)
    assert cut.last_step == 10
    assert cut.count == 10 - cut.first_step + 1 < whole.count
    assert (cut.mean, cut.minimum, cut.maximum) == (whole.mean, whole.minimum, whole.maximum)


def test_a_history_goes_on_after_dropping() -> None:
    history = history_of([5.0, 4.0, 3.0, 2.0])
    history.drop_after(2)
    history.append(3, 1.0)
    assert history.columns(9) == [5.0, 4.0, 1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_left_out_and_counted(value: float) -> None:
    history = history_of([1.0, value, 3.0])
    assert (history.columns(5), history.skipped) == ([1.0, 3.0], 1)


@pytest.mark.parametrize("capacity", [0, 7])
def test_a_capacity_that_cannot_be_halved_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="capacity"):
        LossHistory(capacity)


def test_no_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width"):
        LossHistory().columns(0)
