"""One model that is trained on several devices, each with its own streams of a batch.

Every device holds all weights and all of the optimizer, computes the gradient of its own rows, and
takes the step that the mean of all gradients asks for: clipped after it is taken, so it is the step
of one device with the whole batch, to rounding. States stay where their rows are.

Notation: B streams, N replicas, H hidden size.
"""

import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import RunError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.engine import Engine, PartialGradients, ReplicaSlot
from tui_charrnn.training.joint_engine import JointEngine
from tui_charrnn.training.loop import Batch, BatchResult
from tui_charrnn.training.paths import ComputePath
from tui_charrnn.training.placement import refuse_uneven
from tui_charrnn.training.recurrence import Tensor
from tui_charrnn.training.replicas import Replicas


class ReplicatedEngine(JointEngine):
    """This process's part of a model that N replicas train.

    Args:
        model: Shape of the network.
        training: Optimizer, clipping, dropout, RNG seed.
        vocabulary_size: V.
        batch_size: B, of all replicas together.
        path: How each replica computes; `shards` are the parts that it cuts its own rows into.
        replicas: Which devices.

    Raises:
        ConfigError: If the streams cannot be divided evenly.
    """

    def __init__(
        self,
        model: ModelConfig,
        training: TrainingConfig,
        vocabulary_size: int,
        batch_size: int,
        path: ComputePath,
        replicas: Replicas,
    ) -> None:
        refuse_uneven(batch_size, replicas.count)
        self._replicas = replicas
        self._batch_size = batch_size
        self._rows = batch_size // replicas.count
        self._shape = (model, training, vocabulary_size, batch_size)
        self._opinions: Sequence[float] = ()
        self._parts = []
        for place, device in enumerate(replicas.devices):
            first_shard = (replicas.first + place) * path.shards
            slot = ReplicaSlot(device, first_shard)
            with tf.device(device):
                part = Engine(model, training, vocabulary_size, self._rows, path, slot)
            self._parts.append(part)
        self._threads = ThreadPoolExecutor(len(self._parts))
        super().__init__(self._parts[0])

    @property
    def opinions(self) -> Sequence[float]:
        """The mean over all replicas of the numbers that went with the last step."""
        return self._opinions

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one step together with all other replicas."""
        return self.train_with((), batch, step, learning_rate)

    def train_with(
        self, opinions: Sequence[float], batch: Batch, step: int, learning_rate: float
    ) -> BatchResult:
        """As `train_batch`, and send some numbers along, as many from every process."""
        rate, engines = learning_rate, self._parts
        sent = tf.constant(opinions or (0.0,), tf.float32)  # none empty: it is packed

        def compute(place: int) -> PartialGradients:
            rows = self._rows_of(place)
            own = Batch(batch.inputs[rows], batch.targets[rows], batch.carried[rows])
            with tf.device(self._replicas.devices[place]):
                return engines[place].compute(own, step)

        def apply(place: int) -> BatchResult:
            _, loss, *gradients = means[place]
            mean = PartialGradients([loss], [gradients], partial[place].states)
            with tf.device(self._replicas.devices[place]):
                return engines[place].apply(mean, engines[0].optimizer_numbers(step, rate), step)

        partial = list(self._threads.map(compute, range(len(engines))))
        means = self._replicas.mean([[sent, *_add_shards(each)] for each in partial])
        self._opinions = [float(each) for each in means[0][0]]
        first, *_ = self._threads.map(apply, range(len(engines)))
        return first

    def ask(self, opinions: Sequence[float]) -> list[float]:
        """The mean over all replicas of some numbers; all processes must ask."""
        values = [[tf.constant(opinions, tf.float32)]] * len(self._parts)
        return [float(each) for each in self._replicas.mean(values)[0][0]]

    def is_alike(self) -> bool:
        """Whether all replicas hold the weights of this process to the bit; all must ask.

        They do as long as they compute alike. Processors of different kinds may round differently.
        """
        sums = [_checksum(part.model_tensors()) for part in self._parts]
        means = self._replicas.mean([[tf.constant([each])] for each in sums])
        return [float(mean[0][0]) for mean in means] == sums

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """As `Engine.training_tensors`, with the states of all replicas; all processes must ask."""
        return self.first.training_tensors() | self.states()

    def states(self) -> dict[str, Float32]:
        """The states of all B streams, in their order; all processes must ask."""
        own = [part.states() for part in self._parts]
        gathered = self._replicas.gather([list(map(tf.constant, each.values())) for each in own])
        return {name: state.numpy() for name, state in zip(own[0], gathered, strict=True)}

    def restore(
        self, weights: Mapping[str, Float32], training: Mapping[str, npt.NDArray[np.generic]]
    ) -> None:
        """As `Engine.restore`: every replica takes its own rows of the states of B streams.

        Raises:
            RunError: If the checkpoint holds other tensors than this engine needs.
        """
        states = {name: each for name, each in training.items() if name.startswith("state.")}
        for name, state in states.items():
            if len(state) != self._batch_size:
                raise RunError(
                    f"The checkpoint's tensor {name!r} does not fit this run: expected "
                    f"{self._batch_size} streams, received {len(state)}."
                )
        for place, part in enumerate(self._parts):
            own = {name: state[self._rows_of(place)] for name, state in states.items()}
            with tf.device(self._replicas.devices[place]):
                part.restore(weights, {**training, **own})

    def reset(self) -> None:
        """Go back to the state before the first step."""
        self.restore(*self.fresh_tensors())

    def fresh_tensors(self) -> tuple[dict[str, Float32], dict[str, npt.NDArray[np.generic]]]:
        """What `model_tensors` and `training_tensors` are before the first step."""
        fresh = Engine(*self._shape)
        return fresh.model_tensors(), fresh.training_tensors()

    def _rows_of(self, place: int) -> slice:
        """The rows of a batch that a replica of this process reads."""
        first = (self._replicas.first + place) * self._rows
        return slice(first, first + self._rows)


def _add_shards(partial: PartialGradients) -> list[Tensor]:
    """The loss and the gradients of an engine's rows."""
    gradients = [tf.add_n(list(parts)) for parts in zip(*partial.gradients, strict=True)]
    return [tf.add_n(list(partial.losses)), *gradients]


def _checksum(tensors: Mapping[str, Float32]) -> float:
    """A number that float32 holds exactly, and the sum of some hundred such too."""
    total = 0
    for tensor in tensors.values():
        total = zlib.crc32(tensor.tobytes(), total)
    return float(total & 0xFFFF)
