"""A network straight from the equations, in float64, with all its states and gates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.neuron import GATE_NAMES, Clamp
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import LayerWeights

Array = npt.NDArray[np.float64]

NO_CELL_STATE = np.zeros(0)


@dataclass(frozen=True)
class NaiveStep:
    """What one layer did with one character."""

    hidden: Array
    cell_state: Array
    """Empty but for an lstm."""
    gates: dict[str, Array]

    @property
    def parts(self) -> dict[str, Array]:
        """States and gates as a `Layer` has them."""
        states = {"h": self.hidden} | ({"c": self.cell_state} if self.cell_state.size else {})
        letters = {name: letter for letter, name in GATE_NAMES.items()}
        return states | {letters[name]: gate for name, gate in self.gates.items()}


@dataclass(frozen=True)
class NaiveReading:
    """A text, character by character."""

    steps: list[list[NaiveStep]]
    """By character, then by layer."""
    probabilities: list[Array]
    """Of the character after each."""


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def normalized(values: Array) -> Array:
    centered: Array = values - values.mean()
    return centered / float(np.sqrt(values.var() + 1e-5))


class NaiveNetwork:
    """Reads characters by number; `held` maps (layer, part, unit) to a value that is put in."""

    def __init__(self, model: Model, held: Mapping[tuple[int, str, int], float] | None = None):
        self.model, self.held = model, held or {}
        size = model.config.hidden_size
        self.states = [(np.zeros(size), np.zeros(size)) for _ in model.weights.layers]

    def read(self, index: int) -> tuple[list[NaiveStep], Array]:
        """The steps of the layers, and what is expected next."""
        values = self.model.weights.embedding[index].astype(np.float64)
        steps = []
        for number, layer in enumerate(self.model.weights.layers):
            step = getattr(self, f"_{self.model.config.cell}")(layer, number, values)
            self.states[number] = (step.hidden, step.cell_state)
            steps.append(step)
            values = step.hidden
        scores = values @ self.model.weights.output_kernel + self.model.weights.output_bias
        powers = np.exp(scores - scores.max())
        return steps, powers / powers.sum()

    def _lstm(self, layer: LayerWeights, number: int, x: Array) -> NaiveStep:
        h, c = self.states[number]
        z = x @ layer.kernel + h @ layer.recurrent_kernel
        if layer.norm is not None:
            z = np.concatenate(list(map(normalized, np.split(z, 4)))) * layer.norm.gate_gain
        zi, zf, zc, zo = np.split(z + layer.bias, 4)
        i, f, candidate, o = sigmoid(zi), sigmoid(zf), np.tanh(zc), sigmoid(zo)
        new_c = self._hold(number, "c", f * c + i * candidate)
        let_out = new_c
        if layer.norm is not None:
            let_out = normalized(new_c) * layer.norm.memory_gain + layer.norm.memory_bias
        new_h = self._hold(number, "h", o * np.tanh(let_out))
        gates = {"input": i, "forget": f, "candidate": candidate, "output": o}
        return NaiveStep(new_h, new_c, gates)

    def _gru(self, layer: LayerWeights, number: int, x: Array) -> NaiveStep:
        h, _ = self.states[number]
        xz, xr, xh = np.split(x @ layer.kernel + layer.bias[0], 3)
        hz, hr, hh = np.split(h @ layer.recurrent_kernel + layer.bias[1], 3)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        candidate = np.tanh(xh + r * hh)
        new_h = self._hold(number, "h", z * h + (1 - z) * candidate)
        return NaiveStep(new_h, NO_CELL_STATE, {"update": z, "reset": r, "candidate": candidate})

    def _rnn(self, layer: LayerWeights, number: int, x: Array) -> NaiveStep:
        h, _ = self.states[number]
        new_h = np.tanh(x @ layer.kernel + h @ layer.recurrent_kernel + layer.bias)
        return NaiveStep(self._hold(number, "h", new_h), NO_CELL_STATE, {})

    def _hold(self, number: int, part: str, values: Array) -> Array:
        values = values.copy()
        for (layer, held_part, unit), value in self.held.items():
            if (layer, held_part) == (number, part):
                values[unit] = value
        return values


def read_naively(
    model: Model,
    indices: Iterable[int],
    held: Mapping[tuple[int, str, int], float] | None = None,
) -> NaiveReading:
    """Read characters from a state of zeros on."""
    network = NaiveNetwork(model, held)
    done = [network.read(index) for index in indices]
    return NaiveReading([steps for steps, _ in done], [expected for _, expected in done])


def held_neurons(clamps: Iterable[Clamp]) -> dict[tuple[int, str, int], float]:
    """Clamps of neurons as `NaiveNetwork` takes them."""
    return {
        (each.neuron.layer, each.neuron.part, each.neuron.unit): each.value
        for each in clamps
        if each.neuron.unit is not None
    }


def indices_of(model: Model, text: Sequence[str]) -> list[int]:
    """The numbers of a text that the model knows."""
    return [model.vocabulary.characters.index(character) for character in text]
