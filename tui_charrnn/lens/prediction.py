"""What a model expected of a character before it came.

All figures are the model's own, at temperature 1 and without filters, in float64.

Notation: V vocabulary size, K alternatives, N characters.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.scoring import Indices, quiet
from tui_charrnn.model.weights import Float32, not_finite_error

Float64 = npt.NDArray[np.float64]

_LN2: Final = math.log(2)
_NEVER: Final = -1000.0
"""A score below the highest at which the probability is 0 in 64 bits; one of -inf is raised to it,
as 0 times infinity is no number."""
_FEW: Final = 256
"""Characters up to which sorting all of them is faster than finding the likeliest first."""


class Prediction(NamedTuple):
    """What was expected of one character."""

    probability: float
    """Of the character that came."""
    surprise: float
    """-log2 of it, bits."""
    entropy: float
    """How open it was, bits: 0 was certain, log2 V would be a guess."""
    alternatives: tuple[tuple[int, float], ...]
    """Numbers in the vocabulary and probabilities, the likeliest first, up to K of them."""


class Predictions(NamedTuple):
    """What was expected of N characters, row by row."""

    probability: Float64
    """Of the character that came, shape (N,)."""
    surprise: Float64
    """-log2 of it, bits, shape (N,)."""
    entropy: Float64
    """How open it was, bits, shape (N,)."""
    alternatives: Indices
    """Numbers in the vocabulary, the likeliest first, shape (N, K)."""
    likelihoods: Float64
    """The probabilities of the alternatives, shape (N, K)."""

    def of(self, place: int) -> Prediction:
        """What was expected of one of the characters."""
        row = zip(self.alternatives[place].tolist(), self.likelihoods[place].tolist(), strict=True)
        return Prediction(
            float(self.probability[place]),
            float(self.surprise[place]),
            float(self.entropy[place]),
            tuple(row),
        )


def predict_each(logits: Float32, came: Indices, count: int) -> Predictions:
    """What was expected of N characters.

    Args:
        logits: The scores of all characters before each came, shape (N, V).
        came: The numbers of those that did, shape (N,).
        count: K, how many alternatives are wanted; V if it is more than those.

    Raises:
        ModelFileError: If the scores are not finite numbers.
    """
    with quiet():
        scores = logits.astype(np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        total = powers.sum(axis=1, keepdims=True)
        powers /= total
        rows = np.arange(len(came))
        surprise = (np.log(total)[:, 0] - scores[rows, came]) / _LN2
    if not np.isfinite(total).all():
        raise not_finite_error()
    np.maximum(scores, _NEVER, out=scores)
    entropy = (np.log(total)[:, 0] - np.einsum("nv,nv->n", powers, scores)) / _LN2
    alternatives = _likeliest(powers, min(count, powers.shape[1]))
    return Predictions(
        probability=powers[rows, came],
        surprise=surprise,
        entropy=entropy,
        alternatives=alternatives,
        likelihoods=np.take_along_axis(powers, alternatives, axis=1),
    )


def _likeliest(probabilities: Float64, count: int) -> Indices:
    """The columns of the largest values of every row, the largest first, shape (N, count)."""
    size = probabilities.shape[1]
    if size <= _FEW or count == size:
        return np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    columns = np.argpartition(-probabilities, count, axis=1)[:, :count]
    columns.sort(axis=1)  # of equally likely ones, the first in the vocabulary
    values = np.take_along_axis(probabilities, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
