"""The figures of scoring: the table, the options, and one real measurement of a small model."""

import pytest

from benchmarks.score_speed import measure, score_report


def test_the_gain_is_over_generation_at_all_and_on_each_core() -> None:
    rates = {
        "generating": {"rates": [100.0, 200.0, 100.0], "core_rates": [100.0, 200.0, 100.0]},
        "side by side": {"rates": [1200.0, 2200.0, 900.0], "core_rates": [600.0, 1000.0, 500.0]},
        "in int8": {"rates": [1500.0, 3300.0, 1800.0], "core_rates": [1.0, 1.0, 1.0]},
    }

    row = score_report({304: rates}).splitlines()[-1].split("|")

    assert [cell.strip() for cell in row[1:-1]] == [
        "304",
        "100 (100 to 200)",
        "1,200 (900 to 2,200)",
        "1,800 (1,500 to 3,300)",
        "11.0 met",
        "5.0",
        "1.50 met",
    ]


def test_every_contender_is_measured_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.score_speed._WORK", 1)
    monkeypatch.setattr("benchmarks.score_speed._LEAST", 9_000)

    rates = measure(4, rounds=2)

    assert list(rates) == ["generating", "one stream", "side by side", "in int8"]
    for kinds in rates.values():
        assert all(len(kinds[kind]) == 2 for kind in ("rates", "core_rates"))
        assert all(rate > 0 for kind in kinds.values() for rate in kind)
