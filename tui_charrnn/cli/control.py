"""The commands `stop`, `set`, `pause` and `unpause`, which send a request to a run's trainer."""

import time
from typing import Annotated, Any, Final

import typer

from tui_charrnn.cli.following import newest_status
from tui_charrnn.cli.options import RunArgument, RunsDir
from tui_charrnn.cli.output import print_message
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ConfigError, RunError, UnansweredError
from tui_charrnn.preferences import runs_folder
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.runs.checkpoints import read_pointer
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.liveness import AT_WORK, Liveness, Verdict
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import RequestAnswered

START_TIMEOUT: Final = 2.0
"""Seconds in which a trainer that was just launched takes its run; most need 0.2."""

ANSWER_TIMEOUT: Final = 60.0
"""Seconds to wait for an answer or the end; a trainer does not answer while TensorFlow loads."""


class _NoTrainerError(ConfigError):
    """No trainer of a run is there to carry out a request."""


def stop(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Ask a run's trainer to save and stop, and wait for it; exit with 7 if it does not."""
    directory = find_run(run, runs_folder(runs_dir))
    life, deadline = Liveness(), time.monotonic() + ANSWER_TIMEOUT
    try:
        found = _status_after_start(directory)
        status = _require_trainer(directory, found, life.judge(found))
        send_request(directory, "stop")
        while (verdict := life.judge(status)) in AT_WORK:
            if time.monotonic() > deadline:
                raise _unanswered(directory, status, "stopped")
            time.sleep(0.1)
            if (found := newest_status(directory, status)) is None:
                print_message(f"{directory.name} is gone.")
                return
            status = found
        if verdict == "lost":
            raise _lost(directory)
    except _NoTrainerError as error:  # which is what `stop` is for
        print_message(str(error))
        return
    saved = read_pointer(directory, directory.latest)
    where = f"saved at step {saved.step:,}" if saved else "nothing was saved"
    sentence = f"{directory.name} is {status.state}; {where}."
    if status.state is RunState.STOPPED:  # it may also have finished meanwhile
        sentence += f" Resume it with: {format_command('resume', directory)}"
    print_message(sentence)


def change(
    run: RunArgument,
    learning_rate: Annotated[
        str,
        typer.Option(
            help="New peak of the learning rate; warm-up and decay keep their shape.",
            metavar="VALUE",
        ),
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Change a setting of a run while it trains, from the next step on."""
    value = TrainingConfig.parse("learning_rate", learning_rate)
    _ask(find_run(run, runs_folder(runs_dir)), "learning_rate", value=value)


def pause(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Pause a run: its trainer saves, then waits without releasing its memory."""
    _ask(find_run(run, runs_folder(runs_dir)), "pause")


def unpause(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Continue a paused run."""
    _ask(find_run(run, runs_folder(runs_dir)), "resume")


def _ask(run: RunDirectory, request: str, **arguments: Any) -> None:
    """Send a request to the trainer of a run, and wait for its answer.

    Raises:
        ConfigError: If no trainer is running, or it refuses.
        UnansweredError: If it does not answer in time.
    """
    found = _status_after_start(run)
    status = _require_trainer(run, found, Liveness().judge(found))
    _await_answer(run, status, send_request(run, request, **arguments))


def _status_after_start(run: RunDirectory) -> RunStatus | None:
    """Read the status of a run, of which a trainer may have been launched just now."""
    status, deadline = read_status(run), time.monotonic() + START_TIMEOUT
    while status and status.state is RunState.CREATED and time.monotonic() < deadline:
        time.sleep(0.1)
        status = newest_status(run, status)
    return status


def _require_trainer(run: RunDirectory, status: RunStatus | None, verdict: Verdict) -> RunStatus:
    """Return the status of a run's trainer; raise `_NoTrainerError` if none is running."""
    if status is None or status.state is RunState.CREATED or verdict == "ended":
        state = status.state if status else RunState.CREATED
        raise _NoTrainerError(f"{run.name} is {state}; no trainer is running.")
    if verdict == "lost":
        raise _lost(run)
    return status


def _lost(run: RunDirectory) -> _NoTrainerError:
    return _NoTrainerError(
        f"The trainer of {run.name} is lost; its checkpoints are kept. "
        f"Resume it with: {format_command('resume', run)}"
    )


def _unanswered(run: RunDirectory, status: RunStatus, outcome: str) -> UnansweredError:
    return UnansweredError(
        f"{run.name} has not {outcome} within {ANSWER_TIMEOUT:g} s; it is {status.state}. "
        "The request stays pending: the trainer obeys it as soon as it can."
    )


def _await_answer(run: RunDirectory, status: RunStatus, request: str) -> None:
    """Wait for the answer to a request and print it."""
    life, reader = Liveness(), RunReader(run)
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while True:
        status = newest_status(run, status) or status
        verdict = life.judge(status)  # before the answer, which a trainer writes before it ends
        answer = _find_answer(reader, request)
        if answer is not None and not answer.accepted:
            raise ConfigError(f"The trainer of {run.name} refused: {answer.message}")
        if answer is not None:
            print_message(f"{run.name}: {answer.message}.")
            return
        _require_trainer(run, status, verdict)
        if time.monotonic() > deadline:
            raise _unanswered(run, status, "answered")
        time.sleep(0.1)


def _find_answer(reader: RunReader, request: str) -> RequestAnswered | None:
    """Return the answer to a request if it is among the new records, else None."""
    try:
        for record in reader.read_all():
            if isinstance(record, RequestAnswered) and record.id == request:
                return record
    except RunError:  # an error of a network file system
        pass
    return None
