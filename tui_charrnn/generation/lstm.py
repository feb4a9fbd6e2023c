"""The network's forward pass, one character at a time, in NumPy.

Shapes and gate order are those of `tui_charrnn.model.shapes`: V vocabulary size, H hidden size,
G gates of the cell, concatenated along the last axis. A single stream takes one matrix-vector
product per layer and character; N parallel streams take one matrix-matrix product.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import EllipsisType
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.cells import CELLS, Calls, StepLayer, StepNorm
from tui_charrnn.generation.neuron import GATES, Clamp
from tui_charrnn.generation.products import (
    Float32Product,
    Int8Kernel,
    Int8Product,
    ProductCalls,
    quantize,
)
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import Float32, Indices, LayerWeights


class Stepper:
    """Reads characters and updates the state of the network.

    All arrays are allocated once and overwritten by every character: copy what you keep. With N
    streams every array has a first axis of length N.
    """

    def __init__(
        self, weights: "StepWeights", streams: int | None = None, clamps: Iterable[Clamp] = ()
    ) -> None:
        lead = () if streams is None else (streams,)
        self._state = np.zeros((*lead, weights.state_size), np.float32)
        self.state: Final = self._state.view()
        """The state, shape (S,) or (N, S): h of the lowest layer, its c if it is an lstm, then the
        next layer. Read-only; see `restore`."""
        self.state.flags.writeable = False
        self.logits: Final = np.zeros((*lead, len(weights.output_bias)), np.float32)
        """Logits of the next character after the last `read`, shape (V,) or (N, V)."""
        self._input_table, self._end = weights.input_table, weights.end
        self._can_overflow = weights.can_overflow
        self._inputs = np.zeros((*lead, weights.input_table.shape[1]), np.float32)
        layers, products, add_biases = [], [], []
        parts = np.split(self._state, len(weights.layers), axis=-1)
        for number, (parameters, part, (kernel, bias)) in enumerate(
            zip(weights.layers, parts, weights.above, strict=True)
        ):
            hidden = part[..., : len(kernel)]
            exact = Float32Product(hidden, parameters.recurrent_blocks, kernel)
            product: Float32Product | Int8Product = exact
            if weights.int8:
                product = Int8Product(hidden, weights.int8[number], exact)
            products.append(product)
            layers.append(CELLS[weights.cell](parameters, part, product.recurrent))
            sums = self.logits if number == len(parts) - 1 else self._inputs
            add_biases.append(partial(np.add, product.above, bias, sums))
        self.layers: Final = tuple(layers)
        """The layers, the lowest first, with their states and gates."""
        self._products, self._add_biases = tuple(products), tuple(add_biases)
        self._rounded = [each for each in products if isinstance(each, Int8Product)]
        self._add_inputs = layers[0].add_inputs
        self._clamps: tuple[Clamp, ...] | None = None
        self.set_clamps(tuple(clamps))

    def set_clamps(self, clamps: tuple[Clamp, ...]) -> None:
        """Replace the clamps from the next character that is read on.

        With clamps all products are float32, as a clamped h may be outside the range of int8.
        """
        if clamps == self._clamps:
            return
        self._clamps = clamps
        for number, layer in enumerate(self.layers):
            layer.set_clamps(clamp for clamp in clamps if clamp.neuron.layer == number)
        self._usual = self._checked = self._plan([each.calls for each in self._products])
        if self._rounded and clamps:
            self._usual = self._checked = self._plan([each.exact_calls for each in self._rounded])
        elif self._rounded:
            self._checked = self._plan([each.checked_calls for each in self._rounded])
        self._is_written = True
        """Whether the state was written, or may have been clamped, after the last step."""

    def _plan(self, products: Sequence[ProductCalls]) -> tuple[Calls, Calls]:
        """Return what a step calls before and after it adds the inputs of the lowest layer."""
        calls: list[Callable[[], object]] = []
        for layer, product, add_bias in zip(self.layers, products, self._add_biases, strict=True):
            calls += [*product.before, partial(layer.add_inputs, self._inputs)]
            calls += [*layer.calls, *product.after, add_bias]
        first = products[0].before
        return first, tuple(calls[len(first) + 1 :])

    def restore(
        self,
        state: Float32 | float,
        where: int | slice | npt.NDArray[np.bool_] | EllipsisType = ...,
    ) -> None:
        """Continue from another state, in all streams or in those of the index `where`."""
        self._state[where] = state
        self._is_written = True

    def read(self, index: int) -> Float32:
        """Read one character, in every stream the same, by index in [0, V); return `logits`."""
        if index == self._end:
            self.restore(0)
        if self._can_overflow:
            with quiet():
                return self._advance(self._input_table[index])
        return self._advance(self._input_table[index])

    def read_each(self, indices: Indices) -> Float32:
        """Read one character in each of N streams, indices of shape (N,); return `logits`."""
        if self._end is not None and (has_ended := indices == self._end).any():
            self.restore(0, has_ended)
        np.take(self._input_table, indices, axis=0, out=self._inputs, mode="clip")
        with quiet():
            return self._advance(self._inputs)

    def _advance(self, inputs: Float32) -> Float32:
        before, after = self._checked if self._is_written else self._usual
        for call in before:
            call()
        self._add_inputs(inputs)
        for call in after:
            call()
        if self._is_written:
            self._is_written = any(product.is_outside for product in self._rounded)
        return self.logits


def read_symbols(weights: "StepWeights", symbols: Iterable[int]) -> tuple[Float32, Float32]:
    """Read symbols from a zero state; return state, shape (1, S), and logits, shape (1, V).

    Without symbols both are 0.
    """
    stepper = Stepper(weights, 1)
    for symbol in symbols:
        stepper.read(symbol)
    return stepper.state, stepper.logits


class StepWeights(NamedTuple):
    """A model's parameters, arranged for fast steps."""

    cell: str
    input_table: Float32
    """Input product of each character in the first layer. Shape (V, G·H)."""
    layers: tuple[StepLayer, ...]
    output_kernel: Float32
    """Shape (H, V)."""
    output_bias: Float32
    """Shape (V,)."""
    can_overflow: bool
    """Whether a sum of a step might overflow."""
    end: int | None = None
    """Index of the end symbol of records, which resets the state; None if there is none."""
    int8: tuple[Int8Kernel, ...] = ()
    """The quantized kernel of each layer's h; empty for float32, and if a sum might overflow."""

    @property
    def above(self) -> list[tuple[Float32, Float32]]:
        """Kernel and bias of the next layer, or of the output, for each layer."""
        pairs = [(layer.kernel, layer.input_bias) for layer in self.layers[1:]]
        return [*pairs, (self.output_kernel, self.output_bias)]

    @property
    def state_size(self) -> int:
        """S: the numbers of the network's state."""
        size = sum(len(layer.recurrent_blocks[0]) for layer in self.layers)
        return size * STATES_PER_LAYER[self.cell]


