"""How the next character is chosen: from the logits, by one random number.

All arithmetic is float64. A choice takes one uniform number and inverts the cumulative distribution
with it, so a text depends on the model, the settings and the RNG seed only, and not on how NumPy's
own choosing works.

The random numbers are those of NumPy's `Philox`. Loading `numpy.random` would take longer than all
else that the first character waits for beside NumPy itself, so the few lines of it stand here.
"""

import itertools
import math
import os
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error
from tui_charrnn.sampling_config import SamplingConfig

_TINY_TEMPERATURE: Final = 1e-250
"""Below it, logits of 32 bits divided by it may be beyond numbers of 64."""


def log_softmax(logits: Float32) -> Float64:
    """Ln p of each character by its scores, shape (..., V), at temperature 1.

    Raises:
        ModelFileError: If they are not finite numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = logits.astype(np.float64)
        scores -= scores.max(axis=-1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    if not np.isfinite(scores).all():
        raise not_finite_error()
    return scores


def choose(weights: Float64, uniform: float) -> tuple[int, float]:
    """Choose a character.

    Args:
        weights: How likely each character is beside the others, shape (V,), non-negative.
        uniform: The random number that decides, in [0, 1).

    Returns:
        The character's number in the vocabulary, and its probability, which is not 0.
    """
    cumulative = np.add.accumulate(weights)
    total = cumulative.item(-1)
    # right: passes over characters without probability, whose sum is that of their neighbor
    index = int(cumulative.searchsorted(uniform * total, "right"))
    if index == len(cumulative):  # the product above was rounded up to the whole sum
        index = int(np.flatnonzero(weights)[-1])
    return index, weights.item(index) / total


def distribution(
    logits: npt.ArrayLike,
    config: SamplingConfig,
    recent: Iterable[int] = (),
    unknown: int | None = None,
) -> Float64:
    """The probability of each character under the settings: its weight by the sum of all.

    Arguments and errors are those of `weights_of`.

    Returns:
        A new array, shape (V,), summing to 1; zero for characters that were filtered out.
    """
    weights = weights_of(logits, config, recent, unknown)
    weights /= np.add.accumulate(weights)[-1]
    return weights


def weights_of(
    logits: npt.ArrayLike,
    config: SamplingConfig,
    recent: Iterable[int] = (),
    unknown: int | None = None,
) -> Float64:
    """How likely each character is beside the others under the settings.

    The logits of characters that came lately are lowered, and all are divided by the temperature;
    then only the top k are kept; then, of what those make up together, only the nucleus; then, of
    that, only what is not too unlikely beside the likeliest.

    Args:
        logits: The network's scores, shape (V,).
        config: Temperature, penalty and filters; the RNG seed in it is not looked at.
        recent: The numbers of the characters that came lately, for the repetition penalty.
        unknown: Index of the unknown symbol, which is never chosen; None if there is none.

    Returns:
        A new array, shape (V,), whose sum `choose` divides by; zero for characters that were
        filtered out.

    Raises:
        ModelFileError: If the scores are not numbers to choose by.
    """
    scores = np.array(logits, np.float64)
    if config.repetition_penalty != 1:
        _penalize(scores, recent, config.repetition_penalty)
    if unknown is not None:
        scores[unknown] = -np.inf
    likeliest = scores.argmax()
    highest = scores.item(likeliest)
    if not math.isfinite(highest):
        raise not_finite_error()
    if config.temperature == 0:
        certain = np.zeros(len(scores))
        certain[likeliest] = 1.0
        return certain
    scores = scores - scores[likeliest, ...]  # an array; a number would be converted first
    if config.temperature < _TINY_TEMPERATURE:
        with np.errstate(over="ignore"):  # it may reach -inf, which is exp's zero
            np.divide(scores, config.temperature, scores)
    else:
        np.divide(scores, config.temperature, scores)
    np.exp(scores, scores)
    if config.top_k is None and config.top_p is None and config.min_p is None:
        return scores
    return _filtered(np.divide(scores, np.add.reduce(scores), scores), config)


def _filtered(probabilities: Float64, config: SamplingConfig) -> Float64:
    if config.top_k is not None and config.top_k < len(probabilities):
        probabilities = keep_top_k(probabilities, config.top_k)
    if config.top_p is not None and config.top_p < 1:
        probabilities = keep_nucleus(probabilities, config.top_p)
    if config.min_p is not None:
        probabilities = keep_min_p(probabilities, config.min_p)
    return probabilities


def surprise(logits: npt.ArrayLike, index: int) -> float:
    """How little the model itself expected a character, whatever the settings were.

    The logits have the shape (V,).

    Returns:
        -log2 of its probability at temperature 1, in bits: 0 was certain, log2 V is a guess.

    Raises:
        ModelFileError: If the scores are not finite numbers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = np.array(logits, np.float64)
        highest = float(scores.max())
        total = float(np.exp(scores - highest).sum())
    if not math.isfinite(total):
        raise not_finite_error()
    return max(0.0, (math.log(total) + highest - scores.item(index)) / math.log(2))


