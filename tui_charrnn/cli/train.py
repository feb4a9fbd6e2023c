"""The commands `train` and `resume`: create a run, start its trainer, and follow it."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.following import handle_preemption, time_limit
from tui_charrnn.cli.launching import FollowOptions, start_and_watch
from tui_charrnn.cli.opening import app_obstacle
from tui_charrnn.cli.options import (
    NAMED_MODEL,
    Encoding,
    KeepDecomposed,
    KeepNewlines,
    RunArgument,
    RunsDir,
    apply_settings,
    complete_corpus,
    complete_one_of,
    refuse_several,
    with_setting_options,
)
from tui_charrnn.cli.output import print_message
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.preferences import runs_folder
from tui_charrnn.presets import FINE_TUNING_SHARE, PRESETS, find_preset
from tui_charrnn.runs.catalogue import find_run, holds_run
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.settings import read_duration
from tui_charrnn.text.corpus import Reading
from tui_charrnn.training.distributed.placement import (
    Placement,
    find_cluster,
    parse_devices,
)

if TYPE_CHECKING:
    from tui_charrnn.generation.training_corpus import StartingModel
    from tui_charrnn.presets import StartingPoint

Devices: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="GPUs per process, or `all`; default: one. A batch is divided evenly among them.",
        metavar="all|N",
    ),
]

Detach: TypeAlias = Annotated[
    bool, typer.Option("--detach", help="Start the trainer, print the run and exit.")
]
RecordsAsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print every record as a line of JSON.")
]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")]

_PRESET_HELP = "Starting point: " + "; ".join(
    f"{preset.name}, {preset.sentence}" for preset in PRESETS.values()
)


def _choose_placement(
    devices: str | None, cluster: str | None, rank: int | None, meet_within: str, *, headless: bool
) -> Placement:
    """Return devices and cluster; only headless training reads TF_CONFIG and Slurm's variables."""
    timeout = read_duration("meet_within", meet_within)
    if not headless:
        if cluster is not None or rank is not None:
            raise ConfigError("--cluster and --rank need --headless: every process stays with it.")
        return Placement(devices=parse_devices(devices))
    members = find_cluster(cluster, rank, os.environ)
    return Placement(members, parse_devices(devices), timeout)


NotifyCommand: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="Shell command to run when the run has ended; CHARRNN_RUN, CHARRNN_STATE, "
        "CHARRNN_STEP, CHARRNN_BEST_LOSS and others describe the run.",
    ),
]


@with_setting_options(ModelConfig, TrainingConfig)
def train(
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS...",
            autocompletion=complete_corpus,
            help="What to train on: text files, a folder, a glob, `-` for standard input, or a "
            "name that `charrnn-tui corpora` lists.",
        ),
    ],
    headless: Annotated[
        bool,
        typer.Option(
            "--headless",
            help="Train without the app: progress is printed here, signals are handled.",
        ),
    ] = False,
    detach: Detach = False,
    preset: Annotated[
        str,
        typer.Option(metavar="NAME", help=_PRESET_HELP, autocompletion=complete_one_of(PRESETS)),
    ] = "small",
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Fine-tune: start from the weights of a model file, a run or a bundled model. "
            "Its network and units are kept, characters that it lacks are added, and the "
            f"learning rate is {FINE_TUNING_SHARE:g} of the preset's.",
            **NAMED_MODEL,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run; default: date and corpus."),
    ] = None,
    pin_seed: Annotated[
        list[str] | None,
        typer.Option(
            help="Seed text to sample at every evaluation; repeatable. Default: the first line of "
            "the corpus.",
            metavar="TEXT",
        ),
    ] = None,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Generate no samples during training.")
    ] = False,
    resume: Annotated[
        Literal["never", "auto"],
        typer.Option(
            help="auto: start the run of that --name, resume it if it exists, or exit with 0 if it "
            "is finished: one line for a job script."
        ),
    ] = "never",
    devices: Devices = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Distributed training, with --headless: the addresses of all processes, the "
            "same list for each; rank 0 writes the run. Default: TF_CONFIG or Slurm's "
            "variables; `none` ignores them.",
            metavar="HOST:PORT,...",
        ),
    ] = None,
    rank: Annotated[
        int | None,
        typer.Option(metavar="N", help="Index of this process's address, from 0."),
    ] = None,
    meet_within: Annotated[
        str,
        typer.Option(
            help="How long the processes wait for each other at the start.",
            metavar="DURATION",
        ),
    ] = "5m",
    runs_dir: RunsDir = None,
    encoding: Encoding = "utf-8",
    keep_newlines: KeepNewlines = False,
    keep_decomposed: KeepDecomposed = False,
    as_json: RecordsAsJson = False,
    quiet: Quiet = False,
    notify_command: NotifyCommand = None,
    **settings: str | None,
) -> None:
    """Train a model on a text.

    Exit codes: 0 finished or stopped on request, 1 unexpected, 2 usage or configuration,
    3 unreadable data, 4 diverged, 5 run locked, 6 cannot save, 75 saved, can be resumed,
    130 interrupted. Ctrl-C once: save and stop; twice: stop now. SIGTERM, SIGUSR1, SIGUSR2 and
    the end of --max-time, which counts from the start of the command: save and exit with 75.
    """
    require_tensorflow()
    folder = runs_folder(runs_dir)
    is_watched = headless and not detach
    placement = _choose_placement(devices, cluster, rank, meet_within, headless=is_watched)
    options = FollowOptions(
        headless, detach, as_json, quiet, placement=placement, notify_command=notify_command
    )

    def make_request() -> RunRequest:
        if no_samples and pin_seed:
            raise ConfigError("--pin-seed and --no-samples cannot be combined.")
        if not (headless or detach) and (obstacle := app_obstacle()):
            raise ConfigError(f"{obstacle} Add --headless or --detach.")
        may_exist = resume == "auto"
        if may_exist and name is None:
            raise ConfigError("--resume auto requires --name.")
        chosen = find_preset(preset)
        existing = RunDirectory(folder / name) if may_exist and name is not None else None
        start, starting = _starting_model(start_from, existing, folder)
        model, training = apply_settings(chosen, settings, start)
        return RunRequest(
            folder=folder,
            name=name,
            may_exist=may_exist,
            corpus=corpus,
            reading=Reading(
                encoding=encoding,
                unify_newlines=not keep_newlines,
                compose=not keep_decomposed,
                units=training.units,
                records=training.records,
            ),
            preset=chosen.name,
            configurations=(model, training),
            given=settings,
            start_from=start_from,
            starting=starting,
            seeds=[] if no_samples else pin_seed or None,
            quiet=quiet,
        )

    with handle_preemption() if is_watched else nullcontext():
        if placement.cluster is not None:
            raise typer.Exit(lazy.train_jointly(placement.cluster, make_request, options))
        request = make_request()
        limit = request.configurations[1].max_time
        run = request.find()
        if run is None:
            request.refuse_name()
            with time_limit(limit):
                run = request.find_or_make(read_named_corpus(corpus, request.reading))
        raise typer.Exit(start_and_watch(run, options, limit))


