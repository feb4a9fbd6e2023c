"""The recurrent cells: one step of a layer, for one text or for N texts in parallel.

A sigmoid is computed as a tanh, which does not overflow: sigmoid(z) = tanh(z / 2) / 2 + 1/2. The
weights are halved in advance. Multiplying by a power of two is exact, so the result is the same to
the bit.

Every array is allocated once and overwritten at every step, which is faster by a third than new
arrays at small sizes. A step is a list of calls that are bound once, which costs a fifth less than
a method with attribute lookups. For N texts arrays have a leading axis of length N; for one text
they have not.
"""

import itertools
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

    parts: Mapping[str, Float32]
    """States (views of the network's state) and gates after the last step by `Probe.part`, each of
    shape (H,) or (N, H)."""
    add_inputs: Callable[[Float32], object]
    """Begins a step: adds the inputs x_t @ kernel + bias, shape (G·H,) or (N, G·H), to the
    recurrent product, which must be up to date."""
    _to_hidden: Calls
    """Compute h from c, or from the pre-activations."""
    _to_sums: Calls = ()
    """Compute the pre-activations from what was added."""
    _to_cell: Calls = ()
    """Compute c from the pre-activations."""
    _gate_sums: Mapping[str, Float32] = field(default_factory=dict)
    """Half the pre-activations of the sigmoid gates by `Probe.part`; valid only during a step,
    before the gates are activated."""
    calls: Calls = field(init=False)
    """The rest of a step."""

    def __post_init__(self) -> None:
        """Start without clamps."""
        self.set_clamps(())

    def set_clamps(self, clamps: Iterable[Clamp]) -> None:
        """Replace the clamps of this layer from the next step on.

        A clamped value is written as soon as its part is computed, before it is used: if c is
        clamped, h = o * tanh(c) follows from the clamped value; if h is clamped, c evolves freely.
        """
        gates: list[Callable[[], object]] = []
        states: dict[str, list[Callable[[], object]]] = {"c": [], "h": []}
        for neuron, value in ((clamp.neuron, clamp.value) for clamp in clamps):
            if neuron.gate:
                gates.append(partial(_clamp_gate, self._gate_sums[neuron.part], value))
            else:
                unit = self.parts[neuron.part][..., neuron.unit]
                states[neuron.part].append(partial(unit.fill, value))
        calls = self._to_sums, gates, self._to_cell, states["c"], self._to_hidden, states["h"]
        self.calls = tuple(itertools.chain(*calls))

    def value(self, probe: Probe) -> float:
        """Return the value of a probe after the last step; for a single text only."""
        values = self.parts[probe.part]
        if probe.unit is None:  # `mean` takes three times as long
            return float(np.add.reduce(values)) / len(values)
        return values.item(probe.unit)


