"""Products of a layer's h with its kernels, in float32 or int8.

h is multiplied by two kernels: the layer's own recurrent kernel, and the kernel above, which is
that of the next layer or of the output.

In int8, each column of the kernels is rounded to 127 steps on either side of 0, and so is h, which
is in [-1, 1]. A sum of their products is an integer below 2^31, so it is exact in any order of
summation: every processor and library computes the same bits. A step reads a quarter of the bytes.

Notation: H hidden size, R columns of the recurrent kernel, U columns of the kernel above, N
parallel texts.
"""

import functools
import importlib
from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from tui_charrnn.generation.cells import Calls
from tui_charrnn.model.weights import Float32

STEPS: Final = 127
"""Quantization steps on either side of 0."""
_EXACT_SIZE: Final = (1 << 24) // STEPS**2  # the largest H whose sums are exact in float32 too


class ProductCalls(NamedTuple):
    """What is called for the products of one layer."""

    before: Calls
    """Before a step of the layer; afterwards `recurrent` is up to date."""
    after: Calls
    """After it; afterwards `above` is up to date."""


class Float32Product:
    """Products in float32 of the current h, shape (H,) or (N, H), which is read at each call.

    A recurrent kernel of a few times the cache size is split into blocks of columns, whose order is
    reversed after every character, so that the blocks that are still cached come first. The
    order does not change the result, as each number of it comes from one column.
    """

    recurrent: Float32
    """h times the recurrent kernel, shape (R,) or (N, R)."""
    above: Float32
    """h times the kernel above, shape (U,) or (N, U)."""
    calls: ProductCalls

    def __init__(self, hidden: Float32, blocks: Sequence[Float32], above: Float32) -> None:
        lead = hidden.shape[:-1]
        if lead:  # for many texts one large product is faster
            blocks = [np.concatenate(blocks, axis=1)]
        ends = np.cumsum([block.shape[1] for block in blocks])
        self.recurrent = np.zeros((*lead, ends[-1]), np.float32)
        self.above = np.zeros((*lead, above.shape[1]), np.float32)
        parts = np.split(self.recurrent, ends[:-1], axis=-1)
        products = [partial(hidden.dot, *pair) for pair in zip(blocks, parts, strict=True)]

        def multiply_blocks() -> None:
            for product in products:
                product()
            products.reverse()

        self.calls = ProductCalls(
            before=(products[0] if len(products) == 1 else multiply_blocks,),
            after=(partial(hidden.dot, above, self.above),),
        )


class Int8Kernel(NamedTuple):
    """The quantized kernels of a layer: R + U columns, padded with zeros to W columns."""

    scales: Float32
    """Factor of each sum of products, shape (W,)."""
    ends: tuple[int, int]
    """R and R + U."""
    packed: Any
    """The columns, packed by the library, or without it transposed for NumPy."""


_COLUMNS_AT_ONCE: Final = 8
"""Columns that the library multiplies at a time; with a remainder it uses a slower path."""
_ROWS_AT_ONCE: Final = 64
"""Rows likewise; at H 304, padded to 320, a product takes half as long."""


def quantize(recurrent: Sequence[Float32], above: Float32) -> Int8Kernel:
    """Quantize recurrent blocks (H, columns) and the kernel above (H, U), scaled per column."""
    own = sum(block.shape[1] for block in recurrent)
    empty = np.zeros((len(above), -(own + above.shape[1]) % _COLUMNS_AT_ONCE), np.float32)
    kernel = np.concatenate([*recurrent, above, empty], axis=1)
    largest = np.maximum(kernel.max(axis=0), -kernel.min(axis=0))
    largest[largest == 0] = 1
    steps: Float32 = largest / np.float32(STEPS)
    np.rint(np.divide(kernel, steps, kernel), kernel)
    columns = np.ascontiguousarray(kernel.astype(np.int8).T)
    library = load_library()
    if library is not None:
        padded = np.pad(columns, [(0, 0), (0, -len(above) % _ROWS_AT_ONCE)])
        packed = library.dots_pack(padded, dtype="int8")
    else:
        wide = np.float32 if columns.shape[1] <= _EXACT_SIZE else np.float64
        packed = np.ascontiguousarray(columns.T, wide)
    return Int8Kernel(steps / np.float32(STEPS), (own, own + above.shape[1]), packed)


