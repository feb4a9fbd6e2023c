"""A trainer that does what the chief of its cluster orders, and writes no run but its own log."""

from collections.abc import Callable

from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.records import RunEnded
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.devices import configure_devices, device_words
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.joining import join_replicas
from tui_charrnn.training.loop import Batch, Material, batch_at
from tui_charrnn.training.machine import thread_count
from tui_charrnn.training.material import PreparedText
from tui_charrnn.training.orders import Order, Task, unpack_tensors
from tui_charrnn.training.paths import ComputePath
from tui_charrnn.training.replicas import Replicas, in_contact
from tui_charrnn.training.replicated_engine import ReplicatedEngine
from tui_charrnn.training.team import Team
from tui_charrnn.training.votes import vote


class Follower:
    """Carries out orders, one after another.

    Args:
        build: Makes the engine for a path.
        material: What is trained on: the same text as the chief's.
        description: Of the run.
        votes: Tells this process's reason to leave.
    """

    def __init__(
        self,
        build: Callable[[ComputePath], ReplicatedEngine],
        material: Material,
        description: RunDescription,
        votes: Callable[[], list[float]],
    ) -> None:
        self._build = build
        self._material = material
        self._config = description.training
        self._votes = votes
        self._engine: ReplicatedEngine | None = None
        self._next: tuple[int, Batch] | None = None

    def carry_out(self, order: Order) -> int | None:
        """Do one thing together with all others.

        Returns:
            The step that was taken, if one was.
        """
        if order.task is Task.BEGIN:
            self._engine = self._build(ComputePath(**order.values))
        engine = self._engine
        if engine is None:
            raise RuntimeError("the first order is to begin")
        match order.task:
            case Task.TRAIN:
                step = int(order.values["step"])
                batch, rate = self._batch(step), float(order.values["learning_rate"])
                engine.train_with(self._votes(), batch, step, rate)
                self._next = step + 1, batch_at(self._material, self._config, step + 1)
                return step
            case Task.RESTORE:
                engine.restore(*unpack_tensors(order.data))
            case Task.GATHER:
                engine.states()
                engine.is_alike()
            case Task.LISTEN:
                engine.ask(self._votes())
            case _:
                pass
        return None

    def _batch(self, step: int) -> Batch:
        """The batch of a step, which was made ready while the chief was busy."""
        if self._next is not None and self._next[0] == step:
            return self._next[1]
        return batch_at(self._material, self._config, step)


def follow_chief(
    description: RunDescription,
    prepared: tuple[PreparedText, Material, int],
    writer: RunWriter,
    interruption: Interruption,
    deadline: float | None,
    team: Team,
) -> ExitCode:
    """Join the others and train as the chief orders, until it orders to leave.

    Args:
        description: Of the run.
        prepared: The text, what is cut of it, and the batch size.
        writer: Of this process's own log.
        interruption: Tells why to leave.
        deadline: When to leave, on the clock `time.monotonic`.
        team: All trainers.

    Raises:
        BrokenClusterError: If another one does not come or is lost.
    """
    text, material, batch_size = prepared
    config = description.training
    device = configure_devices(config.threads, batch_size // team.placement.processes)
    replicas = join_replicas(
        team,
        device,
        batch_size,
        text.sha256,
        interruption,
        lambda: interruption.check_cancelled(deadline),
    )
    if replicas is None:
        raise RuntimeError("whoever follows is in a cluster")

    def build(path: ComputePath) -> ReplicatedEngine:
        words = device_words(path.device, thread_count(config.threads))
        writer.set_status(state=RunState.TRAINING, device=words, precision=path.precision)
        vocabulary_size = len(text.vocabulary)
        return _build(description, vocabulary_size, batch_size, path, replicas)

    def votes() -> list[float]:
        interruption.check(deadline)
        return vote(interruption)

    follower = Follower(build, material, description, votes)
    while (order := team.await_order()).task is not Task.END:
        interruption.is_saved = lambda: False  # from now on the chief decides when to leave
        with in_contact(team):
            step = follower.carry_out(order)
        if step is not None:
            writer.set_status(step=step)
    return _end(order, writer)


def _build(
    description: RunDescription,
    vocabulary_size: int,
    batch_size: int,
    path: ComputePath,
    replicas: Replicas,
) -> ReplicatedEngine:
    return ReplicatedEngine(
        description.model, description.training, vocabulary_size, batch_size, path, replicas
    )


def _end(order: Order, writer: RunWriter) -> ExitCode:
    """End as the chief does."""
    code, state = ExitCode(order.values["code"]), RunState(order.values["state"])
    step = writer.status.step
    writer.append(RunEnded(state.value, step, None, None, int(code), 0.0))
    writer.set_status(state=state, message=str(order.values["message"]))
    return code
