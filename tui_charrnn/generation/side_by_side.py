"""Several texts of one model after the same seed text, in one pass: drawn, or the likeliest.

The weights are read once for all of them, so N texts take far less time than N times one text. Text
k takes the random numbers of RNG seed s + k, as it would alone with that seed. A product of two
matrices adds in another order than one of a matrix and a vector, so the logits agree with those of
a single stream to rounding (1e-5), not to the bit: where a random number falls within rounding of
the border between two characters, a text differs from there on from the one generated alone.

Texts at several temperatures all take the random numbers of the stream, so nothing but the
temperature makes them differ.

Beam search continues the K likeliest beginnings at every character. Where K is 1 that is greedy;
where K is as large as the number of beginnings, nothing is missed. What is found is the text that
the model finds least surprising, and such texts repeat themselves: whatever came once is likelier
the next time, and nothing is ever drawn that would lead out of the circle.

Source:
    Holtzman et al. (2020), The curious case of neural text degeneration, on that repetition.

Notation: N texts, K beginnings, V vocabulary size.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.constraints import LinePlace
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.sampling import RandomStream, choose, log_softmax, weights_of
from tui_charrnn.generation.stream import (
    LONGEST_WINDOW,
    CharacterStream,
    GeneratedCharacter,
    recent_of,
    remember,
)
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.settings import Problem, SettingError
from tui_charrnn.translation import tr

LARGEST_SEED: Final = int(SamplingConfig.bounds()["rng_seed"].maximum)


class SideBySide:
    """N texts that go on from where one stream stands."""

    def __init__(
        self, stream: CharacterStream, count: int, temperatures: Sequence[float] = ()
    ) -> None:
        """Stand where a primed stream stands, N times; the stream itself is not moved.

        Its RNG seed is that of the first text. N temperatures are compared; none leaves all at the
        stream's.

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
        self._stepper = Stepper(stream.weights, count, stream.clamps)
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
        logits, drawn = self._stepper.read_each(self._unread), []
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
            drawn.append(GeneratedCharacter(self._vocabulary.shown[index], index, probability))
        return drawn


class LikelyText(NamedTuple):
    """A text and how likely it is."""

    text: str
    """As it is shown: an end sign as a line feed."""
    indices: tuple[int, ...]
    """Its characters by number."""
    log_probability: float
    """The sum of ln p of its characters, as the model itself gives them: nats, at most 0."""
    is_ended: bool
    """Whether it ended by itself, before its length."""


class _Beginning(NamedTuple):
    indices: tuple[int, ...]
    log_probability: float
    place: LinePlace


def search_likeliest(
    stream: CharacterStream, length: int, beam: int, stop: tuple[str, ...] = ()
) -> LikelyText:
    """The likeliest continuation that is found, the same every time; the stream is not moved.

    K is `beam`. Of the settings only the constraints count: they say which texts may be, and change
    no probability. A text may end before its length: with a record, with the lines of an acrostic,
    or with a stop string. It then stands beside the longer ones as it is.

    Raises:
        ModelFileError: If the model's scores are not finite numbers.
    """
    start = stream.snapshot()
    stepper = Stepper(stream.weights, beam, stream.clamps)
    stepper.state[:] = start.network
    unread = np.full(beam, start.unread, np.intp)
    going = [_Beginning((), 0.0, start.place)]
    ended: _Beginning | None = None
    for _ in range(length):
        logits = stepper.read_each(unread)[: len(going)]
        scores = _scores(stream, logits, going, start.recent)
        parents, following = [], []
        for parent, index in _likeliest(scores, beam):
            before = going[parent]
            grown = _Beginning(
                (*before.indices, index),
                scores.item(parent, index),
                stream.constraints.moved(before.place, index),
            )
            if not _is_ended(stream, grown, stop):
                parents.append(parent)
                following.append(grown)
            elif ended is None or grown.log_probability > ended.log_probability:
                ended = grown
        going = following
        # what continues only becomes less likely
        if not going or (ended and ended.log_probability >= going[0].log_probability):
            break
        stepper.state[: len(going)] = stepper.state[parents]
        unread[: len(going)] = [each.indices[-1] for each in going]
    found = max([*going[:1], *([ended] if ended else [])], key=lambda each: each.log_probability)
    return LikelyText(
        stream.model.vocabulary.decode(found.indices),
        found.indices,
        found.log_probability,
        found is ended,
    )


def _scores(
    stream: CharacterStream,
    logits: Float32,
    going: Sequence[_Beginning],
    recent: tuple[int, ...],
) -> Float64:
    """Ln p of each beginning with each character after it, shape (K, V); -inf if forbidden."""
    scores = log_softmax(logits)
    unknown = stream.model.vocabulary.unknown_index
    for row, each in enumerate(going):
        allowed = stream.constraints.apply(
            logits[row], stream.sampling, (*recent, *each.indices), each.place
        )
        scores[row, np.isneginf(allowed)] = -np.inf
        scores[row] += each.log_probability
    if unknown is not None:
        scores[:, unknown] = -np.inf
    return scores


def _likeliest(scores: Float64, count: int) -> list[tuple[int, int]]:
    """Rows and columns of the highest scores, the highest first; of equals, the first."""
    best = np.argsort(-scores, axis=None, kind="stable")[:count]
    best = best[np.isfinite(scores.ravel()[best])]
    rows, columns = np.divmod(best, scores.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _is_ended(stream: CharacterStream, text: _Beginning, stop: tuple[str, ...]) -> bool:
    vocabulary = stream.model.vocabulary
    if text.indices[-1] == vocabulary.end_index:
        return True
    if stream.constraints.is_complete(stream.sampling, text.place):
        return True
    return bool(stop) and vocabulary.decode(text.indices).endswith(stop)
