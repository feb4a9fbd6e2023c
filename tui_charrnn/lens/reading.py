"""Read a tape again with the network's predictions, states and gates at each character.

The prediction of a character is the distribution before it, at temperature 1 and without filters,
in float64; its states and gates are those of the step in which the network read it. A single stream
reads, as in generation, so every number is exact.

Notation: N characters of a text, H hidden size, V vocabulary size, K alternatives.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.cells import Layer
from tui_charrnn.generation.lstm import Stepper, quiet
from tui_charrnn.generation.neuron import Clamp, Probe, gates_of
from tui_charrnn.generation.sampling import distribution
from tui_charrnn.generation.stream import CharacterStream, StreamState
from tui_charrnn.generation.tape import Tape, TapePosition
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

_LN2: Final = math.log(2)
_NEVER: Final = -1000.0
"""A logit, relative to the highest, whose probability is 0 in float64; -inf is raised to it, as
0 times infinity is NaN."""
_FEW: Final = 256
"""Vocabulary size up to which a full sort is faster than a partition."""


class Prediction(NamedTuple):
    """The model's prediction at one character."""

    probability: float
    """Of the character."""
    surprise: float
    """-log2 of the probability, bits."""
    entropy: float
    """Of the distribution, bits: 0 is certain, log2 V is uniform."""
    alternatives: tuple[tuple[int, float], ...] = ()
    """Up to K indices of the vocabulary with their probabilities, the likeliest first."""


class Predictions(NamedTuple):
    """The model's predictions at N characters."""

    probability: Float64
    """Of the characters, shape (N,)."""
    surprise: Float64
    """-log2 of the probability, bits, shape (N,)."""
    entropy: Float64
    """Of the distribution, bits, shape (N,)."""
    alternatives: Indices
    """Indices of the vocabulary, the likeliest first, shape (N, K)."""
    likelihoods: Float64
    """Probabilities of the alternatives, shape (N, K)."""

    def of(self, row: int) -> Prediction:
        """Return the prediction at one character."""
        pairs = zip(self.alternatives[row].tolist(), self.likelihoods[row].tolist(), strict=True)
        return Prediction(
            float(self.probability[row]),
            float(self.surprise[row]),
            float(self.entropy[row]),
            tuple(pairs),
        )


def predict_each(logits: Float32, targets: Indices, count: int) -> Predictions:
    """Return the predictions at N characters, with K = `count` alternatives each, at most V.

    Logits have the shape (N, V), the characters that they predict the shape (N,).

    Raises:
        ModelFileError: If the logits are not finite.
    """
    with quiet():
        scores = logits.astype(np.float64)
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        total = powers.sum(axis=1, keepdims=True)
        powers /= total
        rows = np.arange(len(targets))
        surprise = (np.log(total)[:, 0] - scores[rows, targets]) / _LN2
    if not np.isfinite(total).all():
        raise not_finite_error()
    np.maximum(scores, _NEVER, out=scores)
    entropy = (np.log(total)[:, 0] - np.einsum("nv,nv->n", powers, scores)) / _LN2
    alternatives = _likeliest(powers, min(count, powers.shape[1]))
    return Predictions(
        probability=powers[rows, targets],
        surprise=surprise,
        entropy=entropy,
        alternatives=alternatives,
        likelihoods=np.take_along_axis(powers, alternatives, axis=1),
    )


