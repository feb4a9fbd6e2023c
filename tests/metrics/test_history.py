"""Histories that stay small, whatever a run does."""

import math
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tui_charrnn.metrics import LossHistory

RECENT: Final = 20
losses = st.floats(0, 20)


def history_of(values: list[float], capacity: int = 8) -> LossHistory:
    history = LossHistory(capacity, recent=RECENT)
    for step, value in enumerate(values, start=1):
        history.append(step, value, elapsed=step / 2)
    return history


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
def test_every_bucket_tells_of_its_own_values(values: list[float]) -> None:
    buckets = history_of(values).buckets
    assert (buckets[0].first_step, buckets[-1].last_step) == (1, len(values))
    for earlier, later in pairwise(buckets):
        assert later.first_step == earlier.last_step + 1
    for bucket in buckets:
        own = values[bucket.first_step - 1 : bucket.last_step]
        assert (bucket.minimum, bucket.maximum) == (min(own), max(own))
        assert bucket.mean == pytest.approx(sum(own) / len(own))
        assert bucket.elapsed == bucket.last_step / 2


def test_buckets_grow_by_doubling() -> None:
    counts = [bucket.count for bucket in history_of([1.0] * 35).buckets]
    assert counts == [8, 8, 8, 8, 3]


@given(st.lists(losses, max_size=200), st.lists(st.integers(0, 60), max_size=6))
def test_stretches_come_to_the_same_as_single_values(
    values: list[float], lengths: list[int]
) -> None:
    alone, together = history_of(values), LossHistory(8, recent=RECENT)
    steps = list(range(1, len(values) + 1))
    place = 0
    for length in (*lengths, len(values)):
        piece = slice(place, place + length)
        together.extend(steps[piece], values[piece], [step / 2 for step in steps[piece]])
        place += length
    assert together.recent == alone.recent
    for left, right in zip(together.buckets, alone.buckets, strict=True):
        assert left.mean == pytest.approx(right.mean)
        assert (left.last_step, left.count, left.minimum, left.maximum, left.elapsed) == (
            right.last_step,
            right.count,
            right.minimum,
            right.maximum,
            right.elapsed,
        )


@given(st.lists(losses, max_size=60))
def test_the_newest_values_are_kept_as_they_are(values: list[float]) -> None:
    recent = history_of(values).recent
    assert [bucket.mean for bucket in recent] == values[-RECENT:]
    assert [bucket.elapsed for bucket in recent] == [bucket.last_step / 2 for bucket in recent]


@given(st.lists(losses, max_size=200), st.integers(1, 20))
def test_columns_are_few_finite_and_within_the_values(values: list[float], width: int) -> None:
    columns = history_of(values).columns(width)
    assert len(columns) == min(width, len(history_of(values).buckets))
    assert all(min(values) - 1e-9 <= column <= max(values) + 1e-9 for column in columns)


class HistoryBesideAList(RuleBasedStateMachine):
    """A history of a run that goes on, goes back and goes on again, beside all of its values."""

    def __init__(self) -> None:
        super().__init__()
        self.history = LossHistory(8, recent=RECENT)
        self.values: list[float] = []
        self.lost = 0
        """How many of the newest values were kept once and dropped."""

    @rule(values=st.lists(losses, max_size=40))
    def train(self, values: list[float]) -> None:
        steps = range(len(self.values) + 1, len(self.values) + len(values) + 1)
        self.history.extend(steps, values, [step / 2 for step in steps])
        self.values += values
        self.lost = max(0, self.lost - len(values))

    @rule(share=st.floats(0, 1))
    def go_back(self, share: float) -> None:
        step = round(share * len(self.values))
        self.history.drop_after(step)
        self.lost = min(RECENT, self.lost + len(self.values) - step)
        del self.values[step:]

    @rule(value=losses)
    def go_back_without_a_word(self, value: float) -> None:
        if self.values:
            self.history.append(len(self.values), value, len(self.values) / 2)
            self.values[-1] = value

    @invariant()
    def counts_every_value_once(self) -> None:
        buckets = self.history.buckets
        assert len(buckets) <= 8
        assert sum(bucket.count for bucket in buckets) == len(self.values)
        assert all(bucket.first_step <= bucket.last_step for bucket in buckets)
        assert [bucket.last_step for bucket in buckets[-1:]] == [len(self.values)][: len(buckets)]

    @invariant()
    def keeps_the_newest(self) -> None:
        recent = [bucket.mean for bucket in self.history.recent]
        assert recent == self.values[len(self.values) - len(recent) :]
        assert len(recent) >= min(len(self.values), RECENT - self.lost)

    @invariant()
    def time_never_runs_back(self) -> None:
        times = [bucket.elapsed for bucket in self.history.buckets]
        assert times == sorted(times)


TestHistoryBesideAList = HistoryBesideAList.TestCase


def test_a_bucket_that_is_cut_keeps_its_mean_and_extremes() -> None:
    history = history_of([float(step) for step in range(32)])
    history.drop_after(10)  # in the middle of the second of eight buckets of four, or of eight
    before, cut = history_of([float(step) for step in range(32)]).buckets, history.buckets[-1]
    whole = next(bucket for bucket in before if bucket.first_step == cut.first_step)
    assert (cut.last_step, cut.elapsed) == (10, 5.0)
    assert cut.count == 10 - cut.first_step + 1 < whole.count
    assert (cut.mean, cut.minimum, cut.maximum) == (whole.mean, whole.minimum, whole.maximum)


def test_a_history_goes_on_after_dropping() -> None:
    history = history_of([5.0, 4.0, 3.0, 2.0])
    history.drop_after(2)
    history.append(3, 1.0)
    assert history.columns(9) == [5.0, 4.0, 1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_left_out_counted_and_remembered(value: float) -> None:
    history = history_of([1.0, value, 3.0])
    assert (history.columns(5), history.gaps) == ([1.0, 3.0], (2,))


def test_gaps_are_forgotten_with_what_came_after() -> None:
    history = history_of([1.0, math.nan, 3.0, math.nan])
    history.mark_gap(9)
    history.drop_after(3)
    assert history.gaps == (2,)


def test_gaps_are_few() -> None:
    history = history_of([math.nan] * 1_000)
    assert len(history.gaps) < 100
    assert history.gaps[-1] == 1_000


def test_a_step_that_comes_again_without_a_word_takes_the_place_of_what_followed() -> None:
    history = history_of([5.0, 4.0, 3.0, 2.0])
    history.extend((2, 3, 3), (1.0, 7.0, 0.5), (0.0, 0.0, 0.0))
    assert history.columns(9) == [5.0, 1.0, 0.5]
