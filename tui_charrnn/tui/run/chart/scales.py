"""The scales of the chart: from steps or seconds to columns, from losses to rows, and ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from rich.cells import cell_len

from tui_charrnn.durations import TIME_UNITS, format_units
from tui_charrnn.tui.run.chart.series import Axis, Curvature, Series, Span

_TIMES: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 432_000, 864_000),
)
"""Round spans of time in seconds."""
_LEADS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
"""Leading digits of round numbers, each at most 4/3 of the one before."""


def round_up(span: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is at least `span`, above 0."""
    power = 10.0 ** math.floor(math.log10(min(max(span, 1e-300), 1e300)))
    return next((power * lead for lead in (1, 2, 5) if power * lead >= span), power * 10)


def round_time_up(seconds: float) -> float:
    """Return the smallest round span of time that is at least `seconds`, above 0."""
    return next((float(span) for span in _TIMES if span >= seconds), round_up(seconds))


def multiples(step: float, low: float, high: float) -> list[float]:
    """Return all multiples of `step` from `low` to `high`; none if they are 1,000 or more."""
    if not 0 < step < math.inf or not (high - low) / step < 1_000:
        return []
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def powers(low: float, high: float) -> list[float]:
    """Return round numbers between two positive numbers, spaced logarithmically."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    numbers = (lead * 10.0**exponent for exponent in exponents for lead in _LEADS)
    return [number for number in numbers if low <= number <= high]


def format_number(number: float, step: float) -> str:
    """Return a multiple of a step, as short as the step allows."""
    if number and not 1e-4 <= abs(number) < 1e6:
        return f"{number:.3g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    return f"{number:,.{decimals}f}"


def format_count(number: float, _step: float) -> str:
    """Return a whole number, with commas."""
    return f"{round(number):,}" if abs(number) < 1e15 else f"{number:.3g}"


def format_time(seconds: float, step: float) -> str:
    """Return a multiple of a round span of time, as short as possible: 45s, 10m, 1h30m, 2d."""
    if step < 1 or seconds >= 1e9:
        return format_units(f"{format_number(seconds, step)}s")
    text, left = "", round(seconds)
    for unit, length in TIME_UNITS.items():
        amount, left = divmod(left, int(length))
        text += f"{amount}{unit}" if amount else ""
    return format_units(text) or "0"


_TYPICAL: Final = 0.9
"""The quantile of the losses that must stay clearly visible."""
_OUTLYING: Final = 2.5
"""The scale is cut if the highest loss is this many times as far above the lowest as that
quantile."""
_HEADROOM: Final = 1.5
"""Where the scale is cut, as a multiple of that quantile's distance from the lowest loss."""
_NEAR: Final = 0.25
"""A reference is on the scale if its distance is at most this share of the span of losses."""
_STALE: Final = 0.6
"""An earlier scale is dropped once the losses fill a smaller share of it."""
_ROUNDNESS: Final = 16
"""Parts of the span to which the ends of a scale are rounded."""
_LARGEST: Final = 1e300
"""Losses from here on are not drawn: differences could be infinite."""
_CURVED: Final = 2.0
"""Minimum ratio of the ends of a logarithmic scale for logarithmic ticks."""


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Maps a loss to a share of the height: 0 at the bottom, 1 at the top."""

    low: float
    high: float
    curvature: Curvature

    @classmethod
    def over(
        cls,
        losses: Sequence[float],
        references: Iterable[float],
        curvature: Curvature,
        *,
        shown: Iterable[float] = (),
    ) -> Self:
        """Return a scale on which most losses can be distinguished.

        A few losses far above the others, such as those of the first batches, may be above it.

        Args:
            losses: All losses that are drawn.
            references: Losses to compare with; they are on the scale if they are near it.
            curvature: How losses are mapped to the height.
            shown: Losses that must be on the scale.
        """
        is_logarithmic = curvature is Curvature.LOGARITHMIC
        kept = sorted(loss for loss in losses if _can_be_drawn(loss, is_logarithmic))
        known = sorted(loss for loss in references if _can_be_drawn(loss, is_logarithmic))
        if kept:
            low, high = kept[0], kept[-1]
            typical = kept[math.ceil(_TYPICAL * len(kept)) - 1]
            if not is_logarithmic and 0 < _OUTLYING * (typical - low) < high - low:
                high = low + _HEADROOM * (typical - low)
            reach = _NEAR * (high - low)
            near = [loss for loss in known if low - reach <= loss <= high + reach]
            near += [loss for loss in shown if _can_be_drawn(loss, is_logarithmic)]
            low, high = min([low, *near]), max([high, *near])
        elif known:
            low, high = known[0], known[-1]
        else:
            low, high = (1.0, 10.0) if is_logarithmic else (0.0, 1.0)
        return cls(*_rounded(low, high, is_logarithmic), curvature)

    def or_earlier(self, earlier: "ValueScale | None") -> "ValueScale":
        """Return the earlier scale while it fits, so that the chart does not move."""
        if earlier is None or earlier.curvature is not self.curvature:
            return self
        takes_in = earlier.low <= self.low and self.high <= earlier.high
        is_filled = self.high - self.low >= _STALE * (earlier.high - earlier.low)
        return earlier if takes_in and is_filled else self

    def share(self, loss: float) -> float:
        """Return the height of a loss as a share; below 0 or above 1 if it is off the scale."""
        if not math.isfinite(loss):
            return -1.0 if loss == -math.inf else 2.0
        low, high = self.low, self.high
        if self.curvature is Curvature.LOGARITHMIC:
            if loss <= 0:
                return -1.0
            loss, low, high = math.log(loss), math.log(low), math.log(high)
        return max(-1.0, min(2.0, (loss - low) / (high - low)))

    def dot(self, loss: float, dots: int) -> int:
        """Return the row of a loss among `dots` rows, from the top, clamped."""
        return min(max(round((1 - self.share(loss)) * (dots - 1)), 0), dots - 1)

    def ticks(self, rows: int, dots: int, factor: float = 1.0) -> dict[int, str]:
        """Return round numbers beside `rows` rows with `dots` dots in all, by row from the top.

        The axis shows losses times `factor`.
        """
        low, high = self.low * factor, self.high * factor
        step, numbers = 1.0, list[float]()
        for apart_rows in (3, 2):  # rows between numbers; fewer if there are few numbers
            if len(numbers) < 3:
                step = round_up((high - low) * apart_rows / rows)
                numbers = multiples(step, low, high)
        if self.curvature is Curvature.LOGARITHMIC and high >= _CURVED * low:
            numbers, step = powers(low, high), 0.0
        labels: dict[int, str] = {}
        for number in numbers:
            row = self.dot(number / factor, dots) * rows // dots
            if not {row - 1, row, row + 1} & labels.keys():
                labels[row] = format_number(number, step) if step else f"{number:.3g}"
        return labels

    def contains(self, loss: float) -> bool:
        """Whether a loss is on the scale."""
        return self.low <= loss <= self.high


def quantile(values: Iterable[float], share: float) -> list[float]:
    """Return the value that `share` of all values do not exceed, in a list; empty for none."""
    ordered = sorted(filter(math.isfinite, values))
    return [ordered[max(0, math.ceil(share * len(ordered)) - 1)]] if ordered else []


def _can_be_drawn(loss: float, is_logarithmic: bool) -> bool:
    return abs(loss) < _LARGEST and (loss > 1 / _LARGEST or not is_logarithmic)


def _rounded(low: float, high: float, is_logarithmic: bool) -> tuple[float, float]:
    """Return the ends moved apart to round numbers, which change seldom during a run."""
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        margin = 0.05 * max(abs(high), abs(low)) or 0.5
        low, high = low - margin, high + margin
    step = round_up((high - low) / _ROUNDNESS)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    return (bottom if bottom > 0 or not is_logarithmic else low), top


_PARTS: Final = 20
"""Parts of the span; the window ends at a multiple of a part, so that it moves seldom."""
UNITS: Final = {Axis.STEPS: "step", Axis.EPOCHS: "epoch", Axis.TIME: "time"}
_FORMATS: Final = {Axis.STEPS: format_count, Axis.EPOCHS: format_number, Axis.TIME: format_time}


@dataclass(frozen=True, slots=True)
class Window:
    """A range of the horizontal axis, and the columns of positions in it."""

    axis: Axis
    begin: float
    end: float
    """In units of the axis; above `begin`."""

    @classmethod
    def over(cls, all_series: Sequence[Series], span: Span) -> Self:
        """Return a window over all runs, or over the newest part of the first run."""
        series = all_series[0]
        axis, newest = series.axis, max([series.step, *series.gaps[-1:]])
        low, high = 0.0, series.place(newest)
        if span is Span.RECENT and series.buckets:
            low = series.place(series.buckets[0].first_step - 1)
        else:
            # the pinned run does not widen the window: it may be a long one
            ends = (other.place(other.step) for other in all_series[1:] if not other.is_pinned)
            high = max([high, *ends])
        part = round_up(max((high - low) / _PARTS, 1e-9))
        part = max(part, 1.0) if axis is Axis.STEPS else part
        part = max(part, 4 * math.ulp(high))  # else the end could equal the beginning
        begin, end = low // part * part, (high // part + 1) * part
        last = series.place(series.total_steps) if series.total_steps and axis != Axis.TIME else 0.0
        if high <= last < end:
            end = last
        return cls(axis, begin, end if end > begin else begin + part)

    def contains(self, place: float) -> bool:
        """Whether a position is in the window."""
        return self.begin <= place <= self.end

    def dot(self, place: float, dots: int) -> int:
        """Return the column of a position among `dots`; -1 or `dots` if it is outside."""
        share = (place - self.begin) / (self.end - self.begin)
        if not 0 <= share <= 1:
            return -1 if share < 0 else dots
        return min(int(share * dots), dots - 1)

    def ticks(self, width: int) -> dict[int, tuple[int, str]]:
        """Return ticks at round positions, by column: where the label begins, and the label.

        Labels do not touch one another; the last one ends within the plot.
        """
        format_place, limit = _FORMATS[self.axis], width
        step = 0.0
        for _ in range(40):  # every round makes the step larger
            step = self._step_above(step)
            ticks: dict[int, tuple[int, str]] = {}
            free = 0
            for place in multiples(step, self.begin, self.end):
                label, column = format_place(place, step), self.dot(place, width)
                cells = cell_len(label)
                start = min(max(0, column - cells // 2), limit - cells)
                if start < free:
                    ticks = {}
                    break
                ticks[column] = start, label
                free = start + cells + 2  # cells between two labels
            if ticks:
                return ticks
        return {}

    def _step_above(self, step: float) -> float:
        """Return a round step larger than `step`."""
        smallest = max(step * 1.01, (self.end - self.begin) / 40)
        if self.axis is Axis.TIME and smallest > 1:
            return round_time_up(smallest)
        return max(round_up(smallest), 1.0) if self.axis is Axis.STEPS else round_up(smallest)
