"""How long the workers of a ring wait for the mean of their gradients, and what is left of them.

Source: Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
Journal of Parallel and Distributed Computing 69 (2009): n workers pass on 2(n - 1) messages, each
of a n-th of the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_BITS: Final = 8


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
class RingCost:
    """What a ring costs, whatever lies between its workers: the program's own share."""

    latency: float
    """Seconds for a message."""
    seconds_per_byte: float

    def over(self, network: Network) -> "RingCost":
        """The same with a network between: both are paid, one after the other."""
        return RingCost(
            self.latency + network.latency, self.seconds_per_byte + network.seconds_per_byte
        )

    def seconds(self, workers: int, size: int) -> float:
        """How long a mean over all workers takes.

        Args:
            workers: n, at least 1.
            size: Bytes that each worker has.
        """
        messages = 2 * (workers - 1)
        return messages * (self.latency + size / workers * self.seconds_per_byte)


def fit_ring(workers: int, sizes: Sequence[int], seconds: Sequence[float]) -> RingCost:
    """The cost that fits measured means best, where each counts by its own size.

    Differences are taken in proportion to what was measured, so that the short ones count as much
    as the long ones. Neither part is below zero.

    Args:
        workers: That measured; at least 2.
        sizes: Bytes of each measurement; at least two different ones.
        seconds: What each took.

    Raises:
        ValueError: If there are too few.
    """
    if workers < 2 or len(set(sizes)) < 2:
        raise ValueError("a fit needs two workers and two sizes at least")
    messages = 2 * (workers - 1)
    measured = np.asarray(seconds, np.float64)
    columns = np.stack([
        np.full(len(sizes), float(messages)),
        messages / workers * np.asarray(sizes, np.float64),
    ])
    weighted = (columns / measured).T  # each row times its unknowns should be 1
    ones = np.ones(len(sizes))
    (latency, per_byte), *_ = np.linalg.lstsq(weighted, ones, rcond=None)
    if latency < 0.0:
        latency, per_byte = 0.0, _alone(weighted[:, 1])
    elif per_byte < 0.0:
        latency, per_byte = _alone(weighted[:, 0]), 0.0
    return RingCost(float(latency), float(per_byte))


def _alone(column: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """The unknown that fits best where there is no other."""
    return float(column.sum() / (column @ column))


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
