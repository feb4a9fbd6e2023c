"""From steps, epochs or seconds to columns."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tui_charrnn.tui.run.chart.course import Course, Ruler
from tui_charrnn.tui.run.chart.look import Axis, Span
from tui_charrnn.tui.run.chart.round_numbers import (
    count_words,
    multiples,
    number_words,
    round_time_up,
    round_up,
    time_words,
)

_PARTS: Final = 20
"""Of the span: the end of the window is a multiple of one of them, so that it moves seldom."""
_UNITS: Final = {Axis.STEPS: "step", Axis.EPOCHS: "epoch", Axis.TIME: "time"}
_WORDS: Final[dict[Axis, Callable[[float, float], str]]] = {
    Axis.STEPS: count_words,
    Axis.EPOCHS: number_words,
    Axis.TIME: time_words,
}
_GAP: Final = 2
"""Cells between two labels at least."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the axis, and how to find places in it."""

    axis: Axis
    begin: float
    end: float
    """In units of the axis, after the beginning."""

    @classmethod
    def over(
        cls, courses: Sequence[Course], rulers: Sequence[Ruler], axis: Axis, span: Span
    ) -> Self:
        """A window over all of the runs, or over what is newest in the first one."""
        first, course = rulers[0], courses[0]
        newest = max([course.step, *course.gaps[-1:]])
        low, high = 0.0, first.place(newest)
        if span is Span.RECENT and course.buckets:
            low = first.place(course.buckets[0].first_step - 1)
        else:
            others = zip(courses[1:], rulers[1:], strict=True)
            high = max([high, *(ruler.place(other.step) for other, ruler in others)])
        part = round_up(max((high - low) / _PARTS, 1e-9))
        part = max(part, 1.0) if axis is Axis.STEPS else part
        part = max(part, 4 * math.ulp(high))  # or the end could be the beginning
        begin, end = low // part * part, (high // part + 1) * part
        last = first.place(course.total_steps) if course.total_steps and axis != Axis.TIME else 0.0
        if high <= last < end:
            end = last
        return cls(axis, begin, end if end > begin else begin + part)

    def dot(self, place: float, dots: int) -> int:
        """The column of a place among so many; -1 or `dots` for one outside."""
        share = (place - self.begin) / (self.end - self.begin)
        if not 0 <= share <= 1:
            return -1 if share < 0 else dots
        return min(int(share * dots), dots - 1)

    @property
    def unit(self) -> str:
        """What is counted, in a word."""
        return _UNITS[self.axis]

    def ticks(self, width: int) -> dict[int, tuple[int, str]]:
        """Round places below the plot: by their column, where the label begins, and the label.

        Labels keep apart from one another and from the unit, which stands at the end.
        """
        words = _WORDS[self.axis]
        limit = width - len(self.unit) - _GAP
        step = 0.0
        for _ in range(40):  # every round makes the step larger
            step = self._step_above(step)
            ticks: dict[int, tuple[int, str]] = {}
            free = 0
            for place in multiples(step, self.begin, self.end):
                label, column = words(place, step), self.dot(place, width)
                start = max(0, column - len(label) // 2)
                if start + len(label) > limit:
                    break
                if start < free:
                    ticks = {}
                    break
                ticks[column] = start, label
                free = start + len(label) + _GAP
            if ticks:
                return ticks
        return {}

    def _step_above(self, step: float) -> float:
        """A round number larger than a step, for ticks."""
        smallest = max(step * 1.01, (self.end - self.begin) / 40)
        if self.axis is Axis.TIME and smallest > 1:
            return round_time_up(smallest)
        return max(round_up(smallest), 1.0) if self.axis is Axis.STEPS else round_up(smallest)
