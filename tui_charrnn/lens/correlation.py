"""How closely two groups of numbers go together, from sums over a text of any length.

Notation: N rows, C numbers of one group, P of the other.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.model.weights import Float32

Float64 = npt.NDArray[np.float64]

_ROUNDING: Final = 1e-12
"""The share of a sum of squares below which a variance may be nothing but rounding."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over rows, of what is left after a value near the mean is taken away."""

    left: Float64
    """Shape (C,)."""
    left_squares: Float64
    """Shape (C,)."""
    right: Float64
    """Shape (P,)."""
    right_squares: Float64
    """Shape (P,)."""
    products: Float64
    """Shape (P, C)."""


class Correlation:
    """Pearson's r of every number of one group with every number of the other.

    All sums are float64, of what is left after a value near the mean is taken away: without that,
    the variance of what hardly varies about a large mean would be lost in rounding.
    """

    def __init__(self, near_left: Float64, near_right: Float64) -> None:
        """Have seen nothing yet.

        Args:
            near_left: Values near the means of the first group, shape (C,).
            near_right: Values near the means of the second group, shape (P,).
        """
        self._near_left: Final[Float32] = near_left.astype(np.float32)
        self._near_right: Final = near_right
        ours, theirs = len(near_left), len(near_right)
        self.count = 0
        """Rows so far."""
        self.sums: Final = Sums(
            np.zeros(ours),
            np.zeros(ours),
            np.zeros(theirs),
            np.zeros(theirs),
            np.zeros((theirs, ours)),
        )

    def add(self, left: Float32, right: Float32) -> None:
        """Take rows in.

        Args:
            left: Shape (N, C).
            right: Shape (N, P).
        """
        # 32 bits are exact where it matters, which is between numbers near each other
        ours = (left - self._near_left).astype(np.float64)
        theirs = np.ones((len(right), 1 + right.shape[1]))
        np.subtract(right, self._near_right, out=theirs[:, 1:])
        products = theirs.T @ ours
        self._add(
            len(left),
            Sums(
                products[0],
                np.einsum("nc,nc->c", ours, ours),
                theirs[:, 1:].sum(axis=0),
                np.einsum("np,np->p", theirs[:, 1:], theirs[:, 1:]),
                products[1:],
            ),
        )

    def merge(self, other: "Correlation") -> None:
        """Take in the rows that another one has seen, with the same values near the means."""
        self._add(other.count, other.sums)

    @property
    def left_means(self) -> Float64:
        """Of the first group, shape (C,)."""
        return self._near_left + self.sums.left / max(1, self.count)

    @property
    def left_deviations(self) -> Float64:
        """Standard deviations of the first group, shape (C,)."""
        return np.sqrt(self._variances(self.sums.left, self.sums.left_squares))

    @property
    def right_means(self) -> Float64:
        """Of the second group, shape (P,)."""
        return self._near_right + self.sums.right / max(1, self.count)

    def coefficients(self) -> Float64:
        """Pearson's r, shape (P, C), from -1 to 1; NaN where either number never varied."""
        sums, count = self.sums, max(1, self.count)
        left = self._variances(sums.left, sums.left_squares)
        right = self._variances(sums.right, sums.right_squares)
        together = sums.products / count - np.outer(sums.right, sums.left) / count**2
        with np.errstate(divide="ignore", invalid="ignore"):
            r = together / np.sqrt(np.outer(right, left))
        r[:, left <= _ROUNDING * sums.left_squares / count] = np.nan
        r[right <= _ROUNDING * sums.right_squares / count] = np.nan
        clipped: Float64 = np.clip(r, -1, 1)  # rounding may lead a little beyond
        return clipped

    def _add(self, count: int, sums: Sums) -> None:
        self.count += count
        for each in fields(Sums):
            total = getattr(self.sums, each.name)
            total += getattr(sums, each.name)

    def _variances(self, sums: Float64, squares: Float64) -> Float64:
        count = max(1, self.count)
        variances: Float64 = np.maximum(squares / count - (sums / count) ** 2, 0)
        return variances
