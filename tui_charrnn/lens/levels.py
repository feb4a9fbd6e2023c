"""How far a neuron is from its mean, in five levels that a screen can tell apart."""

from typing import Final

import numpy as np
import numpy.typing as npt

BORDERS: Final = (0.5, 1.5)
"""Standard deviations from the mean at which the level is one higher or lower."""


def levels_of(
    values: npt.NDArray[np.floating], mean: float, deviation: float
) -> npt.NDArray[np.int8]:
    """The level of each of N values: -2 far below the mean, -1, 0, 1, or 2 far above it.

    Args:
        values: Shape (N,); NaN, of a character that the model does not know, has level 0.
        mean: Of the neuron over a text.
        deviation: Its standard deviation; if it is 0, so is every level.
    """
    distance = np.nan_to_num((np.asarray(values, np.float64) - mean) / (deviation or np.inf))
    steps = np.searchsorted(BORDERS, np.abs(distance), side="right")
    levels: npt.NDArray[np.int8] = (np.sign(distance) * steps).astype(np.int8)
    return levels
