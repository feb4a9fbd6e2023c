"""What a layer's h is multiplied by: in float32, or in whole numbers of 8 bits.

Everything that h is multiplied by is one kernel of two parts: the layer's own recurrent kernel, and
the kernel of what is above, which is the next layer's or that of the output.

In int8, each column of the kernel is rounded to 127 steps on either side of 0, and h, which lies
between -1 and 1, likewise. A sum of their products is a whole number below 2^31, so it is exact in
whatever order it is added: every processor and every library comes to the same bits. The bytes that
a step reads are a quarter.

Notation: H hidden size, R columns of the recurrent kernel, U columns of the kernel above, N texts
side by side.
"""

import functools
import importlib
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from tui_charrnn.model.weights import Float32

STEPS: Final = 127
"""Steps of a rounded number on either side of 0."""
_EXACT_SIZE: Final = (1 << 24) // STEPS**2  # the largest H whose sums are exact in float32 too


class Float32Product:
    """In float32, as the kernels are; what is in h, shape (H,) or (N, H), at a step counts.

    A recurrent kernel of a few times the cache is kept in blocks of columns, read forth by one
    character and back by the next: what the cache still holds of it then comes first. No bit
    depends on the direction, as each number of the product comes from one column.
    """

    recurrent: Float32
    """h times the recurrent kernel, shape (R,) or (N, R)."""
    above: Float32
    """h times the kernel of what is above, shape (U,) or (N, U)."""
    take_recurrent: Callable[[], object]
    """Brings `recurrent` up to date, before a step; h may be any, as a state can be restored."""
    take_above: Callable[[], object]
    """Brings `above` up to date, after a step."""

    def __init__(self, hidden: Float32, blocks: Sequence[Float32], above: Float32) -> None:
        lead = hidden.shape[:-1]
        if lead:  # many texts read it once, and one large product is faster
            blocks = [np.concatenate(blocks, axis=1)]
        ends = np.cumsum([block.shape[1] for block in blocks])
        self.recurrent = np.zeros((*lead, ends[-1]), np.float32)
        self.above = np.zeros((*lead, above.shape[1]), np.float32)
        parts = np.split(self.recurrent, ends[:-1], axis=-1)
        products = [partial(hidden.dot, *pair) for pair in zip(blocks, parts, strict=True)]

        def forth_or_back() -> None:
            for product in products:
                product()
            products.reverse()

        self.take_recurrent = products[0] if len(products) == 1 else forth_or_back
        self.take_above = partial(hidden.dot, above, self.above)


class Int8Kernel(NamedTuple):
    """The kernel of a layer in whole numbers: R + U columns, and empty ones up to W in all."""

    scales: Float32
    """What a sum of products is multiplied by, shape (W,)."""
    ends: tuple[int, int]
    """R and R + U."""
    packed: Any
    """The columns as the library takes them, or where it is not there, transposed for NumPy."""


_TOGETHER: Final = 16
"""Columns that the library multiplies at a time; with some over it takes another, slower way."""


def quantize(recurrent: Sequence[Float32], above: Float32) -> Int8Kernel:
    """Round a kernel of blocks (H, columns) and (H, U) above, each column in steps of its own."""
    own = sum(block.shape[1] for block in recurrent)
    empty = np.zeros((len(above), -(own + above.shape[1]) % _TOGETHER), np.float32)
    kernel = np.concatenate([*recurrent, above, empty], axis=1)
    largest = np.maximum(kernel.max(axis=0), -kernel.min(axis=0))
    largest[largest == 0] = 1
    steps: Float32 = largest / np.float32(STEPS)
    np.rint(np.divide(kernel, steps, kernel), kernel)
    columns = np.ascontiguousarray(kernel.astype(np.int8).T)
    library = load_library()
    if library is not None:
        packed = library.dots_pack(columns, dtype="int8")
    else:
        wide = np.float32 if columns.shape[1] <= _EXACT_SIZE else np.float64
        packed = np.ascontiguousarray(columns.T, wide)
    return Int8Kernel(steps / np.float32(STEPS), (own, own + above.shape[1]), packed)


