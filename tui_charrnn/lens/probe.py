"""One number inside a network, by name: a neuron, a gate of a unit, a gate's mean.

`0:c13` and `0:h13` are those of `generation.neuron`; `0:f13` is the forget gate of unit 13 of the
lowest layer, `0:f` the mean of that gate over the layer's units.

Notation: L layers, H hidden size.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.neuron import Neuron, layers_sentence, parse_neuron
from tui_charrnn.model.weights import Float32
from tui_charrnn.model_config import ModelConfig
from tui_charrnn.translation import tr

GATES: Final = {
    "lstm": {"i": "input", "f": "forget", "g": "candidate", "o": "output"},
    "gru": {"z": "update", "r": "reset", "g": "candidate"},
    "rnn": {},
}
"""The letter of each gate of a cell, and its name; an rnn has no gates."""
STATES: Final = {"h": "hidden state", "c": "cell state"}
_NAME: Final = re.compile(r"([0-9]{1,4}):([a-z])([0-9]{0,6})", re.ASCII)


class Layer(Protocol):
    """A layer whose last step can be looked at."""

    @property
    def hidden(self) -> Float32:
        """h, shape (H,)."""

    @property
    def cell_state(self) -> Float32 | None:
        """c, shape (H,); None for a cell that has none."""

    def gates(self) -> dict[str, Float32]:
        """The activations by name, each of shape (H,)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A number of a network that can be read after every character."""

    layer: int
    """From 0, the lowest, to L - 1."""
    part: str
    """`h`, `c`, or the letter of a gate."""
    unit: int | None
    """From 0 to H - 1; None is the mean over all, of a gate only."""
    gate: str = ""
    """The gate's name; empty for a state."""

    def __str__(self) -> str:
        return f"{self.layer}:{self.part}{'' if self.unit is None else self.unit}"

    @property
    def words(self) -> str:
        """What it is, for people."""
        if not self.gate:
            return tr(STATES[self.part])
        name = tr(self.gate)
        if self.gate != "candidate":
            name = tr("{gate} gate", gate=name)
        return tr("mean {gate}", gate=name) if self.unit is None else name

    def value(self, layers: Sequence[Layer]) -> float:
        """The number after a network's last step.

        Args:
            layers: Of a stepper or a stream, the lowest first, without an axis of streams.
        """
        layer = layers[self.layer]
        if self.gate:
            gate = layer.gates()[self.gate]
            if self.unit is None:  # `mean` takes three times as long, at every character
                return float(np.add.reduce(gate)) / len(gate)
            return gate.item(self.unit)
        state = layer.cell_state if self.part == "c" else layer.hidden
        if state is None or self.unit is None:
            raise ValueError(f"A state is read unit by unit. Received: {self}")
        return state.item(self.unit)


def parse_probe(text: str, config: ModelConfig) -> Probe:
    """Read the name of a neuron (0:c13, 0:h13), of a unit's gate (0:f13) or of its mean (0:f).

    Raises:
        ConfigError: If it is no name, or the network has no such neuron or gate.
    """
    found = _NAME.fullmatch(text.strip())
    gates = GATES[config.cell]
    if found is None or found[2] in STATES:
        return _of_neuron(parse_neuron(text, config))
    layer, letter = int(found[1]), found[2]
    if not gates:
        sentence = tr(
            "A model of kind {cell} has no gates, only h, as in {layer}:h7. Received: {text!r}.",
            cell=config.cell,
            layer=layer,
            text=text,
        )
        raise ConfigError(sentence)
    if letter not in gates:
        sentence = tr(
            "The gates of a model of kind {cell} are {known}. Received: {text!r}.",
            cell=config.cell,
            known=", ".join(f"{key} ({tr(name)})" for key, name in gates.items()),
            text=text,
        )
        raise ConfigError(sentence)
    unit = int(found[3]) if found[3] else None
    if layer >= config.layer_count or (unit or 0) >= config.hidden_size:
        sentence = tr(
            "{layers}, its cells are 0 to {last}. Received: {text!r}.",
            layers=layers_sentence(config),
            last=config.hidden_size - 1,
            text=text,
        )
        raise ConfigError(sentence)
    return Probe(layer, letter, unit, gates[letter])


def default_neuron(config: ModelConfig) -> Probe:
    """The neuron that is looked at by default: the first of the lowest layer."""
    return _of_neuron(parse_neuron("0:0", config))


def default_gate(config: ModelConfig) -> Probe | None:
    """The gate that is looked at by default, over all units; None where there is none."""
    gates = GATES[config.cell]
    letter = "f" if "f" in gates else next(iter(gates), "")
    return Probe(0, letter, None, gates[letter]) if letter else None


def neighbor(probe: Probe, config: ModelConfig, step: int) -> Probe:
    """The probe of the same part so many units on, from layer to layer and round at the ends.

    Args:
        probe: Of that network.
        config: Its shape.
        step: How far, back if it is negative; the mean of a gate comes before its first unit.
    """
    means = 1 if probe.gate else 0
    width = config.hidden_size + means
    unit = -1 if probe.unit is None else probe.unit
    place = (probe.layer * width + unit + means + step) % (config.layer_count * width)
    layer, column = divmod(place, width)
    return Probe(layer, probe.part, column - means if column >= means else None, probe.gate)


def _of_neuron(neuron: Neuron) -> Probe:
    return Probe(neuron.layer, neuron.part, neuron.unit)
