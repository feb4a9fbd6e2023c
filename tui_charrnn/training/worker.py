"""The phases of one trainer on one run directory, from its description to an exit code."""

import contextlib
import os
import platform
import threading
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, NoReturn

from tui_charrnn.errors import (
    BrokenClusterError,
    CharRNNError,
    ExitCode,
    RunError,
)
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.file_system import file_system, storage_errors
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import seconds_since_start
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.records import (
    RunFailed,
    RunPreempted,
    RunResumed,
    RunStarted,
)
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.distributed.placement import JointTask
from tui_charrnn.training.distributed.roles import INTERRUPTED_AGAIN, Assignment, Peers
from tui_charrnn.training.failures import cause_of, explain
from tui_charrnn.training.interruption import Interruption, LeavingError, Reason, SignalWatchdog
from tui_charrnn.training.preparation import PreparedText, prepare_run, prepare_text
from tui_charrnn.training.usage import UsageMeter

EXIT_PATIENCE: Final = 5.0
"""Seconds to record the exit of a process whose main thread is blocked."""


def run_training(
    run: RunDirectory,
    interruption: Interruption,
    max_time: float | None = None,
    *,
    accepts_change: bool = False,
    devices: int | None = 1,
    task: JointTask | None = None,
) -> ExitCode:
    """Train a run from its start or its newest checkpoint, until it is finished or must exit.

    It exits `max_time` seconds after the start of this process; None for the run's own setting. The
    corpus may have changed if `accepts_change`. `devices` is the number of GPUs without other
    processes, None for all; `task` is this rank 0's part in a cluster of processes. The run's
    records and status explain every failure, and the exit code that is returned.

    Raises:
        RunError: If the directory is not a run.
        RunLockedError: If another trainer has locked it.
    """
    started = time.monotonic() - seconds_since_start()
    description = read_description(run)
    peers = None
    if task is not None:  # the run's own settings replace those of the command line
        threads, batch_size = description.training.threads, description.training.batch_size
        peers = Peers(replace(task, threads=threads, batch_size=batch_size))
    if _is_finished(run):
        return ExitCode.OK if peers is None else _report_finished(peers, description, interruption)
    limit = max_time or description.training.max_time
    interruption.deadline = None if limit is None else started + limit
    with RunWriter(run) as writer:
        meter = UsageMeter()
        writer.observe(lambda: {"usage": meter.read()})
        interruption.on_leaving = partial(_record_preemption, writer)
        work = Assignment(run, description, writer, interruption, devices, peers)
        code = _train_and_record(work, accepts_change=accepts_change)
        if peers is not None:
            peers.leave(code, writer.status.message, writer.status.cause)
        return code


def _report_finished(
    peers: Peers, description: RunDescription, interruption: Interruption
) -> ExitCode:
    """Notify the other processes that the run is finished."""
    try:
        hardware, _ = peers.connect(description.corpus.sha256, {}, interruption)
    except LeavingError as left:
        return left.reason.exit_code
    hardware.coordination.leave_together()
    return ExitCode.OK


def _train_and_record(work: Assignment, *, accepts_change: bool) -> ExitCode:
    """Train, record any failure, and return the exit code."""
    writer, peers = work.writer, work.peers
    try:
        with SignalWatchdog(work.interruption, partial(_leave_at_once, writer)):
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
        code = _fail(writer, error, explain(error, work.run), ExitCode.UNEXPECTED)
        with contextlib.suppress(OSError, MemoryError):  # the log's disk may be full
            traceback.print_exc()
        return code


def _is_finished(run: RunDirectory) -> bool:
    try:
        status = read_status(run)
    except RunError:  # damaged: the writer replaces it
        return False
    return status is not None and status.state is RunState.FINISHED


def _train(work: Assignment, *, accepts_change: bool) -> ExitCode:
    run, description, writer = work.run, work.description, work.writer
    with storage_errors("read", run.events):
        has_history = file_system().lstat(run.events).st_size > 0
    now = datetime.now(UTC).isoformat(timespec="seconds")
    writer.append(RunStarted(os.getpid(), platform.node(), now))
    writer.set_status(state=RunState.PREPARING, message="")

    check_cancelled = work.interruption.check_cancelled
    if work.peers is None:
        text = prepare_text(run, description, check_cancelled, accepts_change=accepts_change)
    else:
        text = _connect_peers(work, work.peers)
    prepared = prepare_run(run, description, text, writer, check_cancelled)
    if has_history:
        step = prepared.state.progress.step if prepared.state else 0
        writer.set_status(step=step)
        writer.append(RunResumed(step))
    check_cancelled()
    writer.set_status(state=RunState.LOADING)
    # deferred: TensorFlow takes seconds to load, which the state LOADING reports
    from tui_charrnn.training.start import start_session  # noqa: PLC0415

    return start_session(work, prepared).work()


def _connect_peers(work: Assignment, peers: Peers) -> PreparedText:
    """Read the text, then connect to the other processes, even to report that reading failed."""
    description, writer, interruption = work.description, work.writer, work.interruption
    try:
        text = prepare_text(work.run, description, interruption.check_cancelled)
        own: str | CharRNNError = text.sha256
    except CharRNNError as error:
        own = error

    def detect_loss() -> None:
        if interruption.reason is None:  # else this process leaves for its own reason
            peers.check()

    interruption.ask_others = detect_loss  # until all train and share their reasons
    message = "Loading TensorFlow and waiting for the other processes ..."
    writer.set_status(state=RunState.LOADING, message=message)
    peers.connect(own, description.to_json(), interruption)
    writer.set_status(state=RunState.PREPARING, message="")
    return text


def _leave(writer: RunWriter, state: RunState, exit_code: ExitCode) -> ExitCode:
    """Record the end of the run without saving another checkpoint."""
    writer.end(state, exit_code)
    return exit_code


def _record_preemption(writer: RunWriter, reason: Reason) -> None:
    if reason is not Reason.STOPPED:
        writer.append(RunPreempted(reason.value))


def _leave_at_once(writer: RunWriter, reason: Reason) -> NoReturn:
    """End the process while native code blocks the main thread."""

    def record() -> None:
        _record_preemption(writer, reason)
        _leave(writer, reason.state, reason.exit_code)

    recording = threading.Thread(target=record, name="exit record", daemon=True)
    try:
        recording.start()
        recording.join(EXIT_PATIENCE)  # may block on locks of the main thread, or on the disk
    finally:  # even if no thread can be started
        os._exit(int(reason.exit_code))


def _break_off(writer: RunWriter, error: BrokenClusterError) -> ExitCode:
    """End because another process was lost or failed; saved checkpoints are kept."""
    if error.exit_code != ExitCode.RESUME_ME:  # it failed with this code
        return _fail(writer, error, str(error), error.exit_code)
    writer.end(RunState.SAVED, error.exit_code, str(error))
    return error.exit_code


def _fail(writer: RunWriter, error: Exception, message: str, exit_code: ExitCode) -> ExitCode:
    cause = cause_of(error)
    writer.append(RunFailed(message, cause))
    writer.set_status(message=message, cause=cause)
    return _leave(writer, RunState.FAILED, exit_code)