def fold_embedding(model: Model) -> StepWeights:
    """Arrange a model for generation, with the embedding folded into the first layer.

    The product of each embedding and the first kernel is computed once; a step then looks up a row
    instead of multiplying.

    Raises:
        ModelFileError: If the model is bidirectional; see `stacks_of`.
    """
    weights, config = model.weights, model.config
    if config.reads_both:
        raise ModelFileError(
            "This model is bidirectional: it predicts a character from the text on both sides, "
            "so it cannot generate or be read character by character. It fills gaps "
            "(`charrnn-tui fill --bidirectional`) and scores (`charrnn-tui score`)."
        )
    with quiet():
        layers = tuple(_step_layer(layer, config.cell) for layer in weights.layers)
        table = weights.embedding @ layers[0].kernel + layers[0].input_bias
        output_kernel, output_bias = map(_aligned, weights.calibrated_output)
        tensors = [table, output_kernel, output_bias]
        for kernel, input_bias, blocks, recurrent_bias, norm in layers:
            tensors += [kernel, input_bias, *blocks, recurrent_bias, *(norm or ())]
        # A layer's output is in [-1, 1], so this bounds every sum of a step without clamps.
        bound = sum(float(np.abs(each).max(initial=0)) * (len(each) + 1) for each in tensors)
        folded = StepWeights(
            cell=config.cell,
            input_table=table,
            layers=layers,
            output_kernel=output_kernel,
            output_bias=output_bias,
            can_overflow=not bound < (_SAFE_NORMALIZED_BOUND if config.layer_norm else _SAFE_BOUND),
            end=model.vocabulary.end_index,
        )
        if model.numbers == "int8" and not folded.can_overflow:
            pairs = zip(layers, folded.above, strict=True)
            kernels = [quantize(layer.recurrent_blocks, kernel) for layer, (kernel, _) in pairs]
            folded = folded._replace(int8=tuple(kernels))
    return folded


