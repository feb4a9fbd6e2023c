"""Several texts of one model after the same seed text, in one pass.

The weights are read once for all of them, so N texts take far less time than N times one text. Text
k takes the random numbers of RNG seed s + k, as it would alone with that seed. A product of two
matrices adds in another order than one of a matrix and a vector, so the logits agree with those of
a single stream to rounding (1e-5), not to the bit: where a random number falls within rounding of
the border between two characters, a text differs from there on from the one generated alone.

Texts at several temperatures all take the random numbers of the stream, so nothing but the
temperature makes them differ.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.random_stream import RandomStream
from tui_charrnn.generation.sampling import choose, weights_of
from tui_charrnn.generation.stream import (
    LONGEST_WINDOW,
    CharacterStream,
    GeneratedCharacter,
    recent_of,
    remember,
)
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.settings import Problem, SettingError
from tui_charrnn.translation import tr

LARGEST_SEED: Final = int(SamplingConfig.bounds()["rng_seed"].maximum)


class SideBySide:
    """N texts that go on from where one stream stands."""

    def __init__(
        self, stream: CharacterStream, count: int, temperatures: Sequence[float] = ()
    ) -> None:
        """Stand where a stream stands, N times; the stream itself is not moved.

        Args:
            stream: Primed, with nothing generated yet. Its RNG seed is that of the first text.
            count: N, how many texts.
            temperatures: Of the N texts, to be compared; none leaves all at the stream's.

        Raises:
            ConfigError: If there is no text, or the RNG seeds are more than there are.
        """
        if count < 1:
            raise ConfigError("count must be at least 1. Received: {count}.", count=count)
        if not temperatures and stream.rng_seed > LARGEST_SEED - (count - 1):
            sentence = tr(
                "must be at most {most} for {count} texts, each of which takes the next one. "
                "Received: {received}.",
                most=LARGEST_SEED - (count - 1),
                count=count,
                received=stream.rng_seed,
            )
            raise SettingError([Problem("rng_seed", sentence)])
        start = stream.snapshot()
        compared = temperatures or [stream.sampling.temperature] * count
        self.samplings = [replace(stream.sampling, temperature=each) for each in compared]
        """The settings of the next characters of each text; RNG seeds in them are not looked at."""
        self._stepper = Stepper(stream.weights, count)
        self.logits: Final = self._stepper.logits
        """The scores that the last characters were chosen by, shape (N, V); written over by the
        next ones."""
        self._stepper.state[:] = start.network
        self._unread = np.full(count, start.unread, np.intp)
        step = 0 if temperatures else 1
        self._draws = [
            RandomStream(start.rng_seed + step * text, start.drawn) for text in range(count)
        ]
        self._recent = [deque(start.recent, LONGEST_WINDOW) for _ in range(count)]
        self._places = [start.place] * count
        self._constraints = stream.constraints
        self._vocabulary = stream.model.vocabulary

    @property
    def rng_seeds(self) -> list[int]:
        """The RNG seed of every text."""
        return [draws.rng_seed for draws in self._draws]

    def is_complete(self, text: int) -> bool:
        """Whether one of them has all lines that the settings ask for."""
        return self._constraints.is_complete(self.samplings[text], self._places[text])

    def is_between_records(self, text: int) -> bool:
        """Whether the newest character of one of them ended a record."""
        return bool(self._unread[text] == self._vocabulary.end_index)

    def next(self) -> list[GeneratedCharacter]:
        """Draw the next character of every text.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        logits, said = self._stepper.read_each(self._unread), []
        texts = zip(self._draws, self._recent, self.samplings, strict=True)
        for text, (draws, recent, sampling) in enumerate(texts):
            scores = self._constraints.apply(logits[text], sampling, recent, self._places[text])
            weights = weights_of(
                scores, sampling, recent_of(recent, sampling), self._vocabulary.unknown_index
            )
            index, probability = choose(weights, draws.next())
            remember(recent, index, self._vocabulary.end_index)
            self._places[text] = self._constraints.moved(self._places[text], index)
            self._unread[text] = index
            said.append(GeneratedCharacter(self._vocabulary.shown[index], index, probability))
        return said
