"""Find the neurons of a model whose states correlate with properties of a text.

All states, h and c of every layer, are correlated with all properties in one pass. A block of text
is divided into segments that streams read in parallel, each after a warm-up on the `WARM_UP`
characters before its segment. The output layer is not computed.

Among many neurons some correlate with a property by chance, the more so as both change slowly. The
size of chance correlations is estimated by circular shifts: the property is shifted along the
block by 1/20, 2/20 ... 19/20 of its length and correlated again. A shift keeps the autocorrelation
of the property but destroys its relation to the states.

For every property the passage in which it varies most is stored as an example.

Notation: B streams, T steps, S state size, P properties, M symbols of a block; for a correlation,
N rows, C columns on the left, P on the right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.lstm import Stepper, fold_embedding, quiet
from tui_charrnn.generation.neuron import Probe, all_neurons
from tui_charrnn.generation.scoring import WARM_UP, SegmentReader
from tui_charrnn.lens.properties import PROPERTIES, Property, PropertyReader, Values, with_following
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

LEAST: Final = 500
"""Characters of a text below which even large correlations mean nothing."""
EXCERPT: Final = 240
"""Characters of a passage; a shorter text is one passage."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A passage of a text in which a property varies."""

    text: str
    """N characters."""
    before: str
    """Characters before it, to warm up a network; fewer at the beginning of the text."""
    values: Values
    """The property at each character, shape (N,)."""


