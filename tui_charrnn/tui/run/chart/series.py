"""The data that the chart draws of a run; their amount does not grow with the run."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Any, Final, Self, TypeVar, assert_never

from tui_charrnn.metrics import DECAY, Bucket, LossHistory, smoothed_means
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.viewing.formatting import format_ngram
from tui_charrnn.viewing.run_formatting import heldout_text
from tui_charrnn.viewing.run_view import RunView

Point = tuple[float, float]
"""A step, or the middle of several, and a value."""


class Quantity(StrEnum):
    """The second quantity, which is drawn beside the losses."""

    NONE = "losses alone"
    NORM = "gradient norm"
    RATE = "learning rate"
    SPEED = "characters a second"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class SecondLine:
    """The second quantity of a run, ready to be drawn."""

    name: str
    """Its name and explanation, for the legend."""
    unit: str
    """The unit of its axis."""
    points: Sequence[Point]
    """Sorted by step."""
    references: Sequence[tuple[str, float]] = ()
    """Names and values to compare with."""
    lower: Sequence[Point] = ()
    """A second line below the first."""

    def value_at(self, step: float) -> float | None:
        """Return the newest value up to a step, or the first value; None if there is none."""
        found = [value for at, value in self.points if at <= step]
        return found[-1] if found else next((value for _, value in self.points), None)

    @property
    def values(self) -> list[Point]:
        """The points of both lines."""
        return [*self.points, *self.lower]


def second_line(
    view: RunView, quantity: Quantity, *, is_recent: bool, smoothing: float
) -> SecondLine | None:
    """Return a quantity of a run; None if it has no values yet, or for `Quantity.NONE`."""
    match quantity:
        case Quantity.NONE:
            line = None
        case Quantity.NORM:
            line = _norm(view, is_recent, smoothing)
        case Quantity.RATE:
            line = _rate(view, is_recent)
        case Quantity.SPEED:
            line = _speed(view, is_recent, smoothing)
        case Quantity.MEMORY:
            line = _memory(view, is_recent)
        case _:
            assert_never(quantity)
    return line if line is not None and line.points else None


def _norm(view: RunView, is_recent: bool, smoothing: float) -> SecondLine:
    limit = view.description.training.gradient_norm_limit if view.description else None
    points = _smoothed(_buckets(view.gradient_norms, is_recent), smoothing)
    if limit is None:
        return SecondLine(tr("gradient norm, no limit"), tr("norm"), points)
    share = format_percent(view.clipped_share or 0)
    name = tr("gradient norm, {share} over {limit:g}", share=share, limit=limit)
    return SecondLine(name, tr("norm"), points, ((tr("limit"), float(limit)),))


def _rate(view: RunView, is_recent: bool) -> SecondLine:
    buckets = _buckets(view.learning_rates, is_recent)
    points = [(_middle(bucket), 1000 * bucket.mean) for bucket in buckets]
    return SecondLine(tr("learning rate"), tr("e-3"), points)


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
    is_jamo = view.description.training.units == "jamo"
    name = tr("jamo a second" if is_jamo else "characters a second")
    unit = tr("k jamo/s" if is_jamo else "k ch/s")
    return SecondLine(name, unit, _smoothed(speeds, smoothing))


def _memory(view: RunView, is_recent: bool) -> SecondLine:
    begin = view.losses.recent[0].first_step if is_recent and view.losses.recent else 0
    shown = [memory for memory in view.memories if memory.step >= begin]
    tenths = [(float(memory.step), float(memory.tenth or memory.reach)) for memory in shown]
    halves = [(float(memory.step), float(memory.half or memory.reach)) for memory in shown]
    name = tr("memory: a tenth left, a half left")
    return SecondLine(name, tr("back"), tenths, lower=halves)


def _buckets(history: LossHistory, is_recent: bool) -> Sequence[Bucket]:
    return (history.recent if is_recent else ()) or history.buckets


def _smoothed(buckets: Sequence[Bucket], smoothing: float) -> list[Point]:
    means: Iterable[float] = smoothed_means(buckets, smoothing)
    return list(zip(map(_middle, buckets), means, strict=True))


def _middle(bucket: Bucket) -> float:
    return (bucket.first_step - 1 + bucket.last_step) / 2


class Span(StrEnum):
    """How much of the run is shown."""

    WHOLE = "whole run"
    RECENT = "last batches"


class Curvature(StrEnum):
    """How losses are mapped to the height."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"


