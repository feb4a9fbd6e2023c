"""One trainer's work on one run directory, phase by phase, from its description to an exit code."""

import contextlib
import errno
import os
import platform
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, NoReturn

from tui_charrnn.errors import (
    BrokenClusterError,
    CharRNNError,
    CorpusError,
    ExitCode,
    RunError,
    StorageError,
)
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.file_system import explained, file_system
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import seconds_since_start
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.records import (
    RunEnded,
    RunFailed,
    RunPreempted,
    RunResumed,
    RunStarted,
    RunWarned,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.distributed.placement import JointTask
from tui_charrnn.training.distributed.roles import INTERRUPTED_AGAIN, Assignment, Peers
from tui_charrnn.training.interruption import HeldThread, Interruption, LeavingError, Reason
from tui_charrnn.training.machine import UsageMeter, lacks_memory
from tui_charrnn.training.preparation import PreparedText, prepare_run, prepare_text

EXIT_PATIENCE: Final = 5.0
"""Seconds that the disk has to take why a process ends whose main thread is held."""


def run_training(
    run: RunDirectory,
    interruption: Interruption,
    max_time: float | None = None,
    *,
    accepts_change: bool = False,
    devices: int | None = 1,
    task: JointTask | None = None,
) -> ExitCode:
    """Train a run, from its start or from its newest checkpoint, until it is done or must leave.

    Args:
        run: A run directory that `create_run` made.
        interruption: Asked between any two steps.
        max_time: Seconds after the start of this process at which to save and leave; None takes the
            run's own setting.
        accepts_change: Continue although the corpus has changed.
        devices: How many GPUs train it, if there are no other processes; None takes all.
        task: With which other processes, if there are any; this one is rank 0.

    Returns:
        The exit code; every failure is explained in the run's records and status.

    Raises:
        RunError: If the directory is not a run.
        RunLockedError: If another trainer holds it.
    """
    started = time.monotonic() - seconds_since_start()
    description = read_description(run)
    peers = None
    if task is not None:  # the run may have been started with other settings
        threads, batch_size = description.training.threads, description.training.batch_size
        peers = Peers(replace(task, threads=threads, batch_size=batch_size))
    if _is_finished(run):
        return ExitCode.OK if peers is None else _report_finished(peers, description, interruption)
    limit = max_time or description.training.max_time
    deadline = None if limit is None else started + limit
    with RunWriter(run) as writer:
        writer.observe(UsageMeter().observe)
        interruption.on_leaving = partial(_record_preemption, writer)
        work = Assignment(run, description, writer, interruption, deadline, devices, peers)
        code = _settle(work, accepts_change=accepts_change)
        if peers is not None:
            peers.leave(code, writer.status.message)
        return code


def _report_finished(
    peers: Peers, description: RunDescription, interruption: Interruption
) -> ExitCode:
    """Report to the other processes that there is nothing left to train."""
    check_cancelled = partial(interruption.check_cancelled, None)
    try:
        hardware, _ = peers.connect(description.corpus.sha256, {}, interruption, check_cancelled)
    except LeavingError as left:
        return left.reason.exit_code
    hardware.coordination.leave_together()
    return ExitCode.OK


def _settle(work: Assignment, *, accepts_change: bool) -> ExitCode:
    """Do the work; returns how it ended, whatever failed."""
    writer, peers = work.writer, work.peers
    try:
        with HeldThread(work.interruption, work.deadline, partial(_leave_at_once, writer)):
            return _train(work, accepts_change=accepts_change)
    except LeavingError as left:
        return _leave(writer, left.reason.state, left.reason.exit_code)
    except KeyboardInterrupt:
        if peers is not None:
            peers.is_in_step = False
            writer.set_status(message=INTERRUPTED_AGAIN)
        return _leave(writer, RunState.INTERRUPTED, ExitCode.INTERRUPTED)
    except BrokenClusterError as error:
        if peers is not None:
            peers.is_in_step = False
        return _break_off(writer, error)
    except CharRNNError as error:
        return _fail(writer, error, str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001  the last line of defense: recorded and logged
        code = _fail(writer, error, _explain(error, work.run), ExitCode.UNEXPECTED)
        with contextlib.suppress(OSError, MemoryError):  # the log may lie on a full disk
            traceback.print_exc()
        return code


def _is_finished(run: RunDirectory) -> bool:
    try:
        status = read_status(run)
    except RunError:  # damaged: the writer replaces it
        return False
    return status is not None and status.state is RunState.FINISHED


def _train(work: Assignment, *, accepts_change: bool) -> ExitCode:
    run, description, writer, peers = work.run, work.description, work.writer, work.peers
    with explained("read", run.events):
        has_history = file_system().look_at(run.events).st_size > 0
    now = datetime.now(UTC).isoformat(timespec="seconds")
    writer.append(RunStarted(os.getpid(), platform.node(), now))
    writer.set_status(state=RunState.PREPARING, message="")

    def check_cancelled() -> None:
        work.check_cancelled()
        if peers is not None:
            peers.check()

    if peers is None:
        text = prepare_text(run, description, check_cancelled, accepts_change=accepts_change)
    else:
        text = _meet(work, peers, check_cancelled)
    prepared = prepare_run(run, description, text, writer, check_cancelled)
    if has_history:
        step = prepared.state.progress.step if prepared.state else 0
        writer.set_status(step=step)
        writer.append(RunResumed(step))
    check_cancelled()
    writer.set_status(state=RunState.LOADING)
    # deferred: TensorFlow takes seconds and hundreds of megabytes, which the state reports
    from tui_charrnn.training.start import start_session  # noqa: PLC0415

    return start_session(work, prepared).work()


def _meet(work: Assignment, peers: Peers, check_cancelled: Callable[[], None]) -> PreparedText:
    """Read the text, then wait for the other processes, also to report that it cannot be read."""
    description, writer = work.description, work.writer
    try:
        text = prepare_text(work.run, description, check_cancelled)
        own: str | CharRNNError = text.sha256
    except CharRNNError as error:
        own = error
    message = "Loading TensorFlow and waiting for the other processes ..."
    writer.set_status(state=RunState.LOADING, message=message)
    peers.connect(own, description.to_json(), work.interruption, check_cancelled)
    writer.set_status(state=RunState.PREPARING, message="")
    return text


def _leave(writer: RunWriter, state: RunState, exit_code: ExitCode) -> ExitCode:
    """End before or without a last checkpoint; what was saved before stays."""
    status = writer.status
    writer.append(RunEnded(state.value, status.step, None, None, int(exit_code), status.elapsed))
    writer.set_status(state=state)
    return exit_code


def _record_preemption(writer: RunWriter, cause: str) -> None:
    if cause != "request":  # whose answer is a record of its own
        writer.append(RunPreempted(cause))


def _leave_at_once(writer: RunWriter, reason: Reason, cause: str) -> NoReturn:
    """End the process in the place of its main thread, which native code holds."""

    def record() -> None:
        _record_preemption(writer, cause)
        _leave(writer, reason.state, reason.exit_code)

    recording = threading.Thread(target=record, name="exit record", daemon=True)
    try:
        recording.start()
        recording.join(EXIT_PATIENCE)  # the main thread may be held by the disk, and hold its locks
    finally:  # also where no thread can be started
        os._exit(int(reason.exit_code))


def _break_off(writer: RunWriter, error: BrokenClusterError) -> ExitCode:
    """End because another process is lost; what was saved stands, and the run can be resumed."""
    if error.exit_code != ExitCode.RESUME_ME:  # it failed, and this is how
        return _fail(writer, error, str(error), error.exit_code)
    writer.append(RunWarned(str(error)))
    writer.set_status(message=str(error))
    return _leave(writer, RunState.SAVED, ExitCode.RESUME_ME)


def _fail(writer: RunWriter, error: Exception, message: str, exit_code: ExitCode) -> ExitCode:
    writer.append(RunFailed(message, _cause_of(error)))
    writer.set_status(message=message)
    return _leave(writer, RunState.FAILED, exit_code)


def _explain(error: Exception, run: RunDirectory) -> str:
    """An unexpected failure in words, with the remedy where there is a known one."""
    if _cause_of(error) == "memory":
        return (
            "There was not enough memory for a batch. Start again with a smaller --batch-size, "
            "--sequence-length or --hidden-size."
        )
    name, first_line = type(error).__name__, str(error).partition("\n")[0][:200]
    return f"The trainer met an unexpected {name}: {first_line} (details in {run.log})."


def _cause_of(error: Exception) -> str:
    """The cause of a failure as `RunFailed` has it."""
    if isinstance(error, CorpusError):
        return "text"
    source = error.__cause__ if isinstance(error, StorageError) else error
    if lacks_memory(source):
        return "memory"
    is_full = isinstance(source, OSError) and source.errno in {errno.ENOSPC, errno.EDQUOT}
    return "disk" if is_full else ""
