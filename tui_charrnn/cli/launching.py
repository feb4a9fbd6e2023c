"""Starts the trainer of a run, and follows it headless, detached or in the app."""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import Final

from tui_charrnn import lazy
from tui_charrnn.cli.following import (
    TrainerWatch,
    handle_preemption,
    newest_status,
    supervise,
    time_options,
    wait_for_start,
)
from tui_charrnn.cli.opening import delay_garbage_collection
from tui_charrnn.cli.output import (
    print_data,
    print_message,
    send_to_terminal,
    stderr_is_terminal,
)
from tui_charrnn.cli.reporting import (
    BarReporter,
    JsonReporter,
    LineReporter,
    Reporter,
    RowsOf,
    print_outcome,
)
from tui_charrnn.cli.tensorflow_process import describe_kill
from tui_charrnn.errors import (
    EXPECTED_EXIT_CODES,
    BrokenClusterError,
    CharRNNError,
    ConfigError,
    ExitCode,
    RunError,
    StorageError,
)
from tui_charrnn.preferences import resolve, variable_of
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import (
    REFUSAL_PREFIX,
    RunDirectory,
    RunGoneError,
    format_command,
    refuse_gone,
)
from tui_charrnn.runs.reader import LogTail, read_description
from tui_charrnn.runs.records import RunEnded
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.distributed.placement import ALL, Placement
from tui_charrnn.viewing.announcements import announce_end
from tui_charrnn.viewing.run_view import RunView

