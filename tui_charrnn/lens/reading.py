"""A tape read again character by character, with all that went on in the network.

A character's prediction is what the model expected before it came, at temperature 1 and without
filters, in float64; states and gates are those of the step in which the network read it. One stream
reads, as in generation, so every number is exact.

Notation: N characters of a text, H hidden size, V vocabulary size, K alternatives.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.generation.cells import Layer
from tui_charrnn.generation.lstm import Stepper, quiet
from tui_charrnn.generation.neuron import Probe
from tui_charrnn.generation.tape import Tape, TapePosition
from tui_charrnn.model.weights import Float32, Float64, Indices, not_finite_error

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
    alternatives: tuple[tuple[int, float], ...] = ()
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
    """What was expected of N characters, K alternatives each, V at most.

    The scores of all characters before each came have the shape (N, V), the numbers of those that
    did the shape (N,).

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


@dataclass(frozen=True, slots=True)
class LayerView:
    """One layer at one character."""

    hidden: Float32
    """h, shape (H,)."""
    cell_state: Float32 | None
    """c, shape (H,); None for a cell that has none."""
    gates: Mapping[str, Float32]
    """The activations by name, each of shape (H,); see `Layer.gates`."""


def view_layers(layers: Iterable[Layer]) -> tuple[LayerView, ...]:
    """Copies of the states and gates of a network's last step, the lowest layer first."""
    return tuple(
        LayerView(
            layer.hidden.copy(),
            None if layer.cell_state is None else layer.cell_state.copy(),
            {name: gate.copy() for name, gate in layer.gates.items()},
        )
        for layer in layers
    )


class TapeReader:
    """Reads passages of a tape again, with the weights and the state that generated them.

    A passage that continues where the last one ended costs one step a character; another one the
    few steps more from the last state that the tape kept. Not for several threads at once; another
    thread may be writing the tape.
    """

    def __init__(
        self, tape: Tape, look: Callable[[int, int], TapePosition | None], alternatives: int
    ) -> None:
        """Read nothing yet; `look` tells what was known on a branch at a position, if there is one.

        Of each character so many alternatives are kept.
        """
        self._tree: Final = tape.tree
        self._look = look
        self._alternatives = alternatives
        self._stepper = Stepper(tape.stream.weights)
        self.at: tuple[int, int] | None = None
        """Branch and position before which the stepper stands, from which reading on costs least;
        None before the first."""
        self._unread = 0  # the character before that position, which the stepper has not read yet
        self.values: list[float] = []
        """What the probe of the last `read` had after each character; empty without a probe."""

    def read(
        self, number: int, start: int, stop: int, probe: Probe | None = None
    ) -> Predictions | None:
        """Read the characters of a branch from one position to another.

        There is a character before `stop`. What the probe has goes into `values`.

        Returns:
            What was expected of each; None if there is no such place.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        stepper = self._stepper
        if self.at != (number, start):
            moment = self._look(number, start)
            if moment is None:
                return None
            stepper.state[:] = moment.state.network
            self._unread = moment.state.unread
        self.at = None  # until all is read: what is broken off cannot be gone on with
        self.values = []
        indices = self._tree.indices(number, start, stop)
        logits = np.empty((len(indices), len(stepper.logits)), np.float32)
        for place, index in enumerate(indices):
            self._step(number, start + place)
            logits[place] = stepper.logits
            if probe is not None and place:
                self.values.append(stepper.layers[probe.layer].value(probe))
            self._unread = index
        self.at = number, start + len(indices)
        if probe is not None:
            with self._one_step_on():
                self.values.append(stepper.layers[probe.layer].value(probe))
        return predict_each(logits, np.array(indices, np.intp), self._alternatives)

    def views(self) -> tuple[LayerView, ...]:
        """States and gates of the step in which the last character of the last `read` was read."""
        with self._one_step_on():
            return view_layers(self._stepper.layers)

    @contextmanager
    def _one_step_on(self) -> Iterator[None]:
        """Have the network read the last character as well, and stand before it again after that.

        The scores that this makes are not used.
        """
        before = self._stepper.state.copy()
        if self.at is not None:
            self._step(*self.at)
        try:
            yield
        finally:
            self._stepper.state[:] = before

    def _step(self, number: int, position: int) -> None:
        """Read what stands before a position, with the neurons held that are held for it."""
        self._stepper.set_clamps(self._tree.holder(number, position).clamps_at(position))
        self._stepper.read(self._unread)
