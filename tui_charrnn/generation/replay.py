"""What was generated, computed again: a text of the history, or one step with gates held.

Notation: V vocabulary size.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from tui_charrnn.generation.neuron import Clamp, Probe, gates_of, parse_clamps
from tui_charrnn.generation.sampling import distribution
from tui_charrnn.generation.stream import CharacterStream, StreamState
from tui_charrnn.hangul import split_syllables
from tui_charrnn.history.generation import Generation
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float64
from tui_charrnn.sampling_config import SamplingConfig


class Replay:
    """Reads the seed text when it is made, then generates one character after another.

    Settings and clamps change where they changed then, so with the same model the text is the same.
    """

    def __init__(
        self, model: Model, generation: Generation, should_stop: Callable[[], bool] | None = None
    ) -> None:
        """Read the seed text of a text of the history that the model generated.

        Raises:
            ConfigError: If the model has not the neurons that were held.
        """
        self._generation = generation
        self.units: Final = model.units
        """What the text comes in; see `Model.units`."""
        self._kept = split_syllables(generation.text) if model.units == "jamo" else generation.text
        self._changes = dict(generation.sampling[1:])
        self._held = {
            after: parse_clamps(words, model.config) for after, words in generation.clamps
        }
        first = dataclasses.replace(generation.sampling[0][1], rng_seed=generation.rng_seed)
        model = dataclasses.replace(model, numbers=generation.numbers)
        self._stream = CharacterStream(model, first, self._held.get(0, ()))
        self.read_text: Final = self._stream.prime(generation.seed_text, should_stop).text
        """What the model read of the seed text."""
        self._count = 0
        """How many characters were generated."""
        self._again: list[str] = []
        """The text so far, as far as there is a kept one to compare it with."""

    def next(self) -> str | None:
        """The next character; None after the last."""
        if self._count >= self._generation.length:
            return None
        if self._count in self._changes:
            changed = self._changes[self._count]
            self._stream.sampling = dataclasses.replace(changed, rng_seed=self._generation.rng_seed)
        if self._count in self._held:
            self._stream.clamps = self._held[self._count]
        character = self._stream.next().character
        if self._count < len(self._kept):
            self._again.append(character)
        self._count += 1
        return character

    def difference(self) -> int | None:
        """The first character that is another than what is kept, from 0; None if all are the same.

        Another machine, or texts generated side by side, may round in another way.
        """
        pairs = zip(self._kept, self._again, strict=False)
        return next((place for place, (one, other) in enumerate(pairs) if one != other), None)


_PLAIN: Final = SamplingConfig(temperature=1)


class GateTrial:
    """A place of a text, by its state, where the newest character is read again, gates held."""

    def __init__(self, model: Model, state: StreamState, sampling: SamplingConfig) -> None:
        self._stream = CharacterStream(model, sampling)
        self._state = state

    def means(self, clamps: tuple[Clamp, ...] = ()) -> dict[Probe, float]:
        """The mean of every gate as the newest character is read with these clamps."""
        self._read(clamps)
        layers = self._stream.layers
        return {
            gate: layers[gate.layer].value(gate) for gate in gates_of(self._stream.model.config)
        }

    def probabilities(self, clamps: tuple[Clamp, ...] = ()) -> Float64:
        """What the model expects next, shape (V,), at temperature 1.

        Clamps hold as the newest character is read; with none, the step is that of the stream, bit
        for bit.
        """
        self._read(clamps)
        return distribution(self._stream.logits, _PLAIN)

    def continuation(self, clamps: tuple[Clamp, ...], length: int) -> Sequence[int]:
        """How the text goes on from the random numbers of this place, in numbers of the vocabulary.

        Clamps hold from the newest character on.
        """
        first = self._read(clamps)
        return [first, *(self._stream.next().index for _ in range(length - 1))]

    def _read(self, clamps: tuple[Clamp, ...]) -> int:
        """Read the newest character with these clamps; return the one that is drawn after it."""
        self._stream.restore(self._state)
        self._stream.clamps = clamps
        return self._stream.next().index
