"""Arithmetic on losses: nats, bits per character, perplexity, smoothing, bounded histories."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import lt
from typing import Final


def bits_per_character(loss: float) -> float:
    """Turn nats per character into bits per character."""
    return loss / math.log(2)


def perplexity(loss: float) -> float:
    """Turn nats per character into perplexity per character; infinite beyond a float's range."""
    return math.exp(loss) if loss < 700 else math.inf


RECENT: Final = 1_000
"""Number of newest values kept unaggregated."""
_GAPS: Final = 64
"""Maximum remembered steps without a finite value; the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Statistics of consecutive values."""

    first_step: int
    last_step: int
    count: int
    minimum: float
    total: float
    maximum: float
    elapsed: float = 0.0
    """Seconds of training until the end of the bucket."""

    @classmethod
    def of(cls, steps: Sequence[int], values: Sequence[float], elapsed: float) -> "Bucket":
        """Aggregate one or more values."""
        return cls(steps[0], steps[-1], len(values), min(values), sum(values), max(values), elapsed)

    @property
    def mean(self) -> float:
        """The mean of the values."""
        return self.total / self.count

    def joined(self, later: "Bucket") -> "Bucket":
        """Merge this bucket with the one after it."""
        return Bucket(
            self.first_step,
            later.last_step,
            self.count + later.count,
            min(self.minimum, later.minimum),
            self.total + later.total,
            max(self.maximum, later.maximum),
            later.elapsed,
        )

    def until(self, step: int, began: float) -> "Bucket":
        """Estimate the part of this bucket up to a step within it.

        Single values are not stored: mean and extremes are assumed unchanged, and the time
        proportional to the steps since `began` (seconds).
        """
        share = (step - self.first_step + 1) / (self.last_step - self.first_step + 1)
        count = max(1, min(self.count - 1, round(share * self.count)))
        return replace(
            self,
            last_step=step,
            count=count,
            total=self.mean * count,
            elapsed=began + share * (self.elapsed - began),
        )


