"""A stream of characters from a model: primed with a seed text, then drawn one by one."""

import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.lstm import fold_embedding, step, zero_state
from tui_charrnn.generation.sampling import choose
from tui_charrnn.model.checkpoint import Model

_READ_AT_ONCE: Final = 256
"""Characters of a seed text between two questions to the caller: some hundredths of a second."""


@dataclass(frozen=True, slots=True)
class SkippedCharacter:
    """A character of a seed text that the model has never seen."""

    character: str
    position: int
    """In the composed seed text, from 0."""


@dataclass(frozen=True, slots=True)
class PrimedSeed:
    """What the model read of a seed text."""

    text: str
    """The composed seed text without the skipped characters, as far as it was read."""
    skipped: tuple[SkippedCharacter, ...]


@dataclass(frozen=True, slots=True)
class GeneratedCharacter:
    """A character that the model said."""

    character: str
    index: int
    """Its number in the vocabulary."""
    probability: float
    """What it had after temperature and filters, in (0, 1]."""


class CharacterStream:
    """Characters from a model, one at a time and without end.

    Seed text, settings, RNG seed and model file determine the text. The network reads a character
    only when the next one is asked for, so nothing is computed that nobody sees.
    """

    def __init__(self, model: Model, sampling: SamplingConfig) -> None:
        self._characters = model.vocabulary.characters
        self._indices = {character: index for index, character in enumerate(self._characters)}
        with _quiet():
            self._weights = fold_embedding(model.weights, model.config)
        self._sampling = sampling
        self._unread = 0  # the newest character, which the network has not read yet
        self.prime("")

    @property
    def rng_seed(self) -> int:
        """The RNG seed in use: the one that was asked for, or one drawn at the last priming."""
        return self._rng_seed

    @property
    def sampling(self) -> SamplingConfig:
        """The settings of the next character."""
        return self._sampling

    @sampling.setter
    def sampling(self, sampling: SamplingConfig) -> None:
        """Take other settings from the next character on.

        The random numbers run on as they were, unless the settings name another RNG seed.
        """
        self._sampling = sampling
        if sampling.rng_seed not in {None, self._rng_seed}:
            self._restart_rng()

    def prime(self, seed_text: str, should_stop: Callable[[], bool] | None = None) -> PrimedSeed:
        """Forget everything, read a seed text, and start the random numbers anew.

        Characters are composed first (Unicode NFC), as those of a corpus are: a decomposed Hangul
        syllable or accented letter is the one character it looks like. Unknown characters are
        skipped. With nothing to read, the text starts as after a newline, or after the
        vocabulary's first character if it has no newline.

        Args:
            seed_text: What the text begins with.
            should_stop: Asked after every 256 characters whether to leave the rest unread, so that
                a very long seed text can be broken off; the stream then goes on from there.

        Returns:
            What was read, and which characters of the whole seed text are not known.
        """
        composed = unicodedata.normalize("NFC", seed_text)
        spelled = [self._spelled(character) for character in composed]
        known = "".join(spelled)
        self._restart_rng()
        self._state = zero_state(self._weights)
        read = self._read([self._indices[character] for character in known], should_stop)
        return PrimedSeed(
            text=known[:read],
            skipped=tuple(
                SkippedCharacter(character, position)
                for position, character in enumerate(composed)
                if not spelled[position]
            ),
        )

    def next(self) -> GeneratedCharacter:
        """Draw the next character.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        with _quiet():
            logits, self._state = step(self._weights, self._unread, self._state)
        choice = choose(logits, self._sampling, self._rng)
        self._unread = choice.index
        return GeneratedCharacter(self._characters[choice.index], choice.index, choice.probability)

    def _read(self, indices: list[int], should_stop: Callable[[], bool] | None) -> int:
        """Read characters, but for the last, which `next` reads; return how many there were."""
        self._unread = self._indices.get("\n", 0)
        with _quiet():
            for count, index in enumerate(indices):
                if should_stop and count and count % _READ_AT_ONCE == 0 and should_stop():
                    return count
                if count:
                    _, self._state = step(self._weights, self._unread, self._state)
                self._unread = index
        return len(indices)

    def _spelled(self, character: str) -> str:
        """A composed character as the model knows it: itself, its parts, or nothing.

        A corpus may have been read without composing; then the model knows the parts.
        """
        if character in self._indices:
            return character
        parts = unicodedata.normalize("NFD", character)
        return parts if all(part in self._indices for part in parts) else ""

    def _restart_rng(self) -> None:
        asked = self._sampling.rng_seed
        # A drawn seed is short enough to be typed again.
        self._rng_seed = secrets.randbelow(2**32) if asked is None else asked
        self._rng = np.random.Philox(self._rng_seed)


def _quiet() -> np.errstate:
    """Numbers that overflow are reported by `choose`, as an error and in a sentence."""
    return np.errstate(over="ignore", invalid="ignore")
