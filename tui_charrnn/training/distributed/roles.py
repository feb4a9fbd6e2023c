"""The roles of the trainers of one run: rank 0 writes the run, the others take part."""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import EXPECTED_EXIT_CODES, BrokenClusterError, CharRNNError, ExitCode
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import REFUSAL_PREFIX, RunDirectory
from tui_charrnn.runs.liveness import seconds_since_start
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.distributed.placement import JointTask
from tui_charrnn.training.failures import cause_of
from tui_charrnn.training.interruption import Interruption, LeavingError, Reason, SignalWatchdog
from tui_charrnn.training.loop import batch_at
from tui_charrnn.training.preparation import cut_material, index_text

if TYPE_CHECKING:  # they import TensorFlow
    from tui_charrnn.training.distributed.coordination import JointHardware
    from tui_charrnn.training.distributed.replicated_engine import ReplicatedEngine
    from tui_charrnn.training.engine.paths import ComputePath

_AGREED: Final = {*EXPECTED_EXIT_CODES, ExitCode.DIVERGED}
"""Exit codes with which all processes end at the same step."""
_ENDS: Final = {
    ExitCode.DIVERGED: "the loss stopped being a finite number.",
    ExitCode.RESUME_ME: "the run is saved; the same command for all ranks resumes it.",
    ExitCode.INTERRUPTED: "the run was interrupted and is saved.",
}
EARLY: Final = "it was asked to exit before all processes had started to train."
INTERRUPTED_AGAIN: Final = "it was interrupted a second time and stopped immediately."


@dataclass(frozen=True, slots=True)
class Assignment:
    """The inputs of a trainer that writes a run."""

    run: RunDirectory
    description: RunDescription
    writer: RunWriter
    interruption: Interruption
    devices: int | None = 1
    """Number of GPUs without other processes; None for all."""

    peers: "Peers | None" = None
    """The other processes, if any; this one is rank 0."""


class Peers:
    """The other processes of a training."""

    def __init__(self, task: JointTask) -> None:
        self.task: Final = task
        self.hardware: JointHardware | None = None  # once all are connected
        self.is_in_step = True  # whether all can still exit at the same step
        self._engine: ReplicatedEngine | None = None  # on rank 0, once all train

    def connect(
        self, own: str | CharRNNError, plan: dict[str, Any], interruption: Interruption
    ) -> "tuple[JointHardware, dict[str, Any]]":
        """Connect, compare the cards, and return the hardware and rank 0's plan.

        `own` is the hash of this process's text, or why it cannot take part. The plan is empty if
        the run is finished.

        Raises:
            CharRNNError: As `agree` does, or if this process cannot connect.
        """
        # deferred: TensorFlow takes seconds to load, and the text is read first
        from tui_charrnn.training.distributed import coordination  # noqa: PLC0415

        known = coordination.resolve_addresses(self.task.cluster, os.environ)
        task, check_cancelled = replace(self.task, cluster=known), interruption.check_cancelled
        check_cancelled()
        self.hardware = hardware = coordination.open_joint_hardware(task)
        interruption.take_over()  # TensorFlow replaces one of the signal handlers
        gpus = len(hardware.replicas.devices) if hardware.device.is_gpu else 0
        card = coordination.full_card(task, own, gpus) if isinstance(own, str) else own
        return hardware, coordination.agree(hardware.coordination, card, plan, check_cancelled)

    def begin(
        self, engine: "ReplicatedEngine", path: "ComputePath", training: TrainingConfig
    ) -> None:
        """Make the others build their engines, and give all the same initial weights."""
        if self.hardware is None:
            raise RuntimeError("the other processes are not connected")
        document = {"path": asdict(path), "training": training.to_mapping()}
        self.hardware.coordination.publish("setup", document)
        self._engine = engine
        engine.reset()  # share rank 0's weights, as CPUs round initial values differently

    def check(self) -> None:
        """Raise `BrokenClusterError` if a process is lost; for rank 0 before training starts."""
        if self.hardware is not None:
            self.hardware.coordination.check()

    def leave(self, code: ExitCode, message: str, cause: str) -> None:
        """Exit: end all processes with rank 0's code, or report this process's failure to them."""
        if self.hardware is None:
            return
        coordination = self.hardware.coordination
        if self._engine is not None and self.is_in_step and code in _AGREED:
            with contextlib.suppress(BrokenClusterError):
                self._engine.end(code)
                coordination.leave_together()
            return
        is_early = self._engine is None and code in _AGREED
        coordination.report(code, EARLY if is_early else message, cause)


