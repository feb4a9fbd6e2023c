"""One model that is trained on several devices, each with its own streams of a batch.

Every device holds all weights and all of the optimizer, computes the gradient of its own rows, and
takes the step that the mean of all gradients asks for: clipped after it is taken, so it is the step
of one device with the whole batch, to rounding. States stay where their rows are.

All processes run the same steps, as batches, masks and cold starts are functions of the step. What
rank 0 alone decides (requests, checkpoints, rollbacks, the end) rides along: a few numbers are
added up in one message with the gradients. Rank 0 says there whether the step is taken, and with
which numbers of the optimizer; the others say whether they have a reason to leave. Where something
else comes first, all leave their gradients aside and exchange only these numbers until rank 0 goes
on. On GPUs several steps go in one call: rank 0 says which, and then the means of all of them are
taken without any host.

Notation: B streams, N replicas, H hidden size, K steps of a call.
"""

import math
import signal
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import BrokenClusterError, ExitCode, RunError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.calls import BatchesAhead
from tui_charrnn.training.distributed.placement import refuse_uneven
from tui_charrnn.training.distributed.replicas import Replicas
from tui_charrnn.training.engine.engine import Engine, PartialGradients, ReplicaSlot
from tui_charrnn.training.engine.paths import ComputePath
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.engine.stride import (
    Packed,
    Standing,
    Stride,
    count_from,
    loop_over_steps,
    pack,
    read_results,
)
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Batch, BatchResult, Windows