def _penalize(scores: Float64, recent: Iterable[int], penalty: float) -> None:
    """Lower the scores of characters that came lately, each once however often it came.

    Source:
        Keskar et al. (2019): positive scores are divided by the penalty, negative ones multiplied.
    """
    came = sorted(set(recent))
    if came:
        values = scores[came]
        scores[came] = np.where(values > 0, values / penalty, values * penalty)


def keep_top_k(probabilities: Float64, top_k: int) -> Float64:
    """Keep the k likeliest characters; of equally likely ones, those that come first.

    Source:
        Fan, Lewis & Dauphin (2018).
    """
    return _only(probabilities, _likeliest_first(probabilities)[:top_k])


def keep_nucleus(probabilities: Float64, top_p: float) -> Float64:
    """Keep the smallest set of likeliest characters whose probabilities reach p, in (0, 1].

    Source:
        Holtzman et al. (2020).
    """
    order = _likeliest_first(probabilities)
    reached = np.cumsum(probabilities[order])
    count = int(np.searchsorted(reached, top_p, side="left")) + 1
    return _only(probabilities, order[:count])


def keep_min_p(probabilities: Float64, min_p: float) -> Float64:
    """Keep the characters that have at least p, in (0, 1], times the probability of the likeliest.

    Source:
        Nguyen et al. (2024).
    """
    return _only(probabilities, np.flatnonzero(probabilities >= min_p * probabilities.max()))


def _likeliest_first(probabilities: Float64) -> Indices:
    return np.argsort(-probabilities, kind="stable")


def _only(probabilities: Float64, kept: Indices) -> Float64:
    """A new array, shape (V,), summing to 1, zero outside the kept set."""
    filtered = np.zeros_like(probabilities)
    filtered[kept] = probabilities[kept]
    normalized: Float64 = filtered / filtered.sum()
    return normalized


_UInt64: TypeAlias = npt.NDArray[np.uint64]

_WORDS: Final = 4  # numbers that Philox makes of one value of its counter
_AT_ONCE: Final = 512  # values of the counter that are taken together
_ROUNDS: Final = 10
_LOW: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_MULTIPLIERS: Final = np.array([[0xD2E7470EE14C6C93], [0xCA5A826395121157]], np.uint64)
_MULTIPLIERS_LOW: Final = _MULTIPLIERS & _LOW
_MULTIPLIERS_HIGH: Final = _MULTIPLIERS >> _HALF
_BUMPS: Final = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
"""What the two halves of the key grow by from round to round."""


