"""What the trainers of one run do around their engines: rank 0 writes the run, the others do not.

TensorFlow is loaded where a trainer is connected to the others.
"""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import BrokenClusterError, CharRNNError, ExitCode
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.host import seconds_since_start
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.distributed.placement import PREPARATION, JointTask
from tui_charrnn.training.interruption import HeldThread, Interruption, LeavingError, Reason
from tui_charrnn.training.loop import batch_at
from tui_charrnn.training.preparation import cut_material, index_text

if TYPE_CHECKING:  # they bring TensorFlow
    from tui_charrnn.training.distributed.coordination import Coordination
    from tui_charrnn.training.distributed.replicas import Hardware
    from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
    from tui_charrnn.training.engine.paths import ComputePath

_AGREED: Final = frozenset({
    ExitCode.OK,
    ExitCode.DIVERGED,
    ExitCode.RESUME_ME,
    ExitCode.INTERRUPTED,
})
"""Ends that all processes come to at the same step."""
_ENDS: Final = {
    ExitCode.DIVERGED: "the loss stopped being a finite number.",
    ExitCode.RESUME_ME: "the run is saved; the same command on all ranks goes on.",
    ExitCode.INTERRUPTED: "the run was interrupted, and is saved.",
}
EARLY: Final = "it was told to leave before all had begun to train."
INSISTED: Final = "it was interrupted a second time, and stopped at once."


class Peers:
    """The other processes of a training, as one of them sees them.

    Args:
        task: What the command of this process says.
    """

    def __init__(self, task: JointTask) -> None:
        self._task = task
        self.hardware: Hardware | None = None
        self.coordination: Coordination | None = None
        """With the others; both once all are connected."""
        self.engine: ReplicatedEngine | None = None
        """Of rank 0, once all train."""
        self.is_in_step = True
        """Whether all can still leave together."""

    def meet(
        self,
        own: str | CharRNNError,
        plan: Mapping[str, Any],
        interruption: Interruption,
        check_cancelled: Callable[[], None],
    ) -> Mapping[str, Any]:
        """Wait for all others, and make sure that all want the same.

        Args:
            own: Hash of this process's text, or why it cannot take part.
            plan: What rank 0 has all know.
            interruption: Takes the signals over again, of which TensorFlow takes one.
            check_cancelled: Called while waiting; it raises to give it up.

        Returns:
            The plan of rank 0.

        Raises:
            ConfigError: If settings or devices differ, on every rank.
            CorpusError: If the texts differ, or one of them cannot be read, on every rank.
            BrokenClusterError: If a process is lost.
        """
        # deferred: TensorFlow takes seconds, and the text is read before
        from tui_charrnn.training.distributed import coordination, replicas  # noqa: PLC0415

        task = self._task
        cluster = task.placement.cluster
        if cluster is None:
            raise ValueError("one process has nobody to meet")
        task = task.connected_to(coordination.resolve_addresses(cluster, os.environ))
        check_cancelled()
        hardware = replicas.open_hardware(task.placement, task.threads, task.batch_size, task)
        self.hardware, self.coordination = hardware, hardware.coordination
        interruption.take_over()
        card: Mapping[str, str] | CharRNNError = (
            coordination.full_card(task, own, hardware.gpus) if isinstance(own, str) else own
        )
        limit = task.placement.meet_within + PREPARATION
        return coordination.agree(self._connection, card, plan, check_cancelled, limit)

    def begin(
        self, engine: "ReplicatedEngine", path: "ComputePath", training: TrainingConfig
    ) -> None:
        """Have the others build their engines, and all begin with the same weights."""
        document = {"path": asdict(path), "training": training.to_mapping()}
        self._connection.publish("outset", document)
        self.engine = engine
        engine.reset()  # what is drawn at random is rounded as a processor does it

    def await_outset(
        self, check_cancelled: Callable[[], None]
    ) -> tuple["ComputePath", TrainingConfig]:
        """How rank 0 has all compute, and with which settings: its checkpoint may say so."""
        # deferred: as above
        from tui_charrnn.training.engine.paths import ComputePath  # noqa: PLC0415

        document = self._connection.fetch("outset", check_cancelled, None, 0)
        training = TrainingConfig.from_mapping(document["training"], skip_unknown=True)
        return ComputePath(**document["path"]), training

    def check(self) -> None:
        """Go on only while all are there; for rank 0 before all train.

        Raises:
            BrokenClusterError: If a process is lost.
        """
        if self.coordination is not None and self.engine is None:
            self.coordination.check()

    def part(self, code: ExitCode, message: str) -> None:
        """End it: all leave as rank 0 does, or learn why this process has failed.

        Args:
            code: How this process ends.
            message: In one sentence.
        """
        if self.coordination is None:
            return
        if self.engine is not None and self.is_in_step and code in _AGREED:
            with contextlib.suppress(BrokenClusterError):
                self.engine.end(code)
                self.coordination.leave_together()
            return
        is_early = self.engine is None and code in _AGREED
        self.coordination.report(int(code), EARLY if is_early else message)

    @property
    def _connection(self) -> "Coordination":
        if self.coordination is None:
            raise RuntimeError("the others have not been met")
        return self.coordination


