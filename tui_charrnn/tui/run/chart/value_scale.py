"""From losses to heights."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from tui_charrnn.tui.run.chart.look import Curvature
from tui_charrnn.tui.run.chart.round_numbers import (
    apart,
    multiples,
    number_words,
    powers,
    round_up,
)

_TYPICAL: Final = 0.9
"""The quantile of the losses that has to be well visible."""
_OUTLYING: Final = 2.5
"""How many times as far above the lowest the highest must be for the scale to end before it."""
_HEADROOM: Final = 1.5
"""Where it ends then, as a multiple of that quantile's distance from the lowest."""
_NEAR: Final = 0.25
"""A reference within so large a share of the span beside it is taken in."""
_STALE: Final = 0.6
"""A scale is given up once the losses take up a smaller share of it."""
_ROUNDNESS: Final = 16
"""Parts of the span to which the ends of a scale are rounded."""
_DEFAULT: Final = (0.0, 1.0)
_LARGEST: Final = 1e300
"""Beyond it differences would be infinite."""
_ROWS_A_TICK: Final = (3, 2)
"""From one number to the next at least; the second choice is for few numbers."""
_FEW: Final = 3
_CURVED: Final = 2.0
"""How many times as high as its lower end a scale must end to be marked as a logarithmic one."""


@dataclass(frozen=True, slots=True)
class ValueScale:
    """From a loss to a share of the height: 0 at the bottom, 1 at the top."""

    low: float
    high: float
    curvature: Curvature

    @classmethod
    def over(
        cls, losses: Sequence[float], references: Iterable[float], curvature: Curvature
    ) -> Self:
        """A scale on which most losses can be told apart.

        A few losses high above the others, as those of the first batches, end above it.

        Args:
            losses: All that is drawn.
            references: Losses to compare with; they are on the scale if they lie near it.
            curvature: How losses are spread over the height.
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
            low, high = min([low, *near]), max([high, *near])
        elif known:
            low, high = known[0], known[-1]
        else:
            low, high = (1.0, 10.0) if is_logarithmic else _DEFAULT
        return cls(*_rounded(low, high, is_logarithmic), curvature)

    def or_earlier(self, earlier: "ValueScale | None") -> "ValueScale":
        """An earlier scale as long as it does as well, so that a picture keeps still."""
        if earlier is None or earlier.curvature is not self.curvature:
            return self
        takes_in = earlier.low <= self.low and self.high <= earlier.high
        is_filled = self.high - self.low >= _STALE * (earlier.high - earlier.low)
        return earlier if takes_in and is_filled else self

    def share(self, loss: float) -> float:
        """The height of a loss; below 0 or above 1 for one off the scale."""
        if not math.isfinite(loss):
            return -1.0 if loss == -math.inf else 2.0
        low, high = self.low, self.high
        if self.curvature is Curvature.LOGARITHMIC:
            if loss <= 0:
                return -1.0
            loss, low, high = math.log(loss), math.log(low), math.log(high)
        return max(-1.0, min(2.0, (loss - low) / (high - low)))

    def dot(self, loss: float, dots: int) -> int:
        """The place of a loss among so many dots, from the top; clamped to them."""
        return min(max(round((1 - self.share(loss)) * (dots - 1)), 0), dots - 1)

    def ticks(self, rows: int, dots: int, factor: float = 1.0) -> dict[int, str]:
        """Round numbers beside the rows, by the row from the top.

        Args:
            rows: Height of the plot.
            dots: Height of the plot in dots.
            factor: What a loss is multiplied with to be a number of the axis.
        """
        low, high = self.low * factor, self.high * factor
        step, numbers = 1.0, list[float]()
        for apart_rows in _ROWS_A_TICK:
            if len(numbers) < _FEW:
                step = round_up((high - low) * apart_rows / rows)
                numbers = multiples(step, low, high)
        if self.curvature is Curvature.LOGARITHMIC and high >= _CURVED * low:
            numbers, step = powers(low, high), 0.0
        places = [(self.dot(number / factor, dots) * rows // dots, number) for number in numbers]
        return {
            row: number_words(number, step) if step else f"{number:.3g}"
            for row, number in apart(places, 2)
        }

    def contains(self, loss: float) -> bool:
        """Whether a loss lies on the scale."""
        return self.low <= loss <= self.high


def quantile(values: Iterable[float], share: float) -> list[float]:
    """The value that a share of all values do not exceed, alone in a list; empty for none."""
    ordered = sorted(filter(math.isfinite, values))
    return [ordered[max(0, math.ceil(share * len(ordered)) - 1)]] if ordered else []


def _can_be_drawn(loss: float, is_logarithmic: bool) -> bool:
    return abs(loss) < _LARGEST and (loss > 1 / _LARGEST or not is_logarithmic)


def _rounded(low: float, high: float, is_logarithmic: bool) -> tuple[float, float]:
    """The ends moved apart to round numbers, which change seldom while a run goes on."""
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        margin = 0.05 * max(abs(high), abs(low)) or 0.5
        low, high = low - margin, high + margin
    step = round_up((high - low) / _ROUNDNESS)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    return (bottom if bottom > 0 or not is_logarithmic else low), top
