"""The x-ray of a text: which level a number of a character has, and what the levels mean."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.config import SamplingConfig
    from tui_charrnn.generation.tape import Alternative, TapePosition
    from tui_charrnn.lens.reading import Prediction


LEVELS: Final = 5
"""How many levels every measure has."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a character that a text can be colored by."""

    name: Literal["probability", "surprise", "entropy"]
    unit: str
    borders: tuple[float, ...]
    """Where the next level begins, ascending; in the unit that people read."""
    falls: bool = False
    """Whether the smallest numbers are on the highest level."""

    def value(self, expected: Prediction) -> float:
        """The number of a character, in the unit that people read."""
        value: float = getattr(expected, self.name)
        return 100 * value if self.name == "probability" else value

    def level(self, expected: Prediction) -> int:
        """From 0, as expected, to `LEVELS` - 1, where the model knew least."""
        step = bisect_right(self.borders, self.value(expected))
        return len(self.borders) - step if self.falls else step

    def level_labels(self) -> list[str]:
        """What each level means, from level 0 on, as a range in the unit."""
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
"""What a text can be colored by, in the order in which they are gone through."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Levels of a number that lies on both sides of a middle: below it, about it, above it."""

    borders: tuple[float, float, float, float]
    """Where the next level begins, ascending; level 2 is the middle."""
    ends: tuple[str, str] = ("", "")
    """What the lowest and the highest level are called, if they have names."""

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
"""Of a gate, which lies between 0 and 1."""
MEAN_GATE_SCALE: Final = Scale((0.3, 0.4, 0.6, 0.7))
"""Of its mean over a layer, which hardly comes near the ends."""
CANDIDATE_SCALE: Final = Scale((-0.8, -0.4, 0.4, 0.8))
"""Of what is offered to a state, which lies between -1 and 1."""
MEAN_CANDIDATE_SCALE: Final = Scale((-0.1, -0.03, 0.03, 0.1))
"""Of its mean over a layer."""
INFLUENCE_SCALE: Final = Scale((0.01, 0.05, 0.2, 0.5))
"""Of the influence of an earlier character, as a share of the largest."""
INFLUENCE_WORDS: Final = (
    "<1 %",
    "1\N{EN DASH}5 %",
    "5\N{EN DASH}20 %",
    "20\N{EN DASH}50 %",
    "≥50 %",
)
_NEAR, _FAR = 0.2, 0.5
"""Shares of the largest value at which a neuron is off the middle, and far off it."""
_DEVIATIONS: Final = (0.5, 1.5)
"""The same in standard deviations, where they are known; as `lens.levels` has them."""


def neuron_scale(largest: float) -> Scale:
    """The levels of a neuron whose values were so far from 0 at most.

    They change in few steps, at 1, 2 or 5 of a power of ten, so that a text that streams is not
    colored anew by every character.
    """
    full = full_scale(largest)
    near, far = _NEAR * full, _FAR * full
    return Scale((-far, -near, near, far))


def deviation_scale(mean: float, deviation: float) -> Scale:
    """The levels of a neuron of which mean and standard deviation over a text are known."""
    near, far = (steps * deviation for steps in _DEVIATIONS)
    return Scale((mean - far, mean - near, mean + near, mean + far))


def full_scale(largest: float) -> float:
    """The next 1, 2 or 5 of a power of ten not below a number; 1 if that is not positive."""
    if not 0 < largest < math.inf:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next((step * power for step in (1, 2, 5) if largest <= step * power), 10 * power)


def format_choice(moment: TapePosition, alternatives: Sequence[Alternative]) -> str:
    """What came at a place, and by which settings it was chosen."""
    parts = [format_sampling(moment.sampling)]
    surprise = moment.surprise
    if surprise is not None:
        by_model = sorted(alternatives, key=lambda other: -other.model_probability)
        ranked = [other.index for other in by_model]
        rank = tr("unknown to the model")
        if moment.chosen in ranked:  # the unknown symbol is not
            place = ranked.index(moment.chosen) + 1
            rank = tr("likeliest {place} of {count}", place=place, count=len(ranked))
        came = (
            tr("taken: {rank}, {bits:.1f} bits", rank=rank, bits=surprise)
            if moment.was_taken
            else tr("drawn: {rank}, {bits:.1f} bits", rank=rank, bits=surprise)
        )
        parts.insert(0, came)
    return " · ".join(parts)


RULES: Final = ("allow", "forbid", "line_starts", "acrostic")
"""Settings of rules for the characters; their names are translated where they are shown."""


def format_sampling(sampling: SamplingConfig) -> str:
    """The settings that differ from plain sampling, and the temperature."""
    parts = [tr("temperature {value:g}", value=sampling.temperature)]
    if sampling.top_k is not None:
        parts.append(f"top-k {sampling.top_k}")
    if sampling.top_p is not None:
        parts.append(f"top-p {sampling.top_p:g}")
    if sampling.min_p is not None:
        parts.append(f"min-p {sampling.min_p:g}")
    if sampling.repetition_penalty != 1:
        parts.append(tr("repetition penalty {value:g}", value=sampling.repetition_penalty))
        parts.append(tr("window {count}", count=sampling.repetition_window))
    for name in RULES:
        if rule := getattr(sampling, name):
            parts.append(f"{tr(name.replace('_', ' '))} {safe_line(rule)}")
    return " · ".join(parts)
