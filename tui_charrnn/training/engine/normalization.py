"""Layer normalization: its parameters, and both directions of its arithmetic.

The mean over the units of a gate is linear in its weights: where those are centered, `centered`,
the sums are, and neither direction of the loop has to take a mean away. Left are the roots: with
x = z / sqrt(mean z² + epsilon) over H units, y = gain * x + bias, and r the inverse root, what
comes back to z of a gradient d of y is, with e = gain * d,

    r * (e - x * mean(e * x)),

and r * (e - mean e - x * mean(e * x)) for c, which is centered here.

Notation: D inputs, H hidden size, B streams, K gates.

Source: Ba, Kiros & Hinton (2016), "Layer Normalization".
"""

from typing import NamedTuple

import tensorflow as tf

from tui_charrnn.model.weights import NORM_EPSILON
from tui_charrnn.training.engine.lstm import GATE_SCALES
from tui_charrnn.training.engine.recurrence import Tensor


class Norm(NamedTuple):
    """Gains and biases as the layer uses them, or their gradients."""

    gains: Tensor
    """Of i, f, c̃, o, scaled: shape (4, H)."""
    biases: Tensor
    """Likewise."""
    memory_gain: Tensor
    """Of c: shape (1, H)."""
    memory_bias: Tensor
    """Likewise."""


def norm_of(gate_gain: Tensor, bias: Tensor, memory_gain: Tensor, memory_bias: Tensor) -> Norm:
    """Arrange the parameters of a layer's normalization, of shapes (4·H,), (4·H,), (H,), (H,)."""
    scales = tf.constant(GATE_SCALES, bias.dtype)[:, tf.newaxis]
    gains, biases = (tf.reshape(each, (4, -1)) * scales for each in (gate_gain, bias))
    return Norm(gains, biases, memory_gain[tf.newaxis], memory_bias[tf.newaxis])


def centered(kernel: Tensor) -> Tensor:
    """A kernel (D, 4·H) less the mean of each of its rows over the units of each gate."""
    gates = tf.reshape(kernel, (kernel.shape[0], 4, -1))
    return tf.reshape(gates - tf.reduce_mean(gates, axis=2, keepdims=True), kernel.shape)


def normalize(values: Tensor) -> tuple[Tensor, Tensor]:
    """x, and its inverse root r, of centered values (K, H, B) over their H units."""
    mean_square = tf.reduce_mean(values * values, axis=1, keepdims=True)
    rate = tf.math.rsqrt(mean_square + NORM_EPSILON)
    return values * rate, rate


def center(values: Tensor) -> Tensor:
    """Values (K, H, B) less their mean over the H units."""
    return values - tf.reduce_mean(values, axis=1, keepdims=True)


def shifted(x: Tensor, gains: Tensor, biases: Tensor) -> Tensor:
    """Y of x (K, H, B), with gains and biases (K, H)."""
    return gains[..., tf.newaxis] * x + biases[..., tf.newaxis]


def through_norm(d_y: Tensor, x: Tensor, rate: Tensor, gains: Tensor) -> Tensor:
    """The gradient of what was normalized, (K, H, B), from that of y; see the module."""
    d_x = gains[..., tf.newaxis] * d_y
    return rate * (d_x - x * tf.reduce_mean(d_x * x, axis=1, keepdims=True))
