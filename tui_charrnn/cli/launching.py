"""Starts a run's trainer and stays with it in the way that was asked for."""

import time
from dataclasses import dataclass
from typing import NoReturn

import typer

from tui_charrnn.cli.following import follow, read_all
from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.reporting import choose_reporter, narrate_outcome
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_status
from tui_charrnn.tui.run_view import RunView


@dataclass(frozen=True, slots=True)
class Watching:
    """How a command stays with the trainer that it starts."""

    headless: bool
    detach: bool
    as_json: bool
    quiet: bool


def start_and_watch(
    run: RunDirectory, watching: Watching, max_time: float | None = None
) -> NoReturn:
    """Start the trainer of a run; then follow it, leave it, or open the app on it.

    Raises:
        typer.Exit: Always, with the exit code to end with.
    """
    status = read_status(run)
    if status is not None and status.state is RunState.FINISHED:
        if not watching.quiet:
            narrate(f"The run {run.name} is finished; there is nothing left to train.")
        _print_path(run, watching)
        raise typer.Exit(ExitCode.OK)
    if watching.detach:
        launch_trainer(run, max_time=max_time)
        narrate(
            f"Training goes on by itself. Watch: charrnn-tui attach {run.name}  "
            f"Stop: charrnn-tui stop {run.name}"
        )
        _print_path(run, watching)
        raise typer.Exit(ExitCode.OK)
    if watching.headless:
        raise typer.Exit(_train_headless(run, watching, max_time))
    launch_trainer(run, max_time=max_time)
    # deferred: Textual takes half a second that a headless run need not spend
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    raise typer.Exit(run_app(run=run.path, runs_folder=run.path.parent, model=None))


def _train_headless(run: RunDirectory, watching: Watching, max_time: float | None) -> int:
    reader = RunReader(run)
    history = read_all(reader)
    log_size = run.log.stat().st_size if run.log.exists() else 0
    trainer = launch_trainer(run, max_time=max_time)
    if not watching.quiet:
        narrate(
            "Ctrl-C once: save and stop; twice: stop now. From another terminal: "
            f"charrnn-tui attach {run.name}"
        )
    reporter = choose_reporter(run, as_json=watching.as_json, is_quiet=watching.quiet)
    reporter.recall(history)
    code = follow(run, reader, trainer, reporter)
    if refusal := _refusal(run, log_size):
        narrate(refusal)
    elif not watching.quiet:
        _tell_end(run, code)
    if code == ExitCode.OK:
        _print_path(run, watching)
    return code


def _refusal(run: RunDirectory, log_size: int) -> str:
    """What a trainer said that could not take the run up, and so could not record it."""
    with run.log.open("rb") as log:
        log.seek(log_size)
        lines = log.read().decode("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.startswith("charrnn-tui: ")), "")


def _print_path(run: RunDirectory, watching: Watching) -> None:
    """The run is what a training gives: its path is the command's data."""
    if not watching.as_json:
        print_data(str(run.path))


def _tell_end(run: RunDirectory, code: int) -> None:
    view = RunView(run)
    view.take(read_all(RunReader(run)))
    view.observe(read_status(run), "ended", time.monotonic())
    narrate_outcome(view)
    message = view.status.message if view.status else ""
    if code not in {ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED} and message:
        narrate(message)
    if code == ExitCode.OK:
        narrate(f'Talk to it: charrnn-tui generate "The " --model {run.name}')
    elif code in {ExitCode.RESUME_ME, ExitCode.INTERRUPTED}:
        saved = view.checkpoint_step
        where = f"Saved at step {saved:,}." if saved else "Nothing was saved yet."
        narrate(f"{where} Go on with: charrnn-tui resume {run.name}")
