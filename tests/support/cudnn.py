"""cuDNN's recurrent layer in NumPy, on a processor, in place of TensorFlow's operations for it.

It reads the parameters from the flat vector as cuDNN documents it (`cudnnGetRNNWeightParams`), and
knows nothing of the order that our weights are kept in.

Notation: T sequence length, B streams, D inputs, H hidden size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[np.float64]
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1}


def gates_of(mode: str, parameters: Array, inputs: int, hidden: int) -> list[tuple[Array, ...]]:
    """Each gate's input weights (H, D), recurrent weights (H, H) and both biases, in cuDNN's order.

    The order of the gates: lstm i, f, c̃, o; gru r, z, h̃.
    """
    count, at = GATES[mode], 0

    def take(*shape: int) -> Array:
        nonlocal at
        size = int(np.prod(shape))
        at += size
        return parameters[at - size : at].reshape(shape)

    by_kind = [
        [take(hidden, inputs) for _ in range(count)],
        [take(hidden, hidden) for _ in range(count)],
        [take(hidden) for _ in range(count)],
        [take(hidden) for _ in range(count)],
    ]
    assert at == parameters.size
    return list(zip(*by_kind, strict=True))


def read_sequence(
    mode: str, parameters: Array, sequence: Array, first: Array, memory: Array
) -> tuple[Array, Array, Array]:
    """Outputs (T, B, H), and the last h and c (B, H), by the formulas of cuDNN's documentation."""
    gates = gates_of(mode, parameters, sequence.shape[2], first.shape[1])
    h, c, outputs = first, memory, []
    for x in sequence:
        sums = [x @ w.T + b for w, _, b, _ in gates]
        own = [h @ r.T + b for _, r, _, b in gates]
        if mode == "lstm":
            i, f, g, o = (one + other for one, other in zip(sums, own, strict=True))
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
        elif mode == "gru":
            reset, update = (_sigmoid(sums[gate] + own[gate]) for gate in (0, 1))
            candidate = np.tanh(sums[2] + reset * own[2])
            h = (1 - update) * candidate + update * h
        else:
            h = np.tanh(sums[0] + own[0])
        outputs.append(h)
    return np.stack(outputs), h, c


def _sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def put_in_place(monkeypatch: pytest.MonkeyPatch, distort: Any = None) -> None:
    """Let TensorFlow's two operations be computed here; gradients are differences of two runs.

    Args:
        monkeypatch: Takes it away again.
        distort: Changes the gradient of the parameters, as a kernel that is wrong would.
    """
    import tensorflow as tf

    def arrays(tensors: Sequence[Any]) -> list[Array]:
        return [np.array(each, np.float64) for each in tensors]

    def run(mode: str, given: Sequence[Array]) -> list[Array]:
        inputs, hidden, memory, parameters = given
        first_memory = memory[0] if memory.ndim else np.zeros(())
        outputs, h, c = read_sequence(mode, parameters, inputs, hidden[0], first_memory)
        return [outputs, h[np.newaxis], c[np.newaxis] if memory.ndim else c]

    def forward(**given: Any) -> tuple[Any, ...]:
        mode, dtype = given["rnn_mode"], given["input"].dtype
        names = ("input", "input_h", "input_c", "params")
        tensors = [tf.cast(given[name], tf.float64) for name in names]
        found = tf.numpy_function(lambda *each: run(mode, arrays(each)), tensors, [tf.float64] * 3)
        shapes = [
            (*given["input"].shape[:2], given["input_h"].shape[2]),
            given["input_h"].shape,
            given["input_c"].shape,
        ]
        outputs = [
            tf.ensure_shape(tf.cast(each, dtype), shape)
            for each, shape in zip(found, shapes, strict=True)
        ]
        return *outputs, tf.zeros([0], dtype), tf.zeros([0], tf.int8)

    def backward(**given: Any) -> tuple[Any, ...]:
        mode, dtype = given["rnn_mode"], given["input"].dtype
        names = ("input", "input_h", "input_c", "params")
        ends = ("output_backprop", "output_h_backprop", "output_c_backprop")
        tensors = [tf.cast(given[name], tf.float64) for name in (*names, *ends)]

        def differentiate(*each: Any) -> list[Array]:
            values = arrays(each)
            starts, d_ends = values[:4], values[4:]

            def total(*point: Array) -> float:
                found = run(mode, point)
                return sum(float((a * d).sum()) for a, d in zip(found, d_ends, strict=True))

            return [_slope(total, starts, place) for place in range(4)]

        found = tf.numpy_function(differentiate, tensors, [tf.float64] * 4)
        gradients = [
            tf.ensure_shape(tf.cast(each, dtype), given[name].shape)
            for each, name in zip(found, names, strict=True)
        ]
        if distort is not None:
            gradients[3] = distort(gradients[3])
        return tuple(gradients)

    monkeypatch.setattr(tf.raw_ops, "CudnnRNNV2", forward)
    monkeypatch.setattr(tf.raw_ops, "CudnnRNNBackpropV2", backward)


def _slope(total: Any, point: list[Array], place: int, width: float = 1e-5) -> Array:
    """The gradient of a number by one of the arrays that it is made of: central differences."""
    gradient = np.zeros_like(point[place])
    for index in np.ndindex(gradient.shape):
        sides = []
        for sign in (1, -1):
            moved = [each.copy() for each in point]
            moved[place][index] += sign * width
            sides.append(total(*moved))
        gradient[index] = (sides[0] - sides[1]) / (2 * width)
    return gradient