def take_part(task: JointTask, interruption: Interruption, max_time: float | None) -> ExitCode:
    """Train a run that rank 0 writes in another process, which writes nothing.

    Args:
        task: What the command says.
        interruption: Tells why to leave.
        max_time: Seconds after the start of this process at which to ask all to leave; None takes
            the run's own setting.

    Returns:
        The exit code; a failure is told on standard error, and to the others.
    """
    peers = Peers(task)
    try:
        with HeldThread(interruption, None, _leave_at_once):
            return _follow(peers, task, interruption, max_time)
    except LeavingError as left:
        peers.part(left.reason.exit_code, EARLY)
        return left.reason.exit_code
    except KeyboardInterrupt:
        peers.part(ExitCode.INTERRUPTED, INSISTED)
        return ExitCode.INTERRUPTED
    except CharRNNError as error:
        _say(f"charrnn-tui: {error}")
        peers.part(error.exit_code, str(error))
        return error.exit_code
    except Exception as error:  # noqa: BLE001  the last line of defense: told to all
        traceback.print_exc()
        peers.part(ExitCode.UNEXPECTED, f"it met an unexpected {type(error).__name__}.")
        return ExitCode.UNEXPECTED


def _follow(
    peers: Peers, task: JointTask, interruption: Interruption, max_time: float | None
) -> ExitCode:
    began = time.monotonic() - seconds_since_start()
    deadline = None if max_time is None else began + max_time
    check_cancelled = partial(interruption.check_cancelled, deadline)
    corpus = _read_text(task, check_cancelled)
    own = corpus if isinstance(corpus, CharRNNError) else corpus.sha256
    plan = peers.meet(own, {}, interruption, check_cancelled)
    coordination, hardware = peers.coordination, peers.hardware
    if isinstance(corpus, CharRNNError) or coordination is None:
        raise RuntimeError("whoever cannot take part has been refused")
    if hardware is None or hardware.replicas is None:
        raise RuntimeError("several processes have replicas")
    if plan["is_finished"]:
        coordination.leave_together()
        return ExitCode.OK
    description = RunDescription.from_json(plan["run"])
    if deadline is None and description.training.max_time is not None:
        deadline = began + description.training.max_time
    text = index_text(corpus, description)
    path, training = peers.await_outset(partial(interruption.check_cancelled, deadline))
    material, batch_size = cut_material(text, training)
    # deferred: as above
    from tui_charrnn.training.distributed.replicated_engine import (  # noqa: PLC0415
        ReplicatedEngine,
    )

    sizes = len(text.vocabulary), batch_size
    engine = ReplicatedEngine(description.model, training, *sizes, path, hardware.replicas)
    own_name = coordination.cluster.name_of(coordination.cluster.rank)
    if not task.quiet:
        _say(f"{own_name} trains for the run {description.name} of rank 0.")
    interruption.is_saved = lambda: False  # from now on rank 0 decides when to leave
    code = engine.follow(partial(batch_at, material, training), interruption, deadline)
    coordination.leave_together()
    if not task.quiet:
        _say(f"{own_name}: {_ENDS.get(code, 'the run has ended.')}")
    return code


def _read_text(task: JointTask, check_cancelled: Callable[[], None]) -> Corpus | CharRNNError:
    """The text of this process, or why it cannot be read, which the others are told."""
    if task.refusal is not None:
        error = CharRNNError(task.refusal[1])
        error.exit_code = ExitCode(task.refusal[0])
        return error
    try:
        return read_corpus(
            **task.corpus, stdin=getattr(sys.stdin, "buffer", None), check_cancelled=check_cancelled
        )
    except CharRNNError as error:
        return error


def _leave_at_once(reason: Reason, _cause: str) -> NoReturn:
    """End in the place of a main thread that native code holds; nothing is lost by it."""
    os._exit(int(reason.exit_code))


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{safe_line(sentence)}\n")
        sys.stderr.flush()