class LossHistory:
    """A series of any length in bounded memory: minimum, mean and maximum of equal buckets.

    There are at most `capacity` buckets, an even number. When the buckets run out, neighbors are
    merged in pairs and each bucket takes twice as many values from then on: a value costs constant
    time on average, and memory does not depend on the length. The newest values are also kept
    unaggregated. Values that are not finite are skipped; their steps are remembered. A step that is
    not after the last one replaces everything from that step on.
    """

    def __init__(self, capacity: int = 512, recent: int = RECENT) -> None:
        self._capacity = capacity
        self._stride = 1
        self._buckets: list[Bucket] = []
        self._recent: deque[tuple[int, float, float]] = deque(maxlen=recent)
        self._gaps: deque[int] = deque(maxlen=_GAPS)

    def append(self, step: int, value: float, elapsed: float = 0.0) -> None:
        """Add the value of one step; `elapsed` is the seconds of training until then."""
        self.extend((step,), (value,), (elapsed,))

    def extend(
        self, steps: Sequence[int], values: Sequence[float], elapsed: Sequence[float]
    ) -> None:
        """Add the values of many steps, like repeated `append`.

        `elapsed` are the seconds of training until each.
        """
        if all(map(math.isfinite, values)) and self._continues_with(steps):
            self._take(steps, values, elapsed)
            return
        for step, value, seconds in zip(steps, values, elapsed, strict=True):
            if not math.isfinite(value):
                self.mark_gap(step)
                continue
            if not self._continues_with((step,)):
                self.drop_after(step - 1)
            self._take((step,), (value,), (seconds,))

    def mark_gap(self, step: int) -> None:
        """Remember that the value of a step was not finite."""
        if step not in self._gaps:
            self._gaps.append(step)

    def drop_after(self, step: int) -> None:
        """Drop everything after a step, for a run that resumed from there.

        A bucket that contains the step is cut to the steps that remain, so that steps that are
        repeated count once.
        """
        buckets, recent = self._buckets, self._recent
        while buckets and buckets[-1].first_step > step:
            buckets.pop()
        if buckets and buckets[-1].last_step > step:
            began = buckets[-2].elapsed if len(buckets) > 1 else 0.0
            buckets[-1] = buckets[-1].until(step, began)
        while recent and recent[-1][0] > step:
            recent.pop()
        self._gaps = deque((gap for gap in self._gaps if gap <= step), maxlen=_GAPS)

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """All buckets, oldest first."""
        return tuple(self._buckets)

    @property
    def recent(self) -> tuple[Bucket, ...]:
        """The newest values, one a bucket, oldest first."""
        return tuple(
            Bucket(step, step, 1, value, value, value, elapsed)
            for step, value, elapsed in self._recent
        )

    @property
    def has_any(self) -> bool:
        """Whether there is any value, or a step without a finite value."""
        return bool(self._buckets or self._gaps)

    @property
    def gaps(self) -> tuple[int, ...]:
        """The newest steps whose value was not finite, in rising order."""
        return tuple(sorted(self._gaps))

    def columns(self, width: int) -> list[float]:
        """At most `width` means of the whole series, oldest first, all finite."""
        buckets = list(self._buckets)  # a copy: another thread may add values meanwhile
        count = len(buckets)
        if count <= width:
            return [bucket.mean for bucket in buckets]
        edges = [column * count // width for column in range(width + 1)]
        parts = [buckets[low:high] for low, high in pairwise(edges)]
        return [
            sum(each.total for each in part) / sum(each.count for each in part) for part in parts
        ]

    def _continues_with(self, steps: Sequence[int]) -> bool:
        """Whether these steps are ascending and after the last one."""
        is_after = not self._buckets or not steps or steps[0] > self._buckets[-1].last_step
        return is_after and all(map(lt, steps, steps[1:]))

    def _take(
        self, steps: Sequence[int], values: Sequence[float], elapsed: Sequence[float]
    ) -> None:
        """Fill the last bucket up, then new ones."""
        place = 0
        while place < len(values):
            has_room = bool(self._buckets) and self._buckets[-1].count < self._stride
            room = self._stride - self._buckets[-1].count if has_room else self._stride
            if not has_room and len(self._buckets) == self._capacity:
                self._join_neighbors()
                continue
            piece = slice(place, place + room)
            place = min(place + room, len(values))
            bucket = Bucket.of(steps[piece], values[piece], elapsed[place - 1])
            if has_room:
                self._buckets[-1] = self._buckets[-1].joined(bucket)
            else:
                self._buckets.append(bucket)
        newest = slice(-(self._recent.maxlen or 1), None)
        self._recent.extend(zip(steps[newest], values[newest], elapsed[newest], strict=True))

    def _join_neighbors(self) -> None:
        pairs = zip(self._buckets[::2], self._buckets[1::2], strict=True)
        self._buckets = [earlier.joined(later) for earlier, later in pairs]
        self._stride *= 2


DECAY: Final = 0.9
"""Default decay of a loss's weight per batch, for the numbers of a run and for its chart."""
_NEGLIGIBLE: Final = 2.0**-60
"""A weight too small to change a sum of floats near 1."""


class RunningMean:
    """A mean in which the weights of past values fall by `decay`, from 0 to 1, with each new one.

    The start is corrected as in Adam (Kingma & Ba 2015, section 3), so the first mean is the first
    value and not a share of it.
    """

    def __init__(self, decay: float = DECAY) -> None:
        self._decay = decay
        self._memory = math.ceil(math.log(_NEGLIGIBLE) / math.log(decay))
        """The number of values with a relevant weight."""
        self._sum = 0.0
        self._weight = 0.0

    def add(self, value: float) -> float:
        """Add a value and return the mean so far."""
        self._sum = self._decay * self._sum + (1 - self._decay) * value
        self._weight = self._decay * self._weight + (1 - self._decay)
        return self._sum / self._weight

    def extend(self, values: Sequence[float]) -> None:
        """Add many values; only those that still have weight afterwards take time."""
        if len(values) > self._memory:
            self._sum = self._weight = 0.0
        for value in values[-self._memory :]:
            self.add(value)

    @property
    def value(self) -> float | None:
        """The mean so far, or None before the first value."""
        return self._sum / self._weight if self._weight else None


def smoothed_means(buckets: Iterable[Bucket], decay: float) -> Iterator[float]:
    """Yield the running mean at the end of each bucket, with each value taken as its mean.

    `decay` is the factor of a weight per value, at least 0 and below 1.
    """
    total = weight = 0.0
    for bucket in buckets:
        kept = decay**bucket.count
        total = kept * total + (1 - kept) * bucket.mean
        weight = kept * weight + (1 - kept)
        yield total / weight
