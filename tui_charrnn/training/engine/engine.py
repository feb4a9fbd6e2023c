"""The TensorFlow objects of a training: weights, optimizer, carried states.

The training loop (`loop.py`) uses only NumPy arrays and Python numbers.

Dynamic evaluation lets a model learn from text after predicting it. Every character is predicted
before the model learns from it, so the loss is fair; but it is the loss of a model that adapts, and
is always reported separately.

Notation: T sequence length, B streams, R streams of held-out text, H hidden size, V vocabulary
size.

Source: Krause, Kahembwe, Murray & Renals 2018, "Dynamic evaluation of neural sequence models":
steps scaled by the root mean square of the training gradients, and a decay back to the trained
weights. The mean squares are those of Adam.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine.library_network import LibraryNetwork, cudnn_layers, keras_layers
from tui_charrnn.training.engine.network import HandwrittenNetwork, initial_tensors
from tui_charrnn.training.engine.noise import Noise, NoiseSource, draw_on_device, draw_on_host
from tui_charrnn.training.engine.paths import ComputePath, use_device
from tui_charrnn.training.engine.recurrence import Arithmetic, Tensor
from tui_charrnn.training.engine.steps import (
    LoopState,
    Mean,
    MultiStep,
    Optimizer,
    Packed,
    call_signature,
    character_losses,
    learning_step_of,
)
from tui_charrnn.training.loop import Batch, BatchResult, Windows


class Slot(NamedTuple):
    """The place of an engine among the replicas of a model."""

    device: str | None = None
    """TensorFlow's name of the device of its threads; None for the default."""
    first_shard: int = 0
    """Number of the batch's shards before its own, by which dropout masks differ."""


_PLAIN = ComputePath()
_ALONE = Slot()

Window: TypeAlias = tuple[npt.NDArray[Any], ...]
Score: TypeAlias = Callable[[Window, list[Any]], tuple[float, list[Any]]]
"""Takes a window and the states before it, empty for zeros; returns the sum of the losses and the
states after the window."""


