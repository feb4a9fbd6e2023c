"""Which neurons of a model follow which properties of a text.

Every number that the network remembers, h and c of every layer, is correlated with every property
in one pass. A block of text is cut into stretches that streams read side by side, each after the
`WARM_UP` characters before its own: the weights are read once for all of them. Nothing is
predicted, so the output layer is left out.

Of many neurons some go along with a property by chance, the more so as both change slowly. How far,
is found by circular shifts: the same correlations with the property moved along the block, by 1/20,
2/20 ... 19/20 of it. That keeps how slowly it changes and undoes what it has to do with the states.

For every property there is a passage in which it varies most, to be looked at neuron by neuron.

Notation: B streams, T steps, S numbers that the network remembers, P properties, M characters of a
block as the model spells them; for a correlation, N rows, C numbers of one group, P of the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import CorpusError
from tui_charrnn.generation.lstm import Stepper, fold_embedding, quiet
from tui_charrnn.generation.neuron import Probe, all_neurons, place_of
from tui_charrnn.generation.scoring import WARM_UP, StretchReader
from tui_charrnn.lens.properties import PROPERTIES, Property, PropertyReader, Values, with_following
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error
from tui_charrnn.translation import tr

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


def values_of(neuron: Probe, excerpt: Excerpt, model: Model) -> Float64:
    """What a neuron has after each character of a passage.

    Returns:
        Shape (N,); NaN for a character that the model does not know.
    """
    stepper = Stepper(fold_embedding(replace(model, numbers="float32")))
    vocabulary, place = model.vocabulary, place_of(neuron, model.config)
    for index in (vocabulary.start_index, *vocabulary.spell(excerpt.before).indices.tolist()):
        stepper.read(index)
    values = np.full(len(excerpt.text), np.nan)
    spelled = vocabulary.spell(excerpt.text)
    for owner, index in zip(spelled.owners.tolist(), spelled.indices.tolist(), strict=True):
        stepper.read(index)
        values[owner] = stepper.state[place]
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


_ROUNDING: Final = 1e-12
"""The share of a sum of squares below which a variance may be nothing but rounding."""


class Correlation:
    """Pearson's r of every number of one group with every number of the other.

    All sums are float64, of what is left after a value near the mean is taken away: without that,
    the variance of what hardly varies about a large mean would be lost in rounding.
    """

    def __init__(self, near_left: Float32 | Float64, near_right: Float64) -> None:
        # 32 bits are exact where it matters, which is between numbers near each other
        self._near_left: Final[Float32] = near_left.astype(np.float32)
        self._near_right: Final = near_right
        self.products = np.zeros((1 + len(near_right), 1 + len(near_left)))
        """Sums over rows of each product of both groups, a 1 before each: the number of rows, sums
        of the first group beside it, of the second below it."""
        self.left_squares, self.right_squares = (
            np.zeros(len(near_left)),
            np.zeros(len(near_right)),
        )

    def add(self, left: Float32, right: Float32) -> None:
        """Take rows in, shapes (N, C) and (N, P)."""
        ours, theirs = (np.ones((len(left), size)) for size in self.products.shape[::-1])
        np.subtract(left, self._near_left, out=ours[:, 1:])
        np.subtract(right, self._near_right, out=theirs[:, 1:])
        self.products += theirs.T @ ours
        self.left_squares += np.einsum("nc,nc->c", ours[:, 1:], ours[:, 1:])
        self.right_squares += np.einsum("np,np->p", theirs[:, 1:], theirs[:, 1:])

    def without_rows(self) -> "Correlation":
        """Another one with the same values near the means, which has seen no rows yet."""
        return Correlation(self._near_left, self._near_right)

    def merge(self, other: "Correlation") -> None:
        """Take in the rows that another one has seen, with the same values near the means."""
        self.products += other.products
        self.left_squares += other.left_squares
        self.right_squares += other.right_squares

    @property
    def count(self) -> int:
        """Rows so far."""
        return int(self.products[0, 0])

    @property
    def left_means(self) -> Float64:
        """Of the first group, shape (C,)."""
        return self._near_left + self.products[0, 1:] / max(1, self.count)

    @property
    def left_deviations(self) -> Float64:
        """Standard deviations of the first group, shape (C,)."""
        return np.sqrt(self._variances(self.products[0, 1:], self.left_squares))

    @property
    def right_means(self) -> Float64:
        """Of the second group, shape (P,)."""
        return self._near_right + self.products[1:, 0] / max(1, self.count)

    def coefficients(self) -> Float64:
        """Pearson's r, shape (P, C), from -1 to 1; NaN where either number never varied."""
        count, lefts, rights = max(1, self.count), self.products[0, 1:], self.products[1:, 0]
        left = self._variances(lefts, self.left_squares)
        right = self._variances(rights, self.right_squares)
        together = self.products[1:, 1:] / count - np.outer(rights, lefts) / count**2
        with np.errstate(divide="ignore", invalid="ignore"):
            r = together / np.sqrt(np.outer(right, left))
        r[:, left <= _ROUNDING * self.left_squares / count] = np.nan
        r[right <= _ROUNDING * self.right_squares / count] = np.nan
        clipped: Float64 = np.clip(r, -1, 1)  # rounding may lead a little beyond
        return clipped

    def _variances(self, sums: Float64, squares: Float64) -> Float64:
        count = max(1, self.count)
        variances: Float64 = np.maximum(squares / count - (sums / count) ** 2, 0)
        return variances


