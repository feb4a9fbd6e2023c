"""The recurrent cells: one step of a layer, for one text or for N texts in parallel.

A sigmoid is computed as a tanh, which does not overflow: sigmoid(z) = tanh(z / 2) / 2 + 1/2. The
weights are halved in advance. Multiplying by a power of two is exact, so the result is the same to
the bit.

Every array is allocated once and overwritten at every step, which is faster by a third than new
arrays at small sizes. A step is a list of calls that are bound once, which costs a fifth less than
a method with attribute lookups. For N texts arrays have a leading axis of length N; for one text
they have not.
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
    """Gains and biases of a layer normalization, halved where a sigmoid follows."""

    gains: Float32
    """Of the gates, shape (4, H)."""
    biases: Float32
    """Of the gates, shape (4, H)."""
    memory_gain: Float32
    """Of c, shape (H,)."""
    memory_bias: Float32
    """Of c, shape (H,)."""


class StepLayer(NamedTuple):
    """The parameters of one layer as the step uses them, halved where a sigmoid follows."""

    kernel: Float32
    """Shape (D, G·H); not used in the first layer, whose input table includes it."""
    input_bias: Float32
    """Added to the input product. Shape (G·H,)."""
    recurrent_blocks: tuple[Float32, ...]
    """The recurrent kernel in blocks of columns, of shapes (H, columns), G·H columns in all."""
    recurrent_bias: Float32
    """Added to the recurrent product. Shape (G·H,) for gru, else (0,)."""
    norm: StepNorm | None = None
    """None without layer normalization. With it the input bias is 0, and the kernels are centered
    instead of halved: each of their rows has mean 0 over the units of a gate."""


Calls = tuple[Callable[[], object], ...]


@dataclass(slots=True)
class Layer:
    """A layer with its state and its gates, which every step overwrites."""

    hidden: Float32
    """h, shape (H,) or (N, H); a view of the state."""
    _add_up: Callable[[Float32], object]
    """Adds the inputs to the recurrent product."""
    _to_hidden: Calls
    """Compute h from c, or from the pre-activations."""
    _to_cell: Calls = ()
    """Compute c from the pre-activations."""
    cell_state: Float32 | None = None
    """The c of an lstm, shape (H,) or (N, H), a view of the state; None for other cells."""
    gates: Mapping[str, Float32] = field(default_factory=dict)
    """The gate activations of the last step by name, each of shape (H,) or (N, H); empty for an
    rnn."""
    _gate_sums: Mapping[str, Float32] = field(default_factory=dict)
    """Half the pre-activations of the sigmoid gates, by name; valid only during a step, before the
    gates are activated."""
    _calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        """Start without clamps."""
        self.set_clamps(())

    def set_clamps(self, clamps: Iterable[Clamp]) -> None:
        """Replace the clamps of this layer from the next step on.

        A clamped value is written as soon as its part is computed, before it is used: if c is
        clamped, h = o * tanh(c) follows from the clamped value; if h is clamped, c evolves freely.
        """
        gates: list[Callable[[], object]] = []
        cell: list[Callable[[], object]] = []
        hidden: list[Callable[[], object]] = []
        for neuron, value in ((clamp.neuron, clamp.value) for clamp in clamps):
            if neuron.gate:
                gates.append(partial(_clamp_gate, self._gate_sums[neuron.gate], value))
            elif neuron.part == "h":
                hidden.append(partial(self.hidden[..., neuron.unit].fill, value))
            elif self.cell_state is not None:
                cell.append(partial(self.cell_state[..., neuron.unit].fill, value))
        self._calls = (*gates, *self._to_cell, *cell, *self._to_hidden, *hidden)

    def advance(self, inputs: Float32) -> None:
        """Run one step on the inputs x_t @ kernel + bias, shape (G·H,) or (N, G·H).

        The recurrent product must be up to date.
        """
        self._add_up(inputs)
        for call in self._calls:
            call()

    def value(self, probe: Probe) -> float:
        """Return the value of a probe after the last step; for a single text only.

        Raises:
            ValueError: If the probe is a state without a unit.
        """
        if probe.gate:
            gate = self.gates[probe.gate]
            if probe.unit is None:  # `mean` takes three times as long
                return float(np.add.reduce(gate)) / len(gate)
            return gate.item(probe.unit)
        state = self.cell_state if probe.part == "c" else self.hidden
        if state is None or probe.unit is None:
            raise ValueError(f"A state is read unit by unit. Received: {probe}")
        return state.item(probe.unit)


def _lstm(parameters: StepLayer, state: Float32, recurrent: Float32) -> Layer:
    """Build an LSTM layer with a forget gate; layer normalization is optional.

    c is normalized only for its tanh: the next step receives it as it is.

    Source:
        Gers, Schmidhuber & Cummins (2000); Ba, Kiros & Hinton (2016), the form of the supplement.
    """
    hidden, cell = np.split(state, 2, axis=-1)
    sums = np.zeros_like(recurrent)  # of i, f, c̃, o, concatenated
    opened, scratch = np.zeros_like(sums), np.zeros_like(cell)
    input_sums, forget_sums, candidate, output_sums = np.split(sums, 4, axis=-1)
    input_gate, forget_gate, _, output_gate = np.split(opened, 4, axis=-1)
    add_up: Callable[[Float32], object] = partial(np.add, recurrent, out=sums)
    squash: Callable[[], object] = partial(np.tanh, cell, scratch)
    if parameters.norm is not None:
        by_gate = sums.reshape(*cell.shape[:-1], 4, cell.shape[-1])  # a view
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
    """Build a GRU layer whose reset gate is applied after the recurrent product.

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
    """Build a simple recurrent layer.

    Source:
        Elman (1990).
    """
    add_up = partial(np.add, recurrent, out=state)
    return Layer(state, _add_up=add_up, _to_hidden=(partial(np.tanh, state, state),))