class ReplicatedStride:
    """Takes K steps in one call, in all processes at the same time.

    From the first step on whose loss or gradient is not finite, no replica changes anything. As all
    have the same mean to the bit, all see the same step fail.

    Args:
        replicas: Which devices.
        strides: Of the engine of each replica here.
    """

    def __init__(self, replicas: Replicas, strides: Sequence[Stride]) -> None:
        self._replicas = replicas
        self._strides = strides
        signatures = [list(each) for each in zip(*(own.signature for own in strides), strict=True)]
        self._run = tf.function(
            self._take_steps,
            input_signature=[*signatures, tf.TensorSpec((), tf.int64)],
            autograph=False,
        )

    def take(
        self,
        batches: Sequence[Sequence[Batch]],
        first_step: int,
        numbers: np.ndarray,
        states: Sequence[list[Tensor]],
    ) -> tuple[list[BatchResult], list[list[Tensor]]]:
        """Take one step on each batch.

        Args:
            batches: Of each replica here, one after the other: its own rows.
            first_step: Number of the first step.
            numbers: Of `Optimizer.numbers`, for each step, (K, 3).
            states: Of each replica here, before the first batch.

        Returns:
            The results up to the first that is not finite, which is the last of them and was not
            applied; and the states of each replica after the last step that was.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        packed = []
        for device, own in zip(self._replicas.devices, batches, strict=True):
            with tf.device(device):
                packed.append(pack(own, numbers))
        with self._replicas.in_contact():
            told, after = self._run(packed, list(states), count_from(first_step))
            results = read_results(told)  # a GPU's failure is seen here
        return results, [list(each) for each in after]

    def _take_steps(
        self, packed: list[Packed], states: list[list[Tensor]], first_step: Tensor
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """Losses and norms, (K, 2), and the states of each replica after the last applied step."""

        def take(at: Tensor, before: list[Standing]) -> tuple[Tensor, list[Standing]]:
            def take_own(place: int) -> list[Tensor]:
                row, (is_wanted, after) = self._strides[place].take_one(
                    packed[place], at, first_step, before[place], self._replicas.mean
                )
                return [row, is_wanted, *after]

            taken: list[Any] = self._replicas.compute_on_each(take_own)
            (row, *_), *_ = taken
            return row, [Standing(is_wanted, list(after)) for _, is_wanted, *after in taken]

        begin = [Standing(tf.constant(True), list(each)) for each in states]
        told, after = loop_over_steps(take, tf.shape(packed[0].numbers)[0], begin)
        return told, [each.states for each in after]


LISTENING_INTERVAL: Final = 0.2
"""Seconds after which the others are asked for reasons to leave if no step has asked them."""
_STEP_DIGITS: Final = 1 << 20
"""A step travels as two numbers, as float32 holds whole ones up to 2^24 only."""
_REASONS: Final = {
    signal.SIGTERM.name: Reason.PREEMPTED,
    signal.SIGUSR1.name: Reason.PREEMPTED,
    signal.SIGUSR2.name: Reason.PREEMPTED,
    signal.SIGINT.name: Reason.INTERRUPTED,
    Reason.TIME_LIMIT.value: Reason.TIME_LIMIT,
}
"""Reasons to leave by their cause, in the order in which they travel."""
Tensors = Mapping[str, npt.NDArray[np.generic]]


class Action(IntEnum):
    """What all do next, as rank 0 says."""

    TAKE_STEP = 1
    """Apply the gradients that came along."""
    ASIDE = 2
    """Leave these gradients aside: something else comes first."""
    COMPUTE = 3
    """Compute the gradients of a step."""
    RESTORE = 4
    """Take up weights, optimizer and states that rank 0 has."""
    GATHER = 5
    """Let rank 0 have the states."""
    LISTEN = 6
    """Only say whether there is a reason to leave."""
    END = 7
    """Leave, with an exit code."""
    TAKE_SEVERAL = 8
    """Take a number of steps in one call, after their numbers of the optimizer are shared."""


class ReplicatedEngine:
    """This process's part of a model that N replicas train; as `Engine` for whoever uses it.

    Args:
        model: Shape of the network.
        training: Optimizer, clipping, dropout, RNG seed.
        vocabulary_size: V.
        batch_size: B, of all replicas together.
        path: How each replica computes; `shards` are the parts that it cuts its own rows into. With
            more than one step a call, all of them are taken on the devices.
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
        self.steps_per_call = path.steps_per_call
        self._replicas = replicas
        self._interruption = Interruption()
        self._batch_size = batch_size
        self._rows = batch_size // replicas.count
        self._shape = (model, training, vocabulary_size, batch_size)
        self._engines: list[Engine] = []
        for place, device in enumerate(replicas.devices):
            slot = ReplicaSlot(device, (replicas.first + place) * path.shards)
            with tf.device(device):
                self._engines.append(
                    Engine(model, training, vocabulary_size, self._rows, path, slot)
                )
        self._stride = ReplicatedStride(replicas, [engine.stride for engine in self._engines])
        self._threads = ThreadPoolExecutor(len(self._engines))
        self._computing: int | None = None
        """The step whose gradients the other processes have or compute, as rank 0 knows."""
        self._heard_at = time.monotonic()

    @property
    def newest_step(self) -> int:
        """The last that was taken since a checkpoint was taken up; 0 before the first."""
        return self._engines[0].newest_step

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """Take one step together with all other replicas; as `Engine.train_batch`.

        Args:
            batch: All B streams, of which each replica reads its own.
            step: Number of the step.
            learning_rate: Of this step.
        """
        if self.steps_per_call > 1:  # one graph serves any number of steps
            return self.train_batches([batch], step, [learning_rate])[0]
        if self._replicas.has_peers and self._computing != step:
            self._say(Action.COMPUTE, *divmod(step, _STEP_DIGITS))
        numbers = self._engines[0].optimizer_numbers(step, learning_rate)
        partial = self._compute(batch, step)
        told, means = self._exchange([Action.TAKE_STEP, *numbers], partial)
        self._computing = step + 1
        return self._apply(partial, means, told, step)

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take several steps in one call, all together; as `Engine.train_batches`.

        Args:
            batches: `steps_per_call` of them at most; as for `train_batch`.
            first_step: Number of the first step.
            learning_rates: Of each step.
        """
        count, own = len(batches), self._engines[0].optimizer_numbers
        self._say(Action.TAKE_SEVERAL, *divmod(first_step, _STEP_DIGITS), count)
        rates = enumerate(learning_rates, start=first_step)
        numbers = self._share_numbers(np.stack([own(step, rate) for step, rate in rates]))
        return self._take_several(batches, first_step, numbers)

    def evaluate(self, windows: Windows, should_stop: Callable[[], bool]) -> float | None:
        """As `Engine.evaluate`, on one device; the others wait."""
        return self._engines[0].evaluate(windows, should_stop)

    def evaluate_dynamically(
        self, windows: Windows, learning_rate: float, should_stop: Callable[[], bool]
    ) -> float | None:
        """As `Engine.evaluate_dynamically`, on one device; the others wait."""
        return self._engines[0].evaluate_dynamically(windows, learning_rate, should_stop)

    def model_tensors(self) -> dict[str, Float32]:
        """As `Engine.model_tensors`: all hold the same."""
        return self._engines[0].model_tensors()

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """As `Engine.training_tensors`, with the states of all replicas.

        Raises:
            BrokenClusterError: If a process is lost, or there is no memory for it here.
        """
        self._say(Action.GATHER)
        try:
            tensors = self._engines[0].training_tensors() | self.states()
            is_alike = self.is_alike()
        except MemoryError as error:  # no reason to train on unsaved: the others still gather
            raise BrokenClusterError(
                "There was not enough memory for a copy of the weights and of all states. What was "
                "saved is kept; the same command on all of them goes on from there."
            ) from error
        if not is_alike:  # what is saved is what all go on with
            self.restore(self.model_tensors(), tensors)
        return tensors

    def states(self) -> dict[str, Float32]:
        """The states of all B streams, in their order; all processes must ask."""
        own = [engine.states() for engine in self._engines]
        gathered = self._replicas.gather([list(map(tf.constant, each.values())) for each in own])
        return dict(zip(own[0], gathered, strict=True))

    def is_alike(self) -> bool:
        """Whether all replicas hold the same weights to the bit; all processes must ask.

        They do as long as they compute alike. Processors of different kinds may round differently.
        """
        sums = [_checksum(engine.model_tensors()) for engine in self._engines]
        total, _ = self._replicas.sum([tf.constant([each]) for each in sums])
        return float(total[0]) == self._replicas.count * sums[0]

    def restore(self, weights: Mapping[str, Float32], training: Tensors) -> None:
        """Take up what a checkpoint left, in all processes; only rank 0 needs the file.

        Raises:
            RunError: If the checkpoint holds other tensors than this engine needs.
        """
        self._adopt(weights, training)  # first: what does not fit is not sent
        if self._replicas.has_peers:
            self._say(Action.RESTORE)
            self._share(weights, training)

    def reset(self) -> None:
        """Go back to the state before the first step, in all processes."""
        fresh = Engine(*self._shape)
        self.restore(fresh.model_tensors(), fresh.training_tensors())

    def share_reasons(self, interruption: Interruption) -> None:
        """Let the others know of this process's reason to leave, and take up theirs."""
        self._interruption = interruption
        interruption.ask_others = self._listen

    def _listen(self) -> None:
        """Ask for reasons to leave, unless a step has asked a moment ago."""
        if time.monotonic() - self._heard_at >= LISTENING_INTERVAL:
            self._say(Action.LISTEN)

    def end(self, code: ExitCode) -> None:
        """Have all processes leave."""
        self._say(Action.END, int(code))

    def follow(
        self,
        batch_of: Callable[[int], Batch],
        interruption: Interruption,
        deadline: float | None,
    ) -> ExitCode:
        """Train as rank 0 does, in any other process.

        Args:
            batch_of: The batch of a step.
            interruption: This process's reasons to leave.
            deadline: When to leave, on the clock `time.monotonic`.

        Returns:
            The exit code of all.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        self._interruption = interruption
        batches = BatchesAhead(batch_of)
        step, kept = 0, None
        while True:
            self._interruption.check(deadline)
            told, _ = self._exchange([])
            action, first, second, _ = told
            if action == Action.END:
                return ExitCode(int(first))
            kept = None if action == Action.RESTORE else kept
            self._do_as_told(told, batches)
            if action == Action.COMPUTE:
                wanted = _joined(first, second)
                step, kept = wanted, kept if step == wanted else None
            while action in {Action.COMPUTE, Action.TAKE_STEP}:
                kept = kept or self._compute(batch_of(step), step)
                self._interruption.check(deadline)
                told, means = self._exchange([], kept)
                action = told[0]
                if action == Action.TAKE_STEP:
                    self._apply(kept, means, told, step)
                    step, kept = step + 1, None

    def _do_as_told(self, told: Sequence[float], batches: BatchesAhead[Batch]) -> None:
        """Do this process's part of what needs no gradients in the messages."""
        action, first, second, third = told
        if action == Action.RESTORE:
            self._share(self.model_tensors(), self._engines[0].training_tensors())
        elif action == Action.GATHER:
            self.states()
            self.is_alike()
        elif action == Action.TAKE_SEVERAL:
            step, count = _joined(first, second), int(third)
            numbers = self._share_numbers(np.zeros((count, 3), np.float32))
            self._take_several(batches.take(step, count), step, numbers)

    def _compute(self, batch: Batch, step: int) -> list[PartialGradients]:
        """The gradients of the rows of each replica here."""

        def compute(place: int) -> PartialGradients:
            own = self._own_part(batch, place)
            with tf.device(self._replicas.devices[place]):
                return self._engines[place].compute(own, step)

        return list(self._threads.map(compute, range(len(self._engines))))

    def _apply(
        self,
        partial: Sequence[PartialGradients],
        means: Sequence[Sequence[Tensor]],
        told: Sequence[float],
        step: int,
    ) -> BatchResult:
        """Take the same step everywhere here."""
        numbers = np.array(told[1:4], np.float32)

        def apply(place: int) -> BatchResult:
            loss, *gradients = means[place]
            mean = PartialGradients([loss], [gradients], partial[place].states)
            with tf.device(self._replicas.devices[place]):
                return self._engines[place].apply(mean, numbers, step)

        first, *_ = self._threads.map(apply, range(len(self._engines)))
        return first

    def _share_numbers(self, numbers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The optimizer's numbers of a call's steps, (K, 3), as rank 0 has them."""
        if not self._replicas.has_peers:
            return numbers
        message = np.zeros((self.steps_per_call, 3), np.float32)  # one size: it is traced once
        if self._replicas.first == 0:
            message[: len(numbers)] = numbers
        others = [tf.zeros(message.shape)] * (len(self._engines) - 1)
        total, _ = self._replicas.sum([tf.constant(message), *others])
        return total[: len(numbers)]

    def _take_several(
        self, batches: Sequence[Batch], first_step: int, numbers: npt.NDArray[np.float32]
    ) -> list[BatchResult]:
        """This process's part of a call of several steps."""
        own = [
            [self._own_part(batch, place) for batch in batches]
            for place in range(len(self._engines))
        ]
        before = [engine.carried for engine in self._engines]
        results, after = self._stride.take(own, first_step, numbers, before)
        for engine, states in zip(self._engines, after, strict=True):
            engine.go_on_after(results, first_step, states)
        return results

    def _say(self, action: Action, *arguments: float) -> None:
        """Tell the other processes what comes next."""
        if not self._replicas.has_peers:
            return
        if self._computing is not None:  # they wait with gradients
            self._computing = None
            self._exchange([Action.ASIDE], [])
        self._exchange([action, *arguments])

    def _exchange(
        self, said: Sequence[float], partial: Sequence[PartialGradients] | None = None
    ) -> tuple[list[float], list[list[Tensor]]]:
        """What rank 0 says, and the mean of all gradients.

        Args:
            said: By rank 0: an action and three numbers at most.
            partial: The gradients of each replica here; none of them counts for nothing, and None
                exchanges no gradients.
        """
        ours = [float(cause == self._interruption.cause) for cause in _REASONS]
        header = np.zeros(4 + len(ours), np.float32)
        header[: len(said)] = said
        header[4:] = ours
        vectors = [tf.constant(header)] + [tf.zeros_like(header)] * (len(self._engines) - 1)
        values: Sequence[Sequence[Tensor]] = ()
        if partial is not None:
            values = [_add_shards(each) for each in partial] or [
                [tf.zeros(()), *map(tf.zeros_like, self.model_tensors().values())]
            ] * len(self._engines)
        total, means = self._replicas.sum(vectors, values)
        told = total.tolist()
        self._heard_at = time.monotonic()
        for (cause, reason), count in zip(_REASONS.items(), told[4:], strict=True):
            if count > 0:
                self._interruption.request(reason, cause)
        return told[:4], means

    def _adopt(self, weights: Mapping[str, Float32], training: Tensors) -> None:
        """Every replica here takes its own rows of the states of B streams."""
        states = {name: each for name, each in training.items() if name.startswith("state.")}
        for name, state in states.items():
            if len(state) != self._batch_size:
                raise RunError(
                    f"The checkpoint's tensor {name!r} does not fit this run: expected "
                    f"{self._batch_size} streams, received {len(state)}."
                )
        for place, engine in enumerate(self._engines):
            own = {name: state[self._rows_of(place)] for name, state in states.items()}
            with tf.device(self._replicas.devices[place]):
                engine.restore(weights, {**training, **own})

    def _share(self, weights: Mapping[str, Float32], training: Tensors) -> None:
        """Take up what rank 0 has; of the others only names and shapes are looked at."""
        given = {**weights, **training}
        own = self._engines[0].training_tensors().keys() | weights.keys()
        shapes = {
            name: (self._batch_size, *given[name].shape[1:])
            if name.startswith("state.")
            else given[name].shape
            for name in sorted(own)  # a file has them in another order
        }
        sizes = [math.prod(shape) for shape in shapes.values()]
        if self._replicas.first == 0:
            flat = np.concatenate([given[name].ravel() for name in shapes], dtype=np.float32)
        else:
            flat = np.zeros(sum(sizes), np.float32)
        others = [tf.zeros(flat.shape)] * (len(self._engines) - 1)
        total, _ = self._replicas.sum([tf.constant(flat), *others])
        parts = np.split(total, np.cumsum(sizes)[:-1])
        shared = {
            name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)
        }
        model = {name: shared.pop(name) for name in weights}
        self._adopt(model, shared)

    def _own_part(self, batch: Batch, place: int) -> Batch:
        """What a replica of this process reads of a batch."""
        rows = self._rows_of(place)
        return Batch(batch.inputs[rows], batch.targets[rows], batch.carried[rows])

    def _rows_of(self, place: int) -> slice:
        """The rows of a batch that a replica of this process reads."""
        first = (self._replicas.first + place) * self._rows
        return slice(first, first + self._rows)


def _joined(high: float, low: float) -> int:
    """A step that travelled as two numbers."""
    return int(high) * _STEP_DIGITS + int(low)


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
