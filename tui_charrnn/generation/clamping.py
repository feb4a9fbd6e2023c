"""Neurons that are held at a value while the network reads on, to see what they do.

A network without clamps does not pass through this module. Both states of a unit follow from that
unit's gates alone, so a held value is put in as soon as its part is computed, before anything else
looks at it: if c is held, h is what the output gate lets through of it; if h is held, c runs on by
itself.

A gate is held by its mean over the units of a layer: all its pre-activations are moved by the same
amount, so the order among the units stays. At 0 every unit's gate is closed, at 1 open.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.cells import Layer
from tui_charrnn.generation.neuron import Probe, parse_gate, parse_neuron
from tui_charrnn.model.weights import Float32, Float64
from tui_charrnn.model_config import ModelConfig

_GATES: Final = tuple("ifozr")
"""The letters of the gates that open between 0 and 1, of all cells."""
LIMIT: Final = 1000.0
"""How far from 0 a neuron can be held; what a network holds by itself is rarely beyond 20."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """A neuron and the value that it has after every character; or a gate, and its mean.

    As a string it is what `parse_clamps` reads, to the bit.
    """

    neuron: Probe
    value: float
    """At most `LIMIT` from 0; of a gate in [0, 1]."""

    def __str__(self) -> str:
        return f"{self.neuron}={self.value!r}".removesuffix(".0")


def parse_clamps(texts: Iterable[str], config: ModelConfig) -> tuple[Clamp, ...]:
    """Read clamps as LAYER:CELL=VALUE, or LAYER:GATE=MEAN; see `parse_neuron` and `parse_gate`.

    Raises:
        ConfigError: If one is not written so, the network has no such cell, the value is not
            allowed, or a cell is held twice.
    """
    clamps: dict[Probe, Clamp] = {}
    for text in texts:
        name, sign, number = text.partition("=")
        if not sign:
            raise ConfigError(
                "A clamp is LAYER:CELL=VALUE, as 0:7=2.5. Received: {text!r}.", text=text
            )
        is_gate = name.strip().endswith(_GATES)
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


def _hold_gate(halves: Float32, mean: float) -> None:
    """Move half the pre-activations of a gate, shape (..., H), for its mean to be one in [0, 1]."""
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


def hold(layer: Layer, number: int, clamps: Iterable[Clamp]) -> None:
    """Hold in a layer, by its number from 0, what clamps name of it, and nothing else."""
    gates: list[Callable[[], object]] = []
    cell: list[Callable[[], object]] = []
    hidden: list[Callable[[], object]] = []
    for neuron, value in ((clamp.neuron, clamp.value) for clamp in clamps):
        if neuron.layer != number:
            continue
        if neuron.gate:
            gates.append(partial(_hold_gate, layer.gate_sums[neuron.gate], value))
        elif neuron.part == "h":
            hidden.append(partial(layer.hidden[..., neuron.unit].fill, value))
        elif layer.cell_state is not None:
            cell.append(partial(layer.cell_state[..., neuron.unit].fill, value))
    layer.hold(tuple(gates), tuple(cell), tuple(hidden))
