"""A stream of characters from a model: primed with a seed text, then drawn one by one."""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.constraints import START, Constraints, LinePlace
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.sampling import (
    RandomStream,
    choose,
    distribution,
    fresh_rng_seed,
    weights_of,
)
from tui_charrnn.hangul import split_syllables
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.text.vocabulary import Spelled

if TYPE_CHECKING:
    from tui_charrnn.generation.neuron import Clamp


class UnknownCharacter(NamedTuple):
    """A character of a seed text that the model does not know."""

    character: str
    position: int
    """In the composed seed text, from 0."""


class PrimedSeed(NamedTuple):
    """What the model read of a seed text."""

    text: str
    """The composed seed text as far as it was read; unknown characters are the unknown symbol in
    it, or left out."""
    unknown: tuple[UnknownCharacter, ...]


def unknown_in(text: str, spelled: Spelled) -> tuple[UnknownCharacter, ...]:
    """The characters of a composed text that the model does not know, by its spelling."""
    places = (~spelled.is_known).nonzero()[0].tolist()
    return tuple(UnknownCharacter(text[place], place) for place in places)


class StopStrings:
    """Watches a text, character by character, for strings that end it.

    Only generated characters count, not those of a seed text. The string itself belongs to the
    text: what streams cannot be taken back.
    """

    def __init__(self, strings: Sequence[str], units: str = "characters") -> None:
        """Begin with an empty text; the strings are composed first (Unicode NFC), as a corpus is.

        Raises:
            ConfigError: If one of them is empty.
        """
        if "" in strings:
            raise ConfigError("A stop string must have at least 1 character. Received: ''.")
        composed = [unicodedata.normalize("NFC", string) for string in strings]
        self.strings: Final = tuple(
            split_syllables(string) if units == "jamo" else string for string in composed
        )
        """Those that end a text, as it comes."""
        self._longest = max(map(len, self.strings), default=0)
        self._end = ""

    def has_ended(self, character: str) -> bool:
        """Take one more character of the text; whether a string is complete with it."""
        if not self.strings:
            return False
        self._end = (self._end + character)[-self._longest :]
        return self._end.endswith(self.strings)

    def unreachable(self, vocabulary: str) -> list[str]:
        """The strings that a model cannot say, as it does not know all of their characters."""
        known = set(vocabulary)
        return [string for string in self.strings if not known.issuperset(string)]


_READ_AT_ONCE: Final = 256
"""Characters of a seed text between two questions to the caller: some hundredths of a second."""

LONGEST_WINDOW: Final = int(SamplingConfig.bounds()["repetition_window"].maximum)
"""Characters that a stream remembers by name, for the repetition penalty."""


class GeneratedCharacter(NamedTuple):
    """A character that was generated."""

    character: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a character
    """Its number in the vocabulary."""
    probability: float
    """What it had after penalty, temperature and filters; in (0, 1] if it was drawn, and 0 is
    possible if it was taken at somebody's word."""


class StreamState(NamedTuple):
    """All that the text to come depends on, beside the model and the settings."""

    network: Float32
    """What the network remembers, shape (S,), before it reads `unread`."""
    unread: int
    """The newest character, which the network has not read yet."""
    rng_seed: int
    drawn: int
    """How many random numbers were drawn with that seed."""
    recent: tuple[int, ...]
    """The last characters of seed text and text, up to `LONGEST_WINDOW` of them; none of another
    record."""
    place: LinePlace = START
    """Where the text stands in its lines, for constraints that ask for it."""