class Int8Product:
    """Products in int8; in float32, by `exact`, while h is outside [-1, 1] because of a clamp.

    One product after a step computes `above` and the `recurrent` of the next step.
    """

    def __init__(self, hidden: Float32, kernel: Int8Kernel, exact: Float32Product) -> None:
        self._hidden = hidden
        both: Float32 = np.zeros((*hidden.shape[:-1], len(kernel.scales)), np.float32)
        self.recurrent, self.above, _ = np.split(both, kernel.ends, axis=-1)
        self.calls = ProductCalls(before=(), after=_product_of(hidden, kernel, both))
        """In int8, after a step in int8."""
        self.exact_calls = ProductCalls(
            before=(*exact.calls.before, partial(np.copyto, self.recurrent, exact.recurrent)),
            after=(*exact.calls.after, partial(np.copyto, self.above, exact.above)),
        )
        """In float32."""
        self.is_outside = False
        """Whether h was outside [-1, 1] before the last step with `checked_calls`."""

    @property
    def checked_calls(self) -> ProductCalls:
        """As h demands, which was written from outside or clamped before the step."""
        return ProductCalls((self._update_recurrent,), (self._update_above,))

    def _update_recurrent(self) -> None:
        self.is_outside = not self._is_in_range()
        for call in self.exact_calls.before if self.is_outside else self.calls.after:
            call()

    def _update_above(self) -> None:
        is_in_range = not self.is_outside or self._is_in_range()
        for call in self.calls.after if is_in_range else self.exact_calls.after:
            call()

    def _is_in_range(self) -> bool:
        """Whether h can be quantized; NaN cannot."""
        return bool(np.abs(self._hidden).max() <= 1)


_STEPS: Final = np.array(STEPS, np.float32)  # an array: NumPy would convert a number in every call


def _product_of(hidden: Float32, kernel: Int8Kernel, both: Float32) -> Calls:
    """Return calls that quantize h, shape (H,) or (N, H), and multiply it by a kernel.

    They write the product to `both`, shape (W,) or (N, W), whose float32 is inexact from 2^24 on.
    """
    packed = kernel.packed
    library = None if isinstance(packed, np.ndarray) else load_library()
    scale: Calls = (partial(np.multiply, both, kernel.scales, both),)
    if library is None:
        rounded = np.zeros_like(hidden)

        def multiply() -> None:
            both[...] = rounded.astype(packed.dtype, copy=False).dot(packed)

        steps = partial(np.multiply, hidden, _STEPS, rounded)
        return (steps, partial(np.rint, rounded, rounded), multiply, *scale)
    size = hidden.shape[-1]
    tensor = library.zeros((hidden.size // size, packed.depth), dtype="float32")
    sums_tensor = library.zeros((len(tensor), len(kernel.scales)), dtype="int32")
    scaled = np.asarray(tensor)[:, :size].reshape(hidden.shape, copy=False)
    sums = np.asarray(sums_tensor).reshape(both.shape)
    to_int8, multiply_int8 = partial(tensor.astype, "int8"), library.dots_packed

    def multiply_packed() -> None:
        multiply_int8(to_int8(), packed, out=sums_tensor)  # `to_int8` rounds
        both[...] = sums

    return (partial(np.multiply, hidden, _STEPS, scaled), multiply_packed, *scale)


_FAST_PROCESSORS: Final = ("haswell", "neonsdot")
"""Capabilities that mean a vectorized int8 kernel: AVX2, or ARM with dot products. Without one the
library takes seven times as long as NumPy in float32."""


@functools.cache
def load_library() -> ModuleType | None:
    """Return NumKong if it is installed, fast on this processor and exact; else None."""
    try:
        library = importlib.import_module("numkong")
        is_fast = any(map(library.get_capabilities().get, _FAST_PROCESSORS))
        return library if is_fast and _is_exact(library) else None
    except Exception:  # noqa: BLE001 (whatever is wrong with it, NumPy does the same)
        return None


def _is_exact(library: ModuleType) -> bool:
    """Whether the library rounds and sums as NumPy does, the largest numbers included."""
    pattern = np.arange(24 * 576, dtype=np.int64).reshape(24, 576)
    columns = (pattern * pattern % (2 * STEPS + 1) - STEPS).astype(np.int8)
    columns[:9] = np.where(pattern[:9] % 3 == 0, -STEPS, STEPS)
    packed = library.dots_pack(columns, dtype="int8")
    for count in (1, 16, 17):  # the library has a loop for each
        rows = columns[4 : 4 + count].copy()
        tensor = library.zeros((count, 24), dtype="int32")
        library.dots_packed(rows, packed, out=tensor)
        sums = rows.astype(np.int32) @ columns.T.astype(np.int32)
        if not np.array_equal(np.asarray(tensor), sums):
            return False
    halves = np.arange(1 - 2 * STEPS, 2 * STEPS, dtype=np.float32) / 2
    values = library.zeros((3, len(halves)), dtype="float32")
    np.asarray(values)[:] = halves, np.nextafter(halves, -np.inf), np.nextafter(halves, np.inf)
    rounded = np.rint(np.asarray(values)).astype(np.int8)
    return np.array_equal(np.asarray(values.astype("int8")), rounded)
