"""Arithmetic on interleaved rounds: medians, spreads, ratios, bars."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some measurements and how far apart they lie."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach."""

    limit: float
    is_upper: bool = False
    """Whether the figure has to stay below the limit rather than reach it."""

    def verdict(self, value: float) -> str:
        """`met` or `missed`."""
        is_met = value < self.limit if self.is_upper else value >= self.limit
        return "met" if is_met else "missed"


def rotated(items: Sequence[Item], round_number: int) -> list[Item]:
    """The items in the order of a round: each is the first one equally often.

    Whatever drifts within a round, as the heat of a processor, then weighs on all alike.
    """
    first = round_number % len(items)
    return [*items[first:], *items[:first]]


def mirrored(first: Item, second: Item, round_number: int) -> tuple[Item, Item]:
    """A pair in one order in even rounds and in the other in odd ones (A B, B A, A B ...)."""
    return (first, second) if round_number % 2 == 0 else (second, first)


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over rounds of what one measured divided by what the other did in that round.

    A slow minute of the machine slows both, and falls out of their ratio.
    """
    pairs = zip(numerators, denominators, strict=True)
    return statistics.median(ours / theirs for ours, theirs in pairs)
