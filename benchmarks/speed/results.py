"""What `train_speed` measured at a size, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.rounds import Bar, Spread, median_ratio
from benchmarks.speed.sizes import Size

OURS: Final = "ours"
RATIO_BARS: Final = {"keras": Bar(4.0), "torch": Bar(1.9), "torch_bf16": Bar(1.2)}
"""What ours / theirs has to reach, for each peer."""
SHARE_BAR: Final = Bar(0.7)
"""What our share of the best matrix product's rate has to reach."""


@dataclass(frozen=True, slots=True)
class SizeResult:
    """All rounds at one size."""

    size: Size
    vocabulary_size: int
    rates: Mapping[str, Sequence[float]]
    """Characters per second by contender, one a round."""
    products: Mapping[str, Sequence[float]]
    """Operations per second by kind of matrix product, one a round."""
    facts: Mapping[str, Mapping[str, Any]]
    """What each contender told of itself."""

    def ratio(self, peer: str) -> float | None:
        """Our characters per second in those of a peer, or None if one was left out."""
        if OURS not in self.rates or peer not in self.rates:
            return None
        return median_ratio(self.rates[OURS], self.rates[peer])

    def best_product(self) -> str | None:
        """The kind of matrix product with the highest median rate."""
        if not self.products:
            return None
        return max(self.products, key=lambda kind: Spread.of(self.products[kind]).median)

    def share(self) -> float | None:
        """Our operations per second in those of the best matrix product, 1 being all."""
        best = self.best_product()
        if OURS not in self.rates or best is None:
            return None
        operations = self.size.operations_per_character(self.vocabulary_size)
        return median_ratio([rate * operations for rate in self.rates[OURS]], self.products[best])

    def to_json(self) -> dict[str, Any]:
        """Everything that was measured, and the figures that follow."""
        return {
            "size": self.size.label,
            "operations_per_character": self.size.operations_per_character(self.vocabulary_size),
            "characters_per_second": {name: list(rates) for name, rates in self.rates.items()},
            "operations_per_second": {name: list(rates) for name, rates in self.products.items()},
            "ours_to": {peer: self.ratio(peer) for peer in RATIO_BARS},
            "best_product": self.best_product(),
            "share_of_best_product": self.share(),
            "facts": {name: dict(facts) for name, facts in self.facts.items()},
        }
