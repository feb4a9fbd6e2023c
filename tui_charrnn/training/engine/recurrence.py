"""Shared parts of the handwritten recurrent layers: memory layout, loops and their history.

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

Notation: T sequence length, B streams, H hidden size, G gates.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = Any  # TensorFlow publishes no types


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


def scan_forward(
    length: int, step: Callable[..., tuple[Any, ...]], carried: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Run `step(t, *carried) -> carried` for t = 0 ... T - 1."""
    return _scan(0, 1, length, step, carried)


def scan_backward(
    length: int, step: Callable[..., tuple[Any, ...]], carried: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Run `step(t, *carried) -> carried` for t = T - 1 ... 0."""
    return _scan(length - 1, -1, length, step, carried)


def _scan(
    first: int,
    stride: int,
    length: int,
    step: Callable[..., tuple[Any, ...]],
    carried: tuple[Any, ...],
) -> tuple[Any, ...]:
    def body(index: Tensor, values: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
        return index + stride, tuple(step(index, *values))

    _, values = tf.while_loop(
        lambda index, _: (index >= 0) & (index < length),
        body,
        (tf.constant(first), carried),
        maximum_iterations=length,
        parallel_iterations=1,  # each step needs the one before
    )
    return tuple(values)
