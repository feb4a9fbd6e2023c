"""How far back a model looks: gradients of what it expects, through all that it read before.

The influence of a character on a later one is the norm of the gradient of the later one's log
probability with respect to the earlier one's input vector (its row of the embedding): how much the
prediction moves, to first order, as that vector does. It is exact: a passage is read once and all
activations are kept, then backpropagation through time goes back over them.

Notation: N characters of a passage, M targets, D distances, H hidden size, G gates of the cell.
Row 0 of a state is what it was before the passage, row n what it is after n characters.

Source:
    Hochreiter (1991) and Bengio, Simard & Frasconi (1994) for what vanishes; Madsen, "Visualizing
    memorization in RNNs" (Distill, 2019) for the picture.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import (
    NORM_EPSILON,
    Float64,
    Indices,
    LayerWeights,
    ModelWeights,
    not_finite_error,
)
from tui_charrnn.model_config import ModelConfig

Array = npt.NDArray[Any]
"""Of float32 or float64."""
FARTHEST: Final = 500
"""Characters back that are looked at most for one character."""


class Step(NamedTuple):
    """What a layer's step hands back of the gradients that came to its outputs."""

    inputs: Array
    """Of the sums of the inputs, x @ kernel, shape (M, G·H)."""
    recurrent: Array
    """Of the recurrent sums, h @ recurrent_kernel, shape (M, G·H)."""
    hidden: Array | float
    """Of h before, but for what comes through the recurrent sums; shape (M, H)."""
    memory: Array | float
    """Of c before, shape (M, H)."""


class Influence(NamedTuple):
    """Norms of the gradients of M log probabilities, shape (M, D) each; column 0 is distance 1."""

    inputs: Float64
    """With respect to the input vector of the character so many characters before."""
    hidden: Float64
    """With respect to h of all layers as that character had just been read."""


class _Lstm:
    """Activations of an LSTM layer over a passage, with layer normalization or without."""

    def __init__(self, weights: LayerWeights, count: int, state: Array) -> None:
        size = state.shape[-1] // 2
        self.hidden = np.empty((count + 1, size), state.dtype)
        self.cell = np.empty_like(self.hidden)
        self.hidden[0], self.cell[0] = state[:size], state[size:]
        self.gates = np.empty((count, 4, size), state.dtype)
        self._bias = weights.bias.reshape(4, size)
        self._norm = weights.norm
        if self._norm is not None:
            self._gain = self._norm.gate_gain.reshape(4, size)
            self._sums = np.empty_like(self.gates)
            """Normalized, before gain and bias."""
            self._sum_scales = np.empty((count, 4, 1), state.dtype)
            self._memory = np.empty((count, size), state.dtype)
            self._memory_scales = np.empty((count, 1), state.dtype)

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        sums = (inputs + recurrent).reshape(4, -1)
        if self._norm is not None:
            self._sums[row], self._sum_scales[row] = _normalized(sums)
            sums = self._gain * self._sums[row]
        gates = self.gates[row]
        gates[:] = sums + self._bias
        gates[2] = np.tanh(gates[2])
        for place in (0, 1, 3):
            gates[place] = _sigmoid(gates[place])
        self.cell[row + 1] = gates[1] * self.cell[row] + gates[0] * gates[2]
        if self._norm is not None:
            self._memory[row], self._memory_scales[row] = _normalized(self.cell[row + 1])
        self.hidden[row + 1] = gates[3] * np.tanh(self._read_out(row))

    def _read_out(self, rows: Any) -> Array:
        """What of c goes through the tanh, after the characters of some rows."""
        read: Array = self.cell[rows + 1]
        if self._norm is not None:
            read = self._norm.memory_gain * self._memory[rows] + self._norm.memory_bias
        return read

    def back(self, rows: Indices, hidden: Array, memory: Array) -> Step:
        """Take the gradients of h and c after the characters of M rows through the step."""
        gates = self.gates[rows]
        opened, forgot, offered, output = (gates[:, place] for place in range(4))
        seen = np.tanh(self._read_out(rows))
        let_out = hidden * output * (1 - seen * seen)
        if self._norm is not None:
            let_out = _norm_gradient(
                let_out * self._norm.memory_gain, self._memory[rows], self._memory_scales[rows]
            )
        memory = memory + let_out
        sums = np.empty((len(rows), 4, hidden.shape[-1]), hidden.dtype)
        sums[:, 0] = memory * offered * opened * (1 - opened)
        sums[:, 1] = memory * self.cell[rows] * forgot * (1 - forgot)
        sums[:, 2] = memory * opened * (1 - offered * offered)
        sums[:, 3] = hidden * seen * output * (1 - output)
        if self._norm is not None:
            sums = _norm_gradient(sums * self._gain, self._sums[rows], self._sum_scales[rows])
        flat = sums.reshape(len(rows), -1)
        return Step(flat, flat, 0.0, memory * forgot)