class CharacterStream:
    """Characters from a model, one at a time and without end.

    Seed text, settings, RNG seed and model file determine the text. The network reads a character
    only when the next one is asked for, so nothing is computed in vain.
    """

    def __init__(
        self, model: Model, sampling: SamplingConfig, clamps: Sequence[Clamp] = ()
    ) -> None:
        """Stand before the first character, unprimed: as after an empty seed text.

        Clamps hold from the first character of the seed text on.
        """
        self.model: Final = model
        self._characters = model.vocabulary.shown
        self._end = model.vocabulary.end_index
        self._unknown = model.vocabulary.unknown_index
        self.weights: Final = fold_embedding(model)
        self._stepper = Stepper(self.weights, clamps=clamps)
        self.network: Final = self._stepper.state
        """What the network remembers, shape (S,): all but the newest character; written over by
        the next one."""
        self.logits: Final = self._stepper.logits
        """The scores that the last character was chosen by, shape (V,); the next one writes over
        them."""
        self.layers: Final = self._stepper.layers
        """The layers, the lowest first, with the states and gates of what `network` remembers."""
        self.constraints: Final = Constraints(model)
        self._sampling = sampling
        self._clamps = tuple(clamps)
        self.prime("")

    @property
    def rng_seed(self) -> int:
        """The RNG seed in use: the one that was asked for, or one drawn at the last priming."""
        return self.draws.rng_seed

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
        if sampling.rng_seed not in {None, self.rng_seed}:
            self._restart_rng()

    @property
    def is_complete(self) -> bool:
        """Whether the text has all lines that the settings ask for: then it ends by itself."""
        return self.constraints.is_complete(self._sampling, self._place)

    @property
    def is_between_records(self) -> bool:
        """Whether the newest character ended a record; the next one begins another."""
        return self._unread == self._end

    @property
    def clamps(self) -> tuple[Clamp, ...]:
        """The neurons that are held, and at which values."""
        return self._clamps

    @clamps.setter
    def clamps(self, clamps: tuple[Clamp, ...]) -> None:
        """Hold these neurons, and no others, from the next character that the network reads on.

        What the network remembers stays as it is until then.
        """
        self._clamps = clamps
        self._stepper.set_clamps(clamps)

    def prime(self, seed_text: str, should_stop: Callable[[], bool] | None = None) -> PrimedSeed:
        """Forget everything, read a seed text, and restart the random numbers.

        With nothing to read, the text starts as after a newline, or after the vocabulary's first
        character if it has no newline; a record starts after an end sign, whatever it begins with.
        Arguments and result are those of `feed`.
        """
        self._restart_rng()
        self.network[:] = 0
        self._recent: deque[int] = deque(maxlen=LONGEST_WINDOW)
        self._unread = self.model.vocabulary.start_index
        return self.feed(seed_text, should_stop)

    def redraw(self) -> None:
        """Let other random numbers than before decide from the next character on."""
        self.draws = RandomStream(fresh_rng_seed())

    def feed(self, text: str, should_stop: Callable[[], bool] | None = None) -> PrimedSeed:
        """Read more text: the next piece of a long seed text.

        Characters are composed first (Unicode NFC), as those of a corpus are: a decomposed Hangul
        syllable or accented letter is the one character it looks like. How they and unknown
        characters are read says `Vocabulary.spell`.

        After every 256 characters `should_stop` is asked whether to leave the rest unread, so that
        a very long seed text can be broken off; the stream then goes on from there.

        Returns:
            What was read, and which characters of the whole piece are not known.
        """
        composed = unicodedata.normalize("NFC", text)
        vocabulary = self.model.vocabulary
        spelled = vocabulary.spell(composed)
        read = self._read(spelled.indices.tolist(), should_stop)
        self._place = self.constraints.place_after(self._recent[-1] if self._recent else None)
        return PrimedSeed(vocabulary.decode(spelled.indices[:read]), unknown_in(composed, spelled))

    def next(self) -> GeneratedCharacter:
        """Draw the next character.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        return self.take(None)

    def take(self, index: int | None) -> GeneratedCharacter:
        """Let the next character be one by number, as if it had been drawn; None draws it.

        It takes one random number all the same, so that what follows depends on the text and its
        length only, and not on which characters of it were drawn.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        sampling = self._sampling
        logits = self.constraints.apply(
            self._stepper.read(self._unread), sampling, self._recent, self._place
        )
        recent, uniform = recent_of(self._recent, sampling), self.draws.next()
        if index is None:
            index, probability = choose(
                weights_of(logits, sampling, recent, self._unknown), uniform
            )
        else:
            probability = distribution(logits, sampling, recent, self._unknown).item(index)
        self._unread = index
        remember(self._recent, index, self._end)
        self._place = self.constraints.moved(self._place, index)
        return GeneratedCharacter(self._characters[index], index, probability)

    def snapshot(self) -> StreamState:
        """Where the stream stands, to be returned to."""
        return StreamState(
            network=self.network.copy(),
            unread=self._unread,
            rng_seed=self.draws.rng_seed,
            drawn=self.draws.drawn,
            recent=tuple(self._recent),
            place=self._place,
        )

    def restore(self, state: StreamState) -> None:
        """Stand where the stream stood; the settings stay as they are.

        An RNG seed that the settings name and that is not the state's is not looked at.
        """
        self.network[:] = state.network
        self._unread = state.unread
        self.draws = RandomStream(state.rng_seed, state.drawn)
        self._recent = deque(state.recent, LONGEST_WINDOW)
        self._place = state.place

    def _read(self, indices: Sequence[int], should_stop: Callable[[], bool] | None) -> int:
        """Read characters, but for the last, which `next` reads; return how many there were."""
        for count, index in enumerate(indices):
            if should_stop and count and count % _READ_AT_ONCE == 0 and should_stop():
                return count
            # else the newest is only what stands before an empty text
            if self._recent or self.is_between_records:
                self._stepper.read(self._unread)
            self._unread = index
            remember(self._recent, index, self._end)
        return len(indices)

    def _restart_rng(self) -> None:
        """Restart the random numbers, in `draws`."""
        asked = self._sampling.rng_seed
        self.draws = RandomStream(fresh_rng_seed() if asked is None else asked)


def remember(recent: deque[int], index: int, end: int | None) -> None:
    """Add a character to those that came lately; after an end sign there are none."""
    if index == end:
        recent.clear()
    else:
        recent.append(index)


def recent_of(recent: Sequence[int], sampling: SamplingConfig) -> Sequence[int]:
    """The newest characters, the last of these, that the repetition penalty counts."""
    if sampling.repetition_penalty == 1:
        return ()
    return tuple(recent)[-sampling.repetition_window :]
