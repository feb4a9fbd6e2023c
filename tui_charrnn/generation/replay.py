"""Recompute what was generated: a text of the history, or one step with clamped gates.

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
    """Generates a text of the history again, one character at a time.

    Settings and clamps change at the recorded positions, so the same model gives the same text.
    """

    def __init__(
        self, model: Model, generation: Generation, should_stop: Callable[[], bool] | None = None
    ) -> None:
        """Read the seed text of a generation; `should_stop` as in `CharacterStream.feed`.

        Raises:
            ConfigError: If the model lacks a clamped neuron.
        """
        self._generation = generation
        self.units: Final = model.units
        """See `Model.units`."""
        self._stored_text = (
            split_syllables(generation.text) if model.units == "jamo" else generation.text
        )
        self._changes = dict(generation.sampling[1:])
        self._clamps = {
            after: parse_clamps(texts, model.config) for after, texts in generation.clamps
        }
        first = dataclasses.replace(generation.sampling[0][1], rng_seed=generation.rng_seed)
        model = dataclasses.replace(model, numbers=generation.numbers)
        self._stream = CharacterStream(model, first, self._clamps.get(0, ()))
        self.read_text: Final = self._stream.prime(generation.seed_text, should_stop).text
        """What the model read of the seed text."""
        self._count = 0
        """How many characters were generated."""
        self._generated: list[str] = []
        """The generated characters that can be compared with the stored text."""

    def next(self) -> str | None:
        """Generate the next character; return None after the last."""
        if self._count >= self._generation.length:
            return None
        if self._count in self._changes:
            changed = self._changes[self._count]
            self._stream.sampling = dataclasses.replace(changed, rng_seed=self._generation.rng_seed)
        if self._count in self._clamps:
            self._stream.clamps = self._clamps[self._count]
        character = self._stream.next().character
        if self._count < len(self._stored_text):
            self._generated.append(character)
        self._count += 1
        return character

    def difference(self) -> int | None:
        """Return the index of the first character that differs from the stored text, or None.

        Rounding may differ on another machine, or if the texts were generated in parallel.
        """
        pairs = zip(self._stored_text, self._generated, strict=False)
        return next((index for index, (one, other) in enumerate(pairs) if one != other), None)


_PLAIN: Final = SamplingConfig(temperature=1)


class GateTrial:
    """Reads the newest character before a state of a stream again, with gates clamped."""

    def __init__(self, model: Model, state: StreamState, sampling: SamplingConfig) -> None:
        self._stream = CharacterStream(model, sampling)
        self._state = state

    def means(self, clamps: tuple[Clamp, ...] = ()) -> dict[Probe, float]:
        """Return the mean of every gate as the newest character is read with these clamps."""
        self._read(clamps)
        layers = self._stream.layers
        return {
            gate: layers[gate.layer].value(gate) for gate in gates_of(self._stream.model.config)
        }

    def probabilities(self, clamps: tuple[Clamp, ...] = ()) -> Float64:
        """Return the probabilities of the next character, shape (V,), at temperature 1.

        The newest character is read with the clamps; without any the step is bit-identical to that
        of the stream.
        """
        self._read(clamps)
        return distribution(self._stream.logits, _PLAIN)

    def continuation(self, clamps: tuple[Clamp, ...], length: int) -> Sequence[int]:
        """Generate `length` characters from here, as indices of the vocabulary.

        The clamps apply from the newest character on. The random numbers are those of the state.
        """
        first = self._read(clamps)
        return [first, *(self._stream.next().index for _ in range(length - 1))]

    def _read(self, clamps: tuple[Clamp, ...]) -> int:
        """Read the newest character with these clamps and sample the next; return its index."""
        self._stream.restore(self._state)
        self._stream.clamps = clamps
        return self._stream.next().index