class _Gru:
    """Activations of a GRU layer over a passage; the reset gate comes after the product."""

    def __init__(self, weights: LayerWeights, count: int, state: Array) -> None:
        size = state.shape[-1]
        self.hidden = np.empty((count + 1, size), state.dtype)
        self.hidden[0] = state
        self.gates = np.empty((count, 3, size), state.dtype)
        self._recurrent = np.empty((count, size), state.dtype)
        """Of the candidate, before the reset gate."""
        self._biases = weights.bias.reshape(2, 3, size)

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        fresh = inputs.reshape(3, -1) + self._biases[0]
        kept = recurrent.reshape(3, -1) + self._biases[1]
        update, reset = _sigmoid(fresh[:2] + kept[:2])
        candidate = np.tanh(fresh[2] + reset * kept[2])
        self.gates[row] = update, reset, candidate
        self._recurrent[row] = kept[2]
        self.hidden[row + 1] = update * self.hidden[row] + (1 - update) * candidate

    def back(self, rows: Indices, hidden: Array, _: Array) -> Step:
        """Take the gradient of h after the characters of M rows through the step."""
        gates = self.gates[rows]
        update, reset, candidate = (gates[:, place] for place in range(3))
        sums = np.empty((len(rows), 3, hidden.shape[-1]), hidden.dtype)
        offered = hidden * (1 - update) * (1 - candidate * candidate)
        sums[:, 0] = hidden * (self.hidden[rows] - candidate) * update * (1 - update)
        sums[:, 1] = offered * self._recurrent[rows] * reset * (1 - reset)
        sums[:, 2] = offered
        inputs = sums.reshape(len(rows), -1).copy()
        sums[:, 2] *= reset
        return Step(inputs, sums.reshape(len(rows), -1), hidden * update, 0.0)


class _Rnn:
    """Activations of a simple recurrent layer over a passage."""

    def __init__(self, weights: LayerWeights, count: int, state: Array) -> None:
        self.hidden = np.empty((count + 1, state.shape[-1]), state.dtype)
        self.hidden[0] = state
        self._bias = weights.bias

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        self.hidden[row + 1] = np.tanh(inputs + recurrent + self._bias)

    def back(self, rows: Indices, hidden: Array, _: Array) -> Step:
        """Take the gradient of h after the characters of M rows through the step."""
        after = self.hidden[rows + 1]
        sums = hidden * (1 - after * after)
        return Step(sums, sums, 0.0, 0.0)


_Layer = _Lstm | _Gru | _Rnn
_CELLS: Final[dict[str, Callable[[LayerWeights, int, Array], _Layer]]] = {
    "lstm": _Lstm,
    "gru": _Gru,
    "rnn": _Rnn,
}


