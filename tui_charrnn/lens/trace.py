"""A text read character by character, with all that went on in the network.

A character's prediction is what the model expected before it came; states and gates are those of
the step in which the network read it. One stream reads, as in generation, so every number is exact.

Notation: N characters of a text, M of them as the model spells them, H hidden size, K alternatives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tui_charrnn.generation.cells import RecurrentLayer
from tui_charrnn.generation.clamping import Clamp
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.scoring import Indices, quiet
from tui_charrnn.generation.step_weights import fold_embedding
from tui_charrnn.lens.prediction import Predictions, predict_each
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32

ALTERNATIVES: Final = 10
"""The default number of alternatives of a character."""


@dataclass(frozen=True, slots=True)
class LayerView:
    """One layer at one character, or at M of them along a first axis."""

    hidden: Float32
    """h, shape (H,) or (M, H)."""
    cell_state: Float32 | None
    """c, of the same shape; None for a cell that has none."""
    gates: Mapping[str, Float32]
    """The activations, each of that shape: input, forget, candidate, output of an lstm; update,
    reset, candidate of a gru; none of an rnn, which has no gates."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A text as it was read."""

    text: str
    """N characters."""
    indices: Indices
    """What the model read of them, by number, shape (M,)."""
    places: Indices
    """Which of the N characters each belongs to, shape (M,). A character that the model does not
    know has none, unless there is a symbol for it; one that it knows by its parts has several."""
    predictions: Predictions
    """Of M characters."""
    layers: tuple[LayerView, ...]
    """Of M characters, the lowest layer first."""

    def __len__(self) -> int:
        return len(self.indices)


class TraceReader:
    """Reads texts and keeps what went on.

    Args:
        model: Who reads.
        alternatives: K, how many of the likeliest characters are kept.
        clamps: Neurons that are held at a value.
    """

    def __init__(
        self, model: Model, *, alternatives: int = ALTERNATIVES, clamps: Sequence[Clamp] = ()
    ) -> None:
        with quiet():  # what is not finite is reported where it is looked at
            weights = fold_embedding(
                model.weights, model.config, clamps, end=model.vocabulary.end_index
            )
        self._stepper = Stepper(weights)
        self._vocabulary = model.vocabulary
        self._count = alternatives
        self.begin()

    def begin(self) -> None:
        """Begin another text, which starts as after a newline, as a generated one does."""
        self._stepper.state[:] = 0
        self._step(self._vocabulary.start_index)

    def read(self, text: str) -> Trace:
        """Read the next N characters of the text, composed (Unicode NFC); all are kept.

        Raises:
            ModelFileError: If the model's scores are not finite numbers.
        """
        spelled = self._vocabulary.spell(text)
        count = len(spelled.indices)
        logits = np.empty((count, len(self._stepper.logits)), np.float32)
        layers = tuple(_rows_for(layer, count) for layer in self._stepper.layers)
        for place, index in enumerate(spelled.indices.tolist()):
            logits[place] = self._stepper.logits
            self._step(index)
            for rows, layer in zip(layers, self._stepper.layers, strict=True):
                _keep(rows, layer, place)
        predictions = predict_each(logits, spelled.indices, self._count)
        return Trace(text, spelled.indices, spelled.owners, predictions, layers)

    def _step(self, index: int) -> None:
        with quiet():
            self._stepper.read(index)


def view_layers(layers: Iterable[RecurrentLayer]) -> tuple[LayerView, ...]:
    """Copies of the states and gates of a network's last step, which its next one writes over.

    Args:
        layers: Of a stepper or a stream, the lowest first.
    """
    return tuple(
        LayerView(
            layer.hidden.copy(),
            None if layer.cell_state is None else layer.cell_state.copy(),
            {name: gate.copy() for name, gate in _gates(layer).items()},
        )
        for layer in layers
    )


def _gates(layer: RecurrentLayer) -> dict[str, Float32]:
    """The gates; the candidate of an rnn is its hidden state and no gate."""
    gates = layer.gates()
    return gates if len(gates) > 1 else {}


def _rows_for(layer: RecurrentLayer, count: int) -> LayerView:
    """Room for `count` steps of a layer."""
    shape = (count, layer.hidden.shape[-1])
    return LayerView(
        np.empty(shape, np.float32),
        None if layer.cell_state is None else np.empty(shape, np.float32),
        {name: np.empty(shape, np.float32) for name in _gates(layer)},
    )


def _keep(rows: LayerView, layer: RecurrentLayer, place: int) -> None:
    rows.hidden[place] = layer.hidden
    if rows.cell_state is not None:
        rows.cell_state[place] = layer.cell_state
    for name, gate in layer.gates().items():
        if name in rows.gates:
            rows.gates[name][place] = gate
