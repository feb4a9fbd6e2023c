"""`charrnn-tui train`: make a run directory, start its trainer, and watch."""

import enum
from collections.abc import Mapping
from typing import Annotated

import typer

from tui_charrnn.cli.app_terminal import app_obstacle
from tui_charrnn.cli.launching import Watching, start_and_watch
from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.preemption import preemptible, within
from tui_charrnn.cli.reading import (
    Encoding,
    KeepDecomposed,
    KeepNewlines,
    read_named_corpus,
)
from tui_charrnn.cli.setting_options import apply_settings, with_setting_options
from tui_charrnn.cli.summary import summarize
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import PRESETS, find_preset
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.tui.new_run import make_run

_PRESET_HELP = "Starting point: " + "; ".join(
    f"{preset.name}, {preset.sentence}" for preset in PRESETS.values()
)


class ResumeMode(enum.StrEnum):
    """What to do when the named run is there already."""

    NEVER = "never"
    AUTO = "auto"


@with_setting_options(ModelConfig, TrainingConfig)
def train(
    corpus: Annotated[
        list[str],
        typer.Argument(
            help="What to train on: text files, a folder, a glob, `-` for standard input, or a "
            "name that `charrnn-tui corpora` lists.",
            show_default=False,
        ),
    ],
    headless: Annotated[
        bool,
        typer.Option("--headless", help="Without the app: progress here, signals understood."),
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start the trainer, print the run and leave.")
    ] = False,
    preset: Annotated[str, typer.Option(help=_PRESET_HELP)] = "small",
    name: Annotated[
        str | None, typer.Option(help="Name of the run; made from date and corpus if not given.")
    ] = None,
    pin_seed: Annotated[
        list[str] | None,
        typer.Option(
            help="A text that the newest weights go on with at every evaluation, so that one can "
            "see them learn; may be given several times. If it is not: the first line of the "
            "corpus.",
            metavar="TEXT",
            show_default=False,
        ),
    ] = None,
    no_samples: Annotated[
        bool, typer.Option("--no-samples", help="Pin no seed: take no samples while it trains.")
    ] = False,
    resume: Annotated[
        ResumeMode,
        typer.Option(
            help="auto: begin the run of that --name, go on with it if it is there, or end with 0 "
            "if it is finished, so that a job script is one line."
        ),
    ] = ResumeMode.NEVER,
    runs_dir: RunsDir = None,
    encoding: Encoding = "utf-8",
    keep_newlines: KeepNewlines = False,
    keep_decomposed: KeepDecomposed = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every record as a line of JSON.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Narrate nothing.")] = False,
    **settings: str | None,
) -> None:
    """Train a model on a text.

    Exit codes: 0 finished or stopped on request, 1 unexpected, 2 usage or configuration,
    3 unreadable data, 4 diverged, 5 run locked, 6 cannot save, 75 saved and to be resumed,
    130 interrupted. Ctrl-C once: save and stop; twice: stop now. SIGTERM, SIGUSR1, SIGUSR2 and
    the end of --max-time, which counts from the start of the command: save and end with 75.
    """
    folder = runs_folder(runs_dir)
    watching = Watching(headless, detach, as_json, quiet)
    if no_samples and pin_seed:
        raise ConfigError("--pin-seed asks for samples, --no-samples for none: leave one out.")
    if not (headless or detach) and (obstacle := app_obstacle()):
        raise ConfigError(f"{obstacle} Add --headless or --detach.")
    if resume is ResumeMode.AUTO and name is None:
        raise ConfigError("--resume auto needs a --name: which run is to be gone on with?")
    chosen = find_preset(preset)
    configurations = apply_settings(chosen, settings)
    with preemptible(is_headless=headless and not detach):
        if resume is ResumeMode.AUTO and name is not None:
            existing = RunDirectory(folder / name)
            if existing.description.exists():
                if not quiet:
                    _tell_what_stays(existing, settings, configurations)
                start_and_watch(existing, watching, configurations[1].max_time)
        with within(configurations[1].max_time):
            text = read_named_corpus(
                corpus,
                encoding=encoding,
                keep_newlines=keep_newlines,
                keep_decomposed=keep_decomposed,
            )
            seeds = [] if no_samples else pin_seed or None
            run = make_run(folder, name, chosen.name, configurations, text, seeds)
        if not quiet:
            narrate(*summarize(run, *configurations, text).splitlines())
        start_and_watch(run, watching)


def _tell_what_stays(
    run: RunDirectory,
    settings: Mapping[str, str | None],
    asked: tuple[ModelConfig, TrainingConfig],
) -> None:
    """Say which of the given settings a run that is there already was begun without."""
    begun = read_description(run)
    then = {**begun.model.to_mapping(), **begun.training.to_mapping()}
    now = {**asked[0].to_mapping(), **asked[1].to_mapping()}
    given = [name for name, text in settings.items() if text is not None and name != "max_time"]
    kept = [f"{name} {then[name]}" for name in given if then[name] != now[name]]
    if kept:
        narrate(
            f"The run {run.name} is there and goes on as it was begun: {', '.join(kept)}. For "
            "other settings, choose another --name."
        )
