"""Many streams of characters through the network side by side, in NumPy.

Notation: S steps, B streams, V vocabulary size, H hidden size, G gates of the cell.

`tui_charrnn.generation.lstm` moves one stream by a matrix-vector product, which waits for memory;
B streams at once make it a matrix-matrix product, which does not.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import StepWeights, fold_embedding
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import STATES_PER_LAYER, Float32

Int64 = npt.NDArray[np.int64]

_NUMBERS_AT_ONCE: Final = 1 << 20
"""Hidden values, or logits, that are kept at a time: 4 MB."""
_HALF: Final = np.float32(0.5)


class StreamState(NamedTuple):
    """What one layer remembers of each stream."""

    hidden: Float32
    """h, shape (B, H)."""
    cell: Float32
    """c, shape (B, H); shape (B, 0) in a gru or rnn layer, which has none."""


class _Layer(NamedTuple):
    """One layer's parameters; the columns of sigmoid gates are halved.

    The logistic function is 0.5 · tanh(0.5 · z) + 0.5: with its inner half in the weights, which is
    exact, one tanh serves all gates.
    """

    kernel: Float32
    """Shape (D, G·H); empty in the first layer, which has the input table."""
    input_bias: Float32
    recurrent_kernel: Float32
    recurrent_bias: Float32


class ScoringNetwork:
    """A model, arranged to say how surprised it is by the next character of many streams."""

    def __init__(self, model: Model) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # reported when it is scored
            weights = fold_embedding(model.weights, model.config)
        scale = _gate_scale(weights)
        self._advance = _CELLS[weights.cell]
        self._has_cells = STATES_PER_LAYER[weights.cell] == 2
        self._input_table = weights.input_table * scale
        self._layers = [
            _Layer(
                kernel=layer.kernel * scale if number else layer.kernel[:0],
                input_bias=layer.input_bias * scale,
                recurrent_kernel=layer.recurrent_kernel * scale,
                recurrent_bias=layer.recurrent_bias * scale[: len(layer.recurrent_bias)],
            )
            for number, layer in enumerate(weights.layers)
        ]
        self._output_kernel, self._output_bias = weights.output_kernel, weights.output_bias

    def zero_states(self, streams: int) -> list[StreamState]:
        """States of streams that have read nothing."""
        size = len(self._output_kernel)
        cells = size if self._has_cells else 0
        return [
            StreamState(np.zeros((streams, size), np.float32), np.zeros((streams, cells), np.float32))
            for _ in self._layers
        ]

    def surprise(
        self, inputs: Int64, targets: Int64 | None, states: list[StreamState]
    ) -> tuple[Float32, list[StreamState]]:
        """Read characters, and say how surprising those were that came after each.

        Args:
            inputs: Characters by number, shape (S, B).
            targets: What came after each, shape (S, B); None if nobody asks.
            states: Before the first step; they are not written to.

        Returns:
            -ln p of the targets, nats, shape (S, B), or (0, B) without targets; and the states
            after the last step.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        steps, streams = inputs.shape
        size = len(self._output_kernel)
        nats = np.empty((steps if targets is not None else 0, streams), np.float32)
        at_once = max(1, _NUMBERS_AT_ONCE // (streams * size))
        with np.errstate(over="ignore", invalid="ignore"):
            for first in range(0, steps, at_once):
                part = inputs[first : first + at_once]
                hidden = np.empty((len(part), streams, size), np.float32)
                for step, characters in enumerate(part):
                    states = self._step(characters, states)
                    hidden[step] = states[-1].hidden
                if targets is not None:
                    asked = targets[first : first + at_once].ravel()
                    found = self._nats(hidden.reshape(-1, size), asked)
                    nats[first : first + at_once] = found.reshape(len(part), streams)
        if not np.isfinite(nats).all():
            raise ModelFileError(
                "The model's scores are not finite numbers, so no text can be scored. "
                "Its weights are too large; it must be trained again with a lower learning rate."
            )
        return nats, states

    def _step(self, characters: Int64, states: list[StreamState]) -> list[StreamState]:
        inputs = self._input_table[characters]
        after: list[StreamState] = []
        for number, layer in enumerate(self._layers):
            if number:
                inputs = after[-1].hidden @ layer.kernel
                inputs += layer.input_bias
            after.append(self._advance(layer, inputs, states[number]))
        return after

    def _nats(self, hidden: Float32, targets: Int64) -> Float32:
        """-ln p of each target, shape (N,), from hidden values of shape (N, H)."""
        at_once = max(1, _NUMBERS_AT_ONCE // len(self._output_bias))
        nats = np.empty(len(targets), np.float32)
        for first in range(0, len(targets), at_once):
            part = slice(first, first + at_once)
            logits = hidden[part] @ self._output_kernel
            logits += self._output_bias
            logits -= logits.max(axis=1, keepdims=True)
            chosen = np.take_along_axis(logits, targets[part, None], axis=1)[:, 0]
            nats[part] = np.log(np.exp(logits).sum(axis=1)) - chosen
        return nats


def _gate_scale(weights: StepWeights) -> Float32:
    """What each gate's column is multiplied by: a half where the gate is a sigmoid. (G·H,)."""
    width = weights.input_table.shape[1]
    scale = np.ones(width, np.float32)
    if weights.cell == "lstm":  # i, f, c̃, o
        scale[: width // 2] = scale[3 * width // 4 :] = _HALF
    elif weights.cell == "gru":  # z, r, h̃
        scale[: 2 * width // 3] = _HALF
    return scale


def _lstm(layer: _Layer, inputs: Float32, state: StreamState) -> StreamState:
    size = state.hidden.shape[1]
    gates = state.hidden @ layer.recurrent_kernel
    gates += inputs
    np.tanh(gates, out=gates)
    cell = _opened(gates[:, size : 2 * size]) * state.cell
    cell += _opened(gates[:, :size]) * gates[:, 2 * size : 3 * size]
    hidden = np.tanh(cell)
    hidden *= _opened(gates[:, 3 * size :])
    return StreamState(hidden, cell)


def _gru(layer: _Layer, inputs: Float32, state: StreamState) -> StreamState:
    size = state.hidden.shape[1]
    recurrent = state.hidden @ layer.recurrent_kernel + layer.recurrent_bias
    gates = _opened(np.tanh(inputs[:, : 2 * size] + recurrent[:, : 2 * size]))
    update, reset = gates[:, :size], gates[:, size:]
    candidate = np.tanh(inputs[:, 2 * size :] + reset * recurrent[:, 2 * size :])
    return StreamState(update * state.hidden + (1 - update) * candidate, state.cell)


def _rnn(layer: _Layer, inputs: Float32, state: StreamState) -> StreamState:
    return StreamState(np.tanh(inputs + state.hidden @ layer.recurrent_kernel), state.cell)


def _opened(gate: Float32) -> Float32:
    """The logistic function of twice what the tanh was taken of."""
    opened: Float32 = gate * _HALF
    opened += _HALF
    return opened


_CELLS: Final[dict[str, Callable[[_Layer, Float32, StreamState], StreamState]]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
}