def _lstm(parameters: StepLayer, state: Float32, recurrent: Float32) -> Layer:
    """Build an LSTM layer with a forget gate; layer normalization is optional.

    c is normalized only for its tanh: the next step receives it as it is.

    Source:
        Gers, Schmidhuber & Cummins (2000); Ba, Kiros & Hinton (2016), the form of the supplement.
    """
    hidden, cell = np.split(state, 2, axis=-1)
    sums = np.zeros_like(recurrent)  # of i, f, c̃, o, concatenated
    opened, scratch = np.zeros_like(sums), np.zeros_like(cell)
    gate_sums, sigmoids = (
        dict(zip("ifgo", np.split(each, 4, axis=-1), strict=True)) for each in (sums, opened)
    )
    gates = sigmoids | {"g": gate_sums["g"]}
    normalize_sums: Calls = ()
    squash: Calls = (partial(np.tanh, cell, scratch),)
    if (norm := parameters.norm) is not None:
        by_gate = sums.reshape(*cell.shape[:-1], 4, cell.shape[-1])  # a view
        normalize_sums = (  # the kernels are centered
            *_scale_to_unit(by_gate),
            partial(np.multiply, by_gate, norm.gains, by_gate),
            partial(np.add, by_gate, norm.biases, by_gate),
        )
        mean, means = np.zeros_like(cell[..., :1]), np.zeros_like(cell)
        squash = (
            *_average(cell, mean),
            partial(means.__setitem__, ..., mean),
            partial(np.subtract, cell, means, scratch),
            *_scale_to_unit(scratch),
            partial(np.multiply, scratch, norm.memory_gain, scratch),
            partial(np.add, scratch, norm.memory_bias, scratch),
            partial(np.tanh, scratch, scratch),
        )
    return Layer(
        {"h": hidden, "c": cell, **gates},
        _gate_sums=gate_sums,
        add_inputs=_adder(recurrent, sums),
        _to_sums=normalize_sums,
        _to_cell=(
            partial(np.tanh, sums, sums),  # one call for all four
            partial(np.multiply, sums, _HALF, opened),  # the candidate's quarter goes unused
            partial(np.add, opened, _HALF, opened),
            partial(np.multiply, gates["f"], cell, cell),
            partial(np.multiply, gates["i"], gates["g"], scratch),
            partial(np.add, cell, scratch, cell),
        ),
        _to_hidden=(*squash, partial(np.multiply, gates["o"], scratch, hidden)),
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

    def add_inputs(inputs: Float32) -> None:
        np.add(recurrent, parameters.recurrent_bias, recurrent_sums)
        np.add(inputs[..., : 2 * size], recurrent_sums[..., : 2 * size], opened)
        np.copyto(candidate_inputs, inputs[..., 2 * size :])

    return Layer(
        {"h": state, "z": update, "r": reset, "g": candidate},
        _gate_sums={"z": update, "r": reset},
        add_inputs=add_inputs,
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
    to_hidden = (partial(np.tanh, state, state),)
    return Layer({"h": state}, _adder(recurrent, state), _to_hidden=to_hidden)


def _adder(recurrent: Float32, sums: Float32) -> Callable[[Float32], object]:
    add = np.add

    def add_inputs(inputs: Float32) -> None:
        add(recurrent, inputs, sums)

    return add_inputs


_HALF: Final = np.array(0.5, np.float32)  # an array: NumPy would convert a number in every call
_ONE: Final = np.array(1.0, np.float32)


def _scale_to_unit(values: Float32) -> Calls:
    """Return calls that scale values of mean 0 to variance 1 over the last axis, in place."""
    squares, deviations = np.zeros_like(values), np.zeros_like(values)
    variance, sums = np.zeros_like(values[..., :1]), np.zeros_like(values[..., :1])
    return (
        partial(np.multiply, values, values, squares),
        *_average(squares, variance),
        partial(np.add, variance, np.full_like(variance, NORM_EPSILON), sums),
        partial(np.sqrt, sums, variance),
        partial(deviations.__setitem__, ..., variance),  # twice as fast as dividing by (..., 1)
        partial(np.divide, values, deviations, values),
    )


def _average(values: Float32, mean: Float32) -> Calls:
    """Return calls that write the mean of values (..., H) to `mean`, shape (..., 1)."""
    total = np.zeros_like(mean)  # in place a single number takes four times as long
    return (
        partial(np.add.reduce, values, -1, None, total, True),
        partial(np.divide, total, np.full_like(mean, values.shape[-1]), mean),
    )


def _clamp_gate(halves: Float32, mean: float) -> None:
    """Shift half the pre-activations of a gate, shape (..., H), so that its mean is `mean`.

    All units are shifted by the same amount, so their order stays. At 0 the gate of every unit is
    closed, at 1 open.
    """
    target = 2 * mean - 1  # mean of the tanh of the halves; ±1 also for means next to 0 and 1
    if abs(target) == 1:
        halves[...] = math.copysign(math.inf, target)
    else:
        halves += _shift(halves.astype(np.float64), target)


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
