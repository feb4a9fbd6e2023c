"""The TensorFlow objects of a training: weights, optimizer, carried states.

The training loop (`loop.py`) uses only NumPy arrays and Python numbers.

Notation: T sequence length, B streams, H hidden size, V vocabulary size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.model.shapes import STATES_PER_LAYER
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine.evaluation import DynamicEvaluation, Scorer
from tui_charrnn.training.engine.gradients import GradientComputer, Optimizer
from tui_charrnn.training.engine.library_network import LibraryNetwork, cudnn_layers, keras_layers
from tui_charrnn.training.engine.multi_step import DeviceStep, MultiStep
from tui_charrnn.training.engine.network import HandwrittenNetwork, initial_tensors
from tui_charrnn.training.engine.noise import NoiseSource, draw_on_device, draw_on_host
from tui_charrnn.training.engine.paths import ComputePath, use_device
from tui_charrnn.training.engine.recurrence import Arithmetic, Tensor
from tui_charrnn.training.loop import Batch, BatchResult, Windows

_PLAIN = ComputePath()


@dataclass(frozen=True, slots=True)
class ReplicaSlot:
    """The device and position of an engine among others that train the same weights."""

    device: str | None = None
    """TensorFlow's name of the device; None for the default."""

    first_shard: int = 0
    """Number of the batch's shards before its own, as dropout masks differ by shard."""


class PartialGradients(NamedTuple):
    """Losses, gradients and states of one engine's rows in a step."""

    losses: Sequence[Tensor]
    """Per shard, scalars."""

    gradients: Sequence[Sequence[Tensor]]
    """Per shard, one per parameter."""

    states: list[list[Tensor]]
    """Per shard, after the window."""


_ALONE: Final = ReplicaSlot()


class Engine:
    """One model in training.

    A batch is split into shards of neighboring streams, each computed in a thread. Their gradients
    are added in a fixed order, so the result does not depend on thread timing. The vocabulary has V
    characters; the batch size B may be smaller than configured.
    """

    def __init__(
        self,
        model: ModelConfig,
        training: TrainingConfig,
        vocabulary_size: int,
        batch_size: int,
        path: ComputePath = _PLAIN,
        slot: ReplicaSlot = _ALONE,
    ) -> None:
        self._shape = (model, training, vocabulary_size, batch_size, path)
        self._path = path
        self._batch_size = batch_size
        self._state_shape = (model.layer_count * STATES_PER_LAYER[model.cell], model.hidden_size)
        self._network = build_network(model, vocabulary_size, path, training.end_index)
        values = initial_tensors(model, vocabulary_size, training.rng_seed)
        self._parameters = {name: tf.Variable(value) for name, value in values.items()}
        self._optimizer = Optimizer(training, self._parameters)
        self._shards = np.array_split(np.arange(batch_size), path.shards)
        self._threads = ThreadPoolExecutor(
            path.shards, initializer=use_device, initargs=(slot.device,)
        )
        count, size = self._state_shape
        self._states = [[tf.zeros((len(rows), size))] * count for rows in self._shards]
        options = {"jit_compile": path.has_compiled_step, "autograph": False}
        self._gradients = GradientComputer(
            self._network.forward,
            list(self._parameters.values()),
            training,
            NoiseSource(
                model, training, draw_on_device if path.is_gpu else draw_on_host, slot.first_shard
            ),
            self._threads,
            **options,
        )
        self._update = tf.function(
            self._optimizer.take_step, jit_compile=path.has_compiled_update, autograph=False
        )
        self.steps_per_call = path.steps_per_call
        self.device_step: Final = DeviceStep(
            self._gradients,
            self._update,
            (batch_size, training.sequence_length),
            self._state_shape,
        )
        """One step of a multi-step call, for a path of one shard."""
        self._multi_step = MultiStep([self.device_step])
        self.newest_step = 0
        """The last step taken since a restore; 0 before the first."""
        self._scorer = Scorer(
            self._network.forward,
            self._scored_parameters(),
            self._state_shape,
            self._threads,
            path.shards,
            **options,
        )

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one optimizer step on a window that continues the previous one.

        Steps count from 1; the dropout masks are a function of the step. If the loss or the
        gradient is not finite, weights, optimizer and states do not change.
        """
        if self.steps_per_call > 1:  # one graph serves any number of steps
            return self.train_batches([batch], step, [learning_rate])[0]
        numbers = self._optimizer.numbers(step, learning_rate)
        return self.apply(self.compute(batch, step), numbers, step)

    def compute(self, batch: Batch, step: int) -> PartialGradients:
        """Return the gradients of a window that continues the previous one; changes nothing."""
        results = self._gradients.compute(batch, self._shards, self._states, step)
        losses, gradients, states = zip(*results, strict=True)
        return PartialGradients(losses, gradients, [list(shard) for shard in states])

    def optimizer_numbers(self, step: int, learning_rate: float) -> npt.NDArray[np.float32]:
        """Return the optimizer numbers of a step for `apply`, shape (3,)."""
        return self._optimizer.numbers(step, learning_rate)

    def apply(
        self, partial: PartialGradients, numbers: npt.NDArray[np.float32], step: int
    ) -> BatchResult:
        """Apply the gradients of all rows, unless they or the loss are not finite.

        `partial` has the states of this engine's own rows; `numbers` is from `optimizer_numbers`.
        """
        loss, norm = self._update(partial.losses, partial.gradients, tf.constant(numbers))
        result = BatchResult(float(loss), float(norm))
        if all(map(math.isfinite, result)):
            self._states, self.newest_step = partial.states, step
        return result

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take one step per batch in one call, on a path of one shard.

        After the first non-finite loss or gradient, weights, optimizer and states do not change.

        Returns:
            The results of the steps taken, and of the one that failed.
        """
        rates = enumerate(learning_rates, start=first_step)
        numbers = np.stack([self._optimizer.numbers(step, rate) for step, rate in rates])
        results, (states,) = self._multi_step.take([batches], first_step, numbers, [self.carried])
        self.set_states_after(results, first_step, states)
        return results

    @property
    def carried(self) -> list[Tensor]:
        """The carried states on a path of one shard, each (B, H)."""
        (states,) = self._states
        return states

    def set_states_after(
        self, results: Sequence[BatchResult], first_step: int, states: list[Tensor]
    ) -> None:
        """Set the states, each (B, H), after the last applied step of a call."""
        self._states = [states]
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
        return self._scorer.score(windows, should_stop)

    def evaluate_dynamically(
        self,
        windows: Windows,
        learning_rate: float,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> float | None:
        """Evaluate as `evaluate` does, with weights that learn while reading the text.

        All streams update the same weights, so there should be few. The learning rate is that of
        `DynamicEvaluation`.
        """
        evaluation = DynamicEvaluation(
            self._network.forward,
            self._scored_parameters(),
            self._optimizer.mean_squares,
            learning_rate,
            self._path.has_compiled_step,
        )
        return evaluation.evaluate(windows, self._state_shape, should_stop)

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
        return {
            f"state.{index}": np.concatenate([shard[index].numpy() for shard in self._states])
            for index in range(self._state_shape[0])
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
        self._states = [
            [tf.constant(given[name][rows], tf.float32) for name in states] for rows in self._shards
        ]
        self.newest_step = 0

    def reset(self) -> None:
        """Go back to the state before the first step."""
        fresh = Engine(*self._shape)
        self.restore(fresh.model_tensors(), fresh.training_tensors())


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
