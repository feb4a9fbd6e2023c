"""The commands of one training over several processes: they agree before anything is written.

The chief's command makes the run or finds it, and tells the others what it is. Each of them makes a
folder of its own for its trainer's log, which is gone when it ends, so nothing has to be shared.
"""

import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NoReturn

import typer

from tui_charrnn import __version__
from tui_charrnn.cli.following import follow, newest_status
from tui_charrnn.cli.launching import Watching, code_after_loss, launch, tell_failure
from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.preemption import preemptible
from tui_charrnn.cli.reporting import QuietReporter
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.cli.vigil import Vigil
from tui_charrnn.cluster.company import Company
from tui_charrnn.cluster.meeting import meet
from tui_charrnn.errors import (
    BrokenClusterError,
    CharRNNError,
    ExitCode,
    PreemptedError,
    StorageError,
)
from tui_charrnn.model.weights import parameter_count
from tui_charrnn.runs.creation import create_run
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.locking import keep_trainers_out
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.batches import fitting_batch_size
from tui_charrnn.text.corpus import Corpus, split_point
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.placement import ALL, Placement, refuse_uneven
from tui_charrnn.viewing.run_view import RunView

_OWN_AFFAIRS: Final = frozenset({"threads", "max_time"})
"""Settings that each process may have of its own."""
_EXPECTED: Final = frozenset({ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED})


def _replicas(placement: Placement) -> int:
    """How many there are at least: with `--devices all`, each process may have several."""
    return placement.processes * (placement.devices or 1)


def settle_run(
    request: RunRequest, text: Corpus, placement: Placement
) -> tuple[RunDirectory, Vigil | None]:
    """The run to be trained, made where it is not there; in a cluster, once all agree on it.

    Args:
        request: Which run.
        text: What it is trained on.
        placement: Which processes and devices train it.

    Returns:
        The run; in a cluster, except on the chief, a folder that stands for it, for `take_part`.
        And in a cluster, what watches over the others until all train.

    Raises:
        typer.Exit: In a cluster, except on the chief, if the run is finished.
        ConfigError: If the run cannot be made so, or the others want another one.
        CorpusError: If the text cannot be trained on, or the others have another one.
        StorageError: If the disk refuses.
        BrokenClusterError: If another process does not come.
    """
    _refuse_uneven_batch(request, text, placement)
    cluster = placement.cluster
    if cluster is None:
        return request.find_or_make(text), None
    if not request.quiet:
        others = f"{cluster.size - 1} other rank{'s' if cluster.size > 2 else ''}"
        awaited = others if cluster.is_chief else f"rank 0 ({cluster.addresses[0]})"
        narrate(f"Rank {cluster.rank} ({cluster.address}) waits for {awaited}.")
    card = _card(request, text, placement)
    company = meet(cluster, card, deadline=placement.patience, phase="command")
    try:
        is_chief = cluster.is_chief
        run = _lead(company, request, text, placement) if is_chief else _hear(company, text)
    except CharRNNError as error:
        if not isinstance(error, PreemptedError | BrokenClusterError):
            company.leave(int(error.exit_code), str(error))
        raise
    return run, Vigil(company)


def _refuse_uneven_batch(request: RunRequest, text: Corpus, placement: Placement) -> None:
    """Refuse a batch that cannot be divided, as far as the number of devices is known.

    Raises:
        ConfigError: If it cannot.
        CorpusError: If the text is too short for any.
    """
    replicas, training = _replicas(placement), request.configurations[1]
    if replicas > 1:
        split = split_point(len(text), training.validation_fraction)
        size = fitting_batch_size(split, training.batch_size, training.sequence_length)
        refuse_uneven(size, replicas)


def _card(request: RunRequest, text: Corpus, placement: Placement) -> dict[str, str]:
    """What is compared, by the names that the user gives it."""
    settings = {
        f"--{name.replace('_', '-')}": str(value)
        for configuration in request.configurations
        for name, value in configuration.to_mapping().items()
        if name not in _OWN_AFFAIRS
    }
    return {
        "program": __version__,
        "TensorFlow": importlib.metadata.version("tensorflow"),
        "corpus": text.sha256,
        "--name": str(request.name),
        "--devices": str(placement.devices or ALL),
        **settings,
    }


