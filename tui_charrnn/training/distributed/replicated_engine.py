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

import signal
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import BrokenClusterError, ExitCode, RunError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.distributed.placement import refuse_uneven
from tui_charrnn.training.distributed.replicas import Replicas
from tui_charrnn.training.engine.engine import Engine, PartialGradients, ReplicaSlot
from tui_charrnn.training.engine.multi_step import MultiStep
from tui_charrnn.training.engine.paths import ComputePath
from tui_charrnn.training.engine.recurrence import Tensor
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Batch, BatchesAhead, BatchResult, Windows

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
_NO_NUMBERS: Final = np.zeros((0, 3), np.float32)


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
    """Take a number of steps in one call."""


class _Message(NamedTuple):
    """What rank 0 says."""

    action: Action
    step: int = 0
    number: int = 0
    """How many steps a call takes, or the exit code of all."""
    numbers: npt.NDArray[np.float32] = _NO_NUMBERS
    """Of the optimizer for the steps that are taken, (K, 3)."""


class ReplicatedEngine:
    """This process's part of a model that N replicas train; as `Engine` for whoever uses it.

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
        self._multi_step = MultiStep(
            [engine.device_step for engine in self._engines],
            replicas.devices,
            replicas.compute_on_each,
            replicas.mean,
        )
        self._threads = ThreadPoolExecutor(len(self._engines))
        self._computing: int | None = None
        """The step whose gradients the other processes have or compute, as rank 0 knows."""
        self._heard_at = time.monotonic()

    @property
    def newest_step(self) -> int:
        """The last that was taken since a checkpoint was taken up; 0 before the first."""
        return self._engines[0].newest_step

    def train_batch(self, batch: Batch, step: int, learning_rate: float) -> BatchResult:
        """As `Engine.train_batch`, together with all others; each replica reads its own streams."""
        if self.steps_per_call > 1:  # one graph serves any number of steps
            return self.train_batches([batch], step, [learning_rate])[0]
        if self._computing != step:
            self._say(_Message(Action.COMPUTE, step))
        numbers = self._engines[0].optimizer_numbers(step, learning_rate)
        partial = self._compute(batch, step)
        told, means = self._exchange(_Message(Action.TAKE_STEP, step, 1, numbers[None]), partial)
        self._computing = step + 1
        return self._apply(partial, means, told)

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """As `Engine.train_batches`, with `steps_per_call` of them at most."""
        own, rates = self._engines[0].optimizer_numbers, enumerate(learning_rates, first_step)
        numbers = np.stack([own(step, rate) for step, rate in rates])
        self._say(_Message(Action.TAKE_SEVERAL, first_step, len(batches), numbers))
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
        self._say(_Message(Action.GATHER))
        try:
            states, is_alike = self.gather()
            tensors = self._engines[0].training_tensors() | states
        except MemoryError as error:  # no reason to train on unsaved: the others still gather
            raise BrokenClusterError(
                "There was not enough memory for a copy of the weights and of all states. What was "
                "saved is kept; the same command on all of them goes on from there."
            ) from error
        if not is_alike:  # what is saved is what all go on with
            self.restore(self.model_tensors(), tensors)
        return tensors

    def gather(self) -> tuple[dict[str, Float32], bool]:
        """The states of all B streams in their order; all processes must ask.

        Returns:
            The states, and whether all replicas hold the same weights to the bit. They do as long
            as they compute alike; processors of different kinds may round differently.
        """
        states: dict[str, Float32] = {}
        for place, engine in enumerate(self._engines):
            for name, own in engine.states().items():
                whole = states.setdefault(
                    name, np.zeros((self._batch_size, *own.shape[1:]), own.dtype)
                )
                whole[self._rows_of(place)] = own
        sums = [_checksum(engine.model_tensors()) for engine in self._engines]
        pooled = self._add_up({**states, "checksums": np.array(sums)})
        total = pooled.pop("checksums").sum()
        return pooled, bool(total == self._replicas.count * sums[0] and len(set(sums)) == 1)

    def restore(self, weights: Mapping[str, Float32], training: Tensors) -> None:
        """Take up what a checkpoint left, in all processes; only rank 0 needs the file.

        Raises:
            RunError: If the checkpoint holds other tensors than this engine needs.
        """
        self._adopt(weights, training)  # first: what does not fit is not sent
        if self._replicas.has_peers:
            self._say(_Message(Action.RESTORE))
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
            self._say(_Message(Action.LISTEN))

    def end(self, code: ExitCode) -> None:
        """Have all processes leave."""
        self._say(_Message(Action.END, number=int(code)))

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
        ahead = BatchesAhead(batch_of)
        step, is_in_step = 0, False
        partial: list[PartialGradients] | None = None  # of the step
        while True:
            if is_in_step and partial is None:
                partial = self._compute(batch_of(step), step)
            interruption.check(deadline)
            told, means = self._exchange(None, partial if is_in_step else None)
            match told.action:
                case Action.END:
                    return ExitCode(told.number)
                case Action.COMPUTE:
                    partial = partial if told.step == step else None
                    step, is_in_step = told.step, True
                case Action.TAKE_STEP if partial is not None:
                    self._apply(partial, means, told)
                    step, partial = step + 1, None
                case Action.ASIDE:
                    is_in_step = False
                case _:
                    partial = None if told.action == Action.RESTORE else partial
                    self._do_as_told(told, ahead)

    def _do_as_told(self, told: _Message, ahead: BatchesAhead[Batch]) -> None:
        """Do this process's part of what needs no gradients in the messages."""
        if told.action == Action.RESTORE:
            self._share(self.model_tensors(), self._engines[0].training_tensors())
        elif told.action == Action.GATHER:
            self.gather()
        elif told.action == Action.TAKE_SEVERAL:
            batches = ahead.take(told.step, told.number)
            self._take_several(batches, told.step, told.numbers[: told.number])

    def _compute(self, batch: Batch, step: int) -> list[PartialGradients]:
        """The gradients of the rows of each replica here."""

        def compute(place: int) -> PartialGradients:
            with tf.device(self._replicas.devices[place]):
                return self._engines[place].compute(self._own_part(batch, place), step)

        return list(self._threads.map(compute, range(len(self._engines))))

    def _apply(
        self,
        partial: Sequence[PartialGradients],
        means: Sequence[Sequence[Tensor]],
        told: _Message,
    ) -> BatchResult:
        """Take the same step everywhere here."""

        def apply(place: int) -> BatchResult:
            loss, *gradients = means[place]
            mean = PartialGradients([loss], [gradients], partial[place].states)
            with tf.device(self._replicas.devices[place]):
                return self._engines[place].apply(mean, told.numbers[0], told.step)

        first, *_ = self._threads.map(apply, range(len(self._engines)))
        return first

    def _take_several(
        self, batches: Sequence[Batch], first_step: int, numbers: npt.NDArray[np.float32]
    ) -> list[BatchResult]:
        """This process's part of a call of several steps."""
        places = range(len(self._engines))
        own = [[self._own_part(batch, place) for batch in batches] for place in places]
        before = [engine.carried for engine in self._engines]
        with self._replicas.in_contact():
            results, after = self._multi_step.take(own, first_step, numbers, before)
        for engine, states in zip(self._engines, after, strict=True):
            engine.go_on_after(results, first_step, states)
        return results

    def _say(self, message: _Message) -> None:
        """Tell the other processes what comes next."""
        if not self._replicas.has_peers:
            return
        if self._computing is not None:  # they wait with gradients
            self._computing = None
            self._exchange(_Message(Action.ASIDE), [])
        self._exchange(message)

    def _exchange(
        self, said: _Message | None, partial: Sequence[PartialGradients] | None = None
    ) -> tuple[_Message, list[list[Tensor]]]:
        """What rank 0 says, and the mean of all gradients.

        Args:
            said: By rank 0; None by the others.
            partial: The gradients of each replica here; none of them counts for nothing, and None
                exchanges no gradients.
        """
        header = np.zeros(4, np.float32)
        numbers = np.zeros((self.steps_per_call, 3), np.float32)  # one size: it is traced once
        if said is not None:
            header[:] = (said.action, *divmod(said.step, _STEP_DIGITS), said.number)
            numbers[: len(said.numbers)] = said.numbers
        ours = [float(cause == self._interruption.cause) for cause in _REASONS]
        vector = np.concatenate([header, ours, numbers.ravel()], dtype=np.float32)
        values: Sequence[Sequence[Tensor]] = ()
        if partial is not None:
            nothing = [tf.zeros(()), *map(tf.zeros_like, self.model_tensors().values())]
            values = [_add_shards(each) for each in partial] or [nothing] * len(self._engines)
        total, means = self._replicas.sum(vector, values)
        self._heard_at = time.monotonic()
        (action, high, low, number), counts, shared = np.split(total, [4, 4 + len(ours)])
        for (cause, reason), count in zip(_REASONS.items(), counts, strict=True):
            if count > 0:
                self._interruption.request(reason, cause)
        step = int(high) * _STEP_DIGITS + int(low)
        return _Message(Action(int(action)), step, int(number), shared.reshape(-1, 3)), means

    def _add_up(self, tensors: Tensors) -> dict[str, Float32]:
        """The sums over all processes of some tensors in float32, in one message."""
        flat = np.concatenate([each.ravel() for each in tensors.values()], dtype=np.float32)
        total, _ = self._replicas.sum(flat)
        parts = np.split(total, np.cumsum([each.size for each in tensors.values()])[:-1])
        pairs = zip(tensors.items(), parts, strict=True)
        return {name: part.reshape(each.shape) for (name, each), part in pairs}

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
        needed = self._engines[0].training_tensors().keys() | weights.keys()
        tensors: Tensors = {name: given[name] for name in sorted(needed)}  # as in no file
        if self._replicas.first != 0:
            tensors = {
                name: np.zeros((self._batch_size, *each.shape[1:]), np.float32)
                if name.startswith("state.")
                else np.zeros(each.shape, np.float32)
                for name, each in tensors.items()
            }
        shared = self._add_up(tensors)
        self._adopt({name: shared.pop(name) for name in weights}, shared)

    def _own_part(self, batch: Batch, place: int) -> Batch:
        """What a replica of this process reads of a batch."""
        rows = self._rows_of(place)
        return Batch(batch.inputs[rows], batch.targets[rows], batch.carried[rows])

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