class Axis(StrEnum):
    """The unit of the horizontal axis."""

    STEPS = "steps"
    EPOCHS = "epochs"
    TIME = "time"


SMOOTHINGS: Final = (0.0, DECAY, 0.98)
"""Decays of the moving average per batch; 0 does not smooth."""
_MOST: Final = 240
"""Maximum number of evaluations or checkpoints drawn, more than fit in most terminals."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """The five display options of a chart."""

    span: Span = Span.WHOLE
    curvature: Curvature = Curvature.LINEAR
    axis: Axis = Axis.STEPS
    smoothing: float = DECAY
    """One of `SMOOTHINGS`."""
    quantity: Quantity = Quantity.NONE
    """The second quantity."""

    def with_next(self, choice: str) -> Self:
        """Return the options with the next value of one of them, such as `span`."""
        now = getattr(self, choice)
        every: Any = SMOOTHINGS if choice == "smoothing" else type(now)
        values = list(every)
        return replace(self, **{choice: values[(values.index(now) + 1) % len(values)]})

    def describe(self, view: RunView | None) -> list[str]:
        """Return the options as text, with the number of batches if only the last are shown."""
        span, smoothing = tr(self.span.value), tr("not smoothed")
        if self.span is Span.RECENT and view is not None and view.batches:
            recent, count = recent_count(view), view.batches
            span = tr("last {recent:,} of {count:,} batches", recent=recent, count=count)
        if self.smoothing:
            smoothing = tr("smoothing {share:g}", share=self.smoothing)
        return [span, tr(self.curvature.value), tr(self.axis.value), smoothing]


@dataclass(frozen=True, slots=True)
class Series:
    """The data of one run that are drawn."""

    name: str
    """The name of the run, as safe text."""
    buckets: Sequence[Bucket]
    line: Sequence[float]
    """The smoothed training loss at each bucket."""
    evaluations: Sequence[SplitEvaluated]
    checkpoints: Sequence[int]
    gaps: Sequence[int]
    """Steps whose loss was not finite."""
    ladder: Sequence[tuple[str, float]]
    """Names and losses of the n-gram models: the best one, then the others in order."""
    corpus: str
    """The held-out text, from `heldout_text`; empty if it is unknown."""
    step: int
    """The current step, which may be ahead of the records that have been read."""
    total_steps: int | None
    steps_per_epoch: int | None
    axis: Axis
    """The unit of the horizontal axis."""
    place: Callable[[float], float]
    """Maps a step to its position on that axis, in its unit."""
    second: SecondLine | None = None
    """The second quantity, if there is one."""
    is_pinned: bool = False
    """Whether it is the pinned run, which is drawn faintly."""

    @classmethod
    def of(cls, view: RunView, options: ChartOptions) -> Self:
        """Return the series of a run; by steps while the length of an epoch is unknown."""
        losses = view.losses
        recent = losses.recent[-recent_count(view) :] if options.span is Span.RECENT else ()
        buckets = recent or losses.buckets
        begin = recent[0].first_step if recent else 0
        after_evaluation = bisect_left(view.evaluations, begin, key=lambda scored: scored.step)
        after_checkpoint = bisect_left(view.checkpoints, begin)
        known = view.baselines
        ladder = list(zip(known.orders, known.losses, strict=True)) if known is not None else []
        ladder.sort(key=lambda rung: rung != view.baseline)
        steps_per_epoch = view.plan.steps_per_epoch if view.plan is not None else None
        is_known = options.axis is not Axis.EPOCHS or steps_per_epoch
        axis = options.axis if is_known else Axis.STEPS
        return cls(
            name=safe_line(view.run.name),
            buckets=buckets,
            line=list(smoothed_means(buckets, options.smoothing)),
            evaluations=_thinned_out(view.evaluations, after_evaluation),
            checkpoints=_thinned_out(view.checkpoints, after_checkpoint),
            gaps=losses.gaps,
            ladder=[(format_ngram(order), loss) for order, loss in ladder],
            corpus=heldout_text(view),
            step=view.step,
            total_steps=view.total_steps,
            steps_per_epoch=steps_per_epoch,
            axis=axis,
            place=_placing(axis, buckets, steps_per_epoch),
            second=second_line(
                view, options.quantity, is_recent=bool(recent), smoothing=options.smoothing
            ),
        )

    def middle(self, bucket: Bucket) -> float:
        """Return the position of the middle of a bucket."""
        return (self.place(bucket.first_step - 1) + self.place(bucket.last_step)) / 2

    def line_at(self, place: float) -> float | None:
        """Return the smoothed loss at a position on the axis; None after the end of the run."""
        after = bisect_left(self.buckets, place, key=lambda bucket: self.place(bucket.last_step))
        return self.line[after] if after < len(self.buckets) else None


def _placing(
    axis: Axis, buckets: Sequence[Bucket], steps_per_epoch: int | None
) -> Callable[[float], float]:
    if axis is Axis.TIME:
        return _timing(buckets)
    factor = 1.0 / steps_per_epoch if axis is Axis.EPOCHS and steps_per_epoch else 1.0
    return lambda step: step * factor


def _timing(buckets: Sequence[Bucket]) -> Callable[[float], float]:
    """Return a function from a step to the seconds of training until then."""
    steps = [buckets[0].first_step - 1 if buckets else 0, *(each.last_step for each in buckets)]
    # times never decrease, even if the clock was set back
    times = list(accumulate((_began(buckets), *(each.elapsed for each in buckets)), max))

    def place(step: float) -> float:
        after = bisect_right(steps, step)
        if not 0 < after < len(steps):
            return times[0] * (step / steps[0]) if after == 0 and steps[0] > 0 else times[after - 1]
        share = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
        return times[after - 1] + share * (times[after] - times[after - 1])

    return place


def _began(buckets: Sequence[Bucket]) -> float:
    """Return the seconds of training before the first bucket."""
    if not buckets or buckets[0].first_step <= 1:
        return 0.0
    first = buckets[0]
    if len(buckets) == 1:
        return first.elapsed
    # estimated from the speed of the next bucket
    following = buckets[1]
    seconds_per_step = (following.elapsed - first.elapsed) / (following.last_step - first.last_step)
    return max(0.0, first.elapsed - seconds_per_step * (first.last_step - first.first_step + 1))


def recent_count(view: RunView) -> int:
    """Return how many batches the recent span shows: those kept, at most a third of the run."""
    # after a rollback there may be none until the run has trained again
    return min(len(view.losses.recent), max(view.batches // 3, 1))


def series_of(
    view: RunView, other: RunView | None, options: ChartOptions, pinned: RunView | None = None
) -> list[Series]:
    """Return the series of a run, of the compared run, and of the pinned run.

    Runs that cannot be placed on the axis of the first are left out.
    """
    run = Series.of(view, options)
    # the others whole, because their last batches are at other steps; the window shows a part
    whole = replace(options, span=Span.WHOLE, axis=run.axis)
    others = [Series.of(other, whole)] if other is not None else []
    if pinned is not None:
        others.append(replace(Series.of(pinned, whole), is_pinned=True))
    return [run, *(each for each in others if each.axis is run.axis)]


def _thinned_out(items: Sequence[_T], begin: int) -> Sequence[_T]:
    """Return the items from an index on and the one before: all, or evenly spaced, and the last.

    The spacing changes only when the number of items doubles, so that the chart does not move.
    """
    first, stride = max(begin - 1, 0), 1
    while (len(items) - first) // stride > _MOST:
        stride *= 2
    first = -(-first // stride) * stride
    chosen = list(items[first::stride])
    is_whole = not items or (len(items) - 1) % stride == 0
    return chosen if is_whole else [*chosen, items[-1]]
