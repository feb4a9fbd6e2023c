"""Means that forget."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.metrics import Bucket, RunningMean, smoothed_means

losses = st.floats(0, 20)


def weighted_mean(values: Sequence[float], decay: float) -> float:
    weights = [decay ** (len(values) - 1 - place) for place in range(len(values))]
    return sum(map(float.__mul__, weights, values)) / sum(weights)


@given(st.lists(losses, min_size=1, max_size=50), st.floats(0.001, 0.999))
def test_a_running_mean_is_a_weighted_mean(values: list[float], decay: float) -> None:
    mean = RunningMean(decay)
    for value in values:
        last = mean.add(value)
    assert last == pytest.approx(weighted_mean(values, decay), rel=1e-6, abs=1e-9)
    assert mean.value == last


def test_a_running_mean_of_nothing_is_nothing() -> None:
    assert RunningMean().value is None


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.9])
@given(values=st.lists(losses, max_size=900), more=st.lists(losses, max_size=5))
def test_many_values_at_once_come_to_the_same(
    decay: float, values: list[float], more: list[float]
) -> None:
    one_by_one, at_once = RunningMean(decay), RunningMean(decay)
    for value in (5.0, *values, *more):
        one_by_one.add(value)
    at_once.extend([5.0])
    at_once.extend(values)
    at_once.extend(more)
    assert at_once.value == pytest.approx(one_by_one.value, abs=1e-9)


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.98])
@given(st.lists(st.tuples(st.integers(1, 9), losses), min_size=1, max_size=12))
def test_smoothing_buckets_is_smoothing_their_values(
    decay: float, stretches: list[tuple[int, float]]
) -> None:
    buckets, values, expected, step = [], [], [], 0
    for count, mean in stretches:
        buckets.append(Bucket(step + 1, step + count, count, mean, mean * count, mean))
        step += count
        values += [mean] * count
        expected.append(weighted_mean(values, decay))
    assert list(smoothed_means(buckets, decay)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_without_a_decay_the_means_are_as_they_are() -> None:
    buckets = [Bucket(1, 2, 2, 1.0, 4.0, 3.0), Bucket(3, 3, 1, 9.0, 9.0, 9.0)]
    assert list(smoothed_means(buckets, 0.0)) == [2.0, 9.0]
