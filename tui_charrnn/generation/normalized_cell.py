"""The LSTM cell with layer normalization; see `generation/cells.py`."""

import numpy as np

from tui_charrnn.generation.cells import LstmLayer, StepLayer
from tui_charrnn.model.weights import GATE_COUNTS, NORM_EPSILON, Float32


class NormalizedLstmLayer(LstmLayer):
    """The LSTM with layer normalization; what is carried on is c as it is.

    Source:
        Ba, Kiros & Hinton (2016), the form of the supplement.
    """

    def __init__(self, parameters: StepLayer, state: Float32) -> None:
        """Take over a state.

        Args:
            parameters: Of the layer, with a norm.
            state: h and c, shape (2·H,) or (N, 2·H), to be written to.

        Raises:
            ValueError: If there is no norm.
        """
        if parameters.norm is None:
            raise ValueError("a normalized layer needs gains and biases")
        super().__init__(parameters, state)
        self._norm = parameters.norm
        shape = (*state.shape[:-1], GATE_COUNTS["lstm"], self.hidden.shape[-1])
        self._gates = self._sums.reshape(shape)  # the same memory
        self._squares = np.zeros_like(self._gates)
        self._let_out = np.zeros_like(self.hidden)

    def advance(self, inputs: Float32) -> None:
        """Take one character in; see `RecurrentLayer`."""
        sums, gates, norm = self._sums, self._gates, self._norm
        self._multiply()
        np.add(sums, inputs, sums)
        _normalize(gates, self._squares)  # their kernels are centered
        np.multiply(gates, norm.gains, gates)
        np.add(gates, norm.biases, gates)
        self._open()

    def let_out(self) -> None:
        """Take h from c; see `RecurrentLayer`."""
        let_out, norm = self._let_out, self._norm
        cell = self.cell_state
        mean = np.add.reduce(cell, axis=-1, keepdims=True) / cell.shape[-1]
        np.subtract(cell, mean, let_out)
        _normalize(let_out, self._product)
        np.multiply(let_out, norm.memory_gain, let_out)
        np.add(let_out, norm.memory_bias, let_out)
        np.tanh(let_out, let_out)
        np.multiply(self._output, let_out, self.hidden)


def _normalize(values: Float32, squares: Float32) -> None:
    """Bring the last axis to a variance of 1, in place.

    Args:
        values: Shape (..., H), of the mean 0.
        squares: Of the same shape, written over.
    """
    np.multiply(values, values, squares)
    variance = np.add.reduce(squares, axis=-1, keepdims=True) / values.shape[-1]
    np.divide(values, np.sqrt(variance + NORM_EPSILON), values)
