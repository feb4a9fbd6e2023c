"""Arithmetic on rounds."""

import pytest

from benchmarks.rounds import Bar, Spread, median_ratio, mirrored, rotated


def test_a_slow_round_of_both_does_not_move_the_ratio() -> None:
    ours, theirs = [200.0, 20.0, 210.0], [100.0, 10.0, 70.0]
    assert median_ratio(ours, theirs) == 2.0  # the medians alone say 200 / 70


def test_rounds_that_do_not_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([1.0, 2.0], [1.0])


def test_everyone_is_first_once() -> None:
    orders = [rotated(["a", "b", "c"], number) for number in range(3)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]


def test_a_pair_changes_its_order_every_round() -> None:
    assert [mirrored("a", "b", number) for number in range(3)] == [
        ("a", "b"),
        ("b", "a"),
        ("a", "b"),
    ]


def test_a_spread_holds_median_and_both_ends() -> None:
    assert Spread.of([3.0, 1.0, 9.0, 5.0]) == Spread(4.0, 1.0, 9.0)


@pytest.mark.parametrize(
    ("bar", "value", "verdict"),
    [
        (Bar(4.0), 4.0, "met"),
        (Bar(4.0), 3.99, "missed"),
        (Bar(0.01, is_upper=True), 0.009, "met"),
        (Bar(0.01, is_upper=True), 0.01, "missed"),
    ],
)
def test_a_bar_is_met_from_its_limit_on_or_below_it(bar: Bar, value: float, verdict: str) -> None:
    assert bar.verdict(value) == verdict
