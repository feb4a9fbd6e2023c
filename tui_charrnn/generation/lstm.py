"""The network, one character at a time, in NumPy.

The shapes and the gate order are those of `tui_charrnn.model.weights`: V vocabulary size, H hidden
size, G gates of the cell, side by side along the last axis. A single stream costs one matrix-vector
product a layer and character; N streams side by side cost one product of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from tui_charrnn.generation.cells import CELLS, RecurrentLayer, StepLayer
from tui_charrnn.model.weights import STATES_PER_LAYER, Float32, LayerWeights, ModelWeights
from tui_charrnn.model_config import ModelConfig

if TYPE_CHECKING:
    from tui_charrnn.generation.clamping import Clamp


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
    can_overflow: bool
    """Whether the numbers are so large that a sum of a step might not be finite."""
    clamps: tuple[Clamp, ...] = ()
    """Neurons that are held at a value."""
    barred: int | None = None
    """Index of the unknown symbol, whose score is that of what can never come; None where every
    character may come, or is to be scored."""

    @property
    def state_size(self) -> int:
        """S: how many numbers the network remembers between characters."""
        size = sum(len(layer.recurrent_blocks[0]) for layer in self.layers)
        return size * STATES_PER_LAYER[self.cell]


def fold_embedding(
    weights: ModelWeights,
    config: ModelConfig,
    clamps: Sequence[Clamp] = (),
    barred: int | None = None,
) -> StepWeights:
    """Arrange a model for generation, the embedding folded into the first layer's gates.

    A character's embedding only ever meets the first layer's kernel, so their product is computed
    once for all characters; the step then looks a row up instead of multiplying.

    Args:
        weights: Of the model.
        config: Its shape.
        clamps: Neurons that are held at a value, from the first character that is read on.
        barred: Index of a character that may never come: the unknown symbol.
    """
    with _quiet():
        layers = tuple(_step_layer(layer, config.cell) for layer in weights.layers)
        table = weights.embedding @ layers[0].kernel + layers[0].input_bias
        output_kernel, output_bias = _ready(weights.output_kernel), _ready(weights.output_bias)
        tensors = [table, output_kernel, output_bias]
        for layer in layers:
            tensors += [
                layer.kernel,
                layer.input_bias,
                *layer.recurrent_blocks,
                layer.recurrent_bias,
            ]
        # What a layer hands on lies between -1 and 1, but for what is held elsewhere: no sum is
        # beyond all of these together.
        held = max([1.0, *(abs(clamp.value) for clamp in clamps)])
        reach = sum(_largest(tensor) * (len(tensor) + 1) for tensor in tensors) * held
    return StepWeights(
        cell=config.cell,
        input_table=table,
        layers=layers,
        output_kernel=output_kernel,
        output_bias=output_bias,
        can_overflow=not reach < _SAFE_REACH,
        clamps=tuple(clamps),
        barred=barred,
    )


_SAFE_REACH: Final = 1e30
"""Far below the largest number of 32 bits, 3e38."""


def _largest(tensor: Float32) -> float:
    return max(float(tensor.max(initial=0)), -float(tensor.min(initial=0)))


def _quiet() -> np.errstate:
    """Numbers that overflow are reported where characters are chosen, in a sentence."""
    return np.errstate(over="ignore", invalid="ignore")


_SIGMOIDS: Final = {"lstm": (True, True, False, True), "gru": (True, True, False), "rnn": (False,)}
"""Which gates of a cell are sigmoids; the others are tanhs."""


def _step_layer(layer: LayerWeights, cell: str) -> StepLayer:
    halves = [0.5 if is_sigmoid else 1.0 for is_sigmoid in _SIGMOIDS[cell]]
    scale = np.repeat(np.array(halves, np.float32), len(layer.recurrent_kernel))
    bias = layer.bias * scale
    size = layer.recurrent_kernel.nbytes
    count = -(-size // _BLOCK) if _CACHED < size < _FAR_TOO_LARGE else 1
    kernels = np.array_split(layer.recurrent_kernel, count, axis=1)
    scales = np.array_split(scale, count)
    return StepLayer(
        kernel=_ready(layer.kernel, scale),
        input_bias=_ready(bias[0] if cell == "gru" else bias),
        recurrent_blocks=tuple(map(_ready, kernels, scales)),
        recurrent_bias=_ready(bias[1] if cell == "gru" else bias[:0]),
    )


def _ready(tensor: Float32, scale: Float32 | float = 1.0) -> Float32:
    """A tensor times a scale, as BLAS takes it fastest: by rows, from where a cache line begins.

    Vectors of a processor that lie across two lines take twice as long to be fetched, which makes
    a product with weights that fit into its cache slower by a third; NumPy heeds 16 bytes only. A
    tensor inside a file's bytes may be unaligned, and NumPy would copy it again in every product.
    """
    room = np.empty(tensor.size + _CACHE_LINE // 4, np.float32)
    start = -room.ctypes.data % _CACHE_LINE // 4
    ready = room[start : start + tensor.size].reshape(tensor.shape)
    np.multiply(tensor, scale, ready)
    return ready


_CACHED: Final = 3 << 19
"""Bytes of a kernel that stays in the cache of a core as a whole, and so is one block."""
_FAR_TOO_LARGE: Final = 6 << 20
"""Bytes of a kernel of which so little stays there that blocks, read slower, do not pay."""
_BLOCK: Final = 1 << 19
"""Bytes of a block of a kernel between these two, at most."""
_CACHE_LINE: Final = 64
"""Bytes; a power of two that is a multiple of those of every vector."""


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
        self._input_table = weights.input_table
        self._output_kernel, self._output_bias = weights.output_kernel, weights.output_bias
        self._inputs = np.zeros((*lead, weights.input_table.shape[1]), np.float32)
        parts = np.split(self.state, len(weights.layers), axis=-1)
        cell = CELLS[weights.cell]
        self._free: Final[tuple[RecurrentLayer, ...]] = tuple(
            cell(layer, part) for layer, part in zip(weights.layers, parts, strict=True)
        )
        self._reaches_far = weights.can_overflow
        self._barred = weights.barred
        self._clamps: tuple[Clamp, ...] = ()
        self._take_layers(self._free)
        self.hold(weights.clamps)

    def hold(self, clamps: tuple[Clamp, ...]) -> None:
        """Hold these neurons, and no others, from the next character that is read on.

        Args:
            clamps: Of the network; none lets all go.
        """
        if clamps == self._clamps:
            return
        # deferred: a network that nobody holds speaks without it
        from tui_charrnn.generation.clamping import clamped  # noqa: PLC0415 - as said

        self._clamps = clamps
        self._take_layers(tuple(clamped(layer, n, clamps) for n, layer in enumerate(self._free)))

    def _take_layers(self, layers: tuple[RecurrentLayer, ...]) -> None:
        self.layers = layers
        """The layers, the lowest first, whose states and gates can be looked at."""
        self._first, *self._upper = layers
        # `can_overflow` was told of those clamps only that there were from the beginning
        self._can_overflow = self._reaches_far or bool(self._clamps)

    def read(self, index: int) -> Float32:
        """Read one character, or the same one in every stream.

        Args:
            index: The character's number in the vocabulary, in [0, V).

        Returns:
            `logits`.
        """
        if self._can_overflow:
            with _quiet():
                return self._advance(self._input_table[index])
        return self._advance(self._input_table[index])

    def read_each(self, indices: npt.NDArray[np.intp]) -> Float32:
        """Read one character in each of N streams.

        Args:
            indices: The characters' numbers, shape (N,).

        Returns:
            `logits`.
        """
        np.take(self._input_table, indices, axis=0, out=self._inputs, mode="clip")
        with _quiet():
            return self._advance(self._inputs)

    def _advance(self, inputs: Float32) -> Float32:
        self._first.advance(inputs)
        below = self._first
        for layer in self._upper:
            parameters = layer.parameters
            below.hidden.dot(parameters.kernel, self._inputs)
            layer.advance(np.add(self._inputs, parameters.input_bias, self._inputs))
            below = layer
        below.hidden.dot(self._output_kernel, self.logits)
        np.add(self.logits, self._output_bias, self.logits)
        if self._barred is not None:
            self.logits[..., self._barred] = -np.inf
        return self.logits