class RandomStream:
    """A sequence of uniform numbers that an RNG seed names for ever.

    Source:
        Salmon et al. (2011), Philox 4x64: it counts, so any place is reached at once.
    """

    def __init__(self, rng_seed: int, drawn: int = 0) -> None:
        self.rng_seed: Final = rng_seed
        self.drawn = drawn
        """How many numbers were drawn, or passed over."""
        self._coming = self._numbers(_key_of(rng_seed))

    def next(self) -> float:
        """One number in [0, 1).

        It is the high 53 bits of one raw draw, whose stream NumPy never changes.
        """
        self.drawn += 1
        return next(self._coming)

    def _numbers(self, key: tuple[int, int]) -> Iterator[float]:
        """All numbers from here on, computed some at a time."""
        first, passed = divmod(self.drawn, _WORDS)
        counters = itertools.count(first + 1, _AT_ONCE)  # NumPy counts before it draws
        coming = itertools.chain.from_iterable(_block(counter, key) for counter in counters)
        return itertools.islice(coming, passed, None)


def fresh_rng_seed() -> int:
    """An unpredictable RNG seed, short enough to be typed again."""
    return int.from_bytes(os.urandom(4))


def _block(counter: int, key: tuple[int, int]) -> list[float]:
    """The numbers of `_AT_ONCE` values of the counter, which is below 2^64."""
    left = np.zeros((2, _AT_ONCE), np.uint64)
    right = np.zeros_like(left)
    left[0] = np.arange(counter, counter + _AT_ONCE, dtype=np.uint64)
    for turn in range(_ROUNDS):
        halves = [[(half + turn * bump) % 2**64] for half, bump in zip(key, _BUMPS, strict=True)]
        high, low = _product(left)
        left, right = high[::-1] ^ right ^ np.array(halves, np.uint64), low[::-1]
    raw = np.stack([left[0], right[0], left[1], right[1]], axis=1).ravel()
    numbers: list[float] = ((raw >> np.uint64(11)) * 2.0**-53).tolist()
    return numbers


def _product(factors: _UInt64) -> tuple[_UInt64, _UInt64]:
    """The high and the low 64 bits of each factor times the multiplier of its row."""
    low, high = factors & _LOW, factors >> _HALF
    middle = high * _MULTIPLIERS_LOW + (low * _MULTIPLIERS_LOW >> _HALF)
    other = low * _MULTIPLIERS_HIGH + (middle & _LOW)
    top = high * _MULTIPLIERS_HIGH + (middle >> _HALF) + (other >> _HALF)
    return top, factors * _MULTIPLIERS


def _key_of(rng_seed: int) -> tuple[int, int]:
    """The key that NumPy's `SeedSequence` makes of a seed: 32-bit words, mixed with each other.

    Source:
        O'Neill (2015), "Developing a seed_seq Alternative".
    """
    size = -(-rng_seed.bit_length() // 32)
    words = [rng_seed >> 32 * place & 0xFFFFFFFF for place in range(max(size, _WORDS))]
    mixed = _Hash(0x43B0D7E5, 0x931E8875)
    pool = [mixed.of(word) for word in words[:_WORDS]]
    for source in range(_WORDS):
        for place in range(_WORDS):
            if place != source:
                pool[place] = _mixed(pool[place], mixed.of(pool[source]))
    for word in words[_WORDS:]:
        pool = [_mixed(value, mixed.of(word)) for value in pool]
    output = _Hash(0x8B51F9DD, 0x58F38DED)
    low, high, next_low, next_high = map(output.of, pool)
    return low | high << 32, next_low | next_high << 32


class _Hash:
    """A hash of 32 bits whose factor is another one for every value."""

    def __init__(self, factor: int, growth: int) -> None:
        self._factor = factor
        self._growth = growth

    def of(self, value: int) -> int:
        value ^= self._factor
        self._factor = self._factor * self._growth & 0xFFFFFFFF
        value = value * self._factor & 0xFFFFFFFF
        return value ^ value >> 16


def _mixed(value: int, other: int) -> int:
    value = 0xCA01F9DD * value - 0x4973F715 * other & 0xFFFFFFFF
    return value ^ value >> 16
