"""Matrix products in float32 or bfloat16, and which of them this processor gains by.

bfloat16 has the range of float32 and 8 bits of its fraction. Only the factors of a product and its
result are rounded to it; the sums within it, states, losses and weights stay float32. What that
costs in loss: benchmarks/precision.py.
"""

import time
from typing import Final

import tensorflow as tf

from tui_charrnn.training.recurrence import Tensor

WORTHWHILE_GAIN: Final = 1.6
"""bfloat16 is taken where its products are so many times as fast: it is computed operation by
operation, without the compiler that makes float32 about 1.3 times as fast (benchmarks/results.md).
"""
_REPEATS: Final = 6


def product_float32(a: Tensor, b: Tensor, *, transpose_b: bool = False) -> Tensor:
    """Multiply matrices as they are."""
    return tf.matmul(a, b, transpose_b=transpose_b)


def product_bfloat16(a: Tensor, b: Tensor, *, transpose_b: bool = False) -> Tensor:
    """Multiply matrices rounded to bfloat16; the result is float32."""
    narrow = tf.matmul(tf.cast(a, tf.bfloat16), tf.cast(b, tf.bfloat16), transpose_b=transpose_b)
    return tf.cast(narrow, tf.float32)


def measure_gain(hidden_size: int, streams: int, gates: int) -> float:
    """How many times as fast as in float32 the product of the recurrence is in bfloat16.

    Takes milliseconds: the fastest of a few products of the shape (G·H, H) by (H, B) each. The
    first, which chooses its kernel, is slower and so does not count.

    Args:
        hidden_size: H.
        streams: B of one shard.
        gates: G.
    """
    kernel = tf.random.stateless_uniform((gates * hidden_size, hidden_size), (0, 1))
    hidden = tf.random.stateless_uniform((hidden_size, streams), (0, 2))
    narrow_kernel, narrow_hidden = (tf.cast(x, tf.bfloat16) for x in (kernel, hidden))
    times: list[tuple[float, float]] = []
    for _ in range(_REPEATS):  # in turns: a disturbance meets both
        times.append((_seconds(kernel, hidden), _seconds(narrow_kernel, narrow_hidden)))
    return min(wide for wide, _ in times) / min(narrow for _, narrow in times)


def _seconds(a: Tensor, b: Tensor) -> float:
    started = time.perf_counter()
    tf.matmul(a, b).numpy()
    return time.perf_counter() - started