class Passage:
    """A passage as a network read it, with all that it takes to go back over it."""

    def __init__(
        self,
        weights: ModelWeights,
        config: ModelConfig,
        indices: Indices,
        state: Array | None = None,
    ) -> None:
        """Read a passage of N characters, by their numbers in the vocabulary, shape (N,).

        What is computed has the precision of the weights. The state before the first character,
        shape (S,), is as `Stepper.state` has it; None is nothing.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        self.indices: Final = indices
        self._weights = weights
        self._output_kernel, self._output_bias = weights.calibrated_output
        dtype = weights.embedding.dtype
        size = STATES_PER_LAYER[config.cell] * config.hidden_size
        states = np.zeros((config.layer_count, size), dtype)
        if state is not None:
            states[:] = state.reshape(states.shape)
        self._layers: list[_Layer] = []
        with np.errstate(over="ignore", invalid="ignore"):
            inputs = weights.embedding[indices]
            for layer, before in zip(weights.layers, states, strict=True):
                kept = _CELLS[config.cell](layer, len(indices), before)
                for row, sums in enumerate(inputs @ layer.kernel):
                    kept.advance(row, sums, kept.hidden[row] @ layer.recurrent_kernel)
                self._layers.append(kept)
                inputs = kept.hidden[1:]
        if not np.isfinite(self._layers[-1].hidden).all():
            raise not_finite_error("states")

    def state(self, place: int) -> Array:
        """What the network remembered before a character, as the next passage may begin with."""
        parts = []
        for layer in self._layers:
            parts.append(layer.hidden[place])
            if isinstance(layer, _Lstm):
                parts.append(layer.cell[place])
        return np.concatenate(parts)

    def influence(self, targets: Indices, reach: int) -> Influence:
        """How much each of the D = `reach` characters before targets moves their log probabilities.

        The targets are places of M characters in the passage.

        Raises:
            ValueError: If a target has fewer characters before it.
        """
        if reach < 1 or targets.min() < reach:
            raise ValueError(
                f"Targets need as many characters before them as are looked back. Received: "
                f"reach={reach}, first target={targets.min()}"
            )
        inputs, hidden = np.empty((2, len(targets), reach))
        with np.errstate(over="ignore", invalid="ignore"):
            for distance, norms in enumerate(self._back(targets, reach)):
                inputs[:, distance], hidden[:, distance] = norms
        return Influence(inputs, hidden)

    def _back(self, targets: Indices, reach: int) -> Iterator[tuple[Array, Array]]:
        """The norms of both gradients at each distance from 1 on, shape (M,) each."""
        layers = list(zip(self._layers, self._weights.layers, strict=True))
        powers = np.exp(self._logits(targets))
        expected = powers / powers.sum(axis=1, keepdims=True)
        scores = -expected
        scores[np.arange(len(targets)), self.indices[targets]] += 1
        above = scores @ self._output_kernel.T
        hiddens = [np.zeros_like(above) for _ in layers]
        memories: list[Any] = [np.zeros_like(above) for _ in layers]
        for distance in range(1, reach + 1):
            squares = np.zeros(len(targets))
            for place in reversed(range(len(layers))):
                layer, weights = layers[place]
                gradient = hiddens[place] + above
                squares = squares + _squares(gradient)
                step = layer.back(targets - distance, gradient, memories[place])
                hiddens[place] = step.recurrent @ weights.recurrent_kernel.T + step.hidden
                memories[place] = step.memory
                above = step.inputs @ weights.kernel.T
            yield np.sqrt(_squares(above)), np.sqrt(squares)
            above = np.zeros_like(hiddens[0])

    def _logits(self, targets: Indices) -> Array:
        """Scores from which the highest is taken, shape (M, V)."""
        logits = self._layers[-1].hidden[targets] @ self._output_kernel + self._output_bias
        shifted: Array = logits - logits.max(axis=1, keepdims=True)
        return shifted


def _squares(vectors: Array) -> Float64:
    """Sums of the squares of rows, in float64, as those of large gradients leave float32."""
    wide = vectors.astype(np.float64, copy=False)
    sums: Float64 = np.einsum("nd,nd->n", wide, wide)
    return sums


def _sigmoid(sums: Array) -> Array:
    return 0.5 * np.tanh(0.5 * sums) + 0.5


def _normalized(values: Array) -> tuple[Array, Array]:
    """The last axis brought to mean 0 and variance 1, and the factor that did the latter."""
    centered = values - values.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + NORM_EPSILON)
    return centered * scale, scale


def _norm_gradient(gradient: Array, normalized: Array, scale: Array) -> Array:
    """A gradient of what was normalized, from that of the result."""
    along = (gradient * normalized).mean(axis=-1, keepdims=True)
    result: Array = scale * (gradient - gradient.mean(axis=-1, keepdims=True) - normalized * along)
    return result


class Memory(NamedTuple):
    """How far back a model looks in a text."""

    influence: Float64
    """Mean over the targets, shape (D,); column 0 is distance 1."""
    hidden: Float64
    """Mean norm of the gradient with respect to h, shape (D,)."""
    targets: int
    """How many characters the means are of."""


def distance_left(curve: Float64, share: float) -> int | None:
    """How many characters back a curve has fallen for good below a share of its largest value.

    None if it has not, or where a number is not finite.
    """
    if not np.isfinite(curve).all():
        return None
    above = np.flatnonzero(curve >= share * curve.max())
    last = int(above[-1]) + 1  # the distance of the last one that is not below
    return last + 1 if last < len(curve) else None


REACH: Final = 200
"""The default number of characters back that are looked at."""
TARGETS: Final = 1000
"""Characters whose past is looked at, of a long text."""
_PIECE: Final = 1024  # characters of a piece of a long text, all of whose activations are kept


def measure_memory(
    weights: ModelWeights,
    config: ModelConfig,
    indices: Indices,
    *,
    reach: int = REACH,
    targets: int = TARGETS,
    on_progress: Callable[[float], object] = lambda _: None,
) -> Memory:
    """How far back a model looks, on average over a text that it reads from the beginning.

    D is `reach`, N - 1 at most. The text comes by its characters' numbers, shape (N,). Characters
    that are looked back from are evenly spread, and fewer if there are not so many that have D
    before them. `on_progress` takes the share that is done, before each piece; it may raise.

    Raises:
        ModelFileError: If the model's states are not finite numbers.
        ValueError: If the text has fewer than 2 characters.
    """
    if len(indices) < 2:
        raise ValueError(f"Memory needs a text of 2 characters. Received: {len(indices)}")
    reach = max(1, min(reach, len(indices) - 1))
    places = np.unique(np.linspace(reach, len(indices) - 1, targets).astype(np.intp))
    sums = np.zeros((2, reach))
    state, begin = None, 0
    while begin + reach < len(indices):
        end = min(begin + reach + _PIECE, len(indices))
        on_progress(begin / len(indices))
        passage = Passage(weights, config, indices[begin:end], state)
        mine = places[(places >= begin + reach) & (places < end)] - begin
        if len(mine):
            found = passage.influence(mine, reach)
            sums += found.inputs.sum(axis=0), found.hidden.sum(axis=0)
        begin = end - reach
        state = passage.state(len(passage.indices) - reach)
    return Memory(sums[0] / len(places), sums[1] / len(places), len(places))
