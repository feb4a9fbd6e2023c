"""One trainer's work on one run directory, phase by phase, from its description to an exit code."""

import contextlib
import os
import platform
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, NoReturn

from tui_charrnn.errors import BrokenClusterError, CharRNNError, ExitCode, RunError
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.file_system import explained, file_system
from tui_charrnn.runs.host import seconds_since_start
from tui_charrnn.runs.layout import RunDirectory
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
from tui_charrnn.training.held_thread import HeldThread
from tui_charrnn.training.interruption import Interruption, LeavingError, Reason
from tui_charrnn.training.material import cut_material, prepare_text
from tui_charrnn.training.placement import Placement
from tui_charrnn.training.preparation import Prepared, prepare_run
from tui_charrnn.training.team import Team
from tui_charrnn.training.usage import UsageMeter

LAST_WORDS: Final = 5.0
"""Seconds that the disk has to take why a process ends whose main thread is held."""
_ALONE: Final = Placement()


def run_training(
    run: RunDirectory,
    interruption: Interruption,
    max_time: float | None = None,
    *,
    accepts_change: bool = False,
    placement: Placement = _ALONE,
) -> ExitCode:
    """Train a run, from its start or from its newest checkpoint, until it is done or must leave.

    Args:
        run: A run directory that `create_run` made.
        interruption: Asked between any two steps.
        max_time: Seconds after which to save and leave; None takes the run's own setting. They
            are counted from the start of this process, which loads for a while.
        accepts_change: Continue although the corpus has changed.
        placement: The processes and devices that train it together. Only the chief's run is one;
            the others take theirs for a description and write their own log into it.

    Returns:
        The exit code; every failure is explained in the run's records and status.

    Raises:
        RunError: If the directory is not a run.
        RunLockedError: If another trainer is at work on it.
    """
    started = time.monotonic() - seconds_since_start()
    description = read_description(run)
    if _is_finished(run):
        return ExitCode.OK
    limit = max_time or description.training.max_time
    deadline = None if limit is None else started + limit
    with RunWriter(run) as writer:
        writer.observe(UsageMeter().observe)
        interruption.on_leaving = partial(_record_preemption, writer)
        team = Team(placement, partial(_break_off_at_once, writer))
        prepare = partial(prepare_run, accepts_change=accepts_change)

        def work() -> ExitCode:
            with HeldThread(interruption, deadline, partial(_leave_at_once, writer)):
                if placement.is_chief:
                    return _train(run, description, writer, interruption, deadline, prepare, team)
                return _follow(run, description, writer, interruption, deadline, team)

        return team.part(_settle(work, run, writer, team), writer.status)


def _settle(
    work: Callable[[], ExitCode], run: RunDirectory, writer: RunWriter, team: Team
) -> ExitCode:
    """Do the work; the result says how it ended, whatever came in its way."""
    try:
        return work()
    except LeavingError as left:
        return _leave(writer, left.reason.state, left.reason.exit_code)
    except KeyboardInterrupt:
        team.desert("it was interrupted a second time, and stopped at once.")
        return _leave(writer, RunState.INTERRUPTED, ExitCode.INTERRUPTED)
    except BrokenClusterError as error:
        team.desert(str(error))
        return _break_off(writer, error)
    except CharRNNError as error:
        return _fail(writer, str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001  the last line of defense: recorded and logged
        code = _fail(writer, _explain(error, run), ExitCode.UNEXPECTED)
        with contextlib.suppress(OSError, MemoryError):  # the log may lie on a full disk
            traceback.print_exc()
        return code


def _is_finished(run: RunDirectory) -> bool:
    try:
        status = read_status(run)
    except RunError:  # damaged: the writer replaces it
        return False
    return status is not None and status.state is RunState.FINISHED


def _train(  # noqa: PLR0913, PLR0917  all that a trainer has
    run: RunDirectory,
    description: RunDescription,
    writer: RunWriter,
    interruption: Interruption,
    deadline: float | None,
    prepare: Callable[..., Prepared],
    team: Team,
) -> ExitCode:
    with explained("read", run.events):
        has_history = file_system().look_at(run.events).st_size > 0
    _record_start(writer)
    prepared = prepare(run, description, writer, partial(interruption.check_cancelled, deadline))
    if has_history:
        step = prepared.state.progress.step if prepared.state else 0
        writer.set_status(step=step)
        writer.append(RunResumed(step))
    interruption.check_cancelled(deadline)
    writer.set_status(state=RunState.LOADING)
    # deferred: TensorFlow takes seconds and hundreds of megabytes, and the state says so meanwhile
    from tui_charrnn.training.start import start_session  # noqa: PLC0415

    session = start_session(run, description, prepared, writer, interruption, deadline, team)
    return session.work()


def _follow(
    run: RunDirectory,
    description: RunDescription,
    writer: RunWriter,
    interruption: Interruption,
    deadline: float | None,
    team: Team,
) -> ExitCode:
    """Take part in the training of a run that another process writes."""
    _record_start(writer)
    check_cancelled = partial(interruption.check_cancelled, deadline)
    text = prepare_text(run, description, check_cancelled)
    check_cancelled()
    writer.set_status(state=RunState.LOADING)
    # deferred: as in `_train`
    from tui_charrnn.training.follower import follow_chief  # noqa: PLC0415

    prepared = (text, *cut_material(text, description.training))
    return follow_chief(description, prepared, writer, interruption, deadline, team)


def _record_start(writer: RunWriter) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    writer.append(RunStarted(os.getpid(), platform.node(), now))
    writer.set_status(state=RunState.PREPARING, message="")


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

    def tell() -> None:
        _record_preemption(writer, cause)
        _leave(writer, reason.state, reason.exit_code)

    _end_at_once(tell, reason.exit_code)


def _end_at_once(tell: Callable[[], object], code: ExitCode) -> NoReturn:
    """End the process once it is recorded why, or the disk does not take that."""
    telling = threading.Thread(target=tell, name="last words", daemon=True)
    try:
        telling.start()
        telling.join(LAST_WORDS)  # the main thread may be held by the disk, and hold its locks
    finally:  # also where no thread can be started
        os._exit(int(code))


def _break_off(writer: RunWriter, error: BrokenClusterError) -> ExitCode:
    """End because another process is lost; what was saved stands, and the run can be resumed."""
    if error.exit_code != ExitCode.RESUME_ME:  # it failed, and this is how
        return _fail(writer, str(error), error.exit_code)
    writer.append(RunWarned(str(error)))
    writer.set_status(message=str(error))
    return _leave(writer, RunState.SAVED, ExitCode.RESUME_ME)


def _break_off_at_once(writer: RunWriter, error: BrokenClusterError) -> NoReturn:
    """As `_break_off`, in the place of a main thread that waits for a process that is lost."""
    _end_at_once(partial(_break_off, writer, error), error.exit_code)


def _fail(writer: RunWriter, message: str, exit_code: ExitCode) -> ExitCode:
    writer.append(RunFailed(message))
    writer.set_status(message=message)
    return _leave(writer, RunState.FAILED, exit_code)


def _explain(error: Exception, run: RunDirectory) -> str:
    """An unexpected failure in words, with the remedy where there is a known one."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "ResourceExhaustedError":
        return (
            "There was not enough memory for a batch. Start again with a smaller --batch-size, "
            "--sequence-length or --hidden-size."
        )
    first_line = str(error).partition("\n")[0][:200]
    return f"The trainer met an unexpected {name}: {first_line} (details in {run.log})."
