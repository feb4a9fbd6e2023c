"""The command of one rank of a training over several processes.

Rank 0 makes the run or finds it, and follows its trainer as any command does. Every other rank
starts a trainer that writes nothing, and stays until it ends. The trainers meet, agree and train
(`training/distributed/`).
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NoReturn

import typer

from tui_charrnn.cli.following import attend, left_of, newest_status, within
from tui_charrnn.cli.launching import Watching, launch, start_and_watch
from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.cli.trainer_watch import TrainerWatch
from tui_charrnn.errors import CharRNNError, ExitCode, PreemptedError, RunError, StorageError
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.launcher import TRAINER, trainer_environment
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.locking import keep_trainers_out
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.corpus import fitting_batch_size
from tui_charrnn.training.distributed.placement import (
    ALL,
    Cluster,
    JointTask,
    Placement,
    refuse_uneven,
)

_OWN_AFFAIRS: Final = frozenset({"threads", "max_time"})
"""Settings that each process may have of its own."""


def train_jointly(
    request: RunRequest,
    words: Sequence[str],
    reading: Mapping[str, Any],
    watching: Watching,
    limit: float | None,
) -> NoReturn:
    """Train together with other processes, as the rank that this one has.

    Args:
        request: Which run.
        words: The text, as the command line names it.
        reading: How it is read: options of `read_named_corpus`.
        watching: How to stay with the trainer.
        limit: Seconds after the start of this process at which to save and leave.

    Raises:
        typer.Exit: Always, with the exit code to end with.
        CharRNNError: If this is rank 0, and the run cannot be made; the others are told.
    """
    placement, training = watching.placement, request.configurations[1]
    cluster = placement.cluster
    if cluster is None:
        raise ValueError("one process trains alone")
    task = JointTask(
        placement=placement,
        card=_card(request, placement),
        quiet=request.quiet,
        threads=training.threads,
        batch_size=training.batch_size,
        corpus={
            "arguments": list(words),
            "encoding": reading["encoding"],
            "unify_newlines": not reading["keep_newlines"],
            "compose": not reading["keep_decomposed"],
            "units": reading["units"],
            "records": reading["records"],
        },
    )
    if not request.quiet:
        _narrate_waiting(cluster)
    if cluster.rank:
        raise typer.Exit(_take_part(task, limit))
    is_new = request.name is None or not (request.folder / request.name).exists()
    try:
        with within(limit):
            run = _settle_run(request, words, reading, placement)
    except PreemptedError:
        raise  # whoever is to leave has no time to wait for the others
    except CharRNNError as error:
        _notify_others(task, error)
        raise
    try:
        _lead(run, task, watching, limit)
    except typer.Exit:
        if is_new and _remove_untrained(run) and not request.quiet:
            narrate(f"Nothing was trained, so the run {run.name} is removed.")
        raise


def _lead(run: RunDirectory, task: JointTask, watching: Watching, limit: float | None) -> NoReturn:
    watch = TrainerWatch(task, limit)
    watching = replace(watching, watch=watch)
    if _is_finished(run):  # the others learn it from a trainer
        attend(lambda: launch(run, watching, limit), narrate, watch.look)
    start_and_watch(run, watching, limit)


def _narrate_waiting(cluster: Cluster) -> None:
    more = "ranks" if cluster.size > 2 else "rank"
    others = "rank 0" if cluster.rank else f"{cluster.size - 1} other {more}"
    narrate(f"{cluster.name_of(cluster.rank)} trains together with {others}.")


def _take_part(task: JointTask, limit: float | None) -> int:
    """Start a trainer that writes no run, and stay until it ends; the result is the exit code."""
    watch = TrainerWatch(task, limit)
    code = attend(lambda: watch.launch(lambda told: _start(told, limit)), narrate, watch.look)
    if watch.verdict is not None:
        narrate(str(watch.verdict))
        return int(watch.verdict.exit_code)
    if code < 0:
        narrate(f"The trainer was ended by signal {-code} from outside.")
        return int(ExitCode.UNEXPECTED)
    return code


def _start(
    task: JointTask, limit: float | None, stderr: int | None = None
) -> "subprocess.Popen[bytes]":
    left = left_of(limit)
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


def _notify_others(task: JointTask, error: CharRNNError) -> None:
    """Have a trainer meet the others for no more than to tell them why there is no training."""
    told = replace(task, refusal=(int(error.exit_code), str(error)))
    watch = TrainerWatch(told)

    def start(task: JointTask) -> "subprocess.Popen[bytes]":
        return _start(task, None, subprocess.DEVNULL)  # this command says it

    attend(lambda: watch.launch(start), narrate, watch.look)


def _settle_run(
    request: RunRequest, words: Sequence[str], reading: Mapping[str, Any], placement: Placement
) -> RunDirectory:
    """The run to be trained, made where it is not there.

    Raises:
        CorpusError: If the text cannot be read or trained on.
        ConfigError: If the run cannot be made so, or a batch cannot be divided.
        RunLockedError: If a trainer is at work on it.
        StorageError: If the disk refuses.
    """
    text = read_named_corpus(words, **reading)
    replicas, training = placement.processes * (placement.devices or 1), request.configurations[1]
    split = text.split(training.validation_fraction)
    refuse_uneven(
        fitting_batch_size(split, training.batch_size, training.sequence_length), replicas
    )
    run = request.find_or_make(text)
    if (lock := keep_trainers_out(run, Storage())) is not None:
        lock.release()
    description = read_description(run)  # one that was there may have another batch size
    begun, characters = description.training, description.corpus.training_characters
    refuse_uneven(fitting_batch_size(characters, begun.batch_size, begun.sequence_length), replicas)
    return run


def _card(request: RunRequest, placement: Placement) -> dict[str, str]:
    """What is compared, by the names that the user gives it."""
    settings = {
        f"--{name.replace('_', '-')}": str(value)
        for configuration in request.configurations
        for name, value in configuration.to_mapping().items()
        if name not in _OWN_AFFAIRS
    }
    return {
        "number of processes": str(placement.processes),
        "--name": str(request.name),
        "--devices": str(placement.devices or ALL),
        **settings,
    }


def _is_finished(run: RunDirectory) -> bool:
    status = newest_status(run)
    return status is not None and status.state is RunState.FINISHED


def _remove_untrained(run: RunDirectory) -> bool:
    """Leave nothing of a run that was made here and never took a step: the others refused it."""
    with suppress(RunError, StorageError, OSError):
        if not any(isinstance(each, BatchTrained) for each in RunReader(run).read_new()):
            Storage().remove_tree(run.path)
            return True
    return False
