"""A place of a text, with all that was known before its character was chosen."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.generation.sampling import Float64, distribution, surprise
from tui_charrnn.generation.stream import StreamState
from tui_charrnn.model.weights import Float32
from tui_charrnn.sampling_config import SamplingConfig

_PLAIN: Final = SamplingConfig(temperature=1)


@dataclass(frozen=True, slots=True)
class Alternative:
    """A character that could come, or could have come, at a place."""

    character: str
    index: int
    """Its number in the vocabulary."""
    probability: float
    """Under the settings of that place; 0 if they had filtered it out."""
    model_probability: float
    """As the model gives it: at temperature 1, without penalty and filters."""


@dataclass(frozen=True, slots=True)
class TapePosition:
    """A place of a text: all that was known before its character was chosen."""

    position: int
    state: StreamState
    """What a stream holds here."""
    logits: Float32
    """The scores of all characters, shape (V,)."""
    sampling: SamplingConfig
    """The settings that the choice was made by; at the end of a text those of the next."""
    probabilities: Float64
    """Of all characters under these settings, shape (V,)."""
    chosen: int | None
    """The number of the character that came; None at the end of a text."""
    was_taken: bool
    """Whether it was not drawn but taken at somebody's word."""

    @property
    def surprise(self) -> float | None:
        """-log2 of what the model itself gave the character, in bits; None at the end."""
        return None if self.chosen is None else surprise(self.logits, self.chosen)

    def alternatives(self, characters: str) -> list[Alternative]:
        """All characters that could stand here, the likeliest under the settings first.

        The unknown symbol is none: it never comes.

        Args:
            characters: The vocabulary, V of them.
        """
        own = distribution(self.logits, _PLAIN)
        order = sorted(range(len(own)), key=lambda index: (-self.probabilities[index], -own[index]))
        return [
            Alternative(
                characters[index], index, float(self.probabilities[index]), float(own[index])
            )
            for index in order
            if self.logits[index] > -np.inf
        ]
