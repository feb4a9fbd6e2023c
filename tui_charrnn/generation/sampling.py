"""Sampling of the next character from logits, with one random number per character.

All arithmetic is float64. A character is sampled by inverting the cumulative distribution at one
uniform number, so a text depends only on the model, the settings and the RNG seed, not on NumPy's
implementation of `choice`.
"""

import math
import os
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy import divide, exp, subtract  # a call of `np.exp` takes 0.05 microseconds longer

from tui_charrnn.config import SamplingConfig
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

_TINY_PENALTY: Final = 1e-19
"""From here on, a float32 divided by a penalty and `_TINY_TEMPERATURE` is a finite float64."""
_LARGEST: Final = float(np.finfo(np.float32).max)
_TINY_TEMPERATURE: Final = 1e-250
"""Replaces any lower temperature, which would overflow float64 and gives the same result."""


def log_softmax(logits: Float32 | Float64) -> Float64:
    """Return ln p of each character from logits, shape (..., V), at temperature 1.

    Raises:
        ModelFileError: If they are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = logits.astype(np.float64)
        scores -= scores.max(axis=-1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    if not np.isfinite(scores).all():
        raise not_finite_error()
    return scores


def choose(weights: Float64, uniform: float) -> tuple[int, float]:
    """Sample a character; return its index, and its probability, which is above 0.

    The weights are unnormalized probabilities, shape (V,), non-negative; `uniform` is in [0, 1).
    """
    cumulative = _accumulate(weights)
    total = cumulative.item(-1)
    # right: skips characters of weight 0, whose cumulative weight is that of their neighbor
    index = bisect_right(cumulative, uniform * total)
    if index == len(cumulative):  # the product was rounded up to the total
        index = int(np.flatnonzero(weights)[-1])
    return index, weights.item(index) / total


_accumulate: Final = np.add.accumulate


def distribution(
    logits: npt.ArrayLike,
    config: SamplingConfig,
    recent: Iterable[int] = (),
    unknown: int | None = None,
) -> Float64:
    """Return the probability of each character under the settings, a new array of shape (V,).

    Arguments and errors are those of `Sampler`.
    """
    logits = np.asarray(logits)
    weights = Sampler(len(logits), unknown).weights_of(logits, config, recent)
    weights /= np.add.accumulate(weights)[-1]
    return weights


class Sampler:
    """Turns logits into weights for `choose`, in arrays that are allocated once."""

    def __init__(self, size: int, unknown: int | None = None) -> None:
        """Sample among `size` characters, except the unknown symbol if there is one."""
        self._unknown = unknown
        self._scores = np.zeros(size)
        self._number = np.zeros(())
        """A number that all scores share; NumPy would make an array of it in every call."""

    def weights_of(
        self, logits: npt.NDArray[Any], config: SamplingConfig, recent: Iterable[int] = ()
    ) -> Float64:
        """Return the unnormalized probability of each character under the settings.

        Applied in this order: repetition penalty, temperature, top-k, top-p (nucleus), min-p. Each
        filter renormalizes what the one before it left.

        The logits are those of the network, shape (V,), `recent` the indices of the last characters
        for the repetition penalty; the RNG seed is ignored. The result is for `choose`, shape (V,),
        0 for characters that were filtered out; the next call may overwrite it.

        Raises:
            ModelFileError: If the largest logit is not finite.
        """
        scores, number = self._scores, self._number
        scores[...] = logits
        if config.repetition_penalty != 1:
            latest = tuple(recent)[-config.repetition_window :]
            _penalize(scores, latest, config.repetition_penalty)
        if self._unknown is not None:
            scores[self._unknown] = -np.inf
        likeliest = scores.argmax()
        highest = scores.item(likeliest)
        if not math.isfinite(highest):
            raise not_finite_error()
        if config.temperature == 0:
            scores.fill(0)
            scores[likeliest] = 1
            return scores
        number[()] = highest
        subtract(scores, number, scores)
        number[()] = max(config.temperature, _TINY_TEMPERATURE)
        divide(scores, number, scores)
        exp(scores, scores)
        if config.top_k is None and config.top_p is None and config.min_p is None:
            return scores
        return _filtered(np.divide(scores, np.add.reduce(scores), scores), config)


def _filtered(probabilities: Float64, config: SamplingConfig) -> Float64:
    """Apply top-k, top-p and min-p; of equally likely characters the first ones are kept.

    Source:
        Fan, Lewis & Dauphin (2018), Holtzman et al. (2020), Nguyen et al. (2024).
    """
    if config.top_k is not None and config.top_k < len(probabilities):
        probabilities = _only(probabilities, _likeliest_first(probabilities)[: config.top_k])
    if config.top_p is not None and config.top_p < 1:
        order = _likeliest_first(probabilities)
        count = int(np.searchsorted(np.cumsum(probabilities[order]), config.top_p)) + 1
        probabilities = _only(probabilities, order[:count])
    if config.min_p is not None:
        least = config.min_p * probabilities.max()
        probabilities = _only(probabilities, np.flatnonzero(probabilities >= least))
    return probabilities


def surprise(logits: npt.ArrayLike, index: int) -> float:
    """Return the surprise of a character, -log2 of its probability at temperature 1, in bits.

    0 is certain, log2 V is a uniform guess. The logits have the shape (V,).

    Raises:
        ModelFileError: If the logits are not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scores = np.array(logits, np.float64)
        highest = float(scores.max())
        total = float(np.exp(scores - highest).sum())
    if not math.isfinite(total):
        raise not_finite_error()
    return max(0.0, (math.log(total) + highest - scores.item(index)) / math.log(2))


