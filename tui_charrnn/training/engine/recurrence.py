"""What the hand-written recurrent layers share: layout, matrix products, history of a loop.

**Layout.** Time first, units next, streams last: a sequence has the shape (T, H, B) and a state
(H, B), so a product of the recurrence is `R.T (G·H, H) @ h (H, B)`. The large matrix on the left
is read as it lies and only the small one is packed anew at every step, which on a processor is up
to twice as fast as `h @ R` (benchmarks/tries.md); and a gate is a block of whole rows, so
taking gates apart copies nothing.

**Gates apart or together.** Sequences of pre-activations are lists of G tensors (T, H, B), one a
gate in the order of `model/weights.py`, or of one tensor (T, G·H, B). Where XLA compiles the whole
step, each gate apart is written by a loop of its own that the compiler can vectorize. Where it
compiles only what is between two products, one tensor is handed on faster than four, and one
product over all gates is faster than four and a sum.

Notation: T sequence length, B streams, H hidden size, G gates.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = Any  # TensorFlow publishes no types


def flatten_time(sequence: Tensor) -> Tensor:
    """Put all characters of a sequence side by side: (T, H, B) to (H, T·B)."""
    length, size, streams = sequence.shape
    return tf.reshape(tf.transpose(sequence, [1, 0, 2]), (size, length * streams))


def restore_time(flat: Tensor, length: int) -> Tensor:
    """The inverse of `flatten_time`: (H, T·B) to (T, H, B)."""
    size, width = flat.shape
    return tf.transpose(tf.reshape(flat, (size, length, width // length)), [1, 0, 2])


def before_each(first: Tensor, sequence: Tensor) -> Tensor:
    """The values before each character: a first one (H, B), then all but the last of (T, H, B)."""
    return tf.concat([first[tf.newaxis], sequence[:-1]], axis=0)


def sigmoid_from_tanh(tanh_of_half: Tensor) -> Tensor:
    """σ(x) from tanh(x/2)."""
    return 0.5 * tanh_of_half + 0.5


def split_rows(matrix: Tensor, gates: int) -> list[Tensor]:
    """Take (G·H, ...) apart into G blocks of H rows."""
    size = matrix.shape[0] // gates
    return [matrix[gate * size : (gate + 1) * size] for gate in range(gates)]


def split_gates(parts: Sequence[Tensor], gates: int) -> list[Tensor]:
    """The gates of one character, each (H, B), from one part of G·H rows or G parts of H."""
    return list(parts) if len(parts) == gates else split_rows(parts[0], gates)


def join_gates(gates: Sequence[Tensor], parts: int) -> list[Tensor]:
    """The inverse of `split_gates`."""
    return list(gates) if len(gates) == parts else [tf.concat(gates, axis=0)]


def new_array(length: int, like: Tensor) -> tf.TensorArray:
    """Room for what a loop computes at each of T characters, of the shape of `like`."""
    return tf.TensorArray(like.dtype, length, element_shape=like.shape, clear_after_read=False)


def readable(sequence: Tensor) -> tf.TensorArray:
    """A sequence (T, H, B) that a loop reads one character at a time."""
    length, *shape = sequence.shape
    array = tf.TensorArray(
        sequence.dtype, length, element_shape=tuple(shape), clear_after_read=False
    )
    return array.unstack(sequence)


def resets_of(inputs: Tensor, end: int | None) -> Tensor | None:
    """What states are multiplied by before each character, 0 or 1, (T, 1, B); None: no resets."""
    return None if end is None else tf.cast(inputs != end, tf.float32)[:, tf.newaxis]


def mask_reader(keep: Tensor | None) -> Callable[[Tensor], Tensor | None]:
    """What gives the part of `resets_of` for one character, (1, B), in a loop."""
    return (lambda _: None) if keep is None else readable(keep).read


def masked(state: Tensor, keep: Tensor | None) -> Tensor:
    """A state, or its gradient, set to zero where `keep` is 0; None resets nothing."""
    return state if keep is None else state * tf.cast(keep, state.dtype)


def write_all(
    arrays: Sequence[tf.TensorArray], index: Tensor, values: Sequence[Tensor]
) -> list[tf.TensorArray]:
    """Write the values of one character."""
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
