"""What the bits of single characters add up to: for a text, and for each of its lines.

Notation: N characters of a block of text.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tui_charrnn.generation.scoring import Float64
from tui_charrnn.metrics import perplexity

UNKNOWN_BITS: Final = math.log2(0x110000)
"""What an unknown character costs where models are compared, and only there: a choice among all
code points of Unicode. A model that knows little of a text would otherwise win by what it leaves
out."""
_KEPT_OF_LINE: Final = 1000
"""Characters of a line that are kept to be shown."""


@dataclass(slots=True)
class ScoreTotal:
    """What a model made of some text."""

    characters: int = 0
    """Characters that were scored."""
    unknown: int = 0
    """Characters that were not, as the model has never seen them."""
    bits: float = 0.0
    """Of all that were scored."""

    @property
    def bits_per_character(self) -> float | None:
        """The mean, or None if nothing was scored."""
        return self.bits / self.characters if self.characters else None

    @property
    def perplexity(self) -> float | None:
        """Two to the power of the mean, or None if nothing was scored."""
        mean = self.bits_per_character
        return None if mean is None else perplexity(mean * math.log(2))

    @property
    def comparable_bits(self) -> float:
        """What the whole text would cost, unknown characters too: lower is nearer to the model."""
        return self.bits + self.unknown * UNKNOWN_BITS

    def add(self, bits: Float64) -> None:
        """Add characters: their bits, NaN for an unknown one."""
        is_known = ~np.isnan(bits)
        known = int(is_known.sum())
        self.characters += known
        self.unknown += len(bits) - known
        self.bits += float(bits[is_known].sum())


def ranked(totals: Mapping[str, ScoreTotal]) -> list[str]:
    """The names of models, the one that a text belongs to most first; of equals, the first named.

    Args:
        totals: What each made of the same text.
    """
    return sorted(totals, key=lambda name: totals[name].comparable_bits)


class UnknownCharacters:
    """Counts the characters that a model has never seen."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, block: str, bits: Float64) -> None:
        """Count those of a block of N characters, whose bits, shape (N,), are NaN."""
        self.counts.update(block[place] for place in np.flatnonzero(np.isnan(bits)))


@dataclass(slots=True)
class LineScore:
    """One line of a text, its line feed with it, as every model finds it."""

    number: int
    """From 1."""
    text: str
    """Its first 1,000 characters, without the line feed."""
    totals: dict[str, ScoreTotal]
    """By the name of the model."""


@dataclass(slots=True)
class LineScorer:
    """Cuts a text that comes in blocks into lines; a line costs what its characters cost."""

    models: Sequence[str]
    _line: LineScore = field(init=False)
    _is_empty: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        """Begin with the first line."""
        self._begin(1)

    def add(self, block: str, bits: Mapping[str, Float64]) -> Iterator[LineScore]:
        """Take a block in; the lines that end in it come out.

        Args:
            block: N characters.
            bits: By model, shape (N,) each.
        """
        start = 0
        while start < len(block):
            feed = block.find("\n", start)
            end = len(block) if feed < 0 else feed + 1
            self._extend(block[start : end if feed < 0 else feed], bits, slice(start, end))
            if feed >= 0:
                yield self._line
                self._begin(self._line.number + 1)
            start = end

    def end(self) -> Iterator[LineScore]:
        """The last line, if it is not ended by a line feed."""
        if not self._is_empty:
            yield self._line
            self._begin(self._line.number + 1)

    def _begin(self, number: int) -> None:
        self._line = LineScore(number, "", {name: ScoreTotal() for name in self.models})
        self._is_empty = True

    def _extend(self, text: str, bits: Mapping[str, Float64], part: slice) -> None:
        line = self._line
        line.text += text[: _KEPT_OF_LINE - len(line.text)]
        for name, total in line.totals.items():
            total.add(bits[name][part])
        self._is_empty = False