class ExcerptFinder:
    """Finds for every property the passage with the largest variance; the first of equal ones.

    A block is divided into passages of `EXCERPT` characters. The best one is moved to start after
    its first line feed, if that is near its beginning.
    """

    def __init__(self, properties: int) -> None:
        self.best: list[Excerpt | None] = [None] * properties
        """The passage of each property; None if it never varied within one."""
        self._variances = np.zeros(properties)
        self._tail = ""

    def add(self, block: str, values: Values) -> None:
        """Search the next N >= 1 characters of a text, with properties of shape (N, P).

        Passages do not span blocks.
        """
        length = min(EXCERPT, len(block))
        passages = len(block) // length
        rows = values[: passages * length].reshape(passages, length, -1)
        variances = rows.var(axis=1, dtype=np.float64)
        for number, best in enumerate(variances.argmax(axis=0)):
            if variances[best, number] > self._variances[number]:
                self._variances[number] = variances[best, number]
                start = int(best) * length
                feed = block.find("\n", start, start + length // 3) if passages > 1 else -1
                start = feed + 1 if feed >= 0 else start  # prefer the beginning of a line
                self.best[number] = Excerpt(
                    text=block[start : start + length],
                    before=(self._tail + block[max(0, start - WARM_UP) : start])[-WARM_UP:],
                    values=values[start : start + length, number].copy(),
                )
        self._tail = (self._tail + block[-WARM_UP:])[-WARM_UP:]


def values_of(neuron: Probe, excerpt: Excerpt, model: Model) -> Float64:
    """Return the values of a neuron after each character of a passage, shape (N,).

    NaN stands for a character that the model does not know.
    """
    vocabulary = model.vocabulary
    stepper = Stepper(fold_embedding(replace(model, numbers="float32")))
    layer = stepper.layers[neuron.layer]
    for index in (vocabulary.start_index, *vocabulary.spell(excerpt.before).indices.tolist()):
        stepper.read(index)
    values = np.full(len(excerpt.text), np.nan)
    spelled = vocabulary.spell(excerpt.text)
    for owner, index in zip(spelled.owners.tolist(), spelled.indices.tolist(), strict=True):
        stepper.read(index)
        values[owner] = layer.value(neuron)
    return values


BORDERS: Final = (0.5, 1.5)
"""Distances from the mean, in standard deviations, at which the level changes."""


def levels_of(
    values: npt.NDArray[np.floating], mean: float, deviation: float
) -> npt.NDArray[np.int8]:
    """Return the level of each of N values: -2 (far below the mean) to 2 (far above it).

    NaN has level 0; if the deviation is 0, all values have.
    """
    distance = np.nan_to_num((np.asarray(values, np.float64) - mean) / (deviation or np.inf))
    steps = np.searchsorted(BORDERS, np.abs(distance), side="right")
    levels: npt.NDArray[np.int8] = (np.sign(distance) * steps).astype(np.int8)
    return levels


_ROUNDING: Final = 1e-12
"""Variances below this share of the mean square may be rounding errors."""


class Correlation:
    """Accumulates Pearson's r of every left column with every right column.

    Sums are float64, after an offset near the mean is subtracted from each column: otherwise a
    small variance about a large mean would be lost to rounding.
    """

    def __init__(self, left_offsets: Float32 | Float64, right_offsets: Float64) -> None:
        # float32 differences of nearby numbers are exact
        self.left_offsets: Final[Float32] = left_offsets.astype(np.float32)
        self.right_offsets: Final = right_offsets
        self.products = np.zeros((1 + len(right_offsets), 1 + len(left_offsets)))
        """Sums over rows of right times left columns, each with a column of ones before it, shape
        (1 + P, 1 + C): [0, 0] is the number of rows, the rest of row 0 the sums of the left, the
        rest of column 0 those of the right."""
        self.left_squares = np.zeros(len(left_offsets))
        self.right_squares = np.zeros(len(right_offsets))

    def add(self, left: Float32, right: Float32) -> None:
        """Add rows, shapes (N, C) and (N, P)."""
        lefts, rights = (np.ones((len(left), size)) for size in self.products.shape[::-1])
        np.subtract(left, self.left_offsets, out=lefts[:, 1:])
        np.subtract(right, self.right_offsets, out=rights[:, 1:])
        self.products += rights.T @ lefts
        self.left_squares += np.einsum("nc,nc->c", lefts[:, 1:], lefts[:, 1:])
        self.right_squares += np.einsum("np,np->p", rights[:, 1:], rights[:, 1:])

    def merge(self, other: "Correlation") -> None:
        """Add the rows of another accumulator with the same offsets."""
        self.products += other.products
        self.left_squares += other.left_squares
        self.right_squares += other.right_squares

    @property
    def count(self) -> int:
        """Number of rows."""
        return int(self.products[0, 0])

    @property
    def left_means(self) -> Float64:
        """Means of the left columns, shape (C,)."""
        return self.left_offsets + self.products[0, 1:] / max(1, self.count)

    @property
    def left_deviations(self) -> Float64:
        """Standard deviations of the left columns, shape (C,)."""
        return np.sqrt(self._variances(self.products[0, 1:], self.left_squares))

    @property
    def right_means(self) -> Float64:
        """Means of the right columns, shape (P,)."""
        return self.right_offsets + self.products[1:, 0] / max(1, self.count)

    def coefficients(self) -> Float64:
        """Return Pearson's r, shape (P, C), in [-1, 1]; NaN if either column is constant."""
        count, lefts, rights = max(1, self.count), self.products[0, 1:], self.products[1:, 0]
        left = self._variances(lefts, self.left_squares)
        right = self._variances(rights, self.right_squares)
        covariances = self.products[1:, 1:] / count - np.outer(rights, lefts) / count**2
        with np.errstate(divide="ignore", invalid="ignore"):
            r = covariances / np.sqrt(np.outer(right, left))
        r[:, left <= _ROUNDING * self.left_squares / count] = np.nan
        r[right <= _ROUNDING * self.right_squares / count] = np.nan
        clipped: Float64 = np.clip(r, -1, 1)  # rounding may exceed the range
        return clipped

    def _variances(self, sums: Float64, squares: Float64) -> Float64:
        count = max(1, self.count)
        variances: Float64 = np.maximum(squares / count - (sums / count) ** 2, 0)
        return variances


@dataclass(frozen=True, slots=True)
class FollowingNeuron:
    """A neuron and its correlation with a property."""

    neuron: Probe
    property: Property
    r: float
    """Pearson's correlation over the text, -1 to 1."""
    chance: float
    """The |r| that chance alone gives; see `Finding`."""
    mean: float
    """Mean of the neuron over the text."""
    deviation: float
    """Standard deviation of the neuron."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result for one property."""

    property: Property
    mean: float
    """Mean of the property over the text; for a yes-or-no property, the share of yes."""
    chance: float
    """Largest |r| of any examined neuron with the shifted property; a correlation that is not
    larger may be chance."""
    neurons: tuple[FollowingNeuron, ...]
    """In descending order of |r|; empty if the property is constant."""
    excerpt: Excerpt | None
    """A passage in which the property varies, if there is one."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The results for a text."""

    characters: int
    """Symbols that were read."""
    unknown: int
    """Characters that the model does not know; skipped, or read as the unknown symbol."""
    properties: tuple[Finding, ...]
    """In the requested order."""


SHIFTS: Final = 19
"""Circular shifts: for an unrelated neuron the unshifted |r| is the largest of 20 in 1 of 20 cases.
"""
_MOST_STREAMS: Final = 128
_SHORTEST_SEGMENT: Final = 4096
_AT_ONCE: Final = 1 << 17
"""Numbers of states that are buffered before they are added up, so that they stay in the cache."""


class NeuronFinder:
    """Correlates the neurons of a model with properties of one text, read as if after a newline.

    `streams` and `threads` are those of `SegmentReader`.
    """

    def __init__(
        self,
        model: Model,
        properties: Sequence[Property] = PROPERTIES,
        *,
        streams: int | None = None,
        threads: int = 1,
    ) -> None:
        weights = fold_embedding(replace(model, numbers="float32"))
        # without an output layer
        kernel = np.zeros((len(weights.output_kernel), 0), np.float32)
        weights = weights._replace(output_kernel=kernel, output_bias=np.zeros(0, np.float32))
        self._vocabulary = model.vocabulary
        self._neurons = all_neurons(model.config)
        self._properties = tuple(properties)
        self._reader = PropertyReader(self._properties)
        self._excerpts = ExcerptFinder(len(self._properties))
        self._segments = SegmentReader(
            weights, streams=streams, threads=threads, least=_SHORTEST_SEGMENT, most=_MOST_STREAMS
        )
        stepper = Stepper(weights)
        stepper.read(self._vocabulary.start_index)
        self._segments.state[:] = stepper.state
        self._state_offsets = stepper.state
        self._correlation: Correlation | None = None
        self._unknown = 0

    def find(self, blocks: Iterable[str], *, top: int = 10, layer: int | None = None) -> Findings:
        """Return the `top` neurons of each property, of one layer, from 0, or of all layers.

        The text arrives in composed (NFC) blocks of any length, ideally of a million.

        Raises:
            CorpusError: If the model knows no character of the text.
            ModelFileError: If the states of the network are not finite.
        """
        for block, after in with_following(blocks):
            self._add(block, after)
        total = self._correlation
        if total is None:
            raise CorpusError("The model knows no character of this text, so it has read nothing.")
        return self._findings(total, top, layer)

    def _add(self, block: str, after: str) -> None:
        values = self._reader.read(block, after)
        self._excerpts.add(block, values)
        spelled = self._vocabulary.spell(block)
        self._unknown += int((~spelled.is_known).sum())
        symbols = spelled.indices
        if not len(symbols):
            return
        if len(spelled.owners) != len(block) or not spelled.is_known.all():
            values = values[spelled.owners]
        if self._correlation is None:
            value_offsets = np.tile(values.mean(axis=0, dtype=np.float64), 1 + SHIFTS)
            self._correlation = Correlation(self._state_offsets, value_offsets)
        total = self._correlation
        shifts = (np.arange(1 + SHIFTS) * len(values) // (1 + SHIFTS)).tolist()

        def correlate(stepper: Stepper, positions: Indices) -> Correlation:
            correlation = Correlation(total.left_offsets, total.right_offsets)
            at_once = max(1, min(len(positions), _AT_ONCE // stepper.state.size))
            buffer = np.empty((at_once, *stepper.state.shape), np.float32)
            with quiet():
                for first in range(0, len(positions), at_once):
                    part = positions[first : first + at_once]
                    for step in self._segments.steps(stepper, symbols[part]):
                        buffer[step] = stepper.state
                    rows = buffer[: len(part)].reshape(part.size, -1)
                    shifted = [(part.ravel() + shift) % len(values) for shift in shifts]
                    correlation.add(rows, np.hstack([values[each] for each in shifted]))
            return correlation

        for correlation in self._segments.read(symbols, correlate):
            total.merge(correlation)

    def _findings(self, total: Correlation, top: int, layer: int | None) -> Findings:
        means, deviations = total.left_means, total.left_deviations
        if not np.isfinite(means).all():
            raise not_finite_error("states")
        is_wanted = np.array([layer in {None, neuron.layer} for neuron in self._neurons])
        shape = 1 + SHIFTS, len(self._properties), len(self._neurons)
        r, *shifted = np.where(is_wanted, total.coefficients(), np.nan).reshape(shape)
        chances = np.nan_to_num(np.abs(shifted)).max(axis=(0, 2))
        findings = []
        for number, each in enumerate(self._properties):
            mean, chance = float(total.right_means[number]), float(chances[number])
            strongest = np.argsort(-np.abs(r[number]), kind="stable").tolist()
            units = [unit for unit in strongest if not np.isnan(r[number, unit])]
            following = [
                FollowingNeuron(
                    self._neurons[unit],
                    each,
                    float(r[number, unit]),
                    chance,
                    float(means[unit]),
                    float(deviations[unit]),
                )
                for unit in units[:top]
            ]
            excerpt = self._excerpts.best[number]
            findings.append(Finding(each, mean, chance, tuple(following), excerpt))
        return Findings(total.count, self._unknown, tuple(findings))
