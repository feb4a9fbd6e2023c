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
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory, format_command
from tui_charrnn.runs.liveness import AT_WORK, Liveness
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.runs.records import RequestAnswered

STOP_TIMEOUT = 60.0  # seconds

ANSWER_TIMEOUT: Final = 60.0
"""Seconds to wait for an answer; a trainer does not answer while TensorFlow loads."""


def stop(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Ask a run's trainer to save and stop, and wait for it; exit with 7 if it does not."""
    directory = find_run(run, runs_folder(runs_dir))
    status = read_status(directory)
    life = Liveness()
    verdict = life.judge(status)
    if status is None or verdict == "ended":
        print_message(f"No trainer is running for {directory.name}.")
        return
    if verdict != "lost":
        send_request(directory, "stop")
    deadline = time.monotonic() + STOP_TIMEOUT
    while status is not None and (verdict := life.judge(status)) in AT_WORK:
        if time.monotonic() > deadline:
            raise UnansweredError(
                f"{directory.name} has not stopped within {STOP_TIMEOUT:g} s; the request stays "
                "pending."
            )
        time.sleep(0.1)
        status = newest_status(directory, status)
    if status is not None and verdict == "lost":
        print_message(
            f"The trainer of {directory.name} is lost; its checkpoints are kept. "
            f"Resume it with: {format_command('resume', directory)}"
        )
        return
    print_message(f"{directory.name} is {status.state if status else 'gone'}.")


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
    TrainingConfig(steps=1, learning_rate=value)  # refuses what is out of bounds
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
    status = read_status(run)
    is_new = status is not None and status.state is RunState.CREATED
    if status is None or is_new or Liveness().judge(status) == "ended":
        raise ConfigError(f"No trainer is running for {run.name}; nothing was changed.")
    if Liveness().judge(status) == "lost":
        raise _lost_error(run)
    _await_answer(run, status, send_request(run, request, **arguments))


def _await_answer(run: RunDirectory, status: RunStatus, request: str) -> None:
    """Wait for the answer to a request and print it."""
    life, reader = Liveness(), RunReader(run)
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while True:
        status = newest_status(run, status) or status
        verdict = life.judge(status)  # read first: a trainer writes its answer before it ends
        answer = _find_answer(reader, request)
        if answer is not None and not answer.accepted:
            raise ConfigError(f"The trainer of {run.name} refused: {answer.message}")
        if answer is not None:
            print_message(f"{run.name}: {answer.message}.")
            return
        if verdict == "lost":
            raise _lost_error(run)
        if verdict == "ended":
            raise ConfigError(f"{run.name} is {status.state}; nothing was changed.")
        if time.monotonic() > deadline:
            raise UnansweredError(f"{run.name} has not answered yet; the request stays pending.")
        time.sleep(0.1)


def _lost_error(run: RunDirectory) -> ConfigError:
    return ConfigError(
        f"The trainer of {run.name} is lost; nothing was changed. "
        f"Resume it with: {format_command('resume', run)}"
    )


def _find_answer(reader: RunReader, request: str) -> RequestAnswered | None:
    """Return the answer to a request if it is among the new records, else None."""
    try:
        for record in reader.read_all():
            if isinstance(record, RequestAnswered) and record.id == request:
                return record
    except RunError:  # an error of a network file system
        pass
    return None