def _starting_model(
    argument: str | None, existing: RunDirectory | None, folder: Path
) -> "tuple[StartingPoint | None, StartingModel | None]":
    """Return the starting point of the settings, and the model unless the run already exists."""
    if argument is None:
        return None, None
    if existing is not None and holds_run(existing):
        return lazy.starting_point_of(read_description(existing)), None
    starting = lazy.open_starting_model(argument, folder, print_message)
    return starting.point, starting


def resume(
    run: RunArgument,
    headless: Annotated[
        bool, typer.Option("--headless", help="Resume without the app: progress is printed here.")
    ] = False,
    detach: Detach = False,
    max_time: Annotated[
        str | None,
        typer.Option(
            help="Save and exit with 75 after this time, counted from the start of the command.",
            metavar="DURATION",
        ),
    ] = None,
    devices: Devices = None,
    runs_dir: RunsDir = None,
    as_json: RecordsAsJson = False,
    quiet: Quiet = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Continue although the corpus has changed.")
    ] = False,
    notify_command: NotifyCommand = None,
    more_steps: Annotated[
        str | None, typer.Option(metavar="N", help="Extend a finished run by this many batches.")
    ] = None,
    more_time: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Extend a finished run by this time, as 10m."),
    ] = None,
    more_epochs: Annotated[
        str | None,
        typer.Option(metavar="N", help="Extend a finished run by this many passes over the text."),
    ] = None,
) -> None:
    """Continue a run from its last checkpoint: stopped, saved before its end, or lost.

    A finished run can be extended with one of --more-steps, --more-time and --more-epochs: its
    learning rate rises again to a share of its peak, then falls.
    """
    directory = find_run(run, runs_folder(runs_dir))
    more = {
        "steps": ("--more-steps", more_steps),
        "train_time": ("--more-time", more_time),
        "epochs": ("--more-epochs", more_epochs),
    }
    refuse_several(dict(more.values()))
    placement = Placement(devices=parse_devices(devices))
    is_headless = headless or bool(app_obstacle())
    options = FollowOptions(
        is_headless, detach, as_json, quiet, force, placement, notify_command=notify_command
    )
    limit = None if max_time is None else read_duration("max_time", max_time)
    for length, (option, text) in more.items():
        if text is None:
            continue
        require_tensorflow()
        amount = lazy.read_amount(length, text, option)
        extended = lazy.extend_run(directory, length, amount, accepts_change=force)
        if not quiet:
            print_message(lazy.format_extension(extended))
    raise typer.Exit(start_and_watch(directory, options, limit))