def stacks_of(model: Model) -> tuple[Model, Model]:
    """Return both stacks of a bidirectional model as forward models; the second reads backward.

    Raises:
        ModelFileError: If the model is not bidirectional.
    """
    backward = model.weights.backward
    if backward is None:
        raise ModelFileError(
            "This model reads forward only; train a bidirectional one with `charrnn-tui "
            "train --direction both`."
        )
    stack = replace(model, config=replace(model.config, direction="forward"))
    return stack, replace(stack, weights=backward)


_SAFE_BOUND: Final = 1e30  # times `neuron.LIMIT`, 1e3, far below the largest float32, 3e38
_SAFE_NORMALIZED_BOUND: Final = 1e12  # the same for values that are squared


def quiet() -> np.errstate:
    """Suppress NumPy's overflow warnings: non-finite logits are reported where they are used."""
    return np.errstate(over="ignore", invalid="ignore")


def _step_layer(layer: LayerWeights, cell: str) -> StepLayer:
    hidden_size = len(layer.recurrent_kernel)
    gates = GATES[cell].values() or ["candidate"]  # a tanh; the others are sigmoids
    halves = np.array([1.0 if gate == "candidate" else 0.5 for gate in gates], np.float32)
    norm, bias, kernel, recurrent = None, layer.bias, layer.kernel, layer.recurrent_kernel
    if layer.norm is not None:
        by_gate = halves[:, np.newaxis]
        norm = StepNorm(
            gains=layer.norm.gate_gain.reshape(len(halves), -1) * by_gate,
            biases=bias.reshape(len(halves), -1) * by_gate,
            memory_gain=layer.norm.memory_gain,
            memory_bias=layer.norm.memory_bias,
        )
        bias = np.zeros_like(bias)
        kernel, recurrent, halves = _centered(kernel), _centered(recurrent), np.ones_like(halves)
    scale = np.repeat(halves, hidden_size)
    bias = bias * scale
    size = recurrent.nbytes
    count = -(-size // _BLOCK) if _CACHED < size < _FAR_TOO_LARGE else 1
    kernels = np.array_split(recurrent, count, axis=1)
    scales = np.array_split(scale, count)
    return StepLayer(
        kernel=_aligned(kernel, scale),
        input_bias=_aligned(bias[0] if cell == "gru" else bias),
        recurrent_blocks=tuple(map(_aligned, kernels, scales)),
        recurrent_bias=_aligned(bias[1] if cell == "gru" else bias[:0]),
        norm=norm,
    )


def _centered(kernel: Float32) -> Float32:
    """Center a kernel (D, 4·H), so that its products have mean 0 over the units of each gate."""
    gates = kernel.reshape(len(kernel), 4, -1)
    centered: Float32 = gates - gates.mean(axis=2, keepdims=True)
    return centered.reshape(kernel.shape)


def _aligned(tensor: Float32, scale: Float32 | float = 1.0) -> Float32:
    """Return a tensor times a scale, in row order and aligned to a cache line, for fast products.

    NumPy aligns to 16 bytes only. Vector loads that cross a cache line make a product with weights
    in the cache slower by a third, and NumPy would copy an unaligned tensor in every product.
    """
    buffer = np.empty(tensor.size + _CACHE_LINE // 4, np.float32)
    start = -buffer.ctypes.data % _CACHE_LINE // 4
    aligned = buffer[start : start + tensor.size].reshape(tensor.shape)
    np.multiply(tensor, scale, aligned)
    return aligned


_CACHED: Final = 3 << 19
"""Bytes of a kernel up to which it fits into a core's cache and is one block."""
_FAR_TOO_LARGE: Final = 6 << 20
"""Bytes of a kernel from which on so little of it stays cached that blocks do not pay."""
_BLOCK: Final = 1 << 19  # most bytes of a block of a kernel between these two
_CACHE_LINE: Final = 64  # bytes; a multiple of every vector size
