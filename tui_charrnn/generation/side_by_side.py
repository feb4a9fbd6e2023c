"""Batched generation after one seed text, and beam search.

The weights are read once per step for all texts, so N texts take far less time than N times one
text. Text k uses the random numbers of RNG seed s + k, as it would alone with that seed. A
matrix-matrix product sums in another order than a matrix-vector product, so the logits agree with
those of a single stream up to rounding (1e-5): in the rare case that this changes a sampled
character, the text differs from there on from the one generated alone.

Texts at several temperatures all use the random numbers of the stream, so that only the temperature
makes them differ.

Beam search extends the K likeliest hypotheses at every character. K = 1 is greedy decoding. The
result is the least surprising text that was found; such texts tend to repeat themselves, as every
repetition becomes likelier.

Source:
    Holtzman et al. (2020), The curious case of neural text degeneration, on that repetition.

Notation: N texts, K hypotheses, V vocabulary size.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.constraints import LinePlace
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.sampling import RandomStream, Sampler, choose, log_softmax
from tui_charrnn.generation.stream import (
    LONGEST_WINDOW,
    CharacterStream,
    GeneratedCharacter,
    add_recent,
)
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.settings import Problem, SettingError
from tui_charrnn.translation import tr

LARGEST_SEED: Final = int(SamplingConfig.bounds()["rng_seed"].maximum)


class SideBySide:
    """N texts that continue from the state of one stream."""

    def __init__(
        self, stream: CharacterStream, count: int, temperatures: Sequence[float] = ()
    ) -> None:
        """Copy the state of a primed stream N times; the stream itself does not change.

        The stream's RNG seed is that of the first text. `temperatures` is one per text; empty means
        the stream's temperature for all.

        Raises:
            ConfigError: If an RNG seed would exceed the largest one.
        """
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
        used = temperatures or [stream.sampling.temperature] * count
        self._samplings = [replace(stream.sampling, temperature=each) for each in used]
        self._stepper = Stepper(stream.weights, count, stream.clamps)
        self.logits: Final = self._stepper.logits
        """Logits from which the last characters were sampled, shape (N, V); overwritten by `next`.
        """
        self._stepper.restore(start.network)
        self._unread = np.full(count, start.unread, np.intp)
        step = 0 if temperatures else 1
        self._draws = [
            RandomStream(start.rng_seed + step * text, start.drawn) for text in range(count)
        ]
        self._recent = [deque(start.recent, LONGEST_WINDOW) for _ in range(count)]
        self._places = [start.place] * count
        self._constraints = stream.constraints
        self._vocabulary = stream.model.vocabulary
        self._sampler = Sampler(len(self._vocabulary), self._vocabulary.unknown_index)

    @property
    def rng_seeds(self) -> list[int]:
        """The RNG seed of every text."""
        return [draws.rng_seed for draws in self._draws]

    def has_ended(self, text: int) -> bool:
        """Whether a text has all lines of the acrostic, or its newest character ended a record."""
        is_complete = self._constraints.is_complete(self._samplings[text], self._places[text])
        return is_complete or self._unread.item(text) == self._vocabulary.end_index

    def next(self) -> list[GeneratedCharacter]:
        """Sample the next character of every text.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        logits, drawn = self._stepper.read_each(self._unread), []
        texts = zip(self._draws, self._recent, self._samplings, strict=True)
        for text, (draws, recent, sampling) in enumerate(texts):
            scores = self._constraints.apply(logits[text], sampling, recent, self._places[text])
            weights = self._sampler.weights_of(scores, sampling, recent)
            index, probability = choose(weights, draws.next())
            add_recent(recent, index, self._vocabulary.end_index)
            self._places[text] = self._constraints.next_place(self._places[text], index)
            self._unread[text] = index
            drawn.append(GeneratedCharacter(self._vocabulary.shown[index], index, probability))
        return drawn


class LikelyText(NamedTuple):
    """A text and its probability."""

    text: str
    """As it is shown: an end symbol as a line feed."""
    indices: tuple[int, ...]
    """Its characters, as indices of the vocabulary."""
    log_probability: float
    """Sum of ln p of its characters under the model: nats, at most 0."""
    is_ended: bool
    """Whether it ended before the requested length."""


class _Hypothesis(NamedTuple):
    indices: tuple[int, ...]
    log_probability: float
    place: LinePlace


def search_likeliest(
    stream: CharacterStream, length: int, beam: int, stop: tuple[str, ...] = ()
) -> LikelyText:
    """Find the likeliest continuation by beam search; deterministic, the stream does not change.

    K is `beam`. Of the sampling settings only the constraints apply: they mask characters and do
    not change probabilities. A text may end before `length` characters: with a record, with the
    lines of an acrostic, or with a stop string. Its probability is compared as it is with those of
    longer texts.

    Raises:
        ModelFileError: If the model's logits are not finite.
    """
    start = stream.snapshot()
    stepper = Stepper(stream.weights, beam, stream.clamps)
    stepper.restore(start.network)
    unread = np.full(beam, start.unread, np.intp)
    active = [_Hypothesis((), 0.0, start.place)]
    ended: _Hypothesis | None = None
    for _ in range(length):
        logits = stepper.read_each(unread)[: len(active)]
        scores = _scores(stream, logits, active, start.recent)
        parents, extended = [], []
        for parent, index in _likeliest(scores, beam):
            before = active[parent]
            hypothesis = _Hypothesis(
                (*before.indices, index),
                scores.item(parent, index),
                stream.constraints.next_place(before.place, index),
            )
            if not _is_ended(stream, hypothesis, stop):
                parents.append(parent)
                extended.append(hypothesis)
            elif ended is None or hypothesis.log_probability > ended.log_probability:
                ended = hypothesis
        active = extended
        # a continuation is never likelier than its prefix
        if not active or (ended and ended.log_probability >= active[0].log_probability):
            break
        stepper.restore(stepper.state[parents], slice(len(active)))
        unread[: len(active)] = [each.indices[-1] for each in active]
    best = max([*active[:1], *([ended] if ended else [])], key=lambda each: each.log_probability)
    return LikelyText(
        stream.model.vocabulary.decode(best.indices),
        best.indices,
        best.log_probability,
        best is ended,
    )


def _scores(
    stream: CharacterStream,
    logits: Float32,
    active: Sequence[_Hypothesis],
    recent: tuple[int, ...],
) -> Float64:
    """Return ln p of each hypothesis with each next character, shape (K, V); -inf if masked."""
    scores = log_softmax(logits)
    unknown = stream.model.vocabulary.unknown_index
    for row, each in enumerate(active):
        allowed = stream.constraints.apply(
            logits[row], stream.sampling, (*recent, *each.indices), each.place
        )
        scores[row, np.isneginf(allowed)] = -np.inf
        scores[row] += each.log_probability
    if unknown is not None:
        scores[:, unknown] = -np.inf
    return scores


def _likeliest(scores: Float64, count: int) -> list[tuple[int, int]]:
    """Return rows and columns of the highest finite scores, in descending order; ties in order."""
    best = np.argsort(-scores, axis=None, kind="stable")[:count]
    best = best[np.isfinite(scores.ravel()[best])]
    rows, columns = np.divmod(best, scores.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _is_ended(stream: CharacterStream, text: _Hypothesis, stop: tuple[str, ...]) -> bool:
    vocabulary = stream.model.vocabulary
    return (
        text.indices[-1] == vocabulary.end_index
        or stream.constraints.is_complete(stream.sampling, text.place)
        or (bool(stop) and vocabulary.decode(text.indices).endswith(stop))
    )
