"""Which layer a model's parameters ask for."""

from collections.abc import Callable
from typing import Final

from tui_charrnn.generation.cells import (
    GruLayer,
    LstmLayer,
    RecurrentLayer,
    RnnLayer,
    StepLayer,
)
from tui_charrnn.model.weights import Float32

_CELLS: Final[dict[str, Callable[[StepLayer, Float32], RecurrentLayer]]] = {
    "lstm": LstmLayer,
    "gru": GruLayer,
    "rnn": RnnLayer,
}


def open_layer(cell: str, parameters: StepLayer, state: Float32) -> RecurrentLayer:
    """A layer that takes over a state.

    Args:
        cell: `lstm`, `gru` or `rnn`.
        parameters: Of the layer.
        state: To be written to; of the shape that the cell wants.
    """
    if parameters.norm is None:
        return _CELLS[cell](parameters, state)
    # deferred: the first character does not wait for what its model does not have
    from tui_charrnn.generation.normalized_cell import NormalizedLstmLayer  # noqa: PLC0415

    return NormalizedLstmLayer(parameters, state)
