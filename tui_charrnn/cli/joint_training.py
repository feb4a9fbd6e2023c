"""The command of one rank of a training over several processes.

Rank 0 makes the run or finds it, and follows its trainer as any command does. Every other rank
starts a trainer that writes nothing, and stays until it ends. The trainers meet, agree and train
(`training/distributed/`).
"""

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from tui_charrnn import lazy
from tui_charrnn.cli.following import (
    TrainerWatch,
    newest_status,
    remaining_time,
    supervise,
    time_limit,
)
from tui_charrnn.cli.launching import Watching, launch, start_and_watch
from tui_charrnn.cli.output import error_lines, print_message
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import (
    CharRNNError,
    ExitCode,
    ModelFileError,
    PreemptedError,
    RunError,
    StorageError,
)
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import TRAINER, trainer_environment
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import keep_trainers_out
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.distributed.placement import (
    ALL,
    STARTING_MODEL,
    Cluster,
    JointTask,
    Placement,
    refuse_uneven,
)
from tui_charrnn.training.plan import refuse_automatic_batch

_PER_PROCESS: Final = frozenset({"threads", "max_time"})
"""Settings that each process may have of its own."""


def train_jointly(
    cluster: Cluster, make_request: Callable[[], RunRequest], watching: Watching
) -> int:
    """Train together with other processes, as the rank that this one has.

    Returns:
        The exit code to end with.

    Raises:
        PreemptedError: If the process must leave before it starts a trainer.
    """
    try:
        task, limit, run, is_new = _prepare(cluster, make_request, watching)
    except PreemptedError:
        raise  # there is no time to wait for the others
    except CharRNNError as error:
        return _refuse(cluster, watching.placement, error)
    if run is None:
        return _train_as_worker(task, limit)
    watch = TrainerWatch(task, limit)
    watching, status = replace(watching, watch=watch), newest_status(run)
    if status is not None and status.state is RunState.FINISHED:  # the others learn it, too
        supervise(lambda: launch(run, watching, limit), print_message, watch)
    code = start_and_watch(run, watching, limit)
    if is_new and _remove_untrained(run) and not watching.quiet:
        print_message(f"Nothing was trained, so the run {run.name} is removed.")
    return code


def _prepare(
    cluster: Cluster, make_request: Callable[[], RunRequest], watching: Watching
) -> tuple[JointTask, float | None, RunDirectory | None, bool]:
    """The trainer's task and time limit and, on rank 0, the run, and whether it is made here."""
    request, placement = make_request(), watching.placement
    training, reading = request.configurations[1], request.reading
    refuse_automatic_batch(training, cluster.size)
    task = JointTask(
        cluster=cluster,
        devices=placement.devices,
        meet_within=placement.meet_within,
        card=_card(request, cluster, placement.devices),
        quiet=watching.quiet,
        threads=training.threads,
        batch_size=training.batch_size,
        corpus={
            "arguments": list(request.corpus),
            "reading": {
                "encoding": reading["encoding"],
                "unify_newlines": not reading["keep_newlines"],
                "compose": not reading["keep_decomposed"],
                "units": reading["units"],
                "records": reading["records"],
            },
        },
    )
    if not watching.quiet:
        more = "ranks" if cluster.size > 2 else "rank"
        others = "rank 0" if cluster.rank else f"{cluster.size - 1} other {more}"
        print_message(f"{cluster.name_of(cluster.rank)} trains together with {others}.")
    if cluster.rank:
        return task, training.max_time, None, False
    is_new = request.name is None or not (request.folder / request.name).exists()
    with time_limit(training.max_time):
        run = _prepare_run(request, cluster.size * (placement.devices or 1))
    return task, training.max_time, run, is_new


def _refuse(cluster: Cluster, placement: Placement, error: CharRNNError) -> int:
    """Have a trainer report to all others why this rank cannot take part; returns the exit code."""
    lines = error_lines(error)
    print_message("The other ranks are told why this one cannot take part, once all are there:")
    print_message(*(f"charrnn-tui: {line}" for line in lines))
    task = JointTask(
        cluster=cluster,
        devices=placement.devices,
        meet_within=placement.meet_within,
        failure=(int(error.exit_code), " ".join(lines)),
    )
    _train_as_worker(task, limit=None, stderr=subprocess.DEVNULL)
    return int(error.exit_code)


def _train_as_worker(task: JointTask, limit: float | None, stderr: int | None = None) -> int:
    """Start a trainer that writes no run, and stay until it ends; the result is the exit code."""

    def start(task: JointTask) -> "subprocess.Popen[bytes]":
        left = remaining_time(limit)
        words = [] if left is None else ["--max-time", f"{left:.3f}"]
        try:
            return subprocess.Popen(
                [*TRAINER, *words, "--joint", task.to_json()],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=trainer_environment(os.environ),
                pass_fds=[task.events],
            )
        except OSError as error:
            raise StorageError(f"Cannot start the trainer: {error.strerror}.") from error

    watch = TrainerWatch(task, limit)
    code = supervise(lambda: watch.launch(start), print_message, watch)
    if watch.verdict is not None:
        print_message(str(watch.verdict))
        return int(watch.verdict.exit_code)
    if code < 0:
        print_message(f"The trainer was ended by signal {-code} from outside.")
        return int(ExitCode.UNEXPECTED)
    return code


def _prepare_run(request: RunRequest, replicas: int) -> RunDirectory:
    """The run to be trained, made where it is not there, and refused where it cannot be trained."""

    def refuse(characters: int, training: TrainingConfig) -> None:
        size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
        refuse_uneven(size, replicas)

    training = request.configurations[1]
    text = read_named_corpus(request.corpus, **request.reading)
    refuse(text.split(training.validation_fraction), training)
    run = request.find_or_make(text)
    if (lock := keep_trainers_out(run)) is not None:
        lock.release()
    begun = read_description(run)  # one that was there may have another batch size
    refuse(begun.corpus.training_characters, begun.training)
    return run


def _card(request: RunRequest, cluster: Cluster, devices: int | None) -> dict[str, str]:
    """What is compared, by the names that the user gives it."""
    settings = {
        f"--{name.replace('_', '-')}": str(value)
        for configuration in request.configurations
        for name, value in configuration.to_mapping().items()
        if name not in _PER_PROCESS
    }
    card = {
        "number of processes": str(cluster.size),
        "--name": str(request.name),
        "--devices": str(devices or ALL),
        **settings,
    }
    if (start := _starting_model(request, cluster.rank)) is not None:
        card[STARTING_MODEL] = start
    return card


def _starting_model(request: RunRequest, rank: int) -> str | None:
    """SHA-256 of the model that a rank starts from, empty without one; None if it needs none.

    A run that is resumed needs none. Only rank 0 knows: others may see one that it just made.
    """
    if rank == 0 and request.existing is not None:
        return None
    starting = request.starting
    if starting is None and request.start_from is not None:
        try:
            starting = lazy.open_starting_model(request.start_from, request.folder)
        except ModelFileError:
            return None
    return "" if starting is None else starting.origin.sha256


def _remove_untrained(run: RunDirectory) -> bool:
    """Leave nothing of a run that was made here and never took a step: the others refused it."""
    with suppress(RunError, StorageError, OSError):
        if not any(isinstance(each, BatchTrained) for each in RunReader(run).read_new()):
            Storage().remove_tree(run.path)
            return True
    return False
