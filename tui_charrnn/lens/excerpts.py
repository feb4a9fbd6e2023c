"""Passages of a text in which a property changes, to be looked at neuron by neuron.

Notation: N characters of a block, P properties, W = `EXCERPT` characters of a passage.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.neuron import Neuron
from tui_charrnn.generation.scoring import WARM_UP
from tui_charrnn.lens.properties import Values
from tui_charrnn.lens.reading import TraceReader
from tui_charrnn.model.weights import Float64

EXCERPT: Final = 240
"""Characters of a passage; a text that is shorter is one passage."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A passage of a text."""

    text: str
    """N characters."""
    before: str
    """The characters before it, for a reader to be warmed up on; few near the text's beginning."""
    values: Values
    """The property that it was chosen for, shape (N,)."""


class ExcerptFinder:
    """Finds for every property the passage in which it varies most; of equal ones, the first.

    A text is cut into stretches of W characters. The best of them is given from its first line feed
    on if that comes early, and then so many characters further.
    """

    def __init__(self, properties: int) -> None:
        self._best: list[Excerpt | None] = [None] * properties
        self._variances = np.zeros(properties)
        self._tail = ""

    def add(self, block: str, values: Values) -> None:
        """Look through the next N characters of a text, with properties of shape (N, P).

        Passages do not reach over the borders of a block.
        """
        length = min(EXCERPT, len(block))
        if not length:
            return
        passages = len(block) // length
        rows = values[: passages * length].reshape(passages, length, -1)
        variances = rows.var(axis=1, dtype=np.float64)
        for number, best in enumerate(variances.argmax(axis=0)):
            if variances[best, number] > self._variances[number]:
                self._variances[number] = variances[best, number]
                start = int(best) * length
                feed = block.find("\n", start, start + length // 3) if passages > 1 else -1
                start = feed + 1 if feed >= 0 else start  # rather at the beginning of a line
                self._best[number] = Excerpt(
                    text=block[start : start + length],
                    before=(self._tail + block[max(0, start - WARM_UP) : start])[-WARM_UP:],
                    values=values[start : start + length, number].copy(),
                )
        self._tail = (self._tail + block[-WARM_UP:])[-WARM_UP:]

    def end(self, number: int) -> Excerpt | None:
        """The passage of a property, by its number; None if it never varied within one."""
        return self._best[number]


def values_of(neuron: Neuron, excerpt: Excerpt, reader: TraceReader) -> Float64:
    """What a neuron has after each character of a passage; the reader begins anew.

    Returns:
        Shape (N,); NaN for a character that the model does not know.
    """
    reader.begin()
    reader.read(excerpt.before)
    trace = reader.read(excerpt.text)
    layer = trace.layers[neuron.layer]
    rows = layer.cell_state if neuron.part == "c" and layer.cell_state is not None else layer.hidden
    values = np.full(len(excerpt.text), np.nan)
    values[trace.places] = rows[:, neuron.unit]
    return values


BORDERS: Final = (0.5, 1.5)
"""Standard deviations from the mean at which the level is one higher or lower."""


def levels_of(
    values: npt.NDArray[np.floating], mean: float, deviation: float
) -> npt.NDArray[np.int8]:
    """The level of each of N values: -2 far below the mean, -1, 0, 1, or 2 far above it.

    NaN, of a character that the model does not know, has level 0; so have all if the deviation is
    0.
    """
    distance = np.nan_to_num((np.asarray(values, np.float64) - mean) / (deviation or np.inf))
    steps = np.searchsorted(BORDERS, np.abs(distance), side="right")
    levels: npt.NDArray[np.int8] = (np.sign(distance) * steps).astype(np.int8)
    return levels