def _likeliest(probabilities: Float64, count: int) -> Indices:
    """Return the columns of the largest values of each row, in descending order, (N, count)."""
    size = probabilities.shape[1]
    if size <= _FEW or count == size:
        return np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    columns = np.argpartition(-probabilities, count, axis=1)[:, :count]
    columns.sort(axis=1)  # so that ties go to the lower index
    values = np.take_along_axis(probabilities, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


LayerView = Mapping[str, Float32]
"""States and gates of one layer at one character, as in `Layer.parts`."""


def view_layers(layers: Iterable[Layer]) -> tuple[LayerView, ...]:
    """Copy the states and gates of a network's last step, the lowest layer first."""
    return tuple({part: each.copy() for part, each in layer.parts.items()} for layer in layers)


class TapeReader:
    """Reads passages of a tape again, with the weights and states that generated them.

    A passage that continues where the last one ended takes one step per character; another one
    takes a few steps more, from the nearest stored state of the tape. Not thread-safe, but another
    thread may write to the tape.
    """

    def __init__(
        self, tape: Tape, look: Callable[[int, int], TapePosition | None], alternatives: int
    ) -> None:
        """Start without reading.

        `look` is called with a branch and a position; it returns that position of the tape, or None
        if there is none. `alternatives` is the number of alternatives per character.
        """
        self._tree: Final = tape.tree
        self._look = look
        self._alternatives = alternatives
        self._stepper = Stepper(tape.stream.weights)
        self.at: tuple[int, int] | None = None
        """Branch and position of the stepper, where continuing to read is cheapest; None before the
        first `read`."""
        self._unread = 0  # the character before that position, which the stepper has not read yet
        self.values: list[float] = []
        """Values of the probe of the last `read` after each character; empty without a probe."""

    def read(
        self, number: int, start: int, stop: int, probe: Probe | None = None
    ) -> Predictions | None:
        """Return the predictions of the characters, at least one, between two positions.

        None if the branch has no such position. The values of the probe are stored in `values`.

        Raises:
            ModelFileError: If the model's logits are not finite.
        """
        stepper = self._stepper
        if self.at != (number, start):
            found = self._look(number, start)
            if found is None:
                return None
            stepper.restore(found.state.network)
            self._unread = found.state.unread
        self.at = None  # an interrupted read cannot be continued
        self.values = []
        indices = self._tree.indices(number, start, stop)
        logits = np.empty((len(indices), len(stepper.logits)), np.float32)
        for row, index in enumerate(indices):
            self._step(number, start + row)
            logits[row] = stepper.logits
            if probe is not None and row:
                self.values.append(stepper.layers[probe.layer].value(probe))
            self._unread = index
        self.at = number, start + len(indices)
        if probe is not None:
            with self._one_step_ahead():
                self.values.append(stepper.layers[probe.layer].value(probe))
        return predict_each(logits, np.array(indices, np.intp), self._alternatives)

    def views(self) -> tuple[LayerView, ...]:
        """Return states and gates after the last character of the last `read`."""
        with self._one_step_ahead():
            return view_layers(self._stepper.layers)

    @contextmanager
    def _one_step_ahead(self) -> Iterator[None]:
        """Read the last character too, and restore the state before it on exit."""
        before = self._stepper.state.copy()
        if self.at is not None:
            self._step(*self.at)
        try:
            yield
        finally:
            self._stepper.restore(before)

    def _step(self, number: int, position: int) -> None:
        """Read the character before a position, with the clamps of that position."""
        self._stepper.set_clamps(self._tree.holder(number, position).clamps_at(position))
        self._stepper.read(self._unread)


class ClampTrial(NamedTuple):
    """What follows if the newest character of a text is read again with other clamps."""

    means: Mapping[Probe, float]
    """The mean of every gate as that character is read."""
    probabilities: Float64
    """Of the next character at temperature 1, shape (V,)."""
    indices: Sequence[int]
    """The characters that follow, as indices of the vocabulary."""


def try_clamps(
    stream: CharacterStream, state: StreamState, clamps: tuple[Clamp, ...], length: int
) -> ClampTrial:
    """Generate `length` characters, at least one, from a state of a stream with these clamps.

    They apply from the newest character on, which is read again. The settings are those of the
    stream; with the clamps of the state the characters are those that followed it.
    """
    stream.restore(state)
    stream.clamps = clamps
    first = stream.next().index
    means = {gate: stream.layers[gate.layer].value(gate) for gate in gates_of(stream.model.config)}
    probabilities = distribution(stream.logits, SamplingConfig(temperature=1))
    return ClampTrial(
        means, probabilities, [first, *(stream.next().index for _ in range(length - 1))]
    )
