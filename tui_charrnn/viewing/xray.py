"""Color levels of the x-ray: which level a value has, and what the levels mean."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tui_charrnn.translation import tr

if TYPE_CHECKING:
    from tui_charrnn.lens.reading import Prediction


LEVELS: Final = 5
"""How many levels every measure has."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A value of a character that a text can be colored by."""

    name: Literal["probability", "surprise", "entropy"]
    unit: str
    borders: tuple[float, ...]
    """Borders between levels, ascending, in the displayed unit."""
    falls: bool = False
    """Whether the smallest values have the highest level."""

    def value(self, expected: Prediction) -> float:
        """The value of a character, in the displayed unit."""
        value: float = getattr(expected, self.name)
        return 100 * value if self.name == "probability" else value

    def level(self, expected: Prediction) -> int:
        """The level, from 0 (as expected) to `LEVELS` - 1 (least expected)."""
        step = bisect_right(self.borders, self.value(expected))
        return len(self.borders) - step if self.falls else step

    def level_labels(self) -> list[str]:
        """The range of each level in the unit, from level 0 on."""
        first, *_, last = self.borders
        ranges = [
            f"{low:g}\N{EN DASH}{high:g}"
            for low, high in zip(self.borders, self.borders[1:], strict=False)
        ]
        words = [f"<{first:g}", *ranges, f"≥{last:g}"]
        return words[::-1] if self.falls else words


MEASURES: Final = (
    Measure("probability", "%", (1, 5, 20, 50), falls=True),
    Measure("surprise", "bits", (1, 2, 4, 7)),
    Measure("entropy", "bits", (0.5, 1, 2, 3)),
)
"""The measures, in the order in which a key cycles through them."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Levels of a value below, near and above a middle."""

    borders: tuple[float, float, float, float]
    """Borders between levels, ascending; level 2 is the middle."""
    ends: tuple[str, str] = ("", "")
    """Names of the lowest and the highest level, if any."""

    def level(self, value: float) -> int:
        """From 0, far below the middle, to `LEVELS` - 1, far above it."""
        return bisect_right(self.borders, value)

    def level_labels(self) -> list[str]:
        """What each level means, from level 0 on."""
        lowest, low, high, highest = (f"{border:.3g}" for border in self.borders)
        first, last = (f" {tr(name)}" if name else "" for name in self.ends)
        between = tr("between")
        return [f"<{lowest}{first}", f"<{low}", between, f"≥{high}", f"≥{highest}{last}"]


GATE_SCALE: Final = Scale((0.1, 0.3, 0.7, 0.9), ("shut", "open"))
"""For a gate, between 0 and 1."""
MEAN_GATE_SCALE: Final = Scale((0.3, 0.4, 0.6, 0.7))
"""For its mean over a layer, which rarely comes near 0 or 1."""
CANDIDATE_SCALE: Final = Scale((-0.8, -0.4, 0.4, 0.8))
"""For a candidate state, between -1 and 1."""
MEAN_CANDIDATE_SCALE: Final = Scale((-0.1, -0.03, 0.03, 0.1))
"""For its mean over a layer."""
INFLUENCE_SCALE: Final = Scale((0.01, 0.05, 0.2, 0.5))
"""For the influence of an earlier character, as a share of the largest."""
INFLUENCE_WORDS: Final = (
    "<1",
    "1\N{EN DASH}5",
    "5\N{EN DASH}20",
    "20\N{EN DASH}50",
    "≥50",
)
_NEAR, _FAR = 0.2, 0.5
"""Borders of a neuron's levels, as shares of its largest absolute value."""
_DEVIATIONS: Final = (0.5, 1.5)
"""The same in standard deviations, equal to those in `lens.levels`."""


def neuron_scale(largest: float) -> Scale:
    """The levels of a neuron by its largest absolute value so far.

    They change in few steps, at 1, 2 or 5 times a power of ten, so that a streaming text is not
    recolored at every character.
    """
    full = full_scale(largest)
    near, far = _NEAR * full, _FAR * full
    return Scale((-far, -near, near, far))


def deviation_scale(mean: float, deviation: float) -> Scale:
    """The levels of a neuron with known mean and standard deviation over a text."""
    near, far = (steps * deviation for steps in _DEVIATIONS)
    return Scale((mean - far, mean - near, mean + near, mean + far))


def full_scale(largest: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is at least `largest`, or else 1."""
    if not 0 < largest < math.inf:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next((step * power for step in (1, 2, 5) if largest <= step * power), 10 * power)
