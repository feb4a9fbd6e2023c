"""Runs one rank of a distributed training.

Rank 0 creates or finds the run, and follows its trainer as in a training on one process. Every
other rank starts a trainer that writes no run, and waits until it ends. The trainers connect,
compare their settings and train in `training/distributed/`.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Final

from tui_charrnn import lazy
from tui_charrnn.cli.following import (
    TrainerWatch,
    newest_status,
    supervise,
    time_limit,
    time_options,
)
from tui_charrnn.cli.launching import FollowOptions, launch, start_and_watch
from tui_charrnn.cli.output import print_message
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.cli.tensorflow_process import describe_kill
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import (
    CharRNNError,
    ExitCode,
    ModelFileError,
    PreemptedError,
    RunError,
    StorageError,
    reason_of,
)
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import TRAINER, trainer_environment
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import lock_out_trainers
from tui_charrnn.runs.reader import BatchStretch, RunReader, read_description
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.distributed.placement import (
    ALL,
    STARTING_MODEL,
    Cluster,
    JointTask,
    refuse_uneven,
)
from tui_charrnn.training.plan import refuse_automatic_batch

_PER_PROCESS: Final = frozenset({"threads", "max_time"})
"""Settings that may differ between processes."""


def train_jointly(
    cluster: Cluster, make_request: Callable[[], RunRequest], options: FollowOptions
) -> int:
    """Train together with the other processes of a cluster, as rank `cluster.rank`.

    Returns:
        The exit code of the command.

    Raises:
        PreemptedError: If a signal or the time limit ends the command before a trainer starts.
    """
    devices, meet_within = options.placement.devices, options.placement.meet_within
    task = JointTask(cluster=cluster, devices=devices, meet_within=meet_within)
    try:
        task, limit, run, is_new = _prepare(task, make_request, quiet=options.quiet)
    except PreemptedError:
        raise  # no time is left to report to the other ranks
    except CharRNNError as error:
        return _report_failure(task, error)
    if run is None:
        return _train_as_worker(task, limit)
    watch = TrainerWatch(task, limit)
    options, status = replace(options, watch=watch), newest_status(run)
    if status is not None and status.state is RunState.FINISHED:
        # the trainer reports that to the other ranks
        supervise(lambda: launch(run, options, limit), print_message, watch)
    code = start_and_watch(run, options, limit)
    if is_new and _remove_untrained(run) and not options.quiet:
        print_message(f"Nothing was trained, so the run {run.name} is removed.")
    return code


def _prepare(
    task: JointTask, make_request: Callable[[], RunRequest], *, quiet: bool
) -> tuple[JointTask, float | None, RunDirectory | None, bool]:
    """Return task, time limit and, on rank 0, the run, and whether this command creates it."""
    request, cluster = make_request(), task.cluster
    training = request.configurations[1]
    refuse_automatic_batch(training, cluster.size)
    task = replace(
        task,
        card=_shared_settings(request, cluster, task.devices),
        quiet=quiet,
        threads=training.threads,
        batch_size=training.batch_size,
        corpus={"arguments": list(request.corpus), "reading": asdict(request.reading)},
    )
    if not quiet:
        more = "ranks" if cluster.size > 2 else "rank"
        others = "rank 0" if cluster.rank else f"{cluster.size - 1} other {more}"
        print_message(f"{cluster.name_of(cluster.rank)} trains together with {others}.")
    if cluster.rank:
        return task, training.max_time, None, False
    is_new = request.name is None or not (request.folder / request.name).exists()
    with time_limit(training.max_time):
        run = _prepare_run(request, cluster.size * (task.devices or 1))
    return task, training.max_time, run, is_new


def _report_failure(task: JointTask, error: CharRNNError) -> int:
    """Start a trainer that reports this rank's error to all others; return the exit code."""
    print_message(
        "This rank cannot take part. The other ranks get the reason when all are connected:"
    )
    print_message(*(f"charrnn-tui: {line}" for line in error.lines))
    failure = int(error.exit_code), " ".join(error.lines)
    _train_as_worker(replace(task, failure=failure), limit=None, stderr=subprocess.DEVNULL)
    return int(error.exit_code)


def _train_as_worker(task: JointTask, limit: float | None, stderr: int | None = None) -> int:
    """Start a trainer that writes no run, wait until it ends, and return the exit code."""

    def start(*options: str, kept_open: Sequence[int]) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                [*TRAINER, *time_options(limit), *options],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=trainer_environment(os.environ),
                pass_fds=kept_open,
            )
        except OSError as error:
            raise StorageError(f"Cannot start the trainer: {reason_of(error)}.") from error

    watch = TrainerWatch(task, limit)
    code = supervise(lambda: watch.launch(start), print_message, watch)
    if watch.verdict is not None:
        print_message(str(watch.verdict))
        return int(watch.verdict.exit_code)
    if code < 0:
        print_message(f"The trainer was {describe_kill(-code)}.")
        return int(ExitCode.UNEXPECTED)
    return code


def _prepare_run(request: RunRequest, replicas: int) -> RunDirectory:
    """Find or create the run; raise an error if its batch cannot be divided among replicas."""

    def check_batch(characters: int, training: TrainingConfig) -> None:
        size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
        refuse_uneven(size, replicas)

    if request.existing is None:
        request.refuse_name()
    training = request.configurations[1]
    text = read_named_corpus(request.corpus, request.reading)
    check_batch(text.split(training.validation_fraction), training)
    run = request.find_or_make(text)
    with lock_out_trainers(run):
        pass
    description = read_description(run)  # an existing run may have another batch size
    check_batch(description.corpus.training_characters, description.training)
    return run


def _shared_settings(request: RunRequest, cluster: Cluster, devices: int | None) -> dict[str, str]:
    """Return the settings that must be equal on all ranks, by the names of their options."""
    settings = {
        f"--{name.replace('_', '-')}": str(value)
        for configuration in request.configurations
        for name, value in configuration.to_mapping().items()
        if name not in _PER_PROCESS
    }
    shared = {
        "number of processes": str(cluster.size),
        "--name": str(request.name),
        "--devices": str(devices or ALL),
        **settings,
    }
    if (start := _starting_model(request, cluster.rank)) is not None:
        shared[STARTING_MODEL] = start
    return shared


def _starting_model(request: RunRequest, rank: int) -> str | None:
    """Return the SHA-256 of the starting model; "" without one, None if not needed or not found.

    A resumed run needs no starting model. Only rank 0 knows whether the run is resumed: the other
    ranks may see a run that rank 0 has just created.
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
    """Remove a run that was created here and has no training step; return whether it did."""
    with suppress(RunError, StorageError, OSError):
        if not any(isinstance(each, BatchStretch) for each in RunReader(run).read_all()):
            Storage().remove_tree(run.path)
            return True
    return False
