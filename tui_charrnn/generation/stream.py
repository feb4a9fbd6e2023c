"""A stream of characters from a model: primed with a seed text, then sampled one by one.

A text of the history is replayed by a stream with the recorded settings.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.constraints import START, Constraints, LinePlace
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.neuron import Clamp, parse_clamps
from tui_charrnn.generation.sampling import (
    RandomStream,
    Sampler,
    choose,
    distribution,
    fresh_rng_seed,
)
from tui_charrnn.hangul import split_syllables
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32

if TYPE_CHECKING:
    from tui_charrnn.history.generation import Generation


class PrimedSeed(NamedTuple):
    """What the model read of a seed text."""

    text: str
    """The part of the composed seed text that was read; unknown characters are replaced by the
    unknown symbol, or left out."""
    unknown: dict[int, str]
    """Characters of the composed seed text that the model does not know, by position."""


class StopStrings:
    """Watches generated characters for strings that end the text.

    The seed text does not count. The stop string is part of the text, as it has been streamed.
    """

    def __init__(self, strings: Sequence[str], units: str = "characters") -> None:
        """Start with an empty text; the strings are composed first (Unicode NFC), as a corpus is.

        Raises:
            ConfigError: If one of them is empty.
        """
        if "" in strings:
            raise ConfigError("A stop string must have at least 1 character. Received: ''.")
        composed = [unicodedata.normalize("NFC", string) for string in strings]
        self.strings: Final = tuple(
            split_syllables(string) if units == "jamo" else string for string in composed
        )
        """The stop strings in the units of the model: characters or jamo."""
        self._longest = max(map(len, self.strings), default=0)
        self._end = ""

    def has_ended(self, character: str) -> bool:
        """Add one character of the text; return whether it completes a stop string."""
        if not self.strings:
            return False
        self._end = (self._end + character)[-self._longest :]
        return self._end.endswith(self.strings)

    def unreachable(self, vocabulary: str) -> list[str]:
        """Return the strings that have characters outside the vocabulary."""
        known = set(vocabulary)
        return [string for string in self.strings if not known.issuperset(string)]


_READ_AT_ONCE: Final = 256
"""Characters of a seed text between two calls of `should_stop`: some hundredths of a second."""

LONGEST_WINDOW: Final = int(SamplingConfig.bounds()["repetition_window"].maximum)
"""Recent characters that a stream keeps for the repetition penalty."""


class GeneratedCharacter(NamedTuple):
    """A character that was generated."""

    character: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    """Its index in the vocabulary."""
    probability: float
    """After penalty, temperature and filters; in (0, 1] if it was sampled, in [0, 1] if the user
    chose it."""


_generated: Final = partial(tuple.__new__, GeneratedCharacter)
"""A `GeneratedCharacter` of its three fields, in two thirds of the time."""


class StreamState(NamedTuple):
    """Everything that the following text depends on, except the model and the settings."""

    network: Float32
    """State of the network, shape (S,), before it reads `unread`."""
    unread: int
    """The newest character, which the network has not read yet."""
    rng_seed: int
    drawn: int
    """How many random numbers were drawn with that seed."""
    recent: tuple[int, ...]
    """The last characters of seed text and text, at most `LONGEST_WINDOW`, of the current record.
    """
    place: LinePlace = START
    """Line and column of the next character, for constraints on lines."""


class CharacterStream:
    """An endless stream of characters from a model.

    Seed text, settings, RNG seed and model file determine the text. The network reads a character
    only when the next one is requested.
    """

    def __init__(
        self, model: Model, sampling: SamplingConfig, clamps: Sequence[Clamp] = ()
    ) -> None:
        """Start as if after an empty seed text.

        The clamps apply from the first character of the seed text on.
        """
        self.model: Final = model
        self._characters = model.vocabulary.shown
        self._end = model.vocabulary.end_index
        self._unknown = model.vocabulary.unknown_index
        self._weights_of = Sampler(len(self._characters), self._unknown).weights_of
        self.weights: Final = fold_embedding(model)
        self._stepper = Stepper(self.weights, clamps=clamps)
        self.network: Final = self._stepper.state
        """State of the network before the newest character, shape (S,); overwritten by `next`."""
        self.logits: Final = self._stepper.logits
        """Logits from which the last character was sampled, shape (V,); overwritten by `next`."""
        self.layers: Final = self._stepper.layers
        """The layers, the lowest first, with the states and gates of the same step as `network`."""
        self.constraints: Final = Constraints(model)
        self._sampling = sampling
        self._clamps = tuple(clamps)
        self.prime("")

    @property
    def rng_seed(self) -> int:
        """The RNG seed in use: that of the settings, or a random one chosen at the last priming."""
        return self.draws.rng_seed

    @property
    def sampling(self) -> SamplingConfig:
        """The settings of the next character."""
        return self._sampling

    @sampling.setter
    def sampling(self, sampling: SamplingConfig) -> None:
        """Change the settings from the next character on.

        The random numbers continue, unless the settings have another RNG seed.
        """
        self._sampling = sampling
        if sampling.rng_seed not in {None, self.rng_seed}:
            self.redraw(sampling.rng_seed)

    @property
    def is_complete(self) -> bool:
        """Whether the text has all lines of the acrostic, and so is to end."""
        return self.constraints.is_complete(self._sampling, self._place)

    @property
    def is_between_records(self) -> bool:
        """Whether the newest character ended a record."""
        return self._unread == self._end

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """The clamped neurons and their values."""
        return self._clamps

    @clamps.setter
    def clamps(self, clamps: tuple[Clamp, ...]) -> None:
        """Replace the clamps from the next character that the network reads on.

        The state does not change until then.
        """
        self._clamps = clamps
        self._stepper.set_clamps(clamps)

    def prime(self, seed_text: str, should_stop: Callable[[], bool] | None = None) -> PrimedSeed:
        """Reset the state and the random numbers, and read a seed text.

        After an empty seed text, the text starts as if after a newline, or after the vocabulary's
        first character if it has no newline; a record always starts after an end symbol. Arguments
        and result are those of `feed`.
        """
        self.redraw(self._sampling.rng_seed)
        self._stepper.restore(0)
        self._recent: deque[int] = deque(maxlen=LONGEST_WINDOW)
        self._unread = self.model.vocabulary.start_index
        return self.feed(seed_text, should_stop)

    def feed(self, text: str, should_stop: Callable[[], bool] | None = None) -> PrimedSeed:
        """Read more seed text; return what was read, and the unknown characters of all of it.

        Characters are composed first (Unicode NFC), as those of a corpus are. `Vocabulary.spell`
        defines how they and unknown characters are read.

        `should_stop` is called after every 256 characters; if it returns True, the rest stays
        unread and the stream continues from there.
        """
        composed = unicodedata.normalize("NFC", text)
        vocabulary = self.model.vocabulary
        spelled = vocabulary.spell(composed)
        read = 0
        for index in spelled.indices.tolist():
            if should_stop and read and read % _READ_AT_ONCE == 0 and should_stop():
                break
            # the newest character is read by `next`, the start symbol only if there is no other
            if self._recent or self.is_between_records:
                self._stepper.read(self._unread)
            self._unread = index
            add_recent(self._recent, index, self._end)
            read += 1
        self._place = self.constraints.place_after(self._recent[-1] if self._recent else None)
        return PrimedSeed(vocabulary.decode(spelled.indices[:read]), spelled.unknown_in(composed))

    def next(self) -> GeneratedCharacter:
        """Sample the next character.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        return self.take(None)

    def take(self, index: int | None) -> GeneratedCharacter:
        """Make the character of an index the next one; None samples it.

        One random number is drawn in either case, so the following text does not depend on which
        characters were sampled.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        sampling = self._sampling
        logits = self.constraints.apply(
            self._stepper.read(self._unread), sampling, self._recent, self._place
        )
        recent, uniform = self._recent, self.draws.next()
        if index is None:
            index, probability = choose(self._weights_of(logits, sampling, recent), uniform)
        else:
            probability = distribution(logits, sampling, recent, self._unknown).item(index)
        self._unread = index
        add_recent(recent, index, self._end)
        self._place = self.constraints.next_place(self._place, index)
        return _generated((self._characters[index], index, probability))

    def snapshot(self) -> StreamState:
        """Return the current state, for `restore`."""
        return StreamState(
            network=self.network.copy(),
            unread=self._unread,
            rng_seed=self.draws.rng_seed,
            drawn=self.draws.drawn,
            recent=tuple(self._recent),
            place=self._place,
        )

    def restore(self, state: StreamState) -> None:
        """Return to a state; the settings stay, but the RNG seed is that of the state."""
        self._stepper.restore(state.network)
        self._unread = state.unread
        self.draws = RandomStream(state.rng_seed, state.drawn)
        self._recent = deque(state.recent, LONGEST_WINDOW)
        self._place = state.place

    def redraw(self, rng_seed: int | None = None) -> None:
        """Use the random numbers of an RNG seed, by default a fresh one, from now on."""
        self.draws = RandomStream(fresh_rng_seed() if rng_seed is None else rng_seed)


def add_recent(recent: deque[int], index: int, end: int | None) -> None:
    """Append a character to the recent ones; an end symbol clears them."""
    if index == end:
        recent.clear()
    else:
        recent.append(index)


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
        first = replace(generation.sampling[0][1], rng_seed=generation.rng_seed)
        model = replace(model, numbers=generation.numbers)
        self._stream = CharacterStream(model, first, self._clamps.get(0, ()))
        self.read_text: Final = self._stream.prime(generation.seed_text, should_stop).text
        """What the model read of the seed text."""
        self._count = 0
        """How many characters were generated."""
        self.difference: int | None = None
        """Index of the first character that differs from the stored text; None if none does.
        Rounding may differ on another machine, or if the texts were generated in parallel."""

    def next(self) -> str | None:
        """Generate the next character; return None after the last."""
        if self._count >= self._generation.length:
            return None
        if self._count in self._changes:
            changed = self._changes[self._count]
            self._stream.sampling = replace(changed, rng_seed=self._generation.rng_seed)
        if self._count in self._clamps:
            self._stream.clamps = self._clamps[self._count]
        character = self._stream.next().character
        stored = self._stored_text[self._count : self._count + 1]
        if self.difference is None and stored and character != stored:
            self.difference = self._count
        self._count += 1
        return character