class Engine:
    """One model in training.

    A batch is split into shards of neighboring streams, computed in parallel. Their gradients are
    added in a fixed order, so the result does not depend on timing. The batch size B may be smaller
    than configured.
    """

    def __init__(
        self,
        model: ModelConfig,
        training: TrainingConfig,
        vocabulary_size: int,
        batch_size: int,
        path: ComputePath = _PLAIN,
        slot: Slot = _ALONE,
    ) -> None:
        self._shape = (model, training, vocabulary_size, batch_size, path)
        self._path = path
        self._batch_size = batch_size
        self._state_shape = (model.layer_count * STATES_PER_LAYER[model.cell], model.hidden_size)
        self._network = build_network(model, vocabulary_size, path, training.end_index)
        values = initial_tensors(model, vocabulary_size, training.rng_seed)
        self._parameters = {name: tf.Variable(value) for name, value in values.items()}
        self._optimizer = Optimizer(training, self._parameters)
        self.optimizer_numbers: Final = self._optimizer.numbers
        self._shards = np.array_split(np.arange(batch_size), path.shards)
        self._threads = ThreadPoolExecutor(
            path.shards, initializer=use_device, initargs=(slot.device,)
        )
        self.carried = [state for rows in self._shards for state in self._zero_states(len(rows))]
        """The states of all shards, one shard after the other; each of its streams and H."""
        self._dropout = training.dropout, training.recurrent_weight_dropout
        draw = draw_on_device if path.is_gpu else draw_on_host
        self._noise = NoiseSource(model, training, draw, slot.first_shard)
        options = {"jit_compile": path.has_compiled_step, "autograph": False}
        self._differentiate = tf.function(self._gradient_of, **options)
        self._update = tf.function(
            self._optimizer.take_step, jit_compile=path.has_compiled_update, autograph=False
        )
        self.steps_per_call = path.steps_per_call
        self.signature: Final = call_signature(
            (batch_size, training.sequence_length), self._state_shape, [*map(len, self._shards)]
        )
        """Of a call of steps."""
        self._multi_step = MultiStep([self.take_in_graph], self.signature)
        self.newest_step = 0
        """The last step taken since a restore; 0 before the first."""
        self._window_loss = tf.function(self._loss_of_window, **options)

    def _gradient_of(
        self,
        window: tuple[Tensor, Tensor, Tensor, Tensor],
        states: list[Tensor],
        masks: tuple[list[Tensor], list[Tensor]],
        share: Tensor,
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return loss, gradients and states of a shard.

        Args:
            window: Inputs and targets, (B, T); which streams keep their state, (B,); the added
                dropout, scalar.
            states: Before the window, each (B, H).
            masks: Random bytes for the outputs and for the weights of each layer.
            share: The part of a character's loss in the batch's mean loss, scalar.
        """
        inputs, targets, carried, added = window
        before = [state * carried[:, tf.newaxis] for state in states]  # (B, H)
        dropout, weight_dropout = self._dropout
        noise = Noise(*masks, dropout + added, weight_dropout)
        parameters = list(self._parameters.values())
        with tf.GradientTape() as tape:
            losses, after = character_losses(
                self._network.forward, parameters, inputs, targets, before, noise
            )
            loss = tf.reduce_sum(losses) * share
        # The gradient of a look-up has one row per character read; the conversion sums the rows of
        # equal characters, which norm and moments need.
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, parameters)]
        return loss, gradients, after

    def take_in_graph(
        self, packed: Packed, index: Tensor, first_step: Tensor, before: LoopState, mean: Mean
    ) -> tuple[Tensor, LoopState]:
        """Take step `index`, from 0, of a call that begins with step `first_step`, while tracing.

        Steps count from 1; the dropout masks are a function of the step. `mean` averages loss and
        gradients over all devices that train the same weights. If the loss or the gradient is not
        finite, weights, optimizer and states do not change.

        Returns:
            Loss and norm, (2,), and the state for the next step.
        """
        inputs, targets, carried, added = (part[index] for part in packed.windows)
        streams, length = inputs.shape
        with tf.device("CPU"):  # the step is used on the host
            step = first_step + tf.cast(index, tf.int64)
        weight_bytes = self._noise.draw_for_weights(step)
        share = tf.constant(1 / (streams * length), tf.float32)
        results, states, count = [], [], self._state_shape[0]
        for shard, rows in enumerate(self._shards):
            part = slice(rows[0], rows[-1] + 1)
            output_bytes = self._noise.draw_for_outputs(step, shard, length, len(rows))
            loss, gradients, after = self._differentiate(
                (inputs[part], targets[part], carried[part], added),
                before.states[shard * count : (shard + 1) * count],
                (output_bytes, weight_bytes),
                share,
            )
            results.append([loss, *gradients])
            states += after
        row = tf.stack(self._update(mean(results), packed.numbers[index], before.is_wanted))
        is_applied = before.is_wanted & tf.reduce_all(tf.math.is_finite(row))
        pairs = zip(states, before.states, strict=True)
        return row, LoopState(is_applied, [tf.where(is_applied, new, old) for new, old in pairs])

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take one step per batch, in one call.

        After the first non-finite loss or gradient, weights, optimizer and states do not change.

        Returns:
            The results of the steps taken, and of the one that failed.
        """
        numbers = self.optimizer_numbers(first_step, learning_rates)
        results, (states,) = self._multi_step.take([batches], first_step, numbers, [self.carried])
        self.set_states_after(results, first_step, states)
        return results

    def set_states_after(
        self, results: Sequence[BatchResult], first_step: int, states: list[Tensor]
    ) -> None:
        """Set the states after the last applied step of a call."""
        self.carried = states
        taken = sum(all(map(math.isfinite, result)) for result in results)
        self.newest_step = first_step - 1 + taken

    def evaluate(
        self,
        windows: Windows,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> float | None:
        """Evaluate held-out text with the weights of `model_tensors`, without affecting training.

        Windows are inputs, targets and weights, each of shape (R, T); weight 0 marks padding.

        Returns:
            The mean loss, nats per character, or None if `should_stop` was true before a window.
        """
        return _mean_loss(windows, self._score, should_stop)

    def _score(self, window: Window, states: list[list[Tensor]]) -> tuple[float, list[Any]]:
        """Score the streams of a window in as many shards as a batch has, each in a thread."""
        streams = len(window[0])
        rows = np.array_split(np.arange(streams), min(self._path.shards, streams))
        states = states or [self._zero_states(len(part)) for part in rows]

        def score(part: npt.NDArray[np.intp], before: list[Tensor]) -> tuple[float, list[Tensor]]:
            arrays = (tf.constant(array[part]) for array in window)
            loss, after = self._window_loss(*arrays, before)
            return float(loss), list(after)

        losses, after = zip(*self._threads.map(score, rows, states), strict=True)
        return sum(losses), list(after)

    def _loss_of_window(
        self, inputs: Tensor, targets: Tensor, weights: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the sum of the losses of a window, and the states after it."""
        losses, after = character_losses(
            self._network.forward, self._scored_parameters(), inputs, targets, states
        )
        return tf.reduce_sum(losses * tf.transpose(weights)), after

    def _zero_states(self, streams: int) -> list[Tensor]:
        count, size = self._state_shape
        return [tf.zeros((streams, size))] * count

    def evaluate_dynamically(
        self,
        windows: Windows,
        learning_rate: float,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> float | None:
        """Evaluate as `evaluate` does, with a copy of the weights that learns from each window.

        All streams update the same weights, so there should be few. The learning rate is the length
        of a step for a gradient of average size.
        """
        learn = tf.function(
            learning_step_of(
                self._network.forward,
                self._scored_parameters(),
                self._optimizer.mean_squares,
                learning_rate,
            ),
            jit_compile=self._path.has_compiled_step,
            autograph=False,
        )

        def score(window: Window, states: list[Tensor]) -> tuple[float, list[Tensor]]:
            states = states or self._zero_states(len(window[0]))
            loss, after = learn(*map(tf.constant, window), states)
            return float(loss), after

        return _mean_loss(windows, score, should_stop)

    def _scored_parameters(self) -> list[Tensor]:
        averages = self._optimizer.averages
        return list(self._parameters.values()) if averages is None else averages

    def model_tensors(self) -> dict[str, Float32]:
        """Return copies of the weights by name, as in a model file: averages, if configured."""
        values = [np.array(variable.numpy()) for variable in self._scored_parameters()]
        return dict(zip(self._parameters, values, strict=True))

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return copies of the tensors that a resume needs besides `model_tensors`.

        These are the optimizer's moments, the states as (B, H), and, if the model's weights are
        averages, the trained weights.
        """
        variables = {name: np.array(each.numpy()) for name, each in self._resumed().items()}
        return variables | self.states()

    def states(self) -> dict[str, Float32]:
        """Return copies of the carried states, each (B, H)."""
        count = self._state_shape[0]
        return {
            f"state.{index}": np.concatenate([part.numpy() for part in self.carried[index::count]])
            for index in range(count)
        }

    def _resumed(self) -> dict[str, Tensor]:
        moments = {f"optimizer.{name}": each for name, each in self._optimizer.variables.items()}
        if self._optimizer.averages is None:
            return moments
        return moments | {f"trained.{name}": each for name, each in self._parameters.items()}

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """Restore the `model_tensors` and `training_tensors` of a checkpoint.

        Raises:
            RunError: If a tensor is missing or of another shape.
        """
        scored = dict(zip(self._parameters, self._scored_parameters(), strict=True))
        variables = scored | self._resumed()
        shape = (self._batch_size, self._state_shape[1])
        states = {f"state.{index}": shape for index in range(self._state_shape[0])}
        given = dict(weights) | dict(training)
        expected = {name: tuple(each.shape) for name, each in variables.items()} | states
        for name, needed in expected.items():
            received = getattr(given.get(name), "shape", None)
            if received != needed:
                raise RunError(
                    f"The checkpoint's tensor {name!r} does not fit this run: expected shape "
                    f"{needed}, received {received}."
                )
        for name, variable in variables.items():
            variable.assign(given[name])
        self.carried = [
            tf.constant(given[name][rows], tf.float32) for rows in self._shards for name in states
        ]
        self.newest_step = 0

    def reset(self) -> None:
        """Go back to the state before the first step."""
        fresh = Engine(*self._shape)
        self.restore(fresh.model_tensors(), fresh.training_tensors())


def _mean_loss(windows: Windows, score: Score, should_stop: Callable[[], bool]) -> float | None:
    """Return the mean loss over windows in order, or None if `should_stop` was true before one."""
    total, characters = 0.0, 0.0
    states: list[Any] = []
    for window in windows:
        if should_stop():
            return None
        loss, states = score(window, states)
        total += loss
        characters += float(window[2].sum(dtype=np.float64))
    return total / characters


def build_network(
    model: ModelConfig, vocabulary_size: int, path: ComputePath, end: int | None = None
) -> HandwrittenNetwork | LibraryNetwork:
    """Build the network of a compute path, which does not contain weights.

    States are reset before the character of index `end`, if given.

    Raises:
        ValueError: If `end` is given for library layers, which cannot reset states in a window.
    """
    if end is not None and path.layers != "handwritten":
        raise ValueError(f"only handwritten layers have records. Received: {path.layers}")
    is_narrow = path.precision == "bfloat16"
    if path.layers != "handwritten":
        dtype = tf.bfloat16 if is_narrow else tf.float32
        is_cudnn = path.layers == "cudnn"
        layers = cudnn_layers(model) if is_cudnn else keras_layers(model, dtype)
        return LibraryNetwork(model, vocabulary_size, layers, dtype)
    arithmetic = Arithmetic(
        is_narrow,
        is_fused=path.is_compiled and not path.has_compiled_step,
        is_stacked=path.is_gpu,
    )
    return HandwrittenNetwork(model, vocabulary_size, arithmetic, end)
