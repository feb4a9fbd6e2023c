"""The recurrent cells: one step of a layer, for one text or for several side by side.

A sigmoid is a tanh, which cannot overflow where exp(-x) does: sigmoid(z) = tanh(z / 2) / 2 + 1/2.
The halves of z are taken once, in the weights. A power of two rounds nothing, so no bit of a result
depends on where it is multiplied.

Every array is allocated once and written over by every character, which is faster by a third than
new arrays at small sizes. A leading axis of N, for N texts side by side, is left out for one text.

`products` multiplies by the recurrent kernel.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

import numpy as np

from tui_charrnn.generation.products import LayerProduct
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.model.weights import NORM_EPSILON, Float32


class StepNorm(NamedTuple):
    """What follows the normalization of a layer, halved where a sigmoid comes next."""

    gains: Float32
    """Of the gates, shape (4, H)."""
    biases: Float32
    """Likewise."""
    memory_gain: Float32
    """Of c, shape (H,)."""
    memory_bias: Float32
    """Likewise."""


class StepLayer(NamedTuple):
    """The parameters of one layer as the step uses them, halved where a sigmoid follows."""

    kernel: Float32
    """Shape (D, G·H); not used in the first layer, where the input table stands for it."""
    input_bias: Float32
    """Added to the input product. Shape (G·H,)."""
    recurrent_blocks: tuple[Float32, ...]
    """The recurrent kernel in blocks of columns, of shapes (H, columns), G·H columns in all."""
    recurrent_bias: Float32
    """Added to the recurrent product. Shape (G·H,); empty, shape (0,), but for gru."""
    norm: StepNorm | None = None
    """None without layer normalization. With it the bias is 0, and the kernels are not halved but
    centered: the mean over the units of a gate is 0 in each of their rows."""


HoldGate = Callable[[Float32, int], None]
"""Moves half the pre-activations of all gates, shape (..., G·H), in place, given H."""


class RecurrentLayer(Protocol):
    """A layer with its state and its gates, all written over by every character."""

    @property
    def hidden(self) -> Float32:
        """h, shape (H,) or (N, H); a view of the state."""

    @property
    def cell_state(self) -> Float32 | None:
        """The c of an lstm, shape (H,) or (N, H), a view of the state; None for other cells."""

    def advance(self, inputs: Float32) -> None:
        """Take one character's inputs (x_t @ kernel + bias) into the state, shape (G·H,)."""

    def gates(self) -> dict[str, Float32]:
        """The activations of the last character by name, each of shape (H,) or (N, H)."""


class LstmLayer:
    """The LSTM with a forget gate.

    Source:
        Gers, Schmidhuber & Cummins (2000).
    """

    def __init__(self, __: StepLayer, state: Float32, product: LayerProduct) -> None:
        self.held_gates: Sequence[HoldGate] = ()
        """What holds gates of the layer; none leaves them to themselves."""
        self._multiplied = product
        self.hidden, self.cell_state = np.split(state, 2, axis=-1)
        width = GATE_COUNTS["lstm"] * self.hidden.shape[-1]
        self._sums = np.zeros((*state.shape[:-1], width), np.float32)
        self._opened = np.zeros_like(self._sums)
        self._input, self._forget, _, self._output = np.split(self._opened, 4, axis=-1)
        self._candidate = np.split(self._sums, 4, axis=-1)[2]
        self._product = np.zeros_like(self.cell_state)
        sums, opened, taken, cell = self._sums, self._opened, self._product, self.cell_state
        # Calls that are bound once cost a fifth less than a method that looks all of it up.
        self._to_cell: tuple[Callable[[], object], ...] = (
            partial(np.tanh, sums, sums),  # one call for all four
            partial(np.multiply, sums, _HALF, opened),  # the candidate's quarter goes unused
            partial(np.add, opened, _HALF, opened),
            partial(np.multiply, self._forget, cell, cell),
            partial(np.multiply, self._input, self._candidate, taken),
            partial(np.add, cell, taken, cell),
        )
        self._to_hidden: tuple[Callable[[], object], ...] = (
            partial(np.tanh, cell, taken),
            partial(np.multiply, self._output, taken, self.hidden),
        )

    def advance(self, inputs: Float32) -> None:
        """Take one character in; see `RecurrentLayer`."""
        multiplied = self._multiplied
        multiplied.take_recurrent()  # i, f, c̃, o side by side
        np.add(multiplied.recurrent, inputs, self._sums)
        self._open()

    def _open(self) -> None:
        """Activate the gates, and take c and h through them."""
        for hold in self.held_gates:
            hold(self._sums, self.hidden.shape[-1])
        for call in self._to_cell:
            call()
        self.update_hidden()

    def update_hidden(self) -> None:
        """Compute h from c and the output gate, as after c was changed."""
        for call in self._to_hidden:
            call()

    def gates(self) -> dict[str, Float32]:
        """The activations; see `RecurrentLayer`."""
        return {
            "input": self._input,
            "forget": self._forget,
            "candidate": self._candidate,
            "output": self._output,
        }


