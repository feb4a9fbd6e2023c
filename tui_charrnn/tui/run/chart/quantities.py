"""What else a run has beside its losses: a line with an axis of its own, at the right."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from tui_charrnn.metrics import Bucket, LossHistory, smoothed_means
from tui_charrnn.translation import tr
from tui_charrnn.viewing.run_view import RunView

Point = tuple[float, float]
"""A step, or the middle of several, and a number."""


class Quantity(StrEnum):
    """What is drawn beside the losses."""

    NONE = "losses alone"
    NORM = "gradient norm"
    RATE = "learning rate"
    SPEED = "characters a second"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class SecondLine:
    """A quantity of a run, ready to be drawn."""

    name: str
    """Its name, with its explanation."""
    unit: str
    """Of the numbers beside the axis."""
    points: Sequence[Point]
    """The steps rise."""
    references: Sequence[tuple[str, float]] = ()
    """What it is held against, by name."""
    lower: Sequence[Point] = ()
    """A second line below the first."""

    def value_at(self, step: float) -> float | None:
        """The newest number until a step, or the first of all; None if there is none."""
        found = [value for at, value in self.points if at <= step]
        return found[-1] if found else next((value for _, value in self.points), None)

    @property
    def values(self) -> list[Point]:
        """The points of both lines."""
        return [*self.points, *self.lower]


def second_line(
    view: RunView, quantity: Quantity, *, is_recent: bool, smoothing: float
) -> SecondLine | None:
    """What a run has of a quantity; None if nothing yet, or if none is wanted.

    Args:
        view: The run.
        quantity: What is wanted.
        is_recent: Whether the last batches are wanted alone.
        smoothing: What is left of a weight after one more batch.
    """
    line = _LINES[quantity](view, is_recent, smoothing) if quantity in _LINES else None
    return line if line is not None and line.points else None


def _norm(view: RunView, is_recent: bool, smoothing: float) -> SecondLine:
    limit = view.description.training.gradient_norm_limit if view.description else None
    points = _smoothed(_buckets(view.gradient_norms, is_recent), smoothing)
    if limit is None:
        return SecondLine(tr("gradient norm, no limit"), tr("norm"), points)
    share = 100 * (view.clipped_share or 0)
    name = tr("gradient norm, {share:.0f} % over {limit:g}", share=share, limit=limit)
    return SecondLine(name, tr("norm"), points, ((tr("limit"), float(limit)),))


def _rate(view: RunView, is_recent: bool, _: float) -> SecondLine:
    buckets = _buckets(view.learning_rates, is_recent)
    points = [(_middle(bucket), 1000 * bucket.mean) for bucket in buckets]
    return SecondLine(tr("learning rate"), tr("rate/1000"), points)


def _speed(view: RunView, is_recent: bool, smoothing: float) -> SecondLine | None:
    if view.plan is None or view.description is None:
        return None
    characters = view.plan.batch_size * view.description.training.sequence_length
    buckets = _buckets(view.losses, is_recent)
    speeds = []
    for before, bucket in pairwise(buckets):
        seconds = bucket.elapsed - before.elapsed
        if seconds > 0:
            steps = bucket.last_step - before.last_step
            speed = characters * steps / seconds / 1000
            count, total = bucket.count, speed * bucket.count
            speeds.append(Bucket(bucket.first_step, bucket.last_step, count, speed, total, speed))
    return SecondLine(tr("characters a second"), "1000/s", _smoothed(speeds, smoothing))


def _memory(view: RunView, is_recent: bool, _: float) -> SecondLine:
    begin = view.losses.recent[0].first_step if is_recent and view.losses.recent else 0
    shown = [memory for memory in view.memories if memory.step >= begin]
    tenths = [(float(memory.step), float(memory.tenth or memory.reach)) for memory in shown]
    halves = [(float(memory.step), float(memory.half or memory.reach)) for memory in shown]
    name = tr("memory: a tenth left, a half left")
    return SecondLine(name, tr("back"), tenths, lower=halves)


_LINES: Final[dict[Quantity, Callable[[RunView, bool, float], SecondLine | None]]] = {
    Quantity.NORM: _norm,
    Quantity.RATE: _rate,
    Quantity.SPEED: _speed,
    Quantity.MEMORY: _memory,
}


def _buckets(history: LossHistory, is_recent: bool) -> Sequence[Bucket]:
    return (history.recent if is_recent else ()) or history.buckets


def _smoothed(buckets: Sequence[Bucket], smoothing: float) -> list[Point]:
    means: Iterable[float] = smoothed_means(buckets, smoothing)
    return list(zip(map(_middle, buckets), means, strict=True))


def _middle(bucket: Bucket) -> float:
    return (bucket.first_step - 1 + bucket.last_step) / 2
