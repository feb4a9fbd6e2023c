"""How the next character is chosen from the logits.

All arithmetic is float64. A choice takes one uniform number and inverts the cumulative distribution
with it, so a text depends on the model, the settings and the RNG seed only, and not on how NumPy's
own choosing works.
"""

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tui_charrnn.model.weights import not_finite_error
from tui_charrnn.sampling_config import SamplingConfig

Float64: TypeAlias = npt.NDArray[np.float64]

_TINY_TEMPERATURE: Final = 1e-250
"""Below it, logits of 32 bits divided by it may be beyond numbers of 64."""


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

    Args:
        logits: The network's scores, shape (V,).
        index: The character's number in the vocabulary.

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


def keep_min_p(probabilities: Float64, min_p: float) -> Float64:
    """Keep the characters that have at least p times the probability of the likeliest.

    Args:
        probabilities: Shape (V,), non-negative, summing to 1.
        min_p: In (0, 1]; the likeliest character is always kept.

    Returns:
        A new array, shape (V,), summing to 1, zero outside the kept set.

    Source:
        Nguyen et al. (2024).
    """
    return _only(probabilities, np.flatnonzero(probabilities >= min_p * probabilities.max()))


def _likeliest_first(probabilities: Float64) -> npt.NDArray[np.intp]:
    return np.argsort(-probabilities, kind="stable")


def _only(probabilities: Float64, kept: npt.NDArray[np.intp]) -> Float64:
    filtered = np.zeros_like(probabilities)
    filtered[kept] = probabilities[kept]
    normalized: Float64 = filtered / filtered.sum()
    return normalized