def _penalize(scores: Float64, recent: Iterable[int], penalty: float) -> None:
    """Lower the logits of recent characters in place, once however often each occurred.

    Source:
        Keskar et al. (2019): positive logits are divided by the penalty, negative ones multiplied.
    """
    indices = sorted(set(recent))
    if indices:
        values = scores[indices]
        with np.errstate(over="ignore"):
            changed = np.where(values > 0, values / penalty, values * penalty)
        if penalty < _TINY_PENALTY:  # what was finite stays a finite float32
            changed = np.where(np.isfinite(values), changed.clip(-_LARGEST, _LARGEST), values)
        scores[indices] = changed


def _likeliest_first(probabilities: Float64) -> Indices:
    return np.argsort(-probabilities, kind="stable")


def _only(probabilities: Float64, kept: Indices) -> Float64:
    """Return a new array, shape (V,), with sum 1 and 0 outside the kept set."""
    filtered = np.zeros_like(probabilities)
    filtered[kept] = probabilities[kept]
    normalized: Float64 = filtered / filtered.sum()
    return normalized


class RandomStream:
    """The sequence of uniform numbers of an RNG seed, the same in every version.

    Source:
        Salmon et al. (2011), Philox 4x64, a counter-based generator with random access; NumPy
        guarantees the stream of raw numbers (NEP 19), from which these are computed.
    """

    def __init__(self, rng_seed: int, drawn: int = 0) -> None:
        self.rng_seed: Final = rng_seed
        self.drawn = drawn
        """How many numbers were drawn or skipped."""
        counter, skipped = divmod(drawn, 4)  # four numbers for each value of the counter
        self._bits = np.random.Philox(rng_seed).advance(counter)
        self._bits.random_raw(skipped, output=False)

    def next(self) -> float:
        """Draw one number in [0, 1): the high 53 bits of one raw number."""
        self.drawn += 1
        raw: int = self._bits.random_raw()
        return (raw >> 11) * 2.0**-53


def fresh_rng_seed() -> int:
    """Return an unpredictable RNG seed of 32 bits, short enough to type."""
    return int.from_bytes(os.urandom(4))
