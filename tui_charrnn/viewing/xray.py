"""The x-ray of a text: which level a number of a character has, and what the levels mean."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, Literal, Protocol


class Expectation(Protocol):
    """What was expected of a character; see `Prediction`."""

    @property
    def probability(self) -> float:
        """Of the character that came."""

    @property
    def surprise(self) -> float:
        """-log2 of it, bits."""

    @property
    def entropy(self) -> float:
        """How open it was, bits."""


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

    def value(self, expected: Expectation) -> float:
        """The number of a character, in the unit that people read."""
        value: float = getattr(expected, self.name)
        return 100 * value if self.name == "probability" else value

    def level(self, expected: Expectation) -> int:
        """From 0, as expected, to `LEVELS` - 1, where the model knew least."""
        step = bisect_right(self.borders, self.value(expected))
        return len(self.borders) - step if self.falls else step

    def level_words(self) -> list[str]:
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


def next_measure(measure: Measure | None) -> Measure | None:
    """The measure after another one; None, which is off, comes after the last and before the first.

    Args:
        measure: What the text is colored by now.
    """
    cycle = (None, *MEASURES)
    return cycle[(cycle.index(measure) + 1) % len(cycle)]
