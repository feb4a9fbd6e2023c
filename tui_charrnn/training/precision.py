"""Matrix products in float32 or bfloat16, and which of them this processor gains by.

bfloat16 has the range of float32 and 8 bits of its fraction. The factors of a product and its
result are rounded to it, and what a loop keeps of each character only to be read again; the sums
within a product, what goes on element by element, memory cells, losses and weights are float32.
What that costs in loss: benchmarks/precision.py.

oneDNN has products in bfloat16, XLA has none: on a processor it turns the factors back into
float32. So a step in bfloat16 is not compiled as a whole. Its products are TensorFlow's operations,
and what goes on element by element between two of them is compiled into one function each.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf

from tui_charrnn.training.recurrence import Tensor

WORTHWHILE_GAIN: Final = 1.5
"""bfloat16 is taken where its products are this many times as fast. Steps are as fast in either at
1.3, as XLA compiles a whole step in float32 only (benchmarks/results.md, "Which precision")."""
_LINKS: Final = 16
_FEWEST: Final = 6
_MOST: Final = 60
_ENOUGH: Final = 0.03  # seconds; a disturbance lasts milliseconds, and small products microseconds


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How the hand-written layers compute."""

    is_narrow: bool = False
    """Whether products are in bfloat16; otherwise in the precision of what they are given."""
    is_fused: bool = False
    """Whether XLA compiles what is between two products; not where it compiles the whole step."""
    is_stacked: bool = False
    """Whether an LSTM's gates are one tensor, computed by one product, and not one for each; in
    bfloat16 they always are."""

    def narrow(self, values: Tensor) -> Tensor:
        """Round to what products take."""
        return tf.cast(values, tf.bfloat16) if self.is_narrow else values

    def product(self, a: Tensor, b: Tensor, *, transpose_b: bool = False) -> Tensor:
        """Multiply (M, K) by (K, N), or by the transpose of (N, K); the result is narrow too."""
        return tf.matmul(self.narrow(a), self.narrow(b), transpose_b=transpose_b)

    def fuse(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of a module that works element by element, compiled if that is wanted."""
        return _compiled(function) if self.is_fused else function


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = tf.function(function, jit_compile=True, autograph=False)
    return compiled


def measure_gain(hidden_size: int, streams: int, gates: int) -> float:
    """How many times as fast as in float32 the product of the recurrence is in bfloat16.

    Takes a tenth of a second or two: the fastest of chains of products of the shape (G·H, H) by
    (H, B) each, as a step has them. One by itself would tell more of what calling it takes. The
    first chain, in which kernels are chosen, is slower and so does not count.

    Args:
        hidden_size: H.
        streams: B of one shard.
        gates: G.
    """
    kernel = tf.random.stateless_uniform((gates * hidden_size, hidden_size), (0, 1))
    hidden = tf.random.stateless_uniform((hidden_size, streams), (0, 2))
    kernel *= 2 / hidden_size  # what comes out is as large as what goes in
    wide, narrow = (
        functools.partial(_chain(a, b), a, b)
        for a, b in [(kernel, hidden), (tf.cast(kernel, tf.bfloat16), tf.cast(hidden, tf.bfloat16))]
    )
    times: list[tuple[float, float]] = []
    while len(times) < _FEWEST or (len(times) < _MOST and sum(map(sum, times)) < _ENOUGH):
        times.append((_seconds(wide), _seconds(narrow)))  # in turns: a disturbance meets both
    return min(wide for wide, _ in times) / min(narrow for _, narrow in times)


def _chain(kernel: Tensor, hidden: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Products one after another, each of what the one before gave."""

    def multiply(kernel: Tensor, hidden: Tensor) -> Tensor:
        for _ in range(_LINKS):
            hidden = tf.matmul(kernel, hidden)[: kernel.shape[1]]
        return hidden

    chain: Callable[[Tensor, Tensor], Tensor] = tf.function(
        multiply, autograph=False
    ).get_concrete_function(kernel, hidden)
    return chain


def _seconds(compute: Callable[[], Tensor]) -> float:
    started = time.perf_counter()
    compute().numpy()
    return time.perf_counter() - started
