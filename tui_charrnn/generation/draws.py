"""The random numbers of a text: one a character, each of which can be had by its place."""

from typing import Final

import numpy as np

_WORDS: Final = 4
"""Numbers that Philox makes of one value of its counter."""


class Draws:
    """A sequence of uniform numbers that an RNG seed names for ever.

    Source:
        Salmon et al. (2011), Philox 4x64: it counts, so any place is reached at once.
    """

    def __init__(self, rng_seed: int, drawn: int = 0) -> None:
        """Stand at a place of the sequence.

        Args:
            rng_seed: Names the sequence; not negative.
            drawn: How many numbers are passed over.
        """
        self.rng_seed: Final = rng_seed
        self.drawn = drawn
        """How many numbers were drawn, or passed over."""
        self._generator = np.random.Philox(rng_seed)
        if drawn >= _WORDS:
            self._generator.advance(drawn // _WORDS)
        for _ in range(drawn % _WORDS):
            self._generator.random_raw()

    def next(self) -> float:
        """One number in [0, 1).

        It is the high 53 bits of one raw draw, whose stream NumPy never changes.
        """
        self.drawn += 1
        return (self._generator.random_raw() >> 11) * 2.0**-53

    def skip(self) -> None:
        """Pass over one number."""
        self.drawn += 1
        self._generator.random_raw()
