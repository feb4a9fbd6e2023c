"""How the next character is chosen from the logits.

All arithmetic is float64. A choice takes one uniform number from a counter-based generator
(Philox; Salmon et al. 2011) and inverts the cumulative distribution with it, so a text depends on
the model, the settings and the RNG seed only, and not on how NumPy's own choosing works.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError

Float64: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """A character that was chosen."""

    index: int
    """Its number in the vocabulary."""
    probability: float
    """What it had among the characters that could be chosen, in (0, 1]."""


def choose(logits: npt.ArrayLike, config: SamplingConfig, rng: np.random.BitGenerator) -> Choice:
    """Choose a character.

    Args:
        logits: The network's scores, shape (V,).
        config: Temperature and filters; the RNG seed in it is not looked at.
        rng: Gives one number a call, at temperature 0 as well, so that its position is the
            number of characters chosen whatever the settings were.

    Raises:
        ModelFileError: If the scores are not numbers to choose by.
    """
    draw = _uniform(rng)
    probabilities = distribution(logits, config)
    cumulative = probabilities.cumsum()
    # side="right" passes over characters without probability, whose sum is that of their neighbor
    index = int(cumulative.searchsorted(draw * cumulative[-1], side="right"))
    if index == len(cumulative):  # the product above was rounded up to the whole sum
        index = int(np.flatnonzero(probabilities)[-1])
    return Choice(index, float(probabilities[index]))


def distribution(logits: npt.ArrayLike, config: SamplingConfig) -> Float64:
    """The probability of each character under the settings.

    The logits are divided by the temperature; then only the top k are kept; then, of what those
    make up together, only the nucleus.

    Args:
        logits: The network's scores, shape (V,).
        config: Temperature and filters.

    Returns:
        Shape (V,), summing to 1; zero for characters that were filtered out.

    Raises:
        ModelFileError: If the scores are not numbers to choose by.
    """
    scores = np.asarray(logits, dtype=np.float64)
    highest = float(scores.max())
    if not math.isfinite(highest):
        raise ModelFileError(
            "The model's scores are not finite numbers, so no character can be chosen. "
            "Its weights are too large; it must be trained again with a lower learning rate."
        )
    if config.temperature == 0:
        certain = np.zeros(len(scores))
        certain[scores.argmax()] = 1.0
        return certain
    with np.errstate(over="ignore"):  # a tiny temperature may reach -inf, which is exp's zero
        weights = np.exp((scores - highest) / config.temperature)
    probabilities: Float64 = weights / weights.sum()
    if config.top_k is not None and config.top_k < len(probabilities):
        probabilities = keep_top_k(probabilities, config.top_k)
    if config.top_p is not None and config.top_p < 1:
        probabilities = keep_nucleus(probabilities, config.top_p)
    return probabilities


def keep_top_k(probabilities: Float64, top_k: int) -> Float64:
    """Keep the k likeliest characters; of equally likely ones, those that come first.

    Args:
        probabilities: Shape (V,), non-negative, summing to 1.
        top_k: How many are kept, at least 1.

    Returns:
        A new array, shape (V,), summing to 1, zero outside the kept set.

    Source:
        Fan, Lewis & Dauphin (2018).
    """
    return _only(probabilities, _likeliest_first(probabilities)[:top_k])


def keep_nucleus(probabilities: Float64, top_p: float) -> Float64:
    """Keep the smallest set of likeliest characters whose probabilities reach p.

    Args:
        probabilities: Shape (V,), non-negative, summing to 1.
        top_p: In (0, 1].

    Returns:
        A new array, shape (V,), summing to 1, zero outside the kept set.

    Source:
        Holtzman et al. (2020).
    """
    order = _likeliest_first(probabilities)
    reached = np.cumsum(probabilities[order])
    count = int(np.searchsorted(reached, top_p, side="left")) + 1
    return _only(probabilities, order[:count])


def _likeliest_first(probabilities: Float64) -> npt.NDArray[np.intp]:
    return np.argsort(-probabilities, kind="stable")


def _only(probabilities: Float64, kept: npt.NDArray[np.intp]) -> Float64:
    filtered = np.zeros_like(probabilities)
    filtered[kept] = probabilities[kept]
    normalized: Float64 = filtered / filtered.sum()
    return normalized


def _uniform(rng: np.random.BitGenerator) -> float:
    """One number in [0, 1): the high 53 bits of one raw draw, whose stream NumPy never changes."""
    return (rng.random_raw() >> 11) * 2.0**-53
