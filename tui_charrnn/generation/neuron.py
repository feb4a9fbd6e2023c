"""One number of what a network remembers, by name: `0:c117` is unit 117 of c of the lowest layer.

A gate of a layer as a whole is named likewise: `0:f` is the forget gate of the lowest.

Notation: L layers, H hidden size, S numbers that a network remembers; layers and units count from
0, as in the names of a model's tensors.
"""

import re
from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import ConfigError
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model_config import ModelConfig
from tui_charrnn.translation import tr

_NAME: Final = re.compile(r"([0-9]{1,4}):([ch]?)([0-9]{1,6})", re.ASCII)
GATE_PLACES: Final[dict[str, dict[str, int]]] = {
    "lstm": {"i": 0, "f": 1, "o": 3},
    "gru": {"z": 0, "r": 1},
    "rnn": {},
}
"""The gates of a cell that open between 0 and 1, and where each lies among all of its gates."""
_PARTS: Final = {"lstm": "hc", "gru": "h", "rnn": "h"}
"""What a layer remembers, in the order in which it lies in the state."""


@dataclass(frozen=True, slots=True, order=True)
class Neuron:
    """A place in what a network remembers."""

    layer: int
    """From 0, the lowest, to L - 1."""
    part: str
    """`h`, the hidden state, or `c`, the cell state that an lstm has beside it."""
    unit: int
    """From 0 to H - 1."""

    def __str__(self) -> str:
        return f"{self.layer}:{self.part}{self.unit}"


@dataclass(frozen=True, slots=True, order=True)
class Gate:
    """A gate of a layer, over all of its units."""

    layer: int
    """From 0, the lowest, to L - 1."""
    part: str
    """`i`, `f` or `o` of an lstm, `z` (update) or `r` (reset) of a gru."""

    def __str__(self) -> str:
        return f"{self.layer}:{self.part}"


def gates_of(config: ModelConfig) -> list[Gate]:
    """Every gate of a network that opens between 0 and 1, the lowest layer first."""
    parts = GATE_PLACES[config.cell]
    return [Gate(layer, part) for layer in range(config.layer_count) for part in parts]


def parse_gate(text: str, config: ModelConfig) -> Gate:
    """Read a name: LAYER:GATE, as 0:f.

    Raises:
        ConfigError: If the network has no such gate.
    """
    known = gates_of(config)
    found = next((gate for gate in known if str(gate) == text.strip()), None)
    if found is None:
        if not known:
            raise ConfigError(
                "A model of kind {cell} has no gates. Received: {text!r}.",
                cell=config.cell,
                text=text,
            )
        raise ConfigError(
            "The gates of this model are {names}. Received: {text!r}.",
            names=", ".join(map(str, known)),
            text=text,
        )
    return found


def layers_sentence(config: ModelConfig) -> str:
    """Which layers a model has: the beginning of a sentence."""
    last = config.layer_count - 1
    if not last:
        return tr("This model has one layer, 0")
    return tr("This model has the layers 0 to {last}", last=last)


def all_neurons(config: ModelConfig) -> list[Neuron]:
    """Every neuron of a network in the order of its state, S of them."""
    return [
        Neuron(layer, part, unit)
        for layer in range(config.layer_count)
        for part in _PARTS[config.cell]
        for unit in range(config.hidden_size)
    ]


def place_of(neuron: Neuron, config: ModelConfig) -> int:
    """Where a neuron lies in the state of a network, from 0 to S - 1; see `Stepper.state`."""
    size = config.hidden_size
    before = neuron.layer * STATES_PER_LAYER[config.cell] + _PARTS[config.cell].index(neuron.part)
    return before * size + neuron.unit


def parse_neuron(text: str, config: ModelConfig) -> Neuron:
    """Read a name: LAYER:cUNIT, LAYER:hUNIT, or LAYER:UNIT for c where there is one, h elsewhere.

    Raises:
        ConfigError: If it is no name, or the network has no such neuron.
    """
    found = _NAME.fullmatch(text.strip())
    parts = _PARTS[config.cell]
    if found is None:
        raise ConfigError(
            "A neuron is named as LAYER:CELL, for example 0:{part}7. Received: {text!r}.",
            part=parts[-1],
            text=text,
        )
    layer, part, unit = int(found[1]), found[2] or parts[-1], int(found[3])
    if part not in parts:
        raise ConfigError(
            "A model of kind {cell} has no cell state, only h, as in {layer}:h{unit}. "
            "Received: {text!r}.",
            cell=config.cell,
            layer=layer,
            unit=unit,
            text=text,
        )
    if layer >= config.layer_count or unit >= config.hidden_size:
        raise ConfigError(
            "{layers}, its cells are 0 to {last}. Received: {text!r}.",
            layers=layers_sentence(config),
            last=config.hidden_size - 1,
            text=text,
        )
    return Neuron(layer, part, unit)
