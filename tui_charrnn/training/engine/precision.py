"""Matrix products in float32 or bfloat16, and which of them pays on a processor.

bfloat16 has the range of float32 and 8 bits of its fraction. The factors of a product and its
result are rounded to it, and what a loop keeps of each character only to be read again; the sums
within a product, what goes on element by element, memory cells, losses and weights are float32.
What that costs in loss: benchmarks/precision.py.

oneDNN has products in bfloat16, XLA has none: on a processor it turns the factors back into
float32. So a step in bfloat16 is not compiled as a whole. Its products are TensorFlow's operations,
and what goes on element by element between two of them is compiled into one function each.
"""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.training.engine.recurrence import Tensor

Precision: TypeAlias = Literal["float32", "bfloat16"]

_FEWEST_OF_LSTM: Final = 3_072
_FEWEST: Final = 8_192
"""From so many numbers in a shard's state on, H times B, a whole step is faster in bfloat16, of a
plain LSTM and of the other layers (benchmarks/results.md, "Which precision"). Below, XLA gains more
by compiling a step in float32 as a whole."""
_REFUTED_GAIN: Final = 1.0
"""Where the processor has the instructions, bfloat16 is given up only if its products are slower:
0.1 to 0.9 was measured where oneDNN did not use them, 1.1 to 1.7 under load where it did."""
_CONVINCING_GAIN: Final = 1.5
"""What products must gain where nothing is known of the instructions."""
_PAIRS: Final = 8
_CHAIN_NUMBERS: Final = 1 << 24
"""A chain has so many products that they read so many numbers; between 1 and 16 products."""


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


def choose_precision(
    model: ModelConfig, streams: int, has_instructions: bool | None
) -> tuple[Precision, str]:
    """Decide between float32 and bfloat16 on a processor: by what it is, not by a race.

    A measurement can only refuse what the processor promises, so that other work on the machine
    does not decide how fast a run is. Takes less than a second of processor time.

    `streams` is B of one shard.

    Returns:
        The precision, and half a sentence why.
    """
    if has_instructions is False:
        return "float32", "this processor has no instructions for bfloat16"
    is_plain_lstm = model.cell == "lstm" and not model.layer_norm
    fewest = math.ceil((_FEWEST_OF_LSTM if is_plain_lstm else _FEWEST) / streams)
    if model.hidden_size < fewest:
        return "float32", f"bfloat16 pays from a hidden size of {fewest} on"
    gain = measure_gain(model.hidden_size, streams, GATE_COUNTS[model.cell])
    needed = _REFUTED_GAIN if has_instructions else _CONVINCING_GAIN
    has = "the processor has instructions for bfloat16" if has_instructions else "bfloat16 may pay"
    reason = f"{has}; its products measured {gain:.2f} times as fast, and it takes {needed:g}"
    return ("bfloat16" if gain >= needed else "float32"), reason


def measure_gain(
    hidden_size: int, streams: int, gates: int, clock: Callable[[], float] = time.process_time
) -> float:
    """How many times as fast as in float32 the product of the recurrence is in bfloat16.

    Chains of products of the shape (G·H, H) by (H, B) are timed, as a step has them; one by itself
    would tell more of what calling it takes. The two precisions take turns, and the fastest of each
    counts: what the processor is disturbed by only adds. The first pair, in which kernels are
    chosen, does not count.

    Args:
        hidden_size: H.
        streams: B of one shard.
        gates: G.
        clock: Seconds; by default those of the processor, in which waiting for other processes
            is not contained.
    """
    kernel = tf.random.stateless_uniform((gates * hidden_size, hidden_size), (0, 1))
    hidden = tf.random.stateless_uniform((hidden_size, streams), (0, 2))
    kernel *= 2 / hidden_size  # what comes out is as large as what goes in
    links = min(16, max(1, _CHAIN_NUMBERS // (gates * hidden_size**2)))
    chains = [
        functools.partial(_chain(a, b, links), a, b)
        for a, b in [(kernel, hidden), (tf.cast(kernel, tf.bfloat16), tf.cast(hidden, tf.bfloat16))]
    ]
    pairs = [[_seconds(chain, clock) for chain in chains] for _ in range(1 + _PAIRS)]
    return min(wide for wide, _ in pairs[1:]) / min(narrow for _, narrow in pairs[1:])


def _chain(kernel: Tensor, hidden: Tensor, links: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Products one after another, each of what the one before gave."""

    def multiply(kernel: Tensor, hidden: Tensor) -> Tensor:
        for _ in range(links):
            hidden = tf.matmul(kernel, hidden)[: kernel.shape[1]]
        return hidden

    chain: Callable[[Tensor, Tensor], Tensor] = tf.function(
        multiply, autograph=False
    ).get_concrete_function(kernel, hidden)
    return chain


def _seconds(compute: Callable[[], Tensor], clock: Callable[[], float]) -> float:
    started = clock()
    compute().numpy()
    return clock() - started
