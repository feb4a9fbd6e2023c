"""The recurrent cells: one step of a layer, for one text or for several side by side.

A sigmoid is a tanh, which cannot overflow where exp(-x) does: sigmoid(z) = tanh(z / 2) / 2 + 1/2.
The halves of z are taken once, in the weights. A power of two rounds nothing, so no bit of a result
depends on where it is multiplied.

Every array is allocated once and written over by every character, which is faster by a third than
new arrays at small sizes; and a step is a list of calls that are bound once, which costs a fifth
less than a method that looks all of it up. A leading axis of N, for N texts side by side, is left
out for one text.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.generation.neuron import Clamp, Probe
from tui_charrnn.model.weights import NORM_EPSILON, Float32, Float64


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


Calls = tuple[Callable[[], object], ...]


@dataclass(slots=True)
class Layer:
    """A layer with its state and its gates, all written over by every character."""

    hidden: Float32
    """h, shape (H,) or (N, H); a view of the state."""
    _add_up: Callable[[Float32], object]
    """Takes the inputs into the sums."""
    _to_hidden: Calls
    """From c, or from the sums, to h."""
    _to_cell: Calls = ()
    """From the sums to c."""
    cell_state: Float32 | None = None
    """The c of an lstm, shape (H,) or (N, H), a view of the state; None for other cells."""
    gates: Mapping[str, Float32] = field(default_factory=dict)
    """The activations of the last character by name, each of shape (H,) or (N, H); none of an rnn,
    which has no gates."""
    _gate_sums: Mapping[str, Float32] = field(default_factory=dict)
    """Half the pre-activations of the gates that open between 0 and 1, likewise; right between the
    sums and the activation of a step only."""
    _calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        """Hold nothing."""
        self.hold(())

    def hold(self, clamps: Iterable[Clamp]) -> None:
        """Hold what clamps name of this layer, and nothing else, from the next step on.

        Both states of a unit follow from that unit's gates alone, so a held value is put in as soon
        as its part is computed, before anything else looks at it: if c is held, h is what the
        output gate lets through of it; if h is held, c runs on by itself.
        """
        gates: list[Callable[[], object]] = []
        cell: list[Callable[[], object]] = []
        hidden: list[Callable[[], object]] = []
        for neuron, value in ((clamp.neuron, clamp.value) for clamp in clamps):
            if neuron.gate:
                gates.append(partial(_hold_gate, self._gate_sums[neuron.gate], value))
            elif neuron.part == "h":
                hidden.append(partial(self.hidden[..., neuron.unit].fill, value))
            elif self.cell_state is not None:
                cell.append(partial(self.cell_state[..., neuron.unit].fill, value))
        self._calls = (*gates, *self._to_cell, *cell, *self._to_hidden, *hidden)

    def advance(self, inputs: Float32) -> None:
        """Take one character's inputs (x_t @ kernel + bias) into the state, shape (G·H,).

        The recurrent product has been taken.
        """
        self._add_up(inputs)
        for call in self._calls:
            call()

    def value(self, probe: Probe) -> float:
        """A number of this layer after the last step, of one text."""
        if probe.gate:
            gate = self.gates[probe.gate]
            if probe.unit is None:  # `mean` takes three times as long, at every character
                return float(np.add.reduce(gate)) / len(gate)
            return gate.item(probe.unit)
        state = self.cell_state if probe.part == "c" else self.hidden
        if state is None or probe.unit is None:
            raise ValueError(f"A state is read unit by unit. Received: {probe}")
        return state.item(probe.unit)


def _lstm(parameters: StepLayer, state: Float32, recurrent: Float32) -> Layer:
    """The LSTM with a forget gate, with layer normalization or without; c is carried on as it is.

    Source:
        Gers, Schmidhuber & Cummins (2000); Ba, Kiros & Hinton (2016), the form of the supplement.
    """
    hidden, cell = np.split(state, 2, axis=-1)
    sums = np.zeros_like(recurrent)  # of i, f, c̃, o side by side
    opened, scratch = np.zeros_like(sums), np.zeros_like(cell)
    input_sums, forget_sums, candidate, output_sums = np.split(sums, 4, axis=-1)
    input_gate, forget_gate, _, output_gate = np.split(opened, 4, axis=-1)
    add_up: Callable[[Float32], object] = partial(np.add, recurrent, out=sums)
    squash: Callable[[], object] = partial(np.tanh, cell, scratch)
    if parameters.norm is not None:
        by_gate = sums.reshape(*cell.shape[:-1], 4, cell.shape[-1])  # the same memory
        squares, norm = np.zeros_like(by_gate), parameters.norm
        add_up = partial(_add_normalized, recurrent, sums, by_gate, squares, norm)
        squash = partial(_squash_normalized, cell, scratch, np.zeros_like(cell), norm)
    return Layer(
        hidden,
        cell_state=cell,
        gates={
            "input": input_gate,
            "forget": forget_gate,
            "candidate": candidate,
            "output": output_gate,
        },
        _gate_sums={"input": input_sums, "forget": forget_sums, "output": output_sums},
        _add_up=add_up,
        _to_cell=(
            partial(np.tanh, sums, sums),  # one call for all four
            partial(np.multiply, sums, _HALF, opened),  # the candidate's quarter goes unused
            partial(np.add, opened, _HALF, opened),
            partial(np.multiply, forget_gate, cell, cell),
            partial(np.multiply, input_gate, candidate, scratch),
            partial(np.add, cell, scratch, cell),
        ),
        _to_hidden=(squash, partial(np.multiply, output_gate, scratch, hidden)),
    )


def _gru(parameters: StepLayer, state: Float32, recurrent: Float32) -> Layer:
    """The GRU, its reset gate after the recurrent product.

    Source:
        Cho et al. (2014), in the form of cuDNN and of Keras's `reset_after=True`.
    """
    size = state.shape[-1]
    recurrent_sums = np.zeros_like(recurrent)
    opened = np.zeros((*state.shape[:-1], 2 * size), np.float32)
    update, reset = np.split(opened, 2, axis=-1)
    candidate_inputs, candidate, remainder = (np.zeros_like(state) for _ in range(3))

    def add_up(inputs: Float32) -> None:
        np.add(recurrent, parameters.recurrent_bias, recurrent_sums)
        np.add(inputs[..., : 2 * size], recurrent_sums[..., : 2 * size], opened)
        np.copyto(candidate_inputs, inputs[..., 2 * size :])

    return Layer(
        state,
        gates={"update": update, "reset": reset, "candidate": candidate},
        _gate_sums={"update": update, "reset": reset},
        _add_up=add_up,
        _to_hidden=(
            partial(np.tanh, opened, opened),
            partial(np.multiply, opened, _HALF, opened),
            partial(np.add, opened, _HALF, opened),
            partial(np.multiply, reset, recurrent_sums[..., 2 * size :], candidate),
            partial(np.add, candidate_inputs, candidate, candidate),
            partial(np.tanh, candidate, candidate),
            partial(np.multiply, update, state, state),
            partial(np.subtract, _ONE, update, remainder),
            partial(np.multiply, remainder, candidate, remainder),
            partial(np.add, state, remainder, state),
        ),
    )


def _rnn(_: StepLayer, state: Float32, recurrent: Float32) -> Layer:
    """The simple recurrent layer.

    Source:
        Elman (1990).
    """
    add_up = partial(np.add, recurrent, out=state)
    return Layer(state, _add_up=add_up, _to_hidden=(partial(np.tanh, state, state),))


_HALF: Final = np.array(0.5, np.float32)  # an array, as NumPy converts a number in every call
_ONE: Final = np.array(1.0, np.float32)


def _add_normalized(
    recurrent: Float32,
    sums: Float32,
    by_gate: Float32,
    squares: Float32,
    norm: StepNorm,
    inputs: Float32,
) -> None:
    """Add up and normalize gate by gate; shape (..., 4·H), but for (..., 4, H) of two."""
    np.add(recurrent, inputs, sums)
    _normalize(by_gate, squares)  # the kernels are centered
    np.multiply(by_gate, norm.gains, by_gate)
    np.add(by_gate, norm.biases, by_gate)


def _squash_normalized(cell: Float32, scratch: Float32, squares: Float32, norm: StepNorm) -> None:
    mean = np.add.reduce(cell, axis=-1, keepdims=True) / cell.shape[-1]
    np.subtract(cell, mean, scratch)
    _normalize(scratch, squares)
    np.multiply(scratch, norm.memory_gain, scratch)
    np.add(scratch, norm.memory_bias, scratch)
    np.tanh(scratch, scratch)


def _normalize(values: Float32, squares: Float32) -> None:
    """Bring the last axis of values of mean 0 to a variance of 1, in place; spoil `squares`."""
    np.multiply(values, values, squares)
    variance = np.add.reduce(squares, axis=-1, keepdims=True) / values.shape[-1]
    np.divide(values, np.sqrt(variance + NORM_EPSILON), values)


def _hold_gate(halves: Float32, mean: float) -> None:
    """Move half the pre-activations of a gate, shape (..., H), for its mean to be one in [0, 1].

    All are moved by the same amount, so the order among the units stays; at 0 every unit's gate is
    closed, at 1 open.
    """
    if mean in {0.0, 1.0}:
        halves[...] = math.copysign(math.inf, mean - 0.5)  # tanh makes ±1 of it
    else:
        halves += _shift(halves.astype(np.float64), 2 * mean - 1)


def _shift(halves: Float64, mean: float) -> Float64:
    """What is added to numbers, shape (..., H), for the mean of their tanh to be one in (-1, 1)."""
    aim = math.atanh(mean)
    low = aim - halves.max(axis=-1, keepdims=True)
    high = aim - halves.min(axis=-1, keepdims=True)
    shift: Float64 = (low + high) / 2
    for _ in range(_MOST_ROUNDS):
        reached = np.tanh(halves + shift)
        missing = mean - reached.mean(axis=-1, keepdims=True)
        if np.abs(missing).max() < _CLOSE:
            break
        low, high = np.where(missing > 0, shift, low), np.where(missing > 0, high, shift)
        slope = np.maximum((1 - reached * reached).mean(axis=-1, keepdims=True), _CLOSE)
        shift = shift + missing / slope
        shift = np.where((shift > low) & (shift < high), shift, (low + high) / 2)
    return shift


_MOST_ROUNDS: Final = 60
_CLOSE: Final = 1e-9
CELLS: Final[Mapping[str, Callable[[StepLayer, Float32, Float32], Layer]]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
}
"""What makes a layer of a cell from its parameters, the state that it writes to (h and c of an
lstm, shape (2·H,) or (N, 2·H), else h), and the product of h with the recurrent kernel."""
