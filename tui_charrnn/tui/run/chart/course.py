"""What the chart draws of a run: the same amount of it, however long the run is."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Self, TypeVar

from tui_charrnn.metrics import Bucket, smoothed_means
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.run.chart.look import Axis, Look, Span
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.run_words import gram_words

_MOST: Final = 240
"""Scores and checkpoints that are drawn at most: more than there is room for in most terminals."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Course:
    """The course of one run."""

    name: str
    """Safe to show."""
    buckets: Sequence[Bucket]
    line: Sequence[float]
    """The smoothed training loss at each bucket."""
    evaluations: Sequence[SplitEvaluated]
    checkpoints: Sequence[int]
    gaps: Sequence[int]
    """Steps whose loss was not finite."""
    ladder: Sequence[tuple[str, float]]
    """Names and losses of the n-gram models: the best one, then the others in their order."""
    step: int
    """How far the run is, which may be further than what has been read of it."""
    total_steps: int | None
    steps_per_epoch: int | None

    @classmethod
    def of(cls, view: RunView, look: Look) -> Self:
        """What is to be drawn of a run."""
        losses = view.losses
        # a run that went far back has no last batches until it has trained some again
        recent = losses.recent if look.span is Span.RECENT else ()
        buckets = recent or losses.buckets
        begin = recent[0].first_step if recent else 0
        after_evaluation = bisect_left(view.evaluations, begin, key=lambda scored: scored.step)
        after_checkpoint = bisect_left(view.checkpoints, begin)
        known = view.baselines
        ladder = list(zip(known.orders, known.losses, strict=True)) if known is not None else []
        ladder.sort(key=lambda rung: rung != view.baseline)
        return cls(
            name=safe_line(view.run.name),
            buckets=buckets,
            line=list(smoothed_means(buckets, look.smoothing)),
            evaluations=_some(view.evaluations, after_evaluation),
            checkpoints=_some(view.checkpoints, after_checkpoint),
            gaps=losses.gaps,
            ladder=[(gram_words(order), loss) for order, loss in ladder],
            step=view.step,
            total_steps=view.total_steps,
            steps_per_epoch=view.plan.steps_per_epoch if view.plan is not None else None,
        )


def courses_of(view: RunView, other: RunView | None, look: Look) -> list[Course]:
    """The courses of a run and of another one that is drawn over it."""
    courses = [Course.of(view, look)]
    if other is not None:
        # its last batches are others than those of the run: all of it, of which a part is shown
        courses.append(Course.of(other, replace(look, span=Span.WHOLE)))
    return courses


class Ruler:
    """Tells where the steps of a run lie on an axis."""

    def __init__(self, course: Course, axis: Axis) -> None:
        """Lay a run along an axis.

        Args:
            course: The run.
            axis: What is counted; steps if the run does not know the other yet.
        """
        self._factor = 1.0
        self._steps: list[int] = []
        self._times: list[float] = []
        if axis is Axis.EPOCHS and course.steps_per_epoch:
            self._factor = 1.0 / course.steps_per_epoch
        if axis is Axis.TIME:
            buckets = course.buckets
            first = buckets[0].first_step - 1 if buckets else 0
            self._steps = [first, *(bucket.last_step for bucket in buckets)]
            times = (_began(buckets), *(bucket.elapsed for bucket in buckets))
            # a clock that was set back does not turn the chart around
            self._times = list(accumulate(times, max))

    def place(self, step: float) -> float:
        """Where a step lies, in units of the axis."""
        steps, times = self._steps, self._times
        if not steps:
            return step * self._factor
        after = bisect_right(steps, step)
        if not 0 < after < len(steps):
            return times[0] * (step / steps[0]) if after == 0 and steps[0] > 0 else times[after - 1]
        share = (step - steps[after - 1]) / (steps[after] - steps[after - 1])
        return times[after - 1] + share * (times[after] - times[after - 1])


def _some(items: Sequence[_T], begin: int) -> Sequence[_T]:
    """Those from a place on and the one before it: all, or evenly spaced ones and the last one.

    Which are chosen changes only when there are twice as many, so that a picture keeps still.
    """
    first, stride = max(begin - 1, 0), 1
    while (len(items) - first) // stride > _MOST:
        stride *= 2
    first = -(-first // stride) * stride
    chosen = list(items[first::stride])
    is_whole = not items or (len(items) - 1) % stride == 0
    return chosen if is_whole else [*chosen, items[-1]]


def _began(buckets: Sequence[Bucket]) -> float:
    """Seconds of work before the first bucket."""
    if not buckets or buckets[0].first_step <= 1:
        return 0.0
    first = buckets[0]
    if len(buckets) == 1:
        return first.elapsed
    # as long as the next one took, for as many steps
    following = buckets[1]
    pace = (following.elapsed - first.elapsed) / (following.last_step - first.last_step)
    return max(0.0, first.elapsed - pace * (first.last_step - first.first_step + 1))