_HALF: Final = np.array(0.5, np.float32)  # an array: NumPy would convert a number in every call
_ONE: Final = np.array(1.0, np.float32)


def _add_normalized(
    recurrent: Float32,
    sums: Float32,
    by_gate: Float32,
    squares: Float32,
    norm: StepNorm,
    inputs: Float32,
) -> None:
    """Add and normalize gate by gate; `by_gate` is `sums` as (..., 4, H), `squares` is scratch."""
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
    """Scale values of mean 0 to variance 1 over the last axis, in place; overwrite `squares`."""
    np.multiply(values, values, squares)
    variance = np.add.reduce(squares, axis=-1, keepdims=True) / values.shape[-1]
    np.divide(values, np.sqrt(variance + NORM_EPSILON), values)


def _clamp_gate(halves: Float32, mean: float) -> None:
    """Shift half the pre-activations of a gate, shape (..., H), so that its mean is `mean`.

    All units are shifted by the same amount, so their order stays. At 0 the gate of every unit is
    closed, at 1 open.
    """
    if mean in {0.0, 1.0}:
        halves[...] = math.copysign(math.inf, mean - 0.5)  # its tanh is ±1
    else:
        halves += _shift(halves.astype(np.float64), 2 * mean - 1)


def _shift(halves: Float64, mean: float) -> Float64:
    """Return s such that tanh(halves + s), shape (..., H), has the given mean in (-1, 1).

    Newton steps, with bisection where a step leaves the bracket.
    """
    target = math.atanh(mean)
    low = target - halves.max(axis=-1, keepdims=True)
    high = target - halves.min(axis=-1, keepdims=True)
    shift: Float64 = (low + high) / 2
    for _ in range(_MOST_ITERATIONS):
        outputs = np.tanh(halves + shift)
        error = mean - outputs.mean(axis=-1, keepdims=True)
        if np.abs(error).max() < _TOLERANCE:
            break
        low, high = np.where(error > 0, shift, low), np.where(error > 0, high, shift)
        slope = np.maximum((1 - outputs * outputs).mean(axis=-1, keepdims=True), _TOLERANCE)
        shift = shift + error / slope
        shift = np.where((shift > low) & (shift < high), shift, (low + high) / 2)
    return shift


_MOST_ITERATIONS: Final = 60
_TOLERANCE: Final = 1e-9
CELLS: Final[Mapping[str, Callable[[StepLayer, Float32, Float32], Layer]]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
}
"""Constructors of a layer by cell name. Arguments: parameters; the state that the layer writes to
(h and c of an lstm, shape (2·H,) or (N, 2·H), else h); the recurrent product of h."""
