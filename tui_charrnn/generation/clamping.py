"""Neurons that are held at a value while the network reads on, to see what they do.

A network without clamps does not pass through this module: a layer is only wrapped if one of its
neurons is held. Both states of a unit follow from that unit's gates alone, so a held value can be
put in after the layer's step and before anything else looks at it.

A gate is held by its mean over the units of a layer: all its pre-activations are moved by the same
amount, so the order among the units stays. At 0 every unit's gate is closed, at 1 open.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.cells import Cell, LstmLayer, RecurrentLayer
from tui_charrnn.generation.neuron import Gate, Neuron, parse_gate, parse_neuron
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.model_config import ModelConfig

_PLACES: Final = {"i": 0, "f": 1, "o": 3, "z": 0, "r": 1}
"""Where each gate that opens between 0 and 1 lies among the gates of its cell."""
LIMIT: Final = 1000.0
"""How far from 0 a neuron can be held; what a network holds by itself is rarely beyond 20."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """A neuron and the value that it has after every character; or a gate, and its mean."""

    neuron: Neuron | Gate
    value: float
    """At most `LIMIT` from 0; of a gate in [0, 1]."""

    def __str__(self) -> str:
        return f"{self.neuron}={self.value!r}".removesuffix(".0")


def clamp_words(clamps: Iterable[Clamp]) -> list[str]:
    """Clamps as `parse_clamps` reads them, to the bit."""
    return [str(clamp) for clamp in clamps]


def parse_clamps(texts: Iterable[str], config: ModelConfig) -> tuple[Clamp, ...]:
    """Read clamps as LAYER:CELL=VALUE, or LAYER:GATE=MEAN; see `parse_neuron` and `parse_gate`.

    Raises:
        ConfigError: If one is not written so, the network has no such cell, the value is not
            allowed, or a cell is held twice.
    """
    clamps: dict[Neuron | Gate, Clamp] = {}
    for text in texts:
        name, sign, number = text.partition("=")
        if not sign:
            raise ConfigError(
                "A clamp is LAYER:CELL=VALUE, as 0:7=2.5. Received: {text!r}.", text=text
            )
        is_gate = name.strip()[-1:] in _PLACES
        neuron = parse_gate(name, config) if is_gate else parse_neuron(name, config)
        if neuron in clamps:
            raise ConfigError(
                "A cell can be held at one value only. Received: {neuron} twice.", neuron=neuron
            )
        clamps[neuron] = Clamp(neuron, _value(number, is_gate=is_gate))
    return tuple(clamps.values())


def parse_gate_clamps(texts: Iterable[str], config: ModelConfig) -> tuple[Clamp, ...]:
    """The same for gates alone: LAYER:GATE=MEAN.

    Raises:
        ConfigError: As `parse_clamps`, and if one is of a cell.
    """
    texts = list(texts)
    for text in texts:
        parse_gate(text.partition("=")[0], config)  # it says which gates there are
    return parse_clamps(texts, config)


def _value(text: str, *, is_gate: bool) -> float:
    lowest, highest = (0.0, 1.0) if is_gate else (-LIMIT, LIMIT)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise ConfigError(
            "The mean of a gate is held at a number from {lowest:g} to {highest:g}. "
            "Received: {text!r}."
            if is_gate
            else "A cell is held at a number from {lowest:g} to {highest:g}. Received: {text!r}.",
            lowest=lowest,
            highest=highest,
            text=text,
        )
    return value


def _hold_gate(place: int, mean: float, halves: Float32, size: int) -> None:
    """Move a gate so that its mean over the units is one in [0, 1], in place.

    Args:
        place: Which of the gates of its cell.
        mean: In [0, 1].
        halves: Half the pre-activations of all gates, shape (..., G·H).
        size: H.
    """
    part = halves[..., place * size : (place + 1) * size]
    if mean in {0.0, 1.0}:
        part[...] = math.copysign(math.inf, mean - 0.5)  # tanh makes ±1 of it
    else:
        part += _shift(part.astype(np.float64), 2 * mean - 1)


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


class ClampedLayer:
    """A layer, some neurons of which are held from its next character on.

    If c is held, its h is what the output gate lets through of it; if h is held, c runs on by
    itself.
    """

    def __init__(self, layer: Cell, clamps: Sequence[Clamp]) -> None:
        self._advance = layer.advance
        self.hidden, self.cell_state = layer.hidden, layer.cell_state
        self.gates = layer.gates
        self._update_hidden = layer.update_hidden if isinstance(layer, LstmLayer) else None
        self._hidden_units, self._hidden_values = _columns(clamps, "h")
        self._cell_units, self._cell_values = _columns(clamps, "c")

    def advance(self, inputs: Float32) -> None:
        """Take one character in, then put the held values in their places."""
        self._advance(inputs)
        if self.cell_state is not None and self._update_hidden and self._cell_units.size:
            self.cell_state[..., self._cell_units] = self._cell_values
            self._update_hidden()
        self.hidden[..., self._hidden_units] = self._hidden_values


def clamped(layer: Cell, number: int, clamps: Iterable[Clamp]) -> RecurrentLayer:
    """The layer at a place, from 0, with those clamps that are of it; itself if there are none."""
    mine = [clamp for clamp in clamps if clamp.neuron.layer == number]
    layer.held_gates = tuple(
        partial(_hold_gate, _PLACES[clamp.neuron.part], clamp.value)
        for clamp in mine
        if isinstance(clamp.neuron, Gate)
    )
    neurons = [clamp for clamp in mine if isinstance(clamp.neuron, Neuron)]
    return ClampedLayer(layer, neurons) if neurons else layer


def _columns(clamps: Iterable[Clamp], part: str) -> tuple[np.ndarray, Float32]:
    """The units of a part that are held, and their values."""
    mine = {
        clamp.neuron.unit: clamp.value
        for clamp in clamps
        if isinstance(clamp.neuron, Neuron) and clamp.neuron.part == part
    }
    return np.array(list(mine), np.intp), np.array(list(mine.values()), np.float32)
