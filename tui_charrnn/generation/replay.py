"""Generates a text of the history again, by its own model."""

import dataclasses
from collections.abc import Callable
from typing import Final

from tui_charrnn.generation.clamping import parse_clamps
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.hangul import split_syllables
from tui_charrnn.history.generation import Generation
from tui_charrnn.model.checkpoint import Model


class Replay:
    """Reads the seed text when it is made, then generates one character after another.

    Settings and clamps change where they changed then, so with the same model the text is the same.
    """

    def __init__(
        self, model: Model, said: Generation, should_stop: Callable[[], bool] | None = None
    ) -> None:
        """Read the seed text.

        Args:
            model: The one that generated it.
            said: The text of the history.
            should_stop: Asked now and then whether to leave the rest of the seed text unread.

        Raises:
            ConfigError: If the model has not the neurons that were held.
        """
        self._said = said
        self.units: Final = model.units
        """What the text comes in; see `Model.units`."""
        self._kept = split_syllables(said.text) if model.units == "jamo" else said.text
        self._changes = dict(said.sampling[1:])
        self._held = {after: parse_clamps(words, model.config) for after, words in said.clamps}
        first = dataclasses.replace(said.sampling[0][1], rng_seed=said.rng_seed)
        model = dataclasses.replace(model, numbers=said.numbers)
        self._stream = CharacterStream(model, first, self._held.get(0, ()))
        self.read_text: Final = self._stream.prime(said.seed_text, should_stop).text
        """What the model read of the seed text."""
        self.spoken = 0
        """How many characters were generated."""
        self._again: list[str] = []
        """The text so far, as far as there is a kept one to compare it with."""

    def next(self) -> str | None:
        """The next character; None after the last."""
        if self.spoken >= self._said.length:
            return None
        if self.spoken in self._changes:
            changed = self._changes[self.spoken]
            self._stream.sampling = dataclasses.replace(changed, rng_seed=self._said.rng_seed)
        if self.spoken in self._held:
            self._stream.clamps = self._held[self.spoken]
        character = self._stream.next().character
        if self.spoken < len(self._kept):
            self._again.append(character)
        self.spoken += 1
        return character

    def difference(self) -> int | None:
        """The first character that is another than what is kept, from 0; None if all are the same.

        Another machine, or texts generated side by side, may round in another way.
        """
        pairs = zip(self._kept, self._again, strict=False)
        return next((place for place, (one, other) in enumerate(pairs) if one != other), None)
