"""Neurons that are held at a value while the network reads on, to see what they do.

A network without clamps does not pass through this module: a layer is only wrapped if one of its
neurons is held. Both states of a unit follow from that unit's gates alone, so a held value can be
put in after the layer's step and before anything else looks at it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.cells import RecurrentLayer, StepLayer
from tui_charrnn.generation.neuron import Neuron, parse_neuron
from tui_charrnn.model.weights import Float32
from tui_charrnn.model_config import ModelConfig

LIMIT: Final = 1000.0
"""How far from 0 a neuron can be held; what a network holds by itself is rarely beyond 20."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """A neuron and the value that it has after every character."""

    neuron: Neuron
    value: float
    """At most `LIMIT` from 0."""

    def __str__(self) -> str:
        return f"{self.neuron}={self.value!r}".removesuffix(".0")


def clamp_words(clamps: Iterable[Clamp]) -> list[str]:
    """Clamps as `parse_clamps` reads them, to the bit."""
    return [str(clamp) for clamp in clamps]


def parse_clamps(texts: Iterable[str], config: ModelConfig) -> tuple[Clamp, ...]:
    """Read clamps as LAYER:CELL=VALUE; `parse_neuron` says how a cell is named.

    Raises:
        ConfigError: If one is not written so, the network has no such cell, the value is not
            allowed, or a cell is held twice.
    """
    clamps: dict[Neuron, Clamp] = {}
    for text in texts:
        name, sign, number = text.partition("=")
        if not sign:
            raise ConfigError(f"A clamp is LAYER:CELL=VALUE, as 0:7=2.5. Received: {text!r}.")
        neuron = parse_neuron(name, config)
        if neuron in clamps:
            raise ConfigError(f"A cell can be held at one value only. Received: {neuron} twice.")
        clamps[neuron] = Clamp(neuron, _value(number))
    return tuple(clamps.values())


def _value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LIMIT:
        raise ConfigError(
            f"A cell is held at a number from -{LIMIT:g} to {LIMIT:g}. Received: {text!r}."
        )
    return value


class ClampedLayer:
    """A layer, some neurons of which are held."""

    def __init__(self, layer: RecurrentLayer, clamps: Sequence[Clamp]) -> None:
        """Hold neurons of a layer from its next character on.

        Args:
            layer: Does the work.
            clamps: Of this layer. If c is held, its h is what the output gate lets through of it;
                if h is held, c runs on by itself.
        """
        self._layer: Final = layer
        self._hidden_units, self._hidden_values = _columns(clamps, "h")
        self._cell_units, self._cell_values = _columns(clamps, "c")

    @property
    def parameters(self) -> StepLayer:
        """The layer's parameters."""
        return self._layer.parameters

    @property
    def hidden(self) -> Float32:
        """See `RecurrentLayer`."""
        return self._layer.hidden

    @property
    def cell_state(self) -> Float32 | None:
        """See `RecurrentLayer`."""
        return self._layer.cell_state

    def advance(self, inputs: Float32) -> None:
        """Take one character in, then put the held values in their places."""
        self._layer.advance(inputs)
        hidden, cell_state = self.hidden, self.cell_state
        if cell_state is not None and self._cell_units.size:
            cell_state[..., self._cell_units] = self._cell_values
            self._layer.let_out()
        hidden[..., self._hidden_units] = self._hidden_values

    def let_out(self) -> None:
        """See `RecurrentLayer`."""
        self._layer.let_out()

    def gates(self) -> dict[str, Float32]:
        """The activations, which are those that the layer came to by itself."""
        return self._layer.gates()


def clamped(layer: RecurrentLayer, number: int, clamps: Iterable[Clamp]) -> RecurrentLayer:
    """A layer with those clamps that are of it; the layer itself if there are none.

    Args:
        layer: One of a network.
        number: Its place, from 0.
        clamps: Of the whole network.
    """
    mine = [clamp for clamp in clamps if clamp.neuron.layer == number]
    return ClampedLayer(layer, mine) if mine else layer


def _columns(clamps: Iterable[Clamp], part: str) -> tuple[np.ndarray, Float32]:
    """The units of a part that are held, and their values."""
    mine = [clamp for clamp in clamps if clamp.neuron.part == part]
    units = np.array([clamp.neuron.unit for clamp in mine], np.intp)
    return units, np.array([clamp.value for clamp in mine], np.float32)