_ONE_DEVICE: Final = Placement()
_DEFAULT_START: Final = "The "
_START_WORDS: Final = 3
_START_LENGTH: Final = 40
"""Words, and characters, of a pinned seed text that are suggested as a seed text."""


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How a command starts and follows a trainer."""

    headless: bool
    detach: bool = False
    as_json: bool = False
    quiet: bool = False
    accepts_change: bool = False
    """Whether the trainer continues although the corpus has changed."""
    placement: Placement = _ONE_DEVICE
    """The devices and processes that train."""
    watch: TrainerWatch | None = None
    """The watch over the trainer of a distributed training."""
    notify_command: str | None = None
    """Shell command to run when the run has ended; None uses the preference."""
    rows_of: RowsOf = lambda _: ()
    """Returns rows to print below the messages of a record."""

    def __post_init__(self) -> None:
        """Refuse options that have no effect unless the command follows the trainer."""
        if self.detach and self.notify_command is not None:
            raise ConfigError(
                "--notify-command runs when the command ends, so it cannot be combined with "
                "--detach."
            )
        if self.as_json and (self.detach or not self.headless):
            raise ConfigError(
                "--json prints the records of a training that this command follows: it needs "
                "--headless, without --detach."
            )


def start_and_watch(
    run: RunDirectory, options: FollowOptions, max_time: float | None = None
) -> int:
    """Start the trainer of a run; then follow it, detach from it, or open the app on it.

    `max_time` is in seconds after the start of this process; None uses the run's setting.

    Returns:
        The exit code of the command.
    """
    status = newest_status(run)  # None if it is damaged: the trainer replaces it
    if status is not None and status.state is RunState.FINISHED:
        if not options.quiet:
            print_message(
                f"The run {run.name} is finished; there is nothing left to train. To extend it: "
                f"{format_command('resume', run)} --more-time 10m"
            )
        return _end(run, options, ExitCode.OK)
    limit = max_time or read_description(run).training.max_time
    if options.detach:
        return _train_detached(run, options, limit)
    if options.headless:
        with handle_preemption():
            return _end(run, options, train_headless(run, options, limit))
    launch(run, options, limit)
    if options.notify_command is not None:
        os.environ[variable_of("notify_command")] = options.notify_command  # the app reads it
    delay_garbage_collection()
    return lazy.run_app(runs_folder=run.path.parent, run=run.path)


def launch(
    run: RunDirectory, options: FollowOptions, limit: float | None
) -> "subprocess.Popen[bytes]":
    """Start the trainer of a run with the options of the command."""
    start = partial(launch_trainer, run, *time_options(limit))
    if options.watch is not None:
        return options.watch.launch(start)
    devices = options.placement.devices
    placement = [] if devices == 1 else ["--devices", str(devices or ALL)]
    return start(*(["--force"] if options.accepts_change else []), *placement)


def _train_detached(run: RunDirectory, options: FollowOptions, limit: float | None) -> int:
    """Start the trainer, and return once it has locked the run or failed."""
    log = _log_from_here(run)
    returncode = wait_for_start(run, launch(run, options, limit))
    if returncode is None:
        print_message(
            f"Training continues in the background. Watch: {format_command('attach', run)}  Stop: "
            f"{format_command('stop', run)}"
        )
    elif returncode not in EXPECTED_EXIT_CODES:
        report_failure(run, returncode, log)
    return _end(run, options, returncode or 0)


def train_headless(run: RunDirectory, options: FollowOptions, limit: float | None) -> int:
    """Start the trainer of a run, and report its progress until it ends.

    `limit` is in seconds after the start of this process.

    Returns:
        Its exit code, negative if a signal ended it.
    """
    view, log = RunView(run, description=read_description(run)), _log_from_here(run)
    if not options.quiet:
        print_message(
            "Ctrl-C once: save and stop; twice: stop now. From another terminal: "
            f"{format_command('attach', run)}"
        )
    if options.as_json or options.quiet:
        reporter = JsonReporter(view) if options.as_json else Reporter(view)
    else:
        reporter = (BarReporter if stderr_is_terminal() else LineReporter)(view)
    view.take(reporter.read_new())
    view.ended, before = None, newest_status(run)  # an earlier trainer's
    watch, poll = options.watch, partial(reporter.poll, options.rows_of)
    with contextlib.closing(reporter):
        returncode = supervise(partial(launch, run, options, limit), reporter.notify, watch, poll)
    _judge_end(view, before, returncode)
    if watch is not None and (error := watch.verdict) is not None:
        view.ended = _record_loss(run, error)
        print_message(str(error))
        _announce_end(view, options)
        return int(error.exit_code)
    if not options.quiet and returncode != ExitCode.LOCKED:
        print_outcome(view)
    _announce_end(view, options)
    if returncode not in EXPECTED_EXIT_CODES:
        is_reported = not (options.quiet or options.as_json) and view.ended is not None
        if not (is_reported and view.failed):
            report_failure(run, returncode, log)
    if not options.quiet and returncode in {*EXPECTED_EXIT_CODES, ExitCode.CANNOT_SAVE}:
        _print_next_command(view, returncode, is_joint=options.placement.cluster is not None)
    return returncode


def _judge_end(view: RunView, before: RunStatus | None, returncode: int) -> None:
    """Change the view where the trainer could not write its end."""
    if view.status == before:
        view.status = None  # an earlier trainer's
    if returncode < 0:
        view.life = "lost"  # killed


def _announce_end(view: RunView, options: FollowOptions) -> None:
    flags = {"notify_command": options.notify_command}
    preferred = resolve(flags, wanted=["notify", "notify_command"]).preferences
    send = None if options.quiet or options.as_json else send_to_terminal
    if problem := announce_end(view, preferred, send):
        print_message(problem)


def _record_loss(run: RunDirectory, error: BrokenClusterError) -> RunEnded | None:
    """Record why the trainer of a distributed training was killed; None if that is impossible."""
    with contextlib.suppress(CharRNNError), RunWriter(run) as writer:
        return writer.end(RunState.SAVED, error.exit_code, str(error))
    return None


def _end(run: RunDirectory, options: FollowOptions, returncode: int) -> int:
    """Print the path of the run after success, and return the exit code of the command."""
    if returncode == ExitCode.OK and not options.as_json:
        print_data(str(run.path))
    return returncode if returncode >= 0 else int(ExitCode.UNEXPECTED)


def _print_next_command(view: RunView, code: int, *, is_joint: bool) -> None:
    if code == ExitCode.OK:
        if view.description is not None and view.description.model.reads_both:
            next_command = format_command("fill", view.run, "the k▢ng", "--bidirectional")
            print_message(f"Fill gaps with it: {next_command}")
            return
        next_command = format_command("generate", view.run, *suggested_seed_text(view), "--model")
        print_message(f"Generate text with it: {next_command}")
        return
    saved = view.checkpoint_step
    where = f"Saved at step {saved:,}." if saved else "Nothing was saved yet."
    alone = format_command("resume", view.run)
    if not is_joint:
        print_message(f"{where} Resume it with: {alone}")
        return
    by_itself = f", a single one with: {alone}" if saved else "."
    print_message(
        f"{where} Resume all processes with the same command and --resume auto{by_itself}"
    )


def report_failure(run: RunDirectory, returncode: int, log: LogTail) -> None:
    """Print why a trainer failed: the error that it logged since `log` was opened, or its status.

    A trainer that could not lock the run has written no status.
    """
    if returncode < 0:
        print_message(
            f"The trainer was {describe_kill(-returncode)}. Its checkpoints are kept. Resume it "
            f"with: {format_command('resume', run)}"
        )
        return
    with contextlib.suppress(StorageError):  # a disk error does not mean that the run is missing
        try:
            refuse_gone(run)
        except RunGoneError as error:
            print_message(str(error))
            return
    status = newest_status(run)
    errors: list[str] = []
    with contextlib.suppress(RunError):
        errors = [line for line in log.read_rest() if line.startswith(REFUSAL_PREFIX)]
    reason = errors[-1] if errors else status.message if status else ""
    print_message(reason or f"The trainer ended with exit code {returncode}; its log is {run.log}.")


def _log_from_here(run: RunDirectory) -> LogTail:
    """Return a reader of what is added to the trainer's log from now on."""
    log = LogTail(run.log)
    with contextlib.suppress(RunError):
        log.read_rest()
    return log


def suggested_seed_text(view: RunView) -> list[str]:
    """Suggest a seed text as command arguments: the start of the corpus, or a default."""
    description = view.description
    seeds = description.pinned_seeds if description is not None else ()
    first = " ".join(seeds[0].split()[:_START_WORDS])[:_START_LENGTH] if seeds else ""
    if first and not first.startswith("-"):
        return [first]
    is_known = description is None or set(_DEFAULT_START) <= set(description.vocabulary)
    return [_DEFAULT_START] if is_known else []