def take_part(task: JointTask, interruption: Interruption, max_time: float | None) -> ExitCode:
    """Take part in training a run that rank 0 writes; this process writes only to standard error.

    `max_time` is in seconds after the start of this process; None for the run's own setting.
    """
    peers, cause = Peers(task), ""
    try:
        with SignalWatchdog(interruption, _leave_at_once):
            return _follow(peers, interruption, max_time)
    except LeavingError as left:
        code, message = left.reason.exit_code, EARLY
    except KeyboardInterrupt:
        code, message = ExitCode.INTERRUPTED, INTERRUPTED_AGAIN
    except CharRNNError as error:
        code, message, cause = error.exit_code, str(error), cause_of(error)
        _write(f"{REFUSAL_PREFIX}{message}")
    except Exception as error:  # noqa: BLE001  the last line of defense: reported to all
        code, message = ExitCode.UNEXPECTED, f"it met an unexpected {type(error).__name__}."
        traceback.print_exc()
    peers.leave(code, message, cause)
    return code


def _follow(peers: Peers, interruption: Interruption, max_time: float | None) -> ExitCode:
    task, began = peers.task, time.monotonic() - seconds_since_start()
    interruption.deadline = None if max_time is None else began + max_time
    try:
        corpus = _read_text(task, interruption.check_cancelled)
        own: str | CharRNNError = corpus.sha256
    except CharRNNError as error:
        own = error  # `connect` reports it to the others
    (_, replicas, coordination), plan = peers.connect(own, {}, interruption)
    # deferred: `connect` has loaded TensorFlow
    from tui_charrnn.training.distributed.replicated_engine import (  # noqa: PLC0415
        ReplicatedEngine,
    )
    from tui_charrnn.training.engine.paths import ComputePath  # noqa: PLC0415

    if not plan:
        coordination.leave_together()
        return ExitCode.OK
    description = RunDescription.from_json(plan)
    if max_time is None and description.training.max_time is not None:
        interruption.deadline = began + description.training.max_time
    text = index_text(corpus, description)
    # the settings of rank 0's checkpoint may differ from the plan's
    setup = coordination.fetch("setup", interruption.check_cancelled)
    training = TrainingConfig.from_mapping(setup["training"])
    material = cut_material(text, training)
    sizes, path = (len(text.vocabulary), material.batch_size), ComputePath(**setup["path"])
    engine = ReplicatedEngine(description.model, training, *sizes, path, replicas)
    own_name = coordination.cluster.name_of(coordination.cluster.rank)
    if not task.quiet:
        _write(f"{own_name} trains for the run {description.name} of rank 0.")
    interruption.is_saved = lambda: False  # from now on rank 0 decides when to exit
    code = engine.follow(partial(batch_at, material, training), interruption)
    coordination.leave_together()
    if not task.quiet:
        _write(f"{own_name}: {_ENDS.get(code, 'the run has ended.')}")
    return code


def _read_text(task: JointTask, check_cancelled: Callable[[], None]) -> Corpus:
    if task.failure is not None:
        error = CharRNNError(task.failure[1])
        error.exit_code = ExitCode(task.failure[0])
        raise error
    stdin = getattr(sys.stdin, "buffer", None)
    arguments, reading = task.corpus["arguments"], Reading(**task.corpus["reading"])
    return read_corpus(arguments, reading, stdin=stdin, check_cancelled=check_cancelled)


def _leave_at_once(reason: Reason) -> NoReturn:
    """End the process while native code blocks the main thread; there is nothing to save."""
    os._exit(int(reason.exit_code))


def _write(sentence: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{safe_line(sentence)}\n")
        sys.stderr.flush()
