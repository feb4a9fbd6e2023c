"""One character's step through the network, in NumPy.

The shapes and the gate order are those of `tui_charrnn.model.weights`: V vocabulary size, H hidden
size, G gates of the cell, side by side along the last axis. Here there is one stream and one
character, so states are vectors and a layer costs one matrix-vector product.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.weights import STATES_PER_LAYER, Float32, LayerWeights, ModelWeights


class LayerState(NamedTuple):
    """What one layer remembers between characters."""

    hidden: Float32
    """h, shape (H,)."""
    cell: Float32
    """c, shape (H,); empty, shape (0,), in a gru or rnn layer, which has none."""


RecurrentState = tuple[LayerState, ...]
"""What a network remembers between characters: one state a layer, the lowest first."""


@dataclass(frozen=True, slots=True)
class StepLayer:
    """The parameters of one layer as the step uses them."""

    kernel: Float32
    """Shape (D, G·H); not used in the first layer, where the input table stands for it."""
    input_bias: Float32
    """Added to the input product. Shape (G·H,)."""
    recurrent_kernel: Float32
    """Shape (H, G·H)."""
    recurrent_bias: Float32
    """Added to the recurrent product. Shape (G·H,); empty, shape (0,), but for gru."""


@dataclass(frozen=True, slots=True)
class StepWeights:
    """A model's parameters, arranged once so that a step is cheap."""

    cell: str
    input_table: Float32
    """What each character brings to the gates of the first layer. Shape (V, G·H)."""
    layers: tuple[StepLayer, ...]
    output_kernel: Float32
    """Shape (H, V)."""
    output_bias: Float32
    """Shape (V,)."""


def fold_embedding(weights: ModelWeights, config: ModelConfig) -> StepWeights:
    """Arrange a model for generation, the embedding folded into the first layer's gates.

    A character's embedding only ever meets the first layer's kernel, so their product is computed
    once for all characters; the step then looks a row up instead of multiplying.
    """
    layers = tuple(_step_layer(layer, config.cell) for layer in weights.layers)
    return StepWeights(
        cell=config.cell,
        input_table=weights.embedding @ layers[0].kernel + layers[0].input_bias,
        layers=layers,
        output_kernel=_ready(weights.output_kernel),
        output_bias=_ready(weights.output_bias),
    )


def _step_layer(layer: LayerWeights, cell: str) -> StepLayer:
    bias = _ready(layer.bias)
    return StepLayer(
        kernel=_ready(layer.kernel),
        input_bias=bias[0] if cell == "gru" else bias,
        recurrent_kernel=_ready(layer.recurrent_kernel),
        recurrent_bias=bias[1] if cell == "gru" else bias[:0],
    )


def _ready(tensor: Float32) -> Float32:
    """The tensor as BLAS takes it; a tensor inside a file's bytes may be unaligned.

    NumPy would copy such a tensor again in every product.
    """
    return np.require(tensor, dtype=np.float32, requirements=["C_CONTIGUOUS", "ALIGNED"])


def zero_state(weights: StepWeights) -> RecurrentState:
    """The state before the first character: nothing is remembered."""
    return tuple(
        LayerState(
            hidden=np.zeros(size, np.float32),
            cell=np.zeros(size if STATES_PER_LAYER[weights.cell] == 2 else 0, np.float32),
        )
        for size in (len(layer.recurrent_kernel) for layer in weights.layers)
    )


def step(weights: StepWeights, index: int, state: RecurrentState) -> tuple[Float32, RecurrentState]:
    """Read one character.

    Args:
        weights: The network.
        index: The character's number in the vocabulary, in [0, V).
        state: What the network remembered before; it is not written to.

    Returns:
        The logits of the next character, shape (V,), and the new state, all new arrays.
    """
    advance = _CELLS[weights.cell]
    states: list[LayerState] = []
    for number, layer in enumerate(weights.layers):
        if number == 0:
            inputs = weights.input_table[index]
        else:
            inputs = states[-1].hidden @ layer.kernel + layer.input_bias
        states.append(advance(layer, inputs, state[number]))
    logits = states[-1].hidden @ weights.output_kernel + weights.output_bias
    return logits, tuple(states)


def _lstm_step(layer: StepLayer, inputs: Float32, state: LayerState) -> LayerState:
    """Advance an LSTM layer by one character.

    Args:
        layer: The layer's parameters.
        inputs: x_t @ kernel + bias, shape (4·H,).
        state: h_{t-1} and c_{t-1}.

    Returns:
        h_t and c_t, as new arrays.

    Source:
        Gers, Schmidhuber & Cummins (2000), the LSTM with a forget gate.
    """
    size = len(state.hidden)
    gates = inputs + state.hidden @ layer.recurrent_kernel  # i, f, c̃, o side by side
    opened = _sigmoid(gates)  # one call for all four; the candidate's quarter goes unused
    candidate = np.tanh(gates[2 * size : 3 * size])
    cell = opened[size : 2 * size] * state.cell + opened[:size] * candidate
    return LayerState(hidden=opened[3 * size :] * np.tanh(cell), cell=cell)


def _gru_step(layer: StepLayer, inputs: Float32, state: LayerState) -> LayerState:
    """Advance a GRU layer by one character, the reset gate after the recurrent product.

    Source:
        Cho et al. (2014), in the form of cuDNN and of Keras's `reset_after=True`.
    """
    size = len(state.hidden)
    recurrent = state.hidden @ layer.recurrent_kernel + layer.recurrent_bias
    gates = _sigmoid(inputs[: 2 * size] + recurrent[: 2 * size])
    update, reset = gates[:size], gates[size:]
    candidate = np.tanh(inputs[2 * size :] + reset * recurrent[2 * size :])
    return LayerState(
        hidden=update * state.hidden + (1 - update) * candidate, cell=state.cell.copy()
    )


def _rnn_step(layer: StepLayer, inputs: Float32, state: LayerState) -> LayerState:
    """Advance a simple recurrent layer by one character.

    Source:
        Elman (1990).
    """
    hidden = np.tanh(inputs + state.hidden @ layer.recurrent_kernel)
    return LayerState(hidden=hidden, cell=state.cell.copy())


_CELLS: Final[dict[str, Callable[[StepLayer, Float32, LayerState], LayerState]]] = {
    "lstm": _lstm_step,
    "gru": _gru_step,
    "rnn": _rnn_step,
}

_HALF: Final = np.float32(0.5)


def _sigmoid(values: Float32) -> Float32:
    """The logistic function by way of tanh, which cannot overflow where exp(-x) does."""
    opened: Float32 = _HALF * np.tanh(_HALF * values) + _HALF
    return opened
