"""What was measured of several workers, and what it lets expect of more, as tables."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.rounds import Spread
from benchmarks.scale.model import (
    Line,
    Network,
    RingCost,
    efficiency,
    fit_ring,
    worthwhile_step,
)
from benchmarks.scale.task import Measured
from benchmarks.speed.sizes import Size
from benchmarks.tables import markdown_table

WORKERS: Final = (8, 64, 512)
NETWORKS: Final = (Network(10.0, 50e-6), Network(100.0, 10e-6))
"""Within one building; a message between two machines takes about so long by itself."""
_COLUMNS: Final = tuple(
    f"{network.gigabits:g} Gb/s, {workers}" for network in NETWORKS for workers in WORKERS
)
WORTHWHILE: Final = 0.8
"""Efficiency below which another worker gives little for what it takes."""
ASSUMPTIONS: Final = """\
Expected: compute / (compute + waiting). Assumed:

- Every worker keeps its own streams, so the batch grows with the workers. With the batch of one
  worker divided among them instead, each computes for a shorter time and waits as long.
- The mean is taken in a ring (Patarasuk and Yuan, 2009): 2(n - 1) messages one after another, each
  of a n-th of the gradients, n workers. It begins when the whole gradient is there, as it does in
  this program.
- A message costs what was fitted here, between two processes of one machine, and a network's own
  {latencies};
  a byte what was fitted here and its time on the wire. Both are paid. What one worker alone pays
  for a mean is paid once. On GPUs with NCCL what was fitted is smaller by far, and so is a step.
- All workers are equally fast and nothing else is on the network: who waits for a slow one waits
  longer. Reading, scoring and saving, which the chief does alone, are not counted."""


@dataclass(frozen=True, slots=True)
class SizeResult:
    """What one size came to."""

    size: Size
    alone: Measured
    together: tuple[Measured, ...]

    @property
    def gradient_bytes(self) -> int:
        """That every worker has."""
        return self.alone.gradient_bytes

    @property
    def compute(self) -> Spread:
        """Seconds of a step of one worker alone."""
        return Spread.of(self.alone.steps)

    @property
    def step(self) -> Spread:
        """Seconds of a step of two."""
        return Spread.of(self.together[0].steps)

    @property
    def waiting(self) -> Spread:
        """Seconds of a mean of as many bytes as the gradients have."""
        return Spread.of(self.together[0].means[self.gradient_bytes])


def fitted_cost(results: Sequence[SizeResult]) -> RingCost:
    """What fits the medians of all means that were measured."""
    sizes, together, alone = [], [], []
    for result in results:
        for size, seconds in result.together[0].means.items():
            sizes.append(size)
            together.append(Spread.of(seconds).median)
            alone.append(Spread.of(result.alone.means[size]).median)
    return fit_ring(2, sizes, together, alone)


def scaling_report(results: Sequence[SizeResult]) -> str:
    """Both tables, the fit and what it assumes, in Markdown."""
    cost = fitted_cost(results)
    latencies = " and ".join(
        f"{network.latency * 1e6:g} microseconds at {network.gigabits:g} Gb/s"
        for network in NETWORKS
    )
    count = sum(len(result.together[0].means) for result in results)
    fitted = (
        f"Fitted to {count} means between two processes and as many of one alone: "
        f"{_line_words(cost.message)} a message, and {_line_words(cost.once)} once."
    )
    return "\n\n".join([
        _measured_table(results, cost),
        fitted,
        _expected_table(results, cost),
        ASSUMPTIONS.format(latencies=latencies),
        _worthwhile_table(results, cost),
        _streams_table(results, cost),
    ])


def _measured_table(results: Sequence[SizeResult], cost: RingCost) -> str:
    rows = []
    for result in results:
        expected = result.compute.median + cost.seconds(2, result.gradient_bytes)
        rows.append([
            result.size.label,
            f"{result.gradient_bytes / 1e6:,.1f}",
            _milliseconds(result.compute),
            _milliseconds(result.waiting),
            _milliseconds(result.step),
            f"{expected * 1e3:,.0f}",
            f"{100 * result.compute.median / result.step.median:.0f} %",
        ])
    header = ["size of each worker", "gradients, MB", "step of one, ms", "mean over two, ms"]
    return markdown_table([*header, "step of two, ms", "expected, ms", "efficiency"], rows)


def _expected_table(results: Sequence[SizeResult], cost: RingCost) -> str:
    rows = []
    for result in results:
        shares = [
            efficiency(result.compute.median, waiting)
            for waiting in _waiting(cost, result.gradient_bytes)
        ]
        rows.append([result.size.label, *(f"{100 * share:.0f} %" for share in shares)])
    return markdown_table(["efficiency", *_COLUMNS], rows)


def _worthwhile_table(results: Sequence[SizeResult], cost: RingCost) -> str:
    rows = []
    for result in results:
        steps = [
            worthwhile_step(waiting, WORTHWHILE)
            for waiting in _waiting(cost, result.gradient_bytes)
        ]
        name = f"{result.gradient_bytes / 1e6:,.1f} MB of gradients"
        rows.append([name, *(f"{seconds:.2f}" for seconds in steps)])
    return markdown_table([f"seconds of a step for {WORTHWHILE:.0%}", *_COLUMNS], rows)


def _streams_table(results: Sequence[SizeResult], cost: RingCost) -> str:
    """As the table of seconds, where a step takes the longer the more streams it has."""
    rows = []
    for result in results:
        streams = result.size.batch_size / result.compute.median
        needed = [
            math.ceil(worthwhile_step(waiting, WORTHWHILE) * streams)
            for waiting in _waiting(cost, result.gradient_bytes)
        ]
        name = result.size.label.partition(" ")[2]
        rows.append([name, *(f"{count:,}" for count in needed)])
    return markdown_table([f"streams of each for {WORTHWHILE:.0%}", *_COLUMNS], rows)


def _waiting(cost: RingCost, size: int) -> list[float]:
    """Seconds of a mean on every network among every number of workers, as in `_COLUMNS`."""
    return [cost.over(net).seconds(workers, size) for net in NETWORKS for workers in WORKERS]


def _line_words(line: Line) -> str:
    rate = f"{1e-6 / line.seconds_per_byte:,.0f} MB/s" if line.seconds_per_byte else "no limit"
    return f"{line.start * 1e6:,.0f} microseconds and {rate}"


def _milliseconds(spread: Spread) -> str:
    low, middle, high = spread.minimum * 1e3, spread.median * 1e3, spread.maximum * 1e3
    return f"{middle:,.1f} ({low:,.1f} to {high:,.1f})"
