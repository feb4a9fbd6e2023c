"""Probes and clamps: names of single activations of a network, and values to clamp them at.

`0:c117` is unit 117 of c of the lowest layer, `0:h117` of h; `0:f117` is the forget gate of that
unit, `0:f` the mean of that gate over the layer's units.

Notation: L layers, H hidden size, S state size; layers and units count from 0, as in the names of a
model's tensors.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.translation import tr

_NAME: Final = re.compile(r"([0-9]{1,4}):([a-z]?)([0-9]{0,6})", re.ASCII)
GATES: Final = {
    "lstm": {"i": "input", "f": "forget", "g": "candidate", "o": "output"},
    "gru": {"z": "update", "r": "reset", "g": "candidate"},
    "rnn": {},
}
"""Gates of each cell, letter to name, in the order of its kernels; an rnn has none."""
GATE_NAMES: Final = {letter: name for gates in GATES.values() for letter, name in gates.items()}
STATES: Final = {"h": "hidden state", "c": "cell state"}
_PARTS: Final = {"lstm": "hc", "gru": "h", "rnn": "h"}
"""The states of a layer, in the order of `Stepper.state`."""


class Probe(NamedTuple):
    """An activation of a network that can be read after every character; see `Layer.value`."""

    layer: int
    """From 0, the lowest, to L - 1."""
    part: str
    """`h` (hidden state), `c` (cell state of an lstm), or the letter of a gate."""
    unit: int | None = None
    """From 0 to H - 1; None is the mean over all units, for gates only."""

    def __str__(self) -> str:
        return f"{self.layer}:{self.part}{'' if self.unit is None else self.unit}"

    @property
    def gate(self) -> str:
        """The gate's name; empty for a state."""
        return GATE_NAMES.get(self.part, "")

    @property
    def words(self) -> str:
        """Its description in the user's language."""
        if not self.gate:
            return tr(STATES[self.part])
        name = tr(self.gate)
        if self.gate != "candidate":
            name = tr("{gate} gate", gate=name)
        return tr("mean {gate}", gate=name) if self.unit is None else name


def gates_of(config: ModelConfig) -> list[Probe]:
    """Return the mean of every sigmoid gate of a network, the lowest layer first."""
    parts = [part for part, name in GATES[config.cell].items() if name != "candidate"]
    return [Probe(layer, part) for layer in range(config.layer_count) for part in parts]


def all_neurons(config: ModelConfig) -> list[Probe]:
    """Return all S states of a network in the order of `Stepper.state`."""
    return [
        Probe(layer, part, unit)
        for layer in range(config.layer_count)
        for part in _PARTS[config.cell]
        for unit in range(config.hidden_size)
    ]


def parse_probe(text: str, config: ModelConfig) -> Probe:
    """Parse the name of a neuron (0:c13, 0:h13), a unit's gate (0:f13) or a gate's mean (0:f).

    A neuron without a letter (0:13) is c of an lstm, else h.

    Raises:
        ConfigError: If the name is malformed, or the network has no such neuron or gate.
    """
    found = _NAME.fullmatch(text.strip())
    parts, gates = _PARTS[config.cell], GATES[config.cell]
    layer, letter, unit = found.groups() if found is not None else ("", "", "")
    letter = letter or parts[-1]
    if not unit and letter in STATES:
        raise ConfigError(
            "A neuron is named as LAYER:CELL, for example 0:{part}7. Received: {text!r}.",
            part=parts[-1],
            text=text,
        )
    if letter in STATES and letter not in parts:
        raise ConfigError(
            "A model of kind {cell} has no cell state, only h, as in {layer}:h{unit}. "
            "Received: {text!r}.",
            cell=config.cell,
            layer=int(layer),
            unit=int(unit),
            text=text,
        )
    if letter not in STATES and not gates:
        raise ConfigError(
            "A model of kind {cell} has no gates, only h, as in {layer}:h7. Received: {text!r}.",
            cell=config.cell,
            layer=int(layer),
            text=text,
        )
    if letter not in STATES and letter not in gates:
        raise ConfigError(
            "The gates of a model of kind {cell} are {known}. Received: {text!r}.",
            cell=config.cell,
            known=", ".join(f"{key} ({tr(name)})" for key, name in gates.items()),
            text=text,
        )
    probe = Probe(int(layer), letter, int(unit) if unit else None)
    if probe.layer >= config.layer_count or (probe.unit or 0) >= config.hidden_size:
        raise ConfigError(
            "{layers}; its cells are 0 to {last}. Received: {text!r}.",
            layers=layers_sentence(config),
            last=config.hidden_size - 1,
            text=text,
        )
    return probe