class Int8Product:
    """In int8; in float32, by `exact`, while h is beyond -1 to 1, as a neuron was held there.

    One product has both parts: `take_above` makes `recurrent` of the next step along with `above`.
    """

    def __init__(
        self, hidden: Float32, kernel: Int8Kernel, exact: Float32Product, *, can_overflow: bool
    ) -> None:
        self._hidden = hidden
        self._exact = exact
        self.is_exact = False
        """Whether all is multiplied in float32, as while neurons or gates are held."""
        self._can_overflow = self._is_doubtful = can_overflow
        both: Float32 = np.zeros((*hidden.shape[:-1], len(kernel.scales)), np.float32)
        self.recurrent, self.above, _ = np.split(both, kernel.ends, axis=-1)
        self._multiply = _product_of(hidden, kernel, both)
        self._of = b""  # the h that `recurrent` was made of, if it was made in int8

    def take_recurrent(self) -> None:
        """See `Float32Product`."""
        if self._hidden.tobytes() == self._of and not self.is_exact:
            return
        if not self.is_exact and self._is_in_range():
            self._is_doubtful = self._can_overflow
            self._multiply()
        else:
            self._is_doubtful, self._of = True, b""
            self._exact.take_recurrent()
            self.recurrent[...] = self._exact.recurrent

    def take_above(self) -> None:
        """See `Float32Product`."""
        if self.is_exact or (self._is_doubtful and not self._is_in_range()):
            self._of = b""
            self._exact.take_above()
            self.above[...] = self._exact.above
        else:
            self._multiply()
            self._of = self._hidden.tobytes()

    def _is_in_range(self) -> bool:
        """Whether h can be rounded; what is not a number cannot."""
        return bool(np.abs(self._hidden).max() <= 1)


_STEPS: Final = np.array(STEPS, np.float32)  # an array, as NumPy converts a number in every call


def _product_of(hidden: Float32, kernel: Int8Kernel, both: Float32) -> Callable[[], object]:
    """What rounds h, shape (H,) or (N, H), and multiplies it by a kernel.

    `both`, shape (W,) or (N, W), takes the product; its sums are rounded from 2^24 on.
    """
    packed, scales = kernel.packed, kernel.scales
    library = None if isinstance(packed, np.ndarray) else load_library()
    if library is None:
        rounded = np.zeros_like(hidden)

        def multiply() -> None:
            np.multiply(hidden, _STEPS, rounded)
            np.rint(rounded, rounded)
            both[...] = rounded.astype(packed.dtype, copy=False).dot(packed)
            np.multiply(both, scales, both)

        return multiply
    size = hidden.shape[-1]
    tensor = library.zeros((hidden.size // size, size), dtype="float32")
    sums_tensor = library.zeros((len(tensor), len(scales)), dtype="int32")
    scaled, sums = (
        np.asarray(each).reshape(like.shape)
        for each, like in ((tensor, hidden), (sums_tensor, both))
    )
    as_whole, add_up = partial(tensor.astype, "int8"), library.dots_packed

    def multiply_packed() -> None:
        np.multiply(hidden, _STEPS, scaled)
        add_up(as_whole(), packed, out=sums_tensor)  # rounds
        both[...] = sums
        np.multiply(both, scales, both)

    return multiply_packed


_FAST_PROCESSORS: Final = ("haswell", "neonsdot")
"""Those from which on it has a kernel of vectors for int8: AVX2, or ARM with dot products; without
one it takes seven times as long as NumPy in float32."""


@functools.cache
def load_library() -> ModuleType | None:
    """NumKong, if it is installed, fast on this processor, and as exact as NumPy; else None."""
    try:
        library = importlib.import_module("numkong")
        is_fast = any(map(library.get_capabilities().get, _FAST_PROCESSORS))
        return library if is_fast and _is_exact(library) else None
    except Exception:  # noqa: BLE001 (whatever is wrong with it, NumPy does the same)
        return None


def _is_exact(library: ModuleType) -> bool:
    """Whether it rounds and adds as NumPy, for numbers of all sizes and the largest above all."""
    pattern = np.arange(67 * 517, dtype=np.int64).reshape(67, 517)
    columns = (pattern * pattern % (2 * STEPS + 1) - STEPS).astype(np.int8)
    columns[:9] = np.where(pattern[:9] % 3 == 0, -STEPS, STEPS)
    rows = columns[4:12].copy()
    tensor = library.zeros((8, 67), dtype="int32")
    library.dots_packed(rows, library.dots_pack(columns, dtype="int8"), out=tensor)
    sums = rows.astype(np.int32) @ columns.T.astype(np.int32)
    halves = np.arange(1 - 2 * STEPS, 2 * STEPS, dtype=np.float32) / 2
    values = library.zeros((3, len(halves)), dtype="float32")
    np.asarray(values)[:] = halves, np.nextafter(halves, -np.inf), np.nextafter(halves, np.inf)
    rounded = np.rint(np.asarray(values)).astype(np.int8)
    return np.array_equal(np.asarray(tensor), sums) and np.array_equal(
        np.asarray(values.astype("int8")), rounded
    )
