"""The choice between float32 and bfloat16 on a CPU."""

import functools
import math
import statistics
import time
from collections.abc import Callable
from typing import Final

import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import GATE_COUNTS
from tui_charrnn.training.engine.paths import Precision
from tui_charrnn.training.engine.recurrence import Tensor

_FEWEST_OF_LSTM: Final = 3_072
_FEWEST: Final = 8_192
"""Minimum size of a shard's state, H times B, for which a whole step is faster in bfloat16, of a
plain LSTM and of the other layers (benchmarks/results.md, "Which precision"). Below it, compiling
the whole step in float32 with XLA is faster."""

_REFUTED_GAIN: Final = 1.0
"""Minimum speedup of bfloat16 products on a CPU with the instructions. Measured: 0.1 to 0.9 if
oneDNN did not use them, 1.1 to 1.7 under load if it did."""

_CONVINCING_GAIN: Final = 1.5
"""Minimum speedup of bfloat16 products if the instructions are unknown."""

_PAIRS: Final = 8
_CHAIN_NUMBERS: Final = 1 << 24
"""Weights read by a timed chain of 1 to 16 products."""


def choose_precision(
    model: ModelConfig, streams: int, has_instructions: bool | None
) -> tuple[Precision, str]:
    """Choose float32 or bfloat16 on a CPU, mainly by its instructions.

    A measurement can only reject bfloat16, so that other load on the machine does not determine
    the speed of a run. This takes less than a second of CPU time. `streams` is B of one shard.

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
    measured = f"its products measured {gain:.2f} times as fast as those of float32"
    reason = f"{has}; {measured} (at least {needed:g} is needed)"
    return ("bfloat16" if gain >= needed else "float32"), reason


def measure_gain(
    hidden_size: int, streams: int, gates: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the speedup of the recurrent product in bfloat16 relative to float32.

    This times chains of products of shape (G·H, H) by (H, B), as in a step, since a single product
    would measure mostly call overhead. The two precisions alternate, and the median of the ratios
    counts: other load adds time, and the CPU time of a chain may be counted in the next one. The
    first pair, which selects kernels, is excluded. CPU time excludes waiting for other processes.
    `streams` is B of one shard.
    """
    kernel = tf.random.stateless_uniform((gates * hidden_size, hidden_size), (0, 1))
    hidden = tf.random.stateless_uniform((hidden_size, streams), (0, 2))
    kernel *= 2 / hidden_size  # keeps the magnitude of the values
    links = min(16, max(1, _CHAIN_NUMBERS // (gates * hidden_size**2)))
    chains = [
        functools.partial(_chain(a, b, links), a, b)
        for a, b in [(kernel, hidden), (tf.cast(kernel, tf.bfloat16), tf.cast(hidden, tf.bfloat16))]
    ]
    pairs = [[_seconds(chain, clock) for chain in chains] for _ in range(1 + _PAIRS)]
    return statistics.median(wide / narrow for wide, narrow in pairs[1:])


def _chain(kernel: Tensor, hidden: Tensor, links: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a traced function of consecutive products, each of the result of the one before."""

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