def _lead(
    company: Company, request: RunRequest, text: Corpus, placement: Placement
) -> RunDirectory:
    """Make the run or find it, and tell the others what it is.

    Raises:
        RunLockedError: If a trainer is at work on it.
    """
    run = request.find_or_make(text)
    if (lock := keep_trainers_out(run, Storage())) is not None:
        lock.release()
    description, status = read_description(run), newest_status(run)
    _refuse_uneven_run(description, placement)
    is_finished = status is not None and status.state is RunState.FINISHED
    document = {"run": description.to_json(), "is_finished": is_finished}
    company.broadcast(json.dumps(document).encode())
    if is_finished:
        company.leave(0)
    return run


def _hear(company: Company, text: Corpus) -> RunDirectory:
    """Learn from the chief which run it is."""
    told: Mapping[str, Any] = json.loads(company.broadcast(None))
    if told["is_finished"]:
        company.leave(0)
        raise typer.Exit(int(ExitCode.OK))
    return _make_stand_in(RunDescription.from_json(told["run"]), text)


def _refuse_uneven_run(description: RunDescription, placement: Placement) -> None:
    """A run that is there already may have another batch size than was asked for."""
    training = description.training
    characters = description.corpus.training_characters
    batch_size = fitting_batch_size(characters, training.batch_size, training.sequence_length)
    refuse_uneven(batch_size, _replicas(placement))


def _make_stand_in(description: RunDescription, text: Corpus) -> RunDirectory:
    """A folder with the same description and this host's own text, for a trainer to log into.

    Raises:
        StorageError: If the disk for temporary files refuses.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="charrnn-tui-"))
    except OSError as error:
        raise StorageError(
            f"Cannot make a temporary folder for the trainer's log: {error.strerror}. Name another "
            "place by TMPDIR."
        ) from error
    vocabulary = Vocabulary(description.vocabulary, description.unknown_symbol)
    try:
        return create_run(
            folder,
            name=description.name,
            preset=description.preset,
            model=description.model,
            training=description.training,
            corpus=text,
            vocabulary=vocabulary,
            parameter_count=parameter_count(description.model, len(vocabulary)),
        )
    except BaseException:
        with suppress(OSError):
            shutil.rmtree(folder)
        raise


def take_part(run: RunDirectory, watching: Watching, max_time: float | None) -> NoReturn:
    """Start this process's trainer and stay until the chief ends it; then its folder goes.

    Args:
        run: What `settle_run` made here.
        watching: How to stay with it.
        max_time: Seconds after the start of this process at which it asks the chief to leave; None
            takes the run's own setting.

    Raises:
        typer.Exit: Always, with the exit code to end with.
    """
    try:
        raise typer.Exit(_follow(run, watching, max_time))
    finally:
        shutil.rmtree(run.path.parent, ignore_errors=True)


def _follow(run: RunDirectory, watching: Watching, max_time: float | None) -> int:
    cluster, quiet = watching.placement.cluster, watching.quiet
    rank = 0 if cluster is None else cluster.rank
    if not quiet and cluster is not None:
        narrate(f"Rank {rank} trains for the run {run.name} of rank 0 ({cluster.addresses[0]}).")
    limit = max_time or read_description(run).training.max_time
    reporter = QuietReporter(RunView(run))
    with preemptible(is_headless=True):
        code = follow(run, RunReader(run), lambda: launch(run, watching, limit), reporter)
    if (shared := code_after_loss(watching, code)) is not None:
        return shared
    status = newest_status(run)
    if code not in _EXPECTED:
        tell_failure(run, code, 0)
    elif not quiet and status is not None:
        narrate(status.message or f"Rank {rank}: {status.state}.")
    return code if code >= 0 else int(ExitCode.UNEXPECTED)
