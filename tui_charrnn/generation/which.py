"""From which of several corpora a text comes, as models of them have it.

Every model is held as likely as any other before the first character; each character then weighs in
with its probability under each of them.

Notation: M models, N characters.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.scoring import Float64, TextScorer
from tui_charrnn.generation.text_scores import UNKNOWN_BITS
from tui_charrnn.model.checkpoint import Model


@dataclass(frozen=True, slots=True)
class Origin:
    """What models make of a text."""

    names: tuple[str, ...]
    """Of the models."""
    text: str
    """In composed form (Unicode NFC)."""
    bits: Float64
    """-log2 p of each character under each model, shape (M, N); where a model does not know the
    character, it is that of a choice among all of Unicode."""
    unknown: tuple[int, ...]
    """Characters that each model does not know."""

    @property
    def totals(self) -> Float64:
        """Bits of the whole text under each model, shape (M,)."""
        totals: Float64 = self.bits.sum(axis=1)
        return totals

    @property
    def path(self) -> Float64:
        """The probability of each model after each character, shape (M, N + 1), from 1/M on."""
        sums = np.pad(self.bits.cumsum(axis=1), ((0, 0), (1, 0)))
        weights = np.exp2(sums.min(axis=0) - sums)
        path: Float64 = weights / weights.sum(axis=0)
        return path

    @property
    def probabilities(self) -> Float64:
        """The probability of each model after the whole text, shape (M,)."""
        path: Float64 = self.path[:, -1]
        return path

    @property
    def order(self) -> list[int]:
        """The models, the likeliest first; of equals, the first named."""
        return [int(number) for number in np.argsort(self.totals, kind="stable")]


class OriginReader:
    """Reads a text that grows, as while it is typed: what was read is not read again."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Read nothing yet.

        Args:
            models: By name, two at least.

        Raises:
            ModelFileError: If one reads both directions: it cannot tell as a text grows.
        """
        for name, model in models.items():
            if model.config.reads_both:
                raise ModelFileError(
                    "{name} reads both directions, so it says nothing of a text that still grows.",
                    name=name,
                )
        self._scorers = {name: TextScorer(model, streams=1) for name, model in models.items()}
        self._text = ""
        self._bits = np.zeros((len(models), 0))

    def read(self, text: str) -> Origin:
        """Say where a text comes from.

        Args:
            text: Any; it begins as after a newline.

        Raises:
            ModelFileError: If a model's scores are not finite numbers.
        """
        text = unicodedata.normalize("NFC", text)
        if not text.startswith(self._text):
            for scorer in self._scorers.values():
                scorer.begin()
            self._text, self._bits = "", self._bits[:, :0]
        added = text[len(self._text) :]
        if added:
            bits = np.stack([scorer.score(added) for scorer in self._scorers.values()])
            self._bits, self._text = np.concatenate([self._bits, bits], axis=1), text
        unknown = np.isnan(self._bits)
        return Origin(
            names=tuple(self._scorers),
            text=text,
            bits=np.where(unknown, UNKNOWN_BITS, self._bits),
            unknown=tuple(int(count) for count in unknown.sum(axis=1)),
        )
