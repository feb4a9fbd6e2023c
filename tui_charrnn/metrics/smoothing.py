"""Means that forget.

The start is corrected as in Adam (Kingma & Ba 2015, section 3), so the first mean is the first
value and not a share of it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tui_charrnn.metrics.history import Bucket

DECAY: Final = 0.9
"""What is left of a loss's weight after one more batch, where nobody asks for another smoothing: in
the numbers of a run and in its chart."""
_NEGLIGIBLE: Final = 2.0**-60
"""A weight that a float does not notice beside 1."""


class RunningMean:
    """A mean in which the weights of past values fall by `decay` with each new one."""

    def __init__(self, decay: float = DECAY) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1. Received: decay={decay}")
        self._decay = decay
        self._memory = math.ceil(math.log(_NEGLIGIBLE) / math.log(decay)) if decay else 1
        """So many values weigh anything."""
        self._sum = 0.0
        self._weight = 0.0

    def add(self, value: float) -> float:
        """Take a value in and return the mean so far."""
        self._sum = self._decay * self._sum + (1 - self._decay) * value
        self._weight = self._decay * self._weight + (1 - self._decay)
        return self._sum / self._weight

    def extend(self, values: Sequence[float]) -> None:
        """Take many values in, at the cost of those that still weigh anything after them."""
        if len(values) > self._memory:
            self._sum = self._weight = 0.0
        for value in values[-self._memory :]:
            self.add(value)

    @property
    def value(self) -> float | None:
        """The mean so far, or None before the first value."""
        return self._sum / self._weight if self._weight else None


def smoothed_means(buckets: Iterable[Bucket], decay: float) -> Iterator[float]:
    """The running mean at the end of each bucket, as if each of its values had been its mean.

    Args:
        buckets: Stretches that follow one another.
        decay: What is left of a weight after one more value, at least 0 and below 1.
    """
    total = weight = 0.0
    for bucket in buckets:
        kept = decay**bucket.count
        total = kept * total + (1 - kept) * bucket.mean
        weight = kept * weight + (1 - kept)
        yield total / weight
