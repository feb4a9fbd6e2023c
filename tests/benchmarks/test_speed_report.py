"""Figures that follow from rounds, and the tables that show them."""

import pytest

from benchmarks.speed.report import speed_report, versions_line
from benchmarks.speed.results import SizeResult
from benchmarks.speed.sizes import Size

SIZE = Size(2, 3, 5, 7, 2)
V = 11
OPERATIONS = SIZE.operations_per_character(V)


def result(**rates: list[float]) -> SizeResult:
    return SizeResult(
        size=SIZE,
        vocabulary_size=V,
        rates=rates,
        products={
            "float32": [1_000.0 * OPERATIONS, 1_000.0 * OPERATIONS, 9_000.0 * OPERATIONS],
            "bfloat16": [2_000.0 * OPERATIONS, 1_600.0 * OPERATIONS, 1_500.0 * OPERATIONS],
        },
        facts={
            "ours": {"losses": [2.4, 2.3, 2.25], "versions": {"tensorflow": "2"}},
            "torch": {"versions": {"torch": "3"}},
        },
    )


FULL = result(ours=[900.0, 800.0, 1_200.0], keras=[300.0, 200.0, 200.0], torch=[600.0] * 3)


def test_a_ratio_is_the_median_over_rounds() -> None:
    assert FULL.ratio("keras") == pytest.approx(4.0)  # of 3, 4 and 6


def test_a_peer_that_was_left_out_has_no_ratio() -> None:
    assert FULL.ratio("torch_bf16") is None
    assert result(keras=[1.0] * 3).ratio("keras") is None


def test_the_best_product_is_the_best_in_the_middle_and_not_once() -> None:
    assert FULL.best_product() == "bfloat16"


def test_the_share_counts_needed_operations_in_rounds() -> None:
    assert FULL.share() == pytest.approx(0.5)  # of 0.45, 0.5 and 0.8


def test_the_table_says_what_is_met_and_missed() -> None:
    report = speed_report([FULL], has_bars=True)
    assert "4.00 met" in report
    assert "1.50 missed" in report
    assert "50.0% of bfloat16 missed" in report


def test_without_bars_there_are_no_verdicts() -> None:
    report = speed_report([FULL], has_bars=False)
    assert "1.50" in report
    assert "missed" not in report


def test_losses_are_told_beside_the_uniform_one() -> None:
    report = speed_report([FULL], has_bars=True)
    assert "2.398" in report  # ln 11
    assert "2.400 to 2.250" in report


def test_versions_are_told_once() -> None:
    assert versions_line([FULL, FULL]) == "tensorflow 2, torch 3"