def layers_sentence(config: ModelConfig) -> str:
    """Return the start of a sentence that names the layers of a model."""
    last = config.layer_count - 1
    if not last:
        return tr("This model has one layer, 0")
    return tr("This model has the layers 0 to {last}", last=last)


def default_neuron(config: ModelConfig) -> Probe:
    """Return the default neuron to show: unit 0 of the lowest layer."""
    return Probe(0, _PARTS[config.cell][-1], 0)


def default_gate(config: ModelConfig) -> Probe | None:
    """Return the default gate to show, its mean over all units; None if the cell has no gates."""
    gates = GATES[config.cell]
    letter = "f" if "f" in gates else next(iter(gates), "")
    return Probe(0, letter) if letter else None


def neighbor(probe: Probe, config: ModelConfig, step: int) -> Probe:
    """Return the probe of the same part that is `step` units away, across layers, cyclically.

    The mean of a gate precedes its first unit.
    """
    units = [*([None] if probe.gate else []), *range(config.hidden_size)]
    layers = range(config.layer_count)
    probes = [Probe(layer, probe.part, unit) for layer in layers for unit in units]
    return probes[(probes.index(probe) + step) % len(probes)]


LIMIT: Final = 1000.0
"""Largest absolute value of a clamped neuron; unclamped states rarely exceed 20."""


@dataclass(frozen=True, slots=True)
class Clamp:
    """A neuron, or the mean of a gate, and the value that it is set to at every character.

    `parse_clamps` reads its string back exactly.
    """

    neuron: Probe
    value: float
    """In [-`LIMIT`, `LIMIT`]; of a gate in [0, 1]."""

    def __str__(self) -> str:
        return f"{self.neuron}={self.value!r}".removesuffix(".0")


def parse_clamps(
    texts: Iterable[str], config: ModelConfig, gates: Iterable[str] = ()
) -> tuple[Clamp, ...]:
    """Parse clamps of the form LAYER:CELL=VALUE, or LAYER:GATE=MEAN; see `parse_probe`.

    Those of `gates` must be of the second form.

    Raises:
        ConfigError: If a clamp is malformed, the network has no such cell, the value is out of
            range, or a cell is clamped twice.
    """
    known = {str(gate): gate for gate in gates_of(config)}
    clamps: dict[Probe, Clamp] = {}
    for text, is_gate in [*((each, False) for each in texts), *((each, True) for each in gates)]:
        name, sign, number = text.partition("=")
        if not sign:
            raise ConfigError(
                "A clamp of a gate is LAYER:GATE=MEAN, as 0:f=0.9. Received: {text!r}."
                if is_gate
                else "A clamp is LAYER:CELL=VALUE, as 0:13=3. Received: {text!r}.",
                text=text,
            )
        neuron = known.get(name.strip())
        if neuron is None and not is_gate:
            neuron = parse_probe(name, config)
        if neuron is None or (neuron.gate and neuron not in known.values()):
            raise ConfigError(
                "Gates of this model that can be clamped: {names}. Received: {text!r}.",
                names=", ".join(known) or tr("none"),
                text=name,
            )
        if neuron in clamps:
            raise ConfigError(
                "A cell can be clamped to one value only. Received: {neuron} twice.", neuron=neuron
            )
        clamps[neuron] = Clamp(neuron, _value(number, is_gate=bool(neuron.gate)))
    return tuple(clamps.values())


def _value(text: str, *, is_gate: bool) -> float:
    lowest, highest = (0.0, 1.0) if is_gate else (-LIMIT, LIMIT)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise ConfigError(
            "The mean of a gate is clamped to a number from {lowest:g} to {highest:g}. "
            "Received: {text!r}."
            if is_gate
            else (
                "A cell is clamped to a number from {lowest:g} to {highest:g}. Received: {text!r}."
            ),
            lowest=lowest,
            highest=highest,
            text=text,
        )
    return value