class GruLayer:
    """The GRU, its reset gate after the recurrent product.

    Source:
        Cho et al. (2014), in the form of cuDNN and of Keras's `reset_after=True`.
    """

    def __init__(self, parameters: StepLayer, state: Float32, product: LayerProduct) -> None:
        self._recurrent_bias = parameters.recurrent_bias
        self.held_gates: Sequence[HoldGate] = ()
        self._multiplied = product
        self.hidden = state
        self.cell_state = None
        size = state.shape[-1]
        self._recurrent = np.zeros((*state.shape[:-1], GATE_COUNTS["gru"] * size), np.float32)
        self._opened = np.zeros((*state.shape[:-1], 2 * size), np.float32)
        self._update, self._reset = np.split(self._opened, 2, axis=-1)
        self._candidate = np.zeros_like(state)

    def advance(self, inputs: Float32) -> None:
        """Take one character in; see `RecurrentLayer`."""
        recurrent, opened, candidate = self._recurrent, self._opened, self._candidate
        split = opened.shape[-1]
        self._multiplied.take_recurrent()
        np.add(self._multiplied.recurrent, self._recurrent_bias, recurrent)
        np.add(inputs[..., :split], recurrent[..., :split], opened)
        for hold in self.held_gates:
            hold(opened, self.hidden.shape[-1])
        np.tanh(opened, opened)
        np.multiply(opened, _HALF, opened)
        np.add(opened, _HALF, opened)
        np.multiply(self._reset, recurrent[..., split:], candidate)
        np.add(inputs[..., split:], candidate, candidate)
        np.tanh(candidate, candidate)
        np.multiply(self._update, self.hidden, self.hidden)
        np.add(self.hidden, (_ONE - self._update) * candidate, self.hidden)

    def gates(self) -> dict[str, Float32]:
        """The activations; see `RecurrentLayer`."""
        return {"update": self._update, "reset": self._reset, "candidate": self._candidate}


class RnnLayer:
    """The simple recurrent layer.

    Source:
        Elman (1990).
    """

    def __init__(self, _: StepLayer, state: Float32, product: LayerProduct) -> None:
        self.held_gates: Sequence[HoldGate] = ()
        self._multiplied = product
        self.hidden = state
        self.cell_state = None
        self._sums = np.zeros_like(state)

    def advance(self, inputs: Float32) -> None:
        """Take one character in; see `RecurrentLayer`."""
        self._multiplied.take_recurrent()
        np.add(inputs, self._multiplied.recurrent, self._sums)
        np.tanh(self._sums, self.hidden)

    def gates(self) -> dict[str, Float32]:
        """The activations; see `RecurrentLayer`."""
        return {"candidate": self.hidden}


_HALF: Final = np.array(0.5, np.float32)  # an array, as NumPy converts a number in every call
_ONE: Final = np.array(1.0, np.float32)


class NormalizedLstmLayer(LstmLayer):
    """The LSTM with layer normalization; what is carried on is c as it is.

    Source:
        Ba, Kiros & Hinton (2016), the form of the supplement.
    """

    def __init__(self, parameters: StepLayer, state: Float32, product: LayerProduct) -> None:
        if parameters.norm is None:
            raise ValueError("a normalized layer needs gains and biases")
        super().__init__(parameters, state, product)
        self._norm = parameters.norm
        shape = (*state.shape[:-1], GATE_COUNTS["lstm"], self.hidden.shape[-1])
        self._gates = self._sums.reshape(shape)  # the same memory
        self._squares = np.zeros_like(self._gates)
        self._let_out = np.zeros_like(self.hidden)

    def advance(self, inputs: Float32) -> None:
        """Take one character in; see `RecurrentLayer`."""
        sums, gates, norm = self._sums, self._gates, self._norm
        self._multiplied.take_recurrent()
        np.add(self._multiplied.recurrent, inputs, sums)
        _normalize(gates, self._squares)  # their kernels are centered
        np.multiply(gates, norm.gains, gates)
        np.add(gates, norm.biases, gates)
        self._open()

    def update_hidden(self) -> None:
        """Compute h from c and the output gate, as after c was changed."""
        let_out, norm = self._let_out, self._norm
        cell = self.cell_state
        mean = np.add.reduce(cell, axis=-1, keepdims=True) / cell.shape[-1]
        np.subtract(cell, mean, let_out)
        _normalize(let_out, self._product)
        np.multiply(let_out, norm.memory_gain, let_out)
        np.add(let_out, norm.memory_bias, let_out)
        np.tanh(let_out, let_out)
        np.multiply(self._output, let_out, self.hidden)


def _normalize(values: Float32, squares: Float32) -> None:
    """Bring the last axis of values of mean 0 to a variance of 1, in place; spoil `squares`."""
    np.multiply(values, values, squares)
    variance = np.add.reduce(squares, axis=-1, keepdims=True) / values.shape[-1]
    np.divide(values, np.sqrt(variance + NORM_EPSILON), values)


Cell = LstmLayer | GruLayer | RnnLayer
_CELLS: Final[dict[str, Callable[[StepLayer, Float32, LayerProduct], Cell]]] = {
    "lstm": LstmLayer,
    "gru": GruLayer,
    "rnn": RnnLayer,
}


def open_layer(cell: str, parameters: StepLayer, state: Float32, product: LayerProduct) -> Cell:
    """A layer of an `lstm`, `gru` or `rnn` that takes over a state, and what multiplies its h.

    The state is written to: h and c of an lstm, shape (2·H,) or (N, 2·H), else h, shape (H,) or (N,
    H).
    """
    if parameters.norm is None:
        return _CELLS[cell](parameters, state, product)
    return NormalizedLstmLayer(parameters, state, product)
