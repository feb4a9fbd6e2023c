"""The hand-written network: embedding, recurrent layers, softmax.

`forward` takes parameters and states as arguments and returns the new states. The same code can
therefore evaluate weights other than the trained ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from tui_charrnn.config import ModelConfig
from tui_charrnn.model.shapes import BACKWARD, STATES_PER_LAYER, tensor_shapes
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine import gru, lstm
from tui_charrnn.training.engine.noise import Noise
from tui_charrnn.training.engine.recurrence import (
    Arithmetic,
    Tensor,
    flatten_time,
    resets_of,
    restore_time,
)

_SCALES: Final = {"lstm": lstm.GATE_SCALES, "gru": gru.GATE_SCALES, "rnn": (1.0,)}

ONE_HOT_LIMIT: Final = 256
"""Vocabulary size up to which the first layer's look-up is a product with one-hot columns; above
it, a gather is faster."""


class HandwrittenNetwork:
    """A character-level language model with L recurrent layers and V characters.

    The embedding is folded into the first layer: `embedding @ kernel + bias` has one row of
    pre-activations per character, computed once per window instead of once per character read.
    States are reset before the character of index `end`, if given.
    """

    def __init__(
        self,
        config: ModelConfig,
        vocabulary_size: int,
        arithmetic: Arithmetic,
        end: int | None = None,
    ) -> None:
        self._end = end
        self._config = config
        self._vocabulary_size = vocabulary_size
        self._arithmetic = arithmetic
        scales = _SCALES[config.cell]
        if config.layer_norm:
            scales = (1.0,) * len(scales)  # normalized values do not depend on the scale
        self._scales = np.repeat(np.array(scales, np.float32), config.hidden_size)
        is_together = config.cell == "lstm" and (arithmetic.is_stacked or arithmetic.is_narrow)
        self._parts = 1 if is_together else len(scales)
        is_given_narrow = is_together and arithmetic.is_narrow
        self._given = tf.bfloat16 if is_given_narrow else tf.float32
        self._names = tuple(tensor_shapes(config, vocabulary_size))

    def forward(
        self,
        parameters: Sequence[Tensor],
        inputs: Tensor,
        states: Sequence[Tensor],
        noise: Noise | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Run a window of characters.

        Args:
            parameters: In the order of `tensor_shapes`.
            inputs: Indices, shape (T, B), int32.
            states: Of each layer, h and c for lstm, h otherwise; each (B, H).
            noise: Dropout masks, for training.

        Returns:
            Logits, shape (T, B, V), and the states after the window.
        """
        named = dict(zip(self._names, parameters, strict=True))
        length = inputs.shape[0]
        outputs, new_states = self._run_stack(named, inputs, states, noise)
        kernel = named.get("output.kernel")
        if kernel is None:
            kernel = tf.transpose(named["embedding"])
        if self._config.reads_both:
            behind = self._read_backward(named, inputs, states, noise)
            outputs = tf.concat([outputs, behind], axis=1)
            kernel = tf.concat([kernel, named["backward.output.kernel"]], axis=0)
        rows = tf.reshape(tf.transpose(outputs, [0, 2, 1]), (-1, outputs.shape[1]))
        logits = self._arithmetic.product(rows, kernel)  # (T·B, V)
        bias = named["output.bias"]
        logits = tf.cast(logits, bias.dtype) + bias
        return tf.reshape(logits, (length, -1, self._vocabulary_size)), new_states

    def _read_backward(
        self,
        named: Mapping[str, Tensor],
        inputs: Tensor,
        states: Sequence[Tensor],
        noise: Noise | None,
    ) -> Tensor:
        """Return the backward stack's outputs for each target, from the characters after it.

        Target t is input t + 1, so its output comes from inputs T - 1 down to t + 2, starting from
        a zero state; for the last two targets it is zero. Shape (T, H, B).
        """
        second = {"embedding": named["embedding"]}
        for name, tensor in named.items():
            if name.startswith(BACKWARD):
                second[name.removeprefix(BACKWARD)] = tensor
        nothing = [tf.zeros_like(state) for state in states]
        outputs, _ = self._run_stack(second, tf.reverse(inputs, [0]), nothing, noise)
        read = tf.reverse(outputs, [0])  # row j has read inputs T - 1 to j
        return tf.concat([read[2:], tf.zeros_like(read[:2])], axis=0)

    def _run_stack(
        self,
        named: Mapping[str, Tensor],
        inputs: Tensor,
        states: Sequence[Tensor],
        noise: Noise | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the outputs of the last layer, (T, H, B), and the states after the window."""
        per_layer = STATES_PER_LAYER[self._config.cell]
        outputs, new_states, keep = None, [], resets_of(inputs, self._end)
        for layer in range(self._config.layer_count):
            projected = self._project(named, layer, inputs, outputs)
            before = states[layer * per_layer : (layer + 1) * per_layer]
            outputs, after = self._run_layer(named, layer, projected, before, noise, keep)
            new_states += after
            if noise is not None:
                outputs = noise.drop_outputs(outputs, layer, self._arithmetic.fuse)
        return outputs, new_states

    def _project(
        self, named: Mapping[str, Tensor], layer: int, inputs: Tensor, below: Tensor | None
    ) -> list[Tensor]:
        """Return the scaled contributions of a layer's input and bias to the gates.

        These are G tensors (T, H, B), or for a stacked or bfloat16 LSTM one (T, 4·H, B).
        """
        kernel, bias = named[f"layers.{layer}.kernel"], named[f"layers.{layer}.bias"]
        if self._config.cell == "gru":
            bias = _input_bias(bias)
        if self._config.layer_norm:
            bias = tf.zeros_like(bias)  # it is added after the normalization
            kernel = self._arithmetic.fuse(lstm.centered)(kernel)
        if below is None:
            table = tf.cast(self._arithmetic.product(named["embedding"], kernel), bias.dtype)
            scaled = (table + bias) * self._scales  # (V, G·H)
            parts = tf.split(scaled, self._parts, axis=1)
            return [tf.cast(self._look_up(part, inputs), self._given) for part in parts]
        kernels = tf.split(self._scale(kernel), self._parts, axis=1)
        biases = tf.split(bias * self._scales, self._parts)
        flat, shift = flatten_time(below), self._arithmetic.fuse(_restore_and_shift)
        length = below.shape[0]
        return [
            shift(self._arithmetic.product(tf.transpose(part), flat), own, length, self._given)
            for part, own in zip(kernels, biases, strict=True)
        ]

    def _scale(self, kernel: Tensor) -> Tensor:
        """Scale a kernel's gates and round it to the precision of products."""
        dtype = self._arithmetic.narrow(kernel[:0]).dtype
        return self._arithmetic.fuse(_scale_columns)(kernel, tf.constant(self._scales), dtype)

    def _look_up(self, table: Tensor, inputs: Tensor) -> Tensor:
        """Look up the row of each character: (V, H) and (T, B) to (T, H, B)."""
        if self._vocabulary_size > ONE_HOT_LIMIT:
            return _gathered(table, inputs)
        if self._arithmetic.is_fused:  # XLA does not compile the look-up
            return self._look_up_fast(table, inputs)
        return restore_time(
            self._arithmetic.product(tf.transpose(table), self._columns(inputs, table.dtype)),
            inputs.shape[0],
        )

    def _look_up_fast(self, table: Tensor, inputs: Tensor) -> Tensor:
        """Look up by a gather, with its gradient by a product: the fastest for each."""

        @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow publishes no types
        def look_up(table: Tensor) -> tuple[Tensor, object]:
            def gradient(d_rows: Tensor) -> Tensor:
                columns = self._columns(inputs, d_rows.dtype)
                return self._arithmetic.product(columns, flatten_time(d_rows), transpose_b=True)

            return _gathered(table, inputs), gradient

        return look_up(self._arithmetic.narrow(table))

    def _columns(self, inputs: Tensor, dtype: Any) -> Tensor:
        """Return one-hot columns of all characters, shape (V, T·B)."""
        return tf.one_hot(tf.reshape(inputs, [-1]), self._vocabulary_size, axis=0, dtype=dtype)

    def _run_layer(
        self,
        named: Mapping[str, Tensor],
        layer: int,
        projected: list[Tensor],
        before: Sequence[Tensor],
        noise: Noise | None,
        keep: Tensor | None,
    ) -> tuple[Tensor, list[Tensor]]:
        cell, kernel = self._config.cell, named[f"layers.{layer}.recurrent_kernel"]
        if noise is not None:
            kernel = noise.drop_weights(kernel, layer, self._arithmetic.fuse)
        if self._config.layer_norm:
            kernel = self._arithmetic.fuse(lstm.centered)(kernel)
        kernel = self._scale(kernel)
        states = [tf.transpose(state) for state in before]
        match cell:
            case "lstm":
                names = ("gate_gain", "bias", "memory_gain", "memory_bias")
                norm = (
                    lstm.norm_of(*(named[f"layers.{layer}.{name}"] for name in names))
                    if self._config.layer_norm
                    else ()
                )
                outputs, after = lstm.run_lstm(
                    projected, kernel, states, self._arithmetic, keep, norm
                )
            case "gru":
                bias = named[f"layers.{layer}.bias"][1, -self._config.hidden_size :]
                outputs, after = gru.run_gru(
                    projected, kernel, bias, states, self._arithmetic, keep
                )
            case _:
                outputs, after = gru.run_rnn(projected, kernel, states, self._arithmetic, keep)
        return outputs, [tf.transpose(state) for state in after]


def _gathered(table: Tensor, inputs: Tensor) -> Tensor:
    """Return the rows of a table (V, H) for characters (T, B), shape (T, H, B)."""
    return tf.transpose(tf.gather(table, inputs), [0, 2, 1])


def _scale_columns(kernel: Tensor, scales: Tensor, dtype: Any) -> Tensor:
    """Multiply each column by its scale."""
    return tf.cast(kernel * scales, dtype)


def _restore_and_shift(flat: Tensor, shift: Tensor, length: int, dtype: Any) -> Tensor:
    """Apply `restore_time`, and add a number to each row."""
    return tf.cast(restore_time(tf.cast(flat, shift.dtype) + shift[:, tf.newaxis], length), dtype)


def _input_bias(bias: Tensor) -> Tensor:
    """Sum a GRU's biases (2, 3·H) to (3·H,), without the one inside the reset gate."""
    update, reset, candidate = tf.split(bias[1], 3)
    return bias[0] + tf.concat([update, reset, tf.zeros_like(candidate)], axis=0)


EMBEDDING_LIMIT: Final = 3.0
"""Initial embeddings are uniform between minus and plus this value, so that a character's
contribution to the first layer's gates has a standard deviation of about 0.6. With Keras's 0.05
the gates hardly react to their input in the first thousand steps."""
TIED_EMBEDDING_LIMIT: Final = 0.1
"""Limit if the embedding is also the output layer: larger values would give extreme logits."""


def initial_tensors(config: ModelConfig, vocabulary_size: int, rng_seed: int) -> dict[str, Float32]:
    """Draw the initial weights, with the names and the order of `tensor_shapes`.

    Embeddings are uniform, kernels Glorot uniform, recurrent kernels orthogonal, biases zero. The
    forget bias of an LSTM is 1 (Jozefowicz et al. 2015), and so are all gains. The same seed gives
    the same weights.
    """
    seeds = map(int, np.random.SeedSequence(rng_seed).generate_state(3 + 4 * config.layer_count))
    shapes = tensor_shapes(config, vocabulary_size)
    return {name: _draw(name, shape, config, seeds) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...], config: ModelConfig, seeds: Iterator[int]) -> Float32:
    if name.endswith("gain"):
        return np.ones(shape, np.float32)
    if name.endswith("bias"):
        zeros = np.zeros(shape, np.float32)
        if config.cell == "lstm" and "layers." in name and name.endswith(".bias"):
            zeros[config.hidden_size : 2 * config.hidden_size] = 1
        return zeros
    initializer: keras.Initializer
    if name == "embedding":
        limit = TIED_EMBEDDING_LIMIT if config.tied_output else EMBEDDING_LIMIT
        initializer = keras.initializers.RandomUniform(-limit, limit, seed=next(seeds))
    elif name.endswith("recurrent_kernel"):
        initializer = keras.initializers.Orthogonal(seed=next(seeds))
    else:
        initializer = keras.initializers.GlorotUniform(seed=next(seeds))
    return np.array(initializer(shape), np.float32)
