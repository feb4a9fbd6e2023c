"""Shared parts of the handwritten recurrent layers: memory layout, arithmetic, loops.

**Layout.** Time first, units next, streams last: a sequence has the shape (T, H, B) and a state
(H, B), so a recurrent product is `R.T (G·H, H) @ h (H, B)`. The large left matrix is read in
place and only the small one is packed at every step, which on a CPU is up to twice as fast as
`h @ R` (benchmarks/tries.md); and a gate is a block of whole rows, so splitting gates copies
nothing.

**Separate or stacked gates.** Sequences of pre-activations are lists of G tensors (T, H, B), one
per gate in the order of `model/weights.py`, or of one tensor (T, G·H, B). If XLA compiles the whole
step, each separate gate is computed by its own loop, which the compiler can vectorize. If XLA
compiles only the operations between products, one tensor is passed faster than four, and one
product over all gates is faster than four and a sum.

**bfloat16** has the range of float32 and 8 bits of precision. The factors and results of products
are rounded to it, and so is the history that a loop keeps for the backward pass; sums within
products, elementwise operations, memory cells, losses and weights are float32. The effect on the
loss is measured by benchmarks/precision.py. On a CPU, oneDNN has bfloat16 products and XLA has
none: it converts the factors to float32. Therefore a step in bfloat16 is not compiled as a whole:
its products are TensorFlow operations, and the elementwise operations between them are compiled
into one function each.

Notation: T sequence length, B streams, H hidden size, G gates.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = Any  # TensorFlow publishes no types


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Precision and compilation of the handwritten layers."""

    is_narrow: bool = False
    """Whether products are in bfloat16; otherwise in the precision of their factors."""

    is_fused: bool = False
    """Whether XLA compiles the operations between products; false if it compiles the whole step."""

    is_stacked: bool = False
    """Whether an LSTM's gates are one tensor, computed by one product, instead of one each; in
    bfloat16 they always are."""

    def narrow(self, values: Tensor) -> Tensor:
        """Round to the precision of products."""
        return tf.cast(values, tf.bfloat16) if self.is_narrow else values

    def product(self, a: Tensor, b: Tensor, *, transpose_b: bool = False) -> Tensor:
        """Multiply (M, K) by (K, N), or by the transpose of (N, K); the result is narrow too."""
        return tf.matmul(self.narrow(a), self.narrow(b), transpose_b=transpose_b)

    def fuse(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile an elementwise module-level function if `is_fused`."""
        return _compiled(function) if self.is_fused else function


@functools.cache
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = tf.function(function, jit_compile=True, autograph=False)
    return compiled


def flatten_time(sequence: Tensor) -> Tensor:
    """Concatenate all characters of a sequence: (T, H, B) to (H, T·B)."""
    length, size, streams = sequence.shape
    return tf.reshape(tf.transpose(sequence, [1, 0, 2]), (size, length * streams))


def restore_time(flat: Tensor, length: int) -> Tensor:
    """Invert `flatten_time`: (H, T·B) to (T, H, B)."""
    size, width = flat.shape
    return tf.transpose(tf.reshape(flat, (size, length, width // length)), [1, 0, 2])


def before_each(first: Tensor, sequence: Tensor) -> Tensor:
    """Return the values before each character: `first`, (H, B), then `sequence` except its last."""
    return tf.concat([first[tf.newaxis], sequence[:-1]], axis=0)


def sigmoid_from_tanh(tanh_of_half: Tensor) -> Tensor:
    """Return σ(x) from tanh(x/2)."""
    return 0.5 * tanh_of_half + 0.5


def split_rows(matrix: Tensor, gates: int) -> list[Tensor]:
    """Split (G·H, ...) into G blocks of H rows."""
    size = matrix.shape[0] // gates
    return [matrix[gate * size : (gate + 1) * size] for gate in range(gates)]


def split_gates(parts: Sequence[Tensor], gates: int) -> list[Tensor]:
    """Return the gates of one character, each (H, B), from one part of G·H rows or G parts of H."""
    return list(parts) if len(parts) == gates else split_rows(parts[0], gates)


def join_gates(gates: Sequence[Tensor], parts: int) -> list[Tensor]:
    """Invert `split_gates`."""
    return list(gates) if len(gates) == parts else [tf.concat(gates, axis=0)]


def new_array(length: int, like: Tensor) -> tf.TensorArray:
    """Return an array for a loop's result at each of T characters, of the shape of `like`."""
    return tf.TensorArray(like.dtype, length, element_shape=like.shape, clear_after_read=False)


def readable(sequence: Tensor) -> tf.TensorArray:
    """Return a sequence (T, H, B) as an array that a loop reads one character at a time."""
    length, *shape = sequence.shape
    array = tf.TensorArray(
        sequence.dtype, length, element_shape=tuple(shape), clear_after_read=False
    )
    return array.unstack(sequence)


def resets_of(inputs: Tensor, end: int | None) -> Tensor | None:
    """Return factors of the states before each character, 0 or 1, (T, 1, B); None: no resets."""
    return None if end is None else tf.cast(inputs != end, tf.float32)[:, tf.newaxis]


def mask_reader(keep: Tensor | None) -> Callable[[Tensor], Tensor | None]:
    """Return a function of t to the factors of `resets_of` for one character, (1, B)."""
    return (lambda _: None) if keep is None else readable(keep).read


def masked(state: Tensor, keep: Tensor | None) -> Tensor:
    """Set a state, or its gradient, to zero where `keep` is 0; None resets nothing."""
    return state if keep is None else state * tf.cast(keep, state.dtype)


def write_all(
    arrays: Sequence[tf.TensorArray], index: Tensor, values: Sequence[Tensor]
) -> list[tf.TensorArray]:
    """Write the values of one character, and return the arrays."""
    return [array.write(index, value) for array, value in zip(arrays, values, strict=True)]


def scan(
    order: range, step: Callable[..., tuple[Any, ...]], carried: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Run `step(t, *carried) -> carried` for each t of an order, 0 to T - 1 or its reverse."""

    def body(index: Tensor, values: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
        return index + order.step, tuple(step(index, *values))

    length = len(order)
    _, values = tf.while_loop(
        lambda index, _: (index >= 0) & (index < length),
        body,
        (tf.constant(order[0]), carried),
        maximum_iterations=length,
        parallel_iterations=1,  # each step needs the one before
    )
    return tuple(values)
