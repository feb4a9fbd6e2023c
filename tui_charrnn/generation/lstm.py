"""The network, one character at a time, in NumPy.

The shapes are those of `tui_charrnn.model.weights`: V vocabulary size, H hidden size, G gates of
the cell, side by side along the last axis. A single stream costs one matrix-vector product a layer
and character; N streams side by side cost one product of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.cells import RecurrentLayer, open_layer
from tui_charrnn.generation.clamping import clamped
from tui_charrnn.generation.products import Float32Product, Int8Product, LayerProduct
from tui_charrnn.generation.step_weights import StepWeights, quiet
from tui_charrnn.model.weights import Float32

if TYPE_CHECKING:
    from tui_charrnn.generation.clamping import Clamp


class Stepper:
    """Reads characters and remembers them.

    All arrays are allocated once and written over by every character: copy what is to be kept.
    With N streams every array has a first axis of that length.
    """

    def __init__(self, weights: StepWeights, streams: int | None = None) -> None:
        """Remember nothing yet.

        Args:
            weights: The network; steppers may share it.
            streams: N, how many texts are read side by side; None is one, without an axis for it.
        """
        lead = () if streams is None else (streams,)
        self.state: Final = np.zeros((*lead, weights.state_size), np.float32)
        """What is remembered, shape (S,) or (N, S): h of the lowest layer, its c if it is an lstm,
        then the next layer. Write into it to go on from another state."""
        self.logits: Final = np.zeros((*lead, len(weights.output_bias)), np.float32)
        """The scores of the next character after the last `read`, shape (V,) or (N, V)."""
        self._input_table, self._end = weights.input_table, weights.end
        self._inputs = np.zeros((*lead, weights.input_table.shape[1]), np.float32)
        parts = np.split(self.state, len(weights.layers), axis=-1)
        size = len(weights.output_kernel)
        hidden = [part[..., :size] for part in parts]
        products: list[LayerProduct] = [
            Float32Product(each, layer.recurrent_blocks, above)
            for each, layer, above in zip(
                hidden, weights.layers, weights.kernels_above, strict=True
            )
        ]
        self._rounded: Final = [
            Int8Product(*each, can_overflow=weights.can_overflow)
            for each in zip(hidden, weights.int8, products, strict=bool(weights.int8))
        ]
        self._products: Final = self._rounded or products
        self._free: Final[tuple[RecurrentLayer, ...]] = tuple(
            open_layer(weights.cell, *each)
            for each in zip(weights.layers, parts, self._products, strict=True)
        )
        self._biases = [*(layer.input_bias for layer in weights.layers[1:]), weights.output_bias]
        self._reaches_far = weights.can_overflow
        self._clamps: tuple[Clamp, ...] = ()
        self._take_layers(self._free)
        self.hold(weights.clamps)

    def hold(self, clamps: tuple[Clamp, ...]) -> None:
        """Hold these neurons, and no others, from the next character that is read on.

        While one is held, all is multiplied in float32, as h may be beyond what int8 holds.

        Args:
            clamps: Of the network; none lets all go.
        """
        if clamps == self._clamps:
            return
        self._clamps = clamps
        self._take_layers(tuple(clamped(layer, n, clamps) for n, layer in enumerate(self._free)))

    def _take_layers(self, layers: tuple[RecurrentLayer, ...]) -> None:
        self.layers = layers
        """The layers, the lowest first, whose states and gates can be looked at."""
        for product in self._rounded:
            product.is_exact = bool(self._clamps)
        sums = [self._inputs] * (len(layers) - 1) + [self.logits]
        self._steps = tuple(zip(layers, self._products, self._biases, sums, strict=True))
        # `can_overflow` was told of those clamps only that there were from the beginning
        self._can_overflow = self._reaches_far or bool(self._clamps)

    def read(self, index: int) -> Float32:
        """Read one character, or the same one in every stream.

        Args:
            index: The character's number in the vocabulary, in [0, V).

        Returns:
            `logits`.
        """
        if index == self._end:
            self.state[:] = 0
        if self._can_overflow:
            with quiet():
                return self._advance(self._input_table[index])
        return self._advance(self._input_table[index])

    def read_each(self, indices: npt.NDArray[np.intp]) -> Float32:
        """Read one character in each of N streams.

        Args:
            indices: The characters' numbers, shape (N,).

        Returns:
            `logits`.
        """
        if self._end is not None:
            self.state[indices == self._end] = 0
        np.take(self._input_table, indices, axis=0, out=self._inputs, mode="clip")
        with quiet():
            return self._advance(self._inputs)

    def _advance(self, inputs: Float32) -> Float32:
        for layer, product, bias, sums in self._steps:
            layer.advance(inputs)
            product.take_above()
            inputs = np.add(product.above, bias, sums)
        return inputs
