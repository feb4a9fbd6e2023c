"""The arithmetic of a ring, its fit, and the report that is made of both."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.model import Network, RingCost, efficiency, fit_ring, worthwhile_step
from benchmarks.scale.report import SizeResult, scaling_report
from benchmarks.scale.task import Measured, Task
from benchmarks.speed.sizes import Size

positive = st.floats(1e-9, 1e-2)


def rounds_of_a_ring(workers: int, size: int, cost: RingCost) -> float:
    """The same message by message: every worker gives its part to the next one, n - 1 times to add
    it up and n - 1 times to hand it round; all do so at once."""
    clock = 0.0
    for _, _ in product(("add", "hand round"), range(workers - 1)):
        clock += cost.latency + size / workers * cost.seconds_per_byte
    return clock


@given(st.integers(1, 64), st.integers(0, 10**9), positive, positive)
def test_a_ring_takes_its_messages_one_after_another(
    workers: int, size: int, latency: float, per_byte: float
) -> None:
    cost = RingCost(latency, per_byte)
    assert cost.seconds(workers, size) == pytest.approx(rounds_of_a_ring(workers, size, cost))


def test_one_worker_waits_for_nobody() -> None:
    assert RingCost(1.0, 1.0).seconds(1, 10**9) == 0.0


@given(st.integers(2, 16), positive, st.floats(1e-11, 1e-7))
def test_a_fit_finds_what_the_measurements_were_made_of(
    workers: int, latency: float, per_byte: float
) -> None:
    cost, sizes = RingCost(latency, per_byte), [1 << 10, 1 << 16, 1 << 22, 1 << 26]
    found = fit_ring(workers, sizes, [cost.seconds(workers, size) for size in sizes])
    for size in sizes:
        assert found.seconds(workers, size) == pytest.approx(cost.seconds(workers, size), rel=1e-6)


def test_a_fit_gives_nothing_below_zero() -> None:
    falling = fit_ring(2, [1_000, 1_000_000], [0.002, 0.001])
    assert falling.seconds_per_byte == 0.0
    assert falling.latency > 0.0
    steep = fit_ring(2, [1_000, 1_000_000, 2_000_000], [1e-9, 1.0, 2.5])
    assert steep.latency == 0.0
    assert steep.seconds_per_byte > 0.0


@pytest.mark.parametrize(("workers", "sizes"), [(1, [1, 2]), (2, [1]), (2, [5, 5])])
def test_a_fit_needs_enough(workers: int, sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="two workers and two sizes"):
        fit_ring(workers, sizes, [1.0] * len(sizes))


def test_a_network_is_paid_besides() -> None:
    cost = RingCost(0.0, 0.0).over(Network(gigabits=8.0, latency=0.5))
    # two workers: two messages of half the data each, at 1 GB/s
    assert cost.seconds(2, 2 * 10**9) == pytest.approx(2 * (0.5 + 1.0))


def test_efficiency_is_the_share_of_computing_and_back() -> None:
    assert efficiency(3.0, 1.0) == 0.75
    assert efficiency(worthwhile_step(0.7, 0.8), 0.7) == pytest.approx(0.8)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_report() -> None:
    size = Size(64, 64, 64, 512)
    cost = RingCost(1e-3, 1e-9)
    counts = (1_000_000, 4_000_000, 10_000_000)
    means: dict[int, tuple[float, ...]] = {c: (cost.seconds(2, c),) for c in counts}
    result = SizeResult(
        size,
        Measured(10_000_000, (0.088, 0.088, 0.1), {}, {"device": "CPU"}),
        (Measured(10_000_000, (0.11,), means, {"device": "CPU"}),) * 2,
    )
    lines = scaling_report([result]).splitlines()
    assert cells(lines[2]) == [
        "B64 T64 E64 H512 L1",
        "10.0",
        "88.0 (88.0 to 100.0)",
        "12.0 (12.0 to 12.0)",
        "110.0 (110.0 to 110.0)",
        "100",
        "80 %",
    ]
    assert "Fitted to 3 means between two processes: 1,000 microseconds a message" in lines[4]
    assert lines[4].endswith("1,000 MB/s.")
    # at 10 Gb/s, 8 workers: 14 x (1.05 ms + 1.25 MB x 1.8 ns) = 46.2 ms beside 88
    assert cells(lines[8])[1] == "66 %"
    assert "50 microseconds at 10 Gb/s and 10 microseconds at 100 Gb/s" in "\n".join(lines)
    assert cells(lines[-1])[:2] == ["10.0 MB of gradients", "0.18"]


def test_what_workers_are_told_and_tell_comes_back_whole() -> None:
    task = Task(Size(1, 2, 3, 4, 5), ("a:1", "b:2"), 1, 2, 3, (4, 5))
    assert Task.from_json(task.to_json()) == task
    measured = Measured(7, (0.5, 0.25), {8: (1.0, 2.0)}, {"device": "CPU"})
    assert Measured.from_json(measured.to_json()) == measured