@dataclass(frozen=True, slots=True)
class FollowingNeuron:
    """A neuron and how closely it follows a property."""

    neuron: Probe
    r: float
    """Pearson's correlation over the text, from -1 to 1."""
    mean: float
    """Of the neuron over the text."""
    deviation: float
    """Its standard deviation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one property."""

    property: Property
    mean: float
    """Of the property over the text: of a yes or no, the share of yes."""
    chance: float
    """The largest |r| that any of the neurons looked at has with the property shifted along the
    text; see `NeuronFinder`. What is not above it may be chance."""
    neurons: tuple[FollowingNeuron, ...]
    """The one with the largest |r| first; none if the property never changed."""
    excerpt: Excerpt | None
    """A passage in which it changes, if there is one."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a text."""

    characters: int
    """That were read."""
    unknown: int
    """That the model does not know: passed over, or read as the symbol that it has for them."""
    properties: tuple[Finding, ...]
    """In the order in which they were asked for."""


SHIFTS: Final = 19
"""Circular shifts: a neuron that has nothing to do with a property has the largest |r| of it and
its shifted copies in one of 20 cases."""
_MOST_STREAMS: Final = 128
_LEAST_STRETCH: Final = 4096
_AT_ONCE: Final = 1 << 17
"""Numbers of states that are kept until they are added up: they stay in the cache."""


class NeuronFinder:
    """Reads one text, which begins as after a newline, and finds what its neurons follow.

    P properties may be followed. Streams and threads are those of `StretchReader`.
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
        # nothing is asked of the output layer
        kernel = np.zeros((len(weights.output_kernel), 0), np.float32)
        weights = weights._replace(output_kernel=kernel, output_bias=np.zeros(0, np.float32))
        self._vocabulary = model.vocabulary
        self._neurons = all_neurons(model.config)
        self._properties = tuple(properties)
        self._reader = PropertyReader(self._properties)
        self._excerpts = ExcerptFinder(len(self._properties))
        self._stretches = StretchReader(
            weights, streams=streams, threads=threads, least=_LEAST_STRETCH, most=_MOST_STREAMS
        )
        stepper = Stepper(weights)
        stepper.read(self._vocabulary.start_index)
        self._stretches.state[:] = stepper.state
        self._near_states: Float64 = stepper.state.astype(np.float64)
        self._found: Correlation | None = None
        self._unknown = 0

    def add(self, block: str, after: str = "") -> None:
        """Read the next composed characters (NFC), a million at best, before those of `after`."""
        values = self._reader.read(block, after)
        self._excerpts.add(block, values)
        spelled = self._vocabulary.spell(block)
        self._unknown += int((~spelled.is_known).sum())
        symbols = spelled.indices
        if not len(symbols):
            return
        if len(spelled.owners) != len(block) or not spelled.is_known.all():
            values = values[spelled.owners]
        if self._found is None:
            near = np.tile(values.mean(axis=0, dtype=np.float64), 1 + SHIFTS)
            self._found = Correlation(self._near_states, near)
        found = self._found

        def follow(stepper: Stepper, places: Indices) -> Correlation:
            mine = found.without_rows()
            at_once = max(1, min(len(places), _AT_ONCE // stepper.state.size))
            kept = np.empty((at_once, *stepper.state.shape), np.float32)
            with quiet():
                for first in range(0, len(places), at_once):
                    part = places[first : first + at_once]
                    for step in self._stretches.steps(stepper, symbols[part]):
                        kept[step] = stepper.state
                    rows = kept[: len(part)].reshape(part.size, -1)
                    mine.add(rows, np.hstack([values[each] for each in _shifted(part, values)]))
            return mine

        for part in self._stretches.read(symbols, follow):
            found.merge(part)

    def end(self, top: int = 10, layer: int | None = None) -> Findings:
        """What was found: the first neurons of each property, of one layer, from 0, or of all.

        Raises:
            CorpusError: If the model knows no character of the text.
            ModelFileError: If what the network remembered are no finite numbers.
        """
        found = self._found
        if found is None:
            raise CorpusError(
                tr("The model knows no character of this text, so it has read nothing.")
            )
        means, deviations = found.left_means, found.left_deviations
        if not np.isfinite(means).all():
            raise not_finite_error("states")
        is_wanted = np.array([layer in {None, neuron.layer} for neuron in self._neurons])
        shape = 1 + SHIFTS, len(self._properties), len(self._neurons)
        r, *shifted = np.where(is_wanted, found.coefficients(), np.nan).reshape(shape)
        chances = np.nan_to_num(np.abs(shifted)).max(axis=(0, 2))
        findings = []
        for number, each in enumerate(self._properties):
            strongest = np.argsort(-np.abs(r[number]), kind="stable").tolist()
            places = [place for place in strongest if not np.isnan(r[number, place])]
            following = [
                FollowingNeuron(
                    self._neurons[place],
                    float(r[number, place]),
                    float(means[place]),
                    float(deviations[place]),
                )
                for place in places[:top]
            ]
            mean = float(found.right_means[number])
            chance, excerpt = float(chances[number]), self._excerpts.end(number)
            findings.append(Finding(each, mean, chance, tuple(following), excerpt))
        return Findings(found.count, self._unknown, tuple(findings))


def find_neurons(
    finder: NeuronFinder, blocks: Iterable[str], *, top: int = 10, layer: int | None = None
) -> Findings:
    """Read a text of any length, composed (NFC) and cut anywhere, two blocks of it in memory.

    The finder has read nothing yet; the other arguments and errors are those of its `end`.
    """
    for block, after in with_following(blocks):
        finder.add(block, after)
    return finder.end(top, layer)


def _shifted(places: Indices, values: Values) -> Iterator[Indices]:
    """Places of a block, and where the shifted copies of its M values have theirs."""
    for shift in range(1 + SHIFTS):
        yield (places.ravel() + shift * len(values) // (1 + SHIFTS)) % len(values)
