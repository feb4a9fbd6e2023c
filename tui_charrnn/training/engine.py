"""Everything that lives in TensorFlow while a run is trained: weights, optimizer, carried states.

The loop around it (`loop.py`) sees NumPy arrays and Python numbers only.
"""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.loop import Batch, BatchResult, Windows
from tui_charrnn.training.network import Network, Tensor


class Engine:
    """One model being trained.

    Args:
        model: Shape of the network.
        training: Optimizer, clipping, dropout, RNG seed.
        vocabulary_size: V.
        batch_size: B, which may be smaller than configured.
    """

    def __init__(
        self, model: ModelConfig, training: TrainingConfig, vocabulary_size: int, batch_size: int
    ) -> None:
        self._config = training
        self.network = Network(model, vocabulary_size, training.rng_seed)
        self._parameters = self.network.parameters
        self._optimizer = _build_optimizer(training, self._parameters, self.network.tensor_names)
        self._states = [
            tf.Variable(tf.zeros(shape), trainable=False)
            for shape in self.network.state_shapes(batch_size)
        ]
        window = tf.TensorSpec((batch_size, training.sequence_length), tf.int32)
        carried = tf.TensorSpec((batch_size,), tf.float32)
        seed = tf.TensorSpec((2,), tf.int64)
        self._step = tf.function(self._train_step, input_signature=[window, window, carried, seed])
        self._score = tf.function(self._score_window)

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one optimizer step on a window that continues the previous one.

        Args:
            batch: Inputs, targets, and which streams carry their state on.
            step: Number of the step; the dropout masks are a function of it.
            learning_rate: Of this step.
        """
        self._optimizer.learning_rate.assign(learning_rate)
        seed = tf.constant([self._config.rng_seed, step * 64], tf.int64)  # room for 64 layers
        loss, norm = self._step(*(tf.constant(array) for array in batch), seed)
        return BatchResult(float(loss), float(norm))

    def _train_step(
        self, inputs: Tensor, targets: Tensor, carried: Tensor, seed: Tensor
    ) -> tuple[Tensor, Tensor]:
        before = [state * carried[:, tf.newaxis] for state in self._states]  # (B, H)
        with tf.GradientTape() as tape:
            logits, states = self.network.forward(
                inputs,
                before,
                dropout=self._config.dropout,
                dropout_seed=seed,
            )
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
            )
        # The look-up's gradient comes as one row a character read, the same character many times:
        # only when the rows are added up is it the gradient that norm and moments are made of.
        gradients = [
            tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, self._parameters)
        ]
        norm = tf.linalg.global_norm(gradients)
        if self._config.gradient_norm_limit is not None:
            gradients, _ = tf.clip_by_global_norm(
                gradients, self._config.gradient_norm_limit, use_norm=norm
            )
        for state, value in zip(self._states, states, strict=True):
            state.assign(value)
        self._optimizer.apply_gradients(zip(gradients, self._parameters, strict=True))
        return loss, norm

    def evaluate(
        self,
        windows: Windows,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> float | None:
        """Score held-out text with states of its own, carried from window to window.

        Args:
            windows: Inputs, targets and weights, each of shape (R, T); weight 0 pads.
            should_stop: Asked before every window.

        Returns:
            The mean loss, nats per character, or None if it was asked to stop.
        """
        total, count = 0.0, 0.0
        states: list[Tensor] | None = None
        for inputs, targets, weights in windows:
            if should_stop():
                return None
            if states is None:
                shapes = self.network.state_shapes(inputs.shape[0])
                states = [tf.zeros(shape) for shape in shapes]
            arguments = (tf.constant(inputs), tf.constant(targets), tf.constant(weights), states)
            loss, states = self._score(*arguments)
            total += float(loss)
            count += float(weights.sum(dtype=np.float64))
        return total / count

    def _score_window(
        self, inputs: Tensor, targets: Tensor, weights: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        logits, after = self.network.forward(inputs, states)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
        return tf.reduce_sum(losses * weights), after

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Copies of what resuming needs besides the weights: optimizer variables and states."""
        return {name: np.array(variable.numpy()) for name, variable in self._restorable().items()}

    def _restorable(self) -> dict[str, Tensor]:
        optimizer = {
            f"optimizer.{index:04d}": variable.value
            for index, variable in enumerate(self._optimizer.variables)
        }
        return optimizer | {f"state.{index}": state for index, state in enumerate(self._states)}

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Take up weights, optimizer variables and states where a checkpoint left them.

        Raises:
            RunError: If the checkpoint holds other tensors than this engine needs.
        """
        names = self.network.tensor_names
        needed = dict(zip(names, self._parameters, strict=True)) | self._restorable()
        given = dict(weights) | dict(training)
        for name, variable in needed.items():
            if name not in given or tuple(given[name].shape) != tuple(variable.shape):
                raise RunError(
                    f"The checkpoint's tensor {name!r} does not fit this run: expected shape "
                    f"{tuple(variable.shape)}, received {getattr(given.get(name), 'shape', None)}."
                )
        for name, variable in needed.items():
            variable.assign(given[name])


def _build_optimizer(
    config: TrainingConfig, parameters: list[Tensor], names: tuple[str, ...]
) -> keras.optimizers.Optimizer:
    """Adam with decoupled weight decay of the matrices (Loshchilov & Hutter 2019)."""
    optimizer: keras.optimizers.Optimizer
    if config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(config.learning_rate)
    else:
        optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
        biases = [
            parameter
            for parameter, name in zip(parameters, names, strict=True)
            if name.endswith("bias")
        ]
        optimizer.exclude_from_weight_decay(var_list=biases)
    optimizer.build(parameters)
    return optimizer
