"""One model on N devices, each with all weights and its own rows of a batch of B streams.

Gradients are averaged before clipping, so a step equals that of one device, up to rounding.
Batches, masks and cold starts are functions of the step, so all processes run the same steps. K
steps are one call, in which the devices average the gradients without the host. Rank 0's decisions
(steps, checkpoints, rollbacks, the end) are sent as a few numbers before each call; with the same
message the other processes send their reasons to exit.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import BrokenClusterError, ExitCode, RunError
from tui_charrnn.model.weights import Float32
from tui_charrnn.training.distributed.coordination import KEPT, Replicas
from tui_charrnn.training.distributed.placement import refuse_uneven
from tui_charrnn.training.engine.engine import Engine, Slot
from tui_charrnn.training.engine.paths import ComputePath
from tui_charrnn.training.engine.steps import MultiStep
from tui_charrnn.training.interruption import Interruption, Reason
from tui_charrnn.training.loop import Batch, BatchesAhead, BatchResult

LISTENING_INTERVAL: Final = 1.0
"""Seconds without a step after which rank 0 asks the others for reasons to exit."""
_STEP_DIGITS: Final = 1 << 20  # a step is sent as two numbers: float32 is exact only up to 2^24
_REASONS: Final = [reason for reason in Reason if reason is not Reason.STOPPED]
"""Reasons in the order in which they are sent; requests to stop reach only rank 0."""
_NO_NUMBERS: Final = np.zeros((0, 3), np.float32)

Tensors = Mapping[str, npt.NDArray[np.generic]]


class Action(IntEnum):
    """What all processes do next, decided by rank 0."""

    TAKE_STEPS = 1  # take steps in one call
    RESTORE = 2  # restore weights, optimizer and states from rank 0
    GATHER = 3  # send the states to rank 0
    LISTEN = 4  # do nothing: rank 0 only asks for reasons to exit
    END = 5  # exit with a code


class _Message(NamedTuple):
    """A message of rank 0; `number` is the number of steps of a call, or the exit code."""

    action: Action
    step: int = 0
    number: int = 0
    numbers: npt.NDArray[np.float32] = _NO_NUMBERS  # optimizer numbers of each step, (K, 3)


class ReplicatedEngine:
    """This process's replicas among N, with the interface of `Engine`.

    The batch size is B; each replica splits its rows into the path's number of shards.

    Raises:
        ConfigError: If the streams cannot be divided evenly among the replicas.
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
            slot = Slot(device, first_shard=(replicas.first + place) * path.shards)
            with tf.device(device):
                engine = Engine(model, training, vocabulary_size, self._rows, path, slot)
            self._engines.append(engine)
        self._multi_step = MultiStep(
            [engine.take_in_graph for engine in self._engines],
            self._engines[0].signature,
            replicas.devices,
            replicas.compute_on_each,
            replicas.mean,
        )
        one = self._engines[0]
        self.evaluate = one.evaluate  # the others wait
        self.evaluate_dynamically = one.evaluate_dynamically
        self.model_tensors = one.model_tensors  # equal in all replicas
        self._names = [*one.model_tensors(), *one.training_tensors()]
        self._exchanged_at = time.monotonic()

    @property
    def newest_step(self) -> int:
        """The last step taken since a restore; 0 before the first."""
        return self._engines[0].newest_step

    def train_batches(
        self, batches: Sequence[Batch], first_step: int, learning_rates: Sequence[float]
    ) -> list[BatchResult]:
        """Take steps as `Engine.train_batches` does, with all other processes."""
        numbers = self._engines[0].optimizer_numbers(first_step, learning_rates)
        self._send(_Message(Action.TAKE_STEPS, first_step, len(batches), numbers))
        return self._take_steps(batches, first_step, numbers)

    def training_tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return tensors as `Engine.training_tensors` does, with the states of all B streams.

        All processes continue with the returned tensors, as different CPUs round differently.

        Raises:
            BrokenClusterError: If a process is lost, or memory is short.
        """
        newest_step = self.newest_step
        self._send(_Message(Action.GATHER))
        try:
            shared = self._share(self._own_tensors())
        except MemoryError as error:  # cannot continue: the others are waiting to gather
            raise BrokenClusterError(
                f"There was not enough memory for a copy of the weights and of all states. {KEPT}"
            ) from error
        self._engines[0].newest_step = newest_step
        return {name: shared[name] for name in self._engines[0].training_tensors()}

    def restore(self, weights: Mapping[str, Float32], training: Tensors) -> None:
        """Restore as `Engine.restore` does, in all processes; only rank 0 needs the checkpoint.

        Raises:
            RunError: If the tensors do not fit.
        """
        tensors = {**weights, **training}
        self._adopt(tensors)  # raises before anything is sent
        if self._replicas.has_peers:
            self._send(_Message(Action.RESTORE))
            self._share(tensors)

    def reset(self) -> None:
        """Return to the state before the first step, in all processes."""
        fresh = Engine(*self._shape)
        self.restore(fresh.model_tensors(), fresh.training_tensors())

    def share_reasons(self, interruption: Interruption) -> None:
        """Send this process's reason to exit to the others, and receive theirs."""
        self._interruption = interruption

        def listen() -> None:
            if time.monotonic() - self._exchanged_at >= LISTENING_INTERVAL:  # steps exchange too
                self._send(_Message(Action.LISTEN))

        interruption.ask_others = listen

    def end(self, code: ExitCode) -> None:
        """Make all processes exit with a code."""
        self._send(_Message(Action.END, number=int(code)))

    def follow(self, batch_of: Callable[[int], Batch], interruption: Interruption) -> ExitCode:
        """Carry out rank 0's messages, and return the common exit code.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        self._interruption = interruption
        ahead = BatchesAhead(batch_of)
        while True:
            interruption.check()
            message = self._exchange(None)
            match message.action:
                case Action.TAKE_STEPS:
                    batches = ahead.take(message.step, message.number)
                    self._take_steps(batches, message.step, message.numbers[: message.number])
                case Action.RESTORE | Action.GATHER:
                    self._share(self._own_tensors(has_states=message.action == Action.GATHER))
                case Action.END:
                    return ExitCode(message.number)

    def _take_steps(
        self, batches: Sequence[Batch], first_step: int, numbers: npt.NDArray[np.float32]
    ) -> list[BatchResult]:
        """Take this process's part in a call."""
        places = range(len(self._engines))
        own = [[self._own_part(batch, place) for batch in batches] for place in places]
        before = [engine.carried for engine in self._engines]
        with self._replicas.in_contact():
            results, after = self._multi_step.take(own, first_step, numbers, before)
        for engine, states in zip(self._engines, after, strict=True):
            engine.set_states_after(results, first_step, states)
        return results

    def _send(self, message: _Message) -> None:
        """Send a message to the other processes, if any."""
        if self._replicas.has_peers:
            self._exchange(message)

    def _exchange(self, sent: _Message | None) -> _Message:
        """Return rank 0's message."""
        header = np.zeros(4, np.float32)
        numbers = np.zeros((self.steps_per_call, 3), np.float32)
        if sent is not None:
            header[:] = (sent.action, *divmod(sent.step, _STEP_DIGITS), sent.number)
            numbers[: len(sent.numbers)] = sent.numbers
        reasons = [float(reason is self._interruption.reason) for reason in _REASONS]
        vector = np.concatenate([header, reasons, numbers.ravel()], dtype=np.float32)
        total = self._replicas.sum(vector)
        self._exchanged_at = time.monotonic()
        (action, high, low, number), counts, shared = np.split(total, [4, 4 + len(reasons)])
        for reason, count in zip(_REASONS, counts, strict=True):
            if count > 0:
                self._interruption.request(reason)
        step = int(high) * _STEP_DIGITS + int(low)
        return _Message(Action(int(action)), step, int(number), shared.reshape(-1, 3))

    def _own_tensors(self, *, has_states: bool = True) -> dict[str, npt.NDArray[np.generic]]:
        """Return this process's part of a checkpoint: states of its rows; of rank 0 all else."""
        tensors = self.model_tensors() | self._engines[0].training_tensors()
        for name, each in tensors.items():
            if _is_state(name):
                whole = np.zeros((self._batch_size, *each.shape[1:]), np.float32)
                for place, engine in enumerate(self._engines if has_states else ()):
                    whole[self._rows_of(place)] = engine.states()[name]
                tensors[name] = whole
            elif self._replicas.first:
                tensors[name] = np.zeros_like(each)
        return tensors

    def _share(self, given: Tensors) -> dict[str, Float32]:
        """Sum the tensors of all processes in one message, restore the sums and return them."""
        own = {name: given[name] for name in self._names}  # a file may contain others
        total = self._replicas.sum(np.concatenate([*map(np.ravel, own.values())], dtype=np.float32))
        parts = np.split(total, np.cumsum([each.size for each in own.values()])[:-1])
        pairs = zip(own.items(), parts, strict=True)
        shared = {name: part.reshape(each.shape) for (name, each), part in pairs}
        self._adopt(shared)
        return shared

    def _adopt(self, tensors: Tensors) -> None:
        """Restore tensors in each replica of this process, with its own rows of the states."""
        states = {name: each for name, each in tensors.items() if _is_state(name)}
        for name, state in states.items():
            if len(state) != self._batch_size:
                raise RunError(
                    f"The checkpoint's tensor {name!r} does not fit this run: expected "
                    f"{self._batch_size} streams, received {len(state)}."
                )
        for place, engine in enumerate(self._engines):
            own = {name: state[self._rows_of(place)] for name, state in states.items()}
            with tf.device(self._replicas.devices[place]):
                engine.restore({}, {**tensors, **own})

    def _own_part(self, batch: Batch, place: int) -> Batch:
        """Return the rows of a batch that a replica of this process reads."""
        rows = self._rows_of(place)
        own = (batch.inputs[rows], batch.targets[rows], batch.carried[rows])
        return Batch(*own, batch.added_dropout)

    def _rows_of(self, place: int) -> slice:
        """Return the slice of batch rows that a replica of this process reads."""
        first = (self._replicas.first + place) * self._rows
        return slice(first, first + self._rows)


def _is_state(name: str) -> bool:
    return name.startswith("state.")
