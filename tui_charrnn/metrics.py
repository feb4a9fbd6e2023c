"""Arithmetic on losses: nats, bits per character, perplexity, smoothing, bounded histories."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise


def bits_per_character(loss: float) -> float:
    """Turn nats per character into bits per character."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """Turn nats per character into perplexity per character; infinite where a float ends."""
    return math.exp(loss) if loss < 700 else math.inf


class RunningMean:
    """A mean that forgets: weights of past values fall by `decay` with each new one.

    The start is corrected as in Adam (Kingma & Ba 2015, section 3), so the first mean is the
    first value and not a share of it.
    """

    def __init__(self, decay: float = 0.98) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1. Received: decay={decay}")
        self._decay = decay
        self._sum = 0.0
        self._weight = 0.0

    def add(self, value: float) -> float:
        """Take a value in and return the mean so far."""
        self._sum = self._decay * self._sum + (1 - self._decay) * value
        self._weight = self._decay * self._weight + (1 - self._decay)
        return self._sum / self._weight

    @property
    def value(self) -> float | None:
        """The mean so far, or None before the first value."""
        return self._sum / self._weight if self._weight else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is kept of a stretch of consecutive values."""

    first_step: int
    last_step: int
    count: int
    minimum: float
    total: float
    maximum: float

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return self.total / self.count

    def joined(self, later: "Bucket") -> "Bucket":
        """This bucket and the one after it as one."""
        return Bucket(
            self.first_step,
            later.last_step,
            self.count + later.count,
            min(self.minimum, later.minimum),
            self.total + later.total,
            max(self.maximum, later.maximum),
        )

    def until(self, step: int) -> "Bucket":
        """What this bucket, which reaches over a step, may be taken to have held until then.

        The values themselves are gone: the mean and the extremes are taken to be the same.
        """
        share = (step - self.first_step + 1) / (self.last_step - self.first_step + 1)
        count = max(1, min(self.count - 1, round(share * self.count)))
        return replace(self, last_step=step, count=count, total=self.mean * count)


class LossHistory:
    """A series of any length in bounded memory: minimum, mean and maximum of equal stretches.

    When the buckets run out, neighbors are joined two by two and each bucket takes twice as many
    values from then on, so a value costs constant time on average and a million batches cost as
    much memory as a thousand. Values that are not finite are left out and counted.
    """

    def __init__(self, capacity: int = 512) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError(f"capacity must be even and at least 2. Received: capacity={capacity}")
        self._capacity = capacity
        self._stride = 1
        self._buckets: list[Bucket] = []
        self.skipped = 0
        """Values that were not finite."""

    def append(self, step: int, value: float) -> None:
        """Take in the value of one step; steps come in rising order."""
        if not math.isfinite(value):
            self.skipped += 1
            return
        bucket = Bucket(step, step, 1, value, value, value)
        if self._buckets and self._buckets[-1].count < self._stride:
            self._buckets[-1] = self._buckets[-1].joined(bucket)
            return
        if len(self._buckets) == self._capacity:
            pairs = zip(self._buckets[::2], self._buckets[1::2], strict=True)
            self._buckets = [earlier.joined(later) for earlier, later in pairs]
            self._stride *= 2
        self._buckets.append(bucket)

    def drop_after(self, step: int) -> None:
        """Forget what came after a step, as a run that resumed from there did.

        A bucket that reaches over the step is cut down to the steps that remain, so that those
        which are taken again count once.
        """
        self._buckets = [bucket for bucket in self._buckets if bucket.first_step <= step]
        if self._buckets and self._buckets[-1].last_step > step:
            self._buckets[-1] = self._buckets[-1].until(step)

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """All stretches, oldest first."""
        return tuple(self._buckets)

    def columns(self, width: int) -> list[float]:
        """At most `width` means of the whole series, oldest first, all finite."""
        if width < 1:
            raise ValueError(f"width must be at least 1. Received: width={width}")
        buckets, count = self._buckets, len(self._buckets)
        if count <= width:
            return [bucket.mean for bucket in buckets]
        edges = [column * count // width for column in range(width + 1)]
        return [_mean_of(buckets[low:high]) for low, high in pairwise(edges)]


def _mean_of(buckets: Iterable[Bucket]) -> float:
    together = list(buckets)
    return sum(bucket.total for bucket in together) / sum(bucket.count for bucket in together)
