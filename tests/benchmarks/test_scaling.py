"""The arithmetic of a ring, its fit, and the report that is made of both."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.scale.model import Line, Network, RingCost, efficiency, fit_ring, worthwhile_step
from benchmarks.scale.report import SizeResult, scaling_report
from benchmarks.scale.task import Measured, Task
from benchmarks.speed.sizes import Size

lines = st.builds(Line, st.floats(1e-5, 1e-2), st.floats(1e-11, 1e-7))


def rounds_of_a_ring(workers: int, size: int, cost: RingCost) -> float:
    """The same message by message: every worker gives its part to the next one, n - 1 times to add
    it up and n - 1 times to hand it round; all do so at once."""
    clock = cost.once.start + size * cost.once.seconds_per_byte
    for _, _ in product(("add", "hand round"), range(workers - 1)):
        clock += cost.message.start + size / workers * cost.message.seconds_per_byte
    return clock


@given(st.integers(1, 64), st.integers(0, 10**9), lines, lines)
def test_a_ring_takes_its_messages_one_after_another(
    workers: int, size: int, once: Line, message: Line
) -> None:
    cost = RingCost(once, message)
    assert cost.seconds(workers, size) == pytest.approx(rounds_of_a_ring(workers, size, cost))


def test_one_worker_waits_for_nobody() -> None:
    assert RingCost(Line(0.0, 0.0), Line(1.0, 1.0)).seconds(1, 10**9) == 0.0


@given(st.integers(2, 16), lines, lines)
def test_a_fit_finds_what_the_measurements_were_made_of(
    workers: int, once: Line, message: Line
) -> None:
    cost, sizes = RingCost(once, message), [1 << 10, 1 << 16, 1 << 22, 1 << 26]
    together = [cost.seconds(workers, size) for size in sizes]
    found = fit_ring(workers, sizes, together, [once.seconds(size) for size in sizes])
    for size in sizes:
        for many in (1, workers, 512):
            assert found.seconds(many, size) == pytest.approx(cost.seconds(many, size), rel=1e-3)


def test_a_fit_gives_nothing_below_zero() -> None:
    falling = fit_ring(2, [1_000, 1_000_000], [0.002, 0.001], [1e-9] * 2)
    assert falling.message.seconds_per_byte == 0.0
    assert falling.message.start > 0.0
    steep = fit_ring(2, [1_000, 1_000_000, 2_000_000], [1e-9, 1.0, 2.5], [1e-10] * 3)
    assert steep.message.start == 0.0
    assert steep.message.seconds_per_byte > 0.0
    slower_alone = fit_ring(2, [1_000, 1_000_000], [0.001, 0.001], [0.002, 0.002])
    assert slower_alone.message == Line(0.0, 0.0)


@pytest.mark.parametrize(("workers", "sizes"), [(1, [1, 2]), (2, [1]), (2, [5, 5])])
def test_a_fit_needs_enough(workers: int, sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="two workers and two sizes"):
        fit_ring(workers, sizes, [1.0] * len(sizes), [1.0] * len(sizes))


def test_a_network_is_paid_besides() -> None:
    network = Network(gigabits=8.0, latency=0.5)
    cost = RingCost(Line(0.25, 0.0), Line(0.0, 0.0)).over(network)
    # two workers: two messages of half the data each, at 1 GB/s
    assert cost.seconds(2, 2 * 10**9) == pytest.approx(0.25 + 2 * (0.5 + 1.0))


def test_efficiency_is_the_share_of_computing_and_back() -> None:
    assert efficiency(3.0, 1.0) == 0.75
    assert efficiency(worthwhile_step(0.7, 0.8), 0.7) == pytest.approx(0.8)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_report() -> None:
    size = Size(64, 64, 64, 512)
    cost = RingCost(Line(2e-3, 1e-10), Line(1e-3, 1e-9))
    counts = (1_000_000, 4_000_000, 10_000_000)
    own: dict[int, tuple[float, ...]] = {c: (cost.seconds(1, c),) for c in counts}
    means: dict[int, tuple[float, ...]] = {c: (cost.seconds(2, c),) for c in counts}
    result = SizeResult(
        size,
        Measured(10_000_000, (0.085, 0.085, 0.1), own, {"device": "CPU"}),
        (Measured(10_000_000, (0.11,), means, {"device": "CPU"}),) * 2,
    )
    lines = scaling_report([result]).splitlines()
    assert cells(lines[2]) == [
        "B64 T64 E64 H512 L1",
        "10.0",
        "85.0 (85.0 to 100.0)",
        "15.0 (15.0 to 15.0)",
        "110.0 (110.0 to 110.0)",
        "100",
        "77 %",
    ]
    assert lines[4] == (
        "Fitted to 3 means between two processes and as many of one alone: 1,000 microseconds and "
        "1,000 MB/s a message, and 2,000 microseconds and 10,000 MB/s once."
    )
    # at 10 Gb/s, 8 workers: 3 ms + 14 x (1.05 ms + 1.25 MB x 1.8 ns) = 49.2 ms beside 85
    assert cells(lines[8])[1] == "63 %"
    assert "50 microseconds at 10 Gb/s and 10 microseconds at 100 Gb/s" in "\n".join(lines)
    assert cells(lines[-5])[:2] == ["10.0 MB of gradients", "0.20"]
    assert cells(lines[-1])[:2] == ["T64 E64 H512 L1", "149"]  # 64 x 196.8 / 85


def test_what_workers_are_told_and_tell_comes_back_whole() -> None:
    task = Task(Size(1, 2, 3, 4, 5), ("a:1", "b:2"), 1, 2, 3, (4, 5))
    assert Task.from_json(task.to_json()) == task
    measured = Measured(7, (0.5, 0.25), {8: (1.0, 2.0)}, {"device": "CPU"})
    assert Measured.from_json(measured.to_json()) == measured
