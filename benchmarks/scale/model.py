"""How long the workers of a ring wait for the mean of their gradients, and what is left of them.

Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
Journal of Parallel and Distributed Computing 69 (2009): n workers pass on 2(n - 1) messages, each
of a n-th of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

_BITS: Final = 8
Numbers: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """What connects the workers."""

    gigabits: float
    """A second, in either direction at once."""
    latency: float
    """Seconds that a message takes besides its bytes."""

    @property
    def seconds_per_byte(self) -> float:
        """Of the wire alone."""
        return _BITS / (self.gigabits * 1e9)


@dataclass(frozen=True, slots=True)
class Line:
    """What something costs that grows with its bytes."""

    start: float
    """Seconds, however few bytes there are."""
    seconds_per_byte: float

    def seconds(self, size: int) -> float:
        """For so many bytes."""
        return self.start + size * self.seconds_per_byte


@dataclass(frozen=True, slots=True)
class RingCost:
    """What a mean costs, whatever lies between the workers: the program's own share."""

    once: Line
    """Paid by each worker for all of its bytes, however many workers there are."""
    message: Line
    """Paid for each message, one after another."""

    def over(self, network: Network) -> "RingCost":
        """The same with a network between: both are paid, one after the other."""
        message = Line(
            self.message.start + network.latency,
            self.message.seconds_per_byte + network.seconds_per_byte,
        )
        return RingCost(self.once, message)

    def seconds(self, workers: int, size: int) -> float:
        """How long a mean over all workers takes.

        Args:
            workers: n, at least 1.
            size: Bytes that each worker has.
        """
        messages = 2 * (workers - 1)
        passed_on = messages * self.message.start
        return (
            self.once.seconds(size)
            + passed_on
            + messages / workers * size * self.message.seconds_per_byte
        )


def fit_ring(
    workers: int, sizes: Sequence[int], seconds: Sequence[float], alone: Sequence[float]
) -> RingCost:
    """The cost that fits measured means best, where each counts by its own size.

    Differences are taken in proportion to what was measured, so that the short ones count as much
    as the long ones. No part is below zero.

    Args:
        workers: That measured together; at least 2.
        sizes: Bytes of each measurement; at least two different ones.
        seconds: What each took.
        alone: What the same took one worker, which has nobody to send messages to.

    Raises:
        ValueError: If there are too few.
    """
    if workers < 2 or len(set(sizes)) < 2:
        raise ValueError("a fit needs two workers and two sizes at least")
    size = np.asarray(sizes, np.float64)
    own, together = np.asarray(alone, np.float64), np.asarray(seconds, np.float64)
    once = _fit_line(np.ones(len(sizes)), size, own, own)
    rest = together - once.start - once.seconds_per_byte * size
    messages = 2.0 * (workers - 1)
    columns = np.full(len(sizes), messages), messages / workers * size
    return RingCost(once, _fit_line(*columns, rest, together))


def _fit_line(starts: Numbers, sizes: Numbers, seconds: Numbers, weights: Numbers) -> Line:
    """The line with `starts * start + sizes * seconds_per_byte` nearest to some seconds.

    Args:
        starts: How often the start is paid in each measurement.
        sizes: Bytes of each.
        seconds: Of each.
        weights: What a difference is taken in proportion to.
    """
    columns, wanted = np.stack([starts, sizes]) / weights, seconds / weights
    (start, per_byte), *_ = np.linalg.lstsq(columns.T, wanted, rcond=None)
    if start < 0.0:
        start, per_byte = 0.0, _fit_one(columns[1], wanted)
    elif per_byte < 0.0:
        start, per_byte = _fit_one(columns[0], wanted), 0.0
    return Line(float(start), float(per_byte))


def _fit_one(column: Numbers, wanted: Numbers) -> float:
    """The unknown that fits best where there is no other; not below zero."""
    return max(0.0, float(column @ wanted / (column @ column)))


def efficiency(compute: float, waiting: float) -> float:
    """The share of their time that workers compute, who wait for each other after every step.

    Args:
        compute: Seconds of a step of one worker alone.
        waiting: Seconds until the mean is there.
    """
    return compute / (compute + waiting)


def worthwhile_step(waiting: float, share: float) -> float:
    """Seconds that a step must take for a given efficiency.

    Args:
        waiting: Seconds until the mean is there.
        share: The efficiency, below 1.
    """
    return waiting * share / (1.0 - share)
