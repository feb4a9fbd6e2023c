"""How far back a model looks: gradients of its predictions with respect to earlier inputs.

The influence of a character on a later one is the norm of the gradient of the later one's log
probability with respect to the earlier one's input vector (its row of the embedding): how much a
change of that vector changes the prediction, to first order. It is exact: a passage is read once
with all activations stored, then backpropagation through time runs over them.

Notation: N characters of a passage, M targets, D distances, H hidden size, G gates of the cell.
Row 0 of a state is that before the passage, row n that after n characters.

Source:
    Hochreiter (1991) and Bengio, Simard & Frasconi (1994) for vanishing gradients; Madsen,
    "Visualizing memorization in RNNs" (Distill, 2019) for the visualization.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.config import ModelConfig
from tui_charrnn.generation.lstm import quiet
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import (
    NORM_EPSILON,
    Float64,
    Indices,
    LayerWeights,
    ModelWeights,
    not_finite_error,
)

Array = npt.NDArray[Any]
"""Of float32 or float64."""
FARTHEST: Final = 500
"""Largest distance, in characters, for a single character."""


Step = tuple[Array, Array, Array | float, Array | float]
"""Gradients that a layer's step propagates backward: with respect to x @ kernel and
h @ recurrent_kernel, shape (M, G·H); to the previous h, without the part through the second, and to
the previous c, shape (M, H)."""


class Influence(NamedTuple):
    """Norms of the gradients of M log probabilities, shape (M, D) each; column 0 is distance 1."""

    inputs: Float64
    """With respect to the input vector of the character at that distance before the target."""
    hidden: Float64
    """With respect to h of all layers right after that character was read."""


class _Lstm:
    """Activations of an LSTM layer over a passage, with or without layer normalization."""

    def __init__(self, weights: LayerWeights, states: Array) -> None:
        self.hidden, self.cell = np.split(states, 2, axis=-1)
        count, size = len(states) - 1, self.hidden.shape[-1]
        self.gates = np.empty((count, 4, size), states.dtype)
        self._bias = weights.bias.reshape(4, size)
        self._norm = weights.norm
        if self._norm is not None:
            self._gain = self._norm.gate_gain.reshape(4, size)
            self._sums = np.empty_like(self.gates)
            """Normalized pre-activations, before gain and bias."""
            self._sum_scales = np.empty((count, 4, 1), states.dtype)
            self._memory = np.empty((count, size), states.dtype)
            self._memory_scales = np.empty((count, 1), states.dtype)

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        sums = (inputs + recurrent).reshape(4, -1)
        if self._norm is not None:
            self._sums[row], self._sum_scales[row] = _normalized(sums)
            sums = self._gain * self._sums[row]
        gates = self.gates[row]
        gates[:] = sums + self._bias
        gates[2] = np.tanh(gates[2])
        for gate in (0, 1, 3):
            gates[gate] = _sigmoid(gates[gate])
        self.cell[row + 1] = gates[1] * self.cell[row] + gates[0] * gates[2]
        if self._norm is not None:
            self._memory[row], self._memory_scales[row] = _normalized(self.cell[row + 1])
        self.hidden[row + 1] = gates[3] * np.tanh(self._normalized_cell(row))

    def _normalized_cell(self, rows: Any) -> Array:
        """Return c after the characters of some rows, normalized if the layer is."""
        cell: Array = self.cell[rows + 1]
        if self._norm is not None:
            cell = self._norm.memory_gain * self._memory[rows] + self._norm.memory_bias
        return cell

    def backward(self, rows: Indices, hidden: Array, memory: Array) -> Step:
        """Propagate the gradients of h and c after the characters of M rows through the step."""
        gates = self.gates[rows]
        input_, forget, candidate, output = (gates[:, gate] for gate in range(4))
        squashed = np.tanh(self._normalized_cell(rows))
        from_hidden = hidden * output * (1 - squashed * squashed)
        if self._norm is not None:
            from_hidden = _norm_gradient(
                from_hidden * self._norm.memory_gain, self._memory[rows], self._memory_scales[rows]
            )
        memory = memory + from_hidden
        sums = np.empty((len(rows), 4, hidden.shape[-1]), hidden.dtype)
        sums[:, 0] = memory * candidate * input_ * (1 - input_)
        sums[:, 1] = memory * self.cell[rows] * forget * (1 - forget)
        sums[:, 2] = memory * input_ * (1 - candidate * candidate)
        sums[:, 3] = hidden * squashed * output * (1 - output)
        if self._norm is not None:
            sums = _norm_gradient(sums * self._gain, self._sums[rows], self._sum_scales[rows])
        flat = sums.reshape(len(rows), -1)
        return flat, flat, 0.0, memory * forget


class _Gru:
    """Activations of a GRU layer over a passage; the reset gate is applied after the product."""

    def __init__(self, weights: LayerWeights, states: Array) -> None:
        count, size = len(states) - 1, states.shape[-1]
        self.hidden = states
        self.gates = np.empty((count, 3, size), states.dtype)
        self._recurrent = np.empty((count, size), states.dtype)
        """Recurrent part of the candidate, before the reset gate."""
        self._biases = weights.bias.reshape(2, 3, size)

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        input_sums = inputs.reshape(3, -1) + self._biases[0]
        recurrent_sums = recurrent.reshape(3, -1) + self._biases[1]
        update, reset = _sigmoid(input_sums[:2] + recurrent_sums[:2])
        candidate = np.tanh(input_sums[2] + reset * recurrent_sums[2])
        self.gates[row] = update, reset, candidate
        self._recurrent[row] = recurrent_sums[2]
        self.hidden[row + 1] = update * self.hidden[row] + (1 - update) * candidate

    def backward(self, rows: Indices, hidden: Array, _: Array) -> Step:
        """Propagate the gradient of h after the characters of M rows through the step."""
        gates = self.gates[rows]
        update, reset, candidate = (gates[:, gate] for gate in range(3))
        sums = np.empty((len(rows), 3, hidden.shape[-1]), hidden.dtype)
        to_candidate = hidden * (1 - update) * (1 - candidate * candidate)
        sums[:, 0] = hidden * (self.hidden[rows] - candidate) * update * (1 - update)
        sums[:, 1] = to_candidate * self._recurrent[rows] * reset * (1 - reset)
        sums[:, 2] = to_candidate
        inputs = sums.reshape(len(rows), -1).copy()
        sums[:, 2] *= reset
        return inputs, sums.reshape(len(rows), -1), hidden * update, 0.0


class _Rnn:
    """Activations of a simple recurrent layer over a passage."""

    def __init__(self, weights: LayerWeights, states: Array) -> None:
        self.hidden = states
        self._bias = weights.bias

    def advance(self, row: int, inputs: Array, recurrent: Array) -> None:
        """Read character `row` of the passage."""
        self.hidden[row + 1] = np.tanh(inputs + recurrent + self._bias)

    def backward(self, rows: Indices, hidden: Array, _: Array) -> Step:
        """Propagate the gradient of h after the characters of M rows through the step."""
        after = self.hidden[rows + 1]
        sums = hidden * (1 - after * after)
        return sums, sums, 0.0, 0.0


_Layer = _Lstm | _Gru | _Rnn
_CELLS: Final[dict[str, Callable[[LayerWeights, Array], _Layer]]] = {
    "lstm": _Lstm,
    "gru": _Gru,
    "rnn": _Rnn,
}
"""Constructors by cell name; the layer writes its states, shape (N + 1, H), or (N + 1, 2·H) with
the c of an lstm, after row 0."""


class ForwardPass:
    """The activations of a network over a passage, for backpropagation through time."""

    def __init__(
        self,
        weights: ModelWeights,
        config: ModelConfig,
        indices: Indices,
        state: Array | None = None,
    ) -> None:
        """Read a passage of N characters, by index, shape (N,), in the precision of the weights.

        `state` is the state before the first character, shape (S,), in the order of
        `Stepper.state`; None is all zeros.

        Raises:
            ModelFileError: If the model's states are not finite.
        """
        self.indices: Final = indices
        self._weights = weights
        size = STATES_PER_LAYER[config.cell] * config.hidden_size
        shape = config.layer_count, 1 + len(indices), size
        self._states = np.zeros(shape, weights.embedding.dtype)
        if state is not None:
            self._states[:, 0] = state.reshape(-1, size)
        self._layers: list[_Layer] = []
        with quiet():
            inputs = weights.embedding[indices]
            for layer, states in zip(weights.layers, self._states, strict=True):
                stored = _CELLS[config.cell](layer, states)
                for row, sums in enumerate(inputs @ layer.kernel):
                    stored.advance(row, sums, stored.hidden[row] @ layer.recurrent_kernel)
                self._layers.append(stored)
                inputs = stored.hidden[1:]
        if not np.isfinite(self._layers[-1].hidden).all():
            raise not_finite_error("states")

    def state(self, row: int) -> Array:
        """Return the state after `row` characters, in the order of `Stepper.state`."""
        return self._states[:, row].ravel()

    def influence(self, targets: Indices, reach: int) -> Influence:
        """Compute the influence of the D = `reach` characters before each of M targets.

        The targets are indices in the passage, shape (M,).

        Raises:
            ValueError: If a target has fewer than `reach` characters before it.
        """
        if reach < 1 or targets.min() < reach:
            raise ValueError(
                f"Targets need as many characters before them as are looked back. Received: "
                f"reach={reach}, first target={targets.min()}"
            )
        squares = np.zeros((2, len(targets), reach))
        of_inputs, of_hidden = squares
        layers = list(zip(self._layers, self._weights.layers, strict=True))
        with quiet():
            kernel, bias = self._weights.calibrated_output
            logits = layers[-1][0].hidden[targets] @ kernel + bias
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            gradients = -powers / powers.sum(axis=1, keepdims=True)
            gradients[np.arange(len(targets)), self.indices[targets]] += 1
            above = gradients @ kernel.T
            hiddens = [np.zeros_like(above) for _ in layers]
            memories: list[Any] = [np.zeros_like(above) for _ in layers]
            for column in range(reach):
                for number, (layer, weights) in reversed(list(enumerate(layers))):
                    gradient = hiddens[number] + above
                    of_hidden[:, column] += _squares(gradient)
                    inputs, recurrent, direct, memories[number] = layer.backward(
                        targets - column - 1, gradient, memories[number]
                    )
                    hiddens[number] = recurrent @ weights.recurrent_kernel.T + direct
                    above = inputs @ weights.kernel.T
                of_inputs[:, column] = _squares(above)
                above = np.zeros_like(hiddens[0])
            return Influence(*np.sqrt(squares))


def _squares(vectors: Array) -> Float64:
    """Return the sum of squares of each row, in float64, as large gradients overflow float32."""
    wide = vectors.astype(np.float64, copy=False)
    sums: Float64 = np.einsum("nd,nd->n", wide, wide)
    return sums


def _sigmoid(sums: Array) -> Array:
    return 0.5 * np.tanh(0.5 * sums) + 0.5


def _normalized(values: Array) -> tuple[Array, Array]:
    """Normalize the last axis to mean 0 and variance 1; return it and the scale factor."""
    centered = values - values.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + NORM_EPSILON)
    return centered * scale, scale


def _norm_gradient(gradient: Array, normalized: Array, scale: Array) -> Array:
    """Propagate a gradient backward through a normalization."""
    along = (gradient * normalized).mean(axis=-1, keepdims=True)
    result: Array = scale * (gradient - gradient.mean(axis=-1, keepdims=True) - normalized * along)
    return result


class Memory(NamedTuple):
    """Mean influence over a text, by distance."""

    influence: Float64
    """Mean over the targets, shape (D,); column 0 is distance 1."""
    hidden: Float64
    """Mean norm of the gradient with respect to h, shape (D,)."""
    targets: int
    """Number of characters that the means are over."""


def decay_distance(curve: Float64, share: float) -> int | None:
    """Return the distance from which on a curve stays below a share of its largest value.

    None if it does not, or if a number is not finite.
    """
    if not np.isfinite(curve).all():
        return None
    above = np.flatnonzero(curve >= share * curve.max())
    last = int(above[-1]) + 1  # the last distance that is not below
    return last + 1 if last < len(curve) else None


REACH: Final = 200
"""Default largest distance, in characters."""
TARGETS: Final = 1000
"""Default number of targets in a long text."""
_PIECE: Final = 1024  # characters of a piece of a long text; its activations are all in memory


def measure_memory(
    weights: ModelWeights,
    config: ModelConfig,
    indices: Indices,
    *,
    reach: int = REACH,
    targets: int = TARGETS,
    on_progress: Callable[[float], object] = lambda _: None,
) -> Memory:
    """Measure the mean influence by distance over a text, read from its beginning.

    The text is N >= 2 indices of the vocabulary. `reach` is the largest distance D, N - 1 at most,
    `targets` the number of evenly spaced targets, fewer in a short text. `on_progress` is called
    with the completed share before each piece; it may raise to cancel.

    Raises:
        ModelFileError: If the model's states are not finite.
    """
    reach = max(1, min(reach, len(indices) - 1))
    chosen = np.unique(np.linspace(reach, len(indices) - 1, targets).astype(np.intp))
    sums = np.zeros((2, reach))
    state, begin = None, 0
    while begin + reach < len(indices):
        end = min(begin + reach + _PIECE, len(indices))
        on_progress(begin / len(indices))
        passage = ForwardPass(weights, config, indices[begin:end], state)
        inside = chosen[(chosen >= begin + reach) & (chosen < end)] - begin
        if len(inside):
            influence = passage.influence(inside, reach)
            sums += influence.inputs.sum(axis=0), influence.hidden.sum(axis=0)
        begin = end - reach
        state = passage.state(len(passage.indices) - reach)
    return Memory(sums[0] / len(chosen), sums[1] / len(chosen), len(chosen))
