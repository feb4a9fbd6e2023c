"""The registry of the commands, and `run`, which loads and runs one of them."""

import os
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, Any, Final

import typer
from typer.main import get_command

from tui_charrnn import lazy
from tui_charrnn.cli.opening import open_app as start_app
from tui_charrnn.cli.options import (
    AsciiOnly,
    CommandGroup,
    LazyCommand,
    RunArgument,
    RunsDir,
    file_option,
    model_option,
    refuse_several,
    with_setting_options,
)
from tui_charrnn.cli.output import exit_code_of, prepare_streams, print_version
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import StorageError, reason_of
from tui_charrnn.invocation import COMPLETION, command
from tui_charrnn.preferences import Preferences, runs_folder

COMMANDS: Final = {
    "train": ("train:train", "Train a model on a text."),
    "resume": (
        "train:resume",
        "Continue a run from its last checkpoint: stopped, saved before its end, or lost.",
    ),
    "generate": (
        "generate:generate",
        "Write text from a model to standard output, character by character.",
    ),
    "score": ("score:score", "Measure how surprising texts are to a model, in bits per character."),
    "which": (
        "score:which",
        "Find the model whose corpus a text fits best, character by character.",
    ),
    "fill": (
        "fill:fill",
        "Fill the gaps of a text: from the left side alone, and from both sides.",
    ),
    "embedding": (
        "lens:embedding",
        "Plot the character embedding of a model, and list nearest neighbors.",
    ),
    "memory": (
        "gradients:memory",
        "Measure how far back models look: the mean influence of a character by its distance.",
    ),
    "learn": (
        "main:learn",
        "Open the app on its guided tour: five pages, each with a live picture.",
    ),
    "lab": ("gradients:lab_app", "Small experiments that need no model and no trainer."),
    "neurons": ("lens:neurons", "Find the cells of a model that follow a property of a text."),
    "history": ("history:history_app", "List, search and replay generated texts."),
    "attach": ("main:attach", "Open the app on a run, wherever its trainer was started."),
    "stop": (
        "control:stop",
        "Ask a run's trainer to save and stop, and wait for it; exit with 7 if it does not.",
    ),
    "set": ("control:change", "Change a setting of a run while it trains, from the next step on."),
    "pause": (
        "control:pause",
        "Pause a run: its trainer saves, then waits without releasing its memory.",
    ),
    "unpause": ("control:unpause", "Continue a paused run."),
    "models": ("models:models_app", "List the models, show, calibrate or export one."),
    "doctor": ("doctor:doctor", "Check this machine: device, precision, disk space and problems."),
    "runs": ("runs:runs_app", "List and manage the runs."),
    "corpora": ("corpora:corpora_app", "List the named corpora, or inspect a text."),
    "config": ("config:config_app", "Show and create the settings file."),
}
"""Name to (`module:attribute`, first sentence of its help), in the order of the help."""


def load_command(name: str) -> Any:
    """Import the command of a name in `COMMANDS`, and return it."""
    loaded = resolve_name(f"tui_charrnn.cli.{COMMANDS[name][0]}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    if not isinstance(loaded, typer.Typer):
        app.command(name)(loaded)
        return get_command(app)
    app.add_typer(loaded, name=name, cls=CommandGroup)
    app.callback()(lambda: None)
    group: Any = get_command(app)
    return group.commands[name]


_with_preferences: Final = with_setting_options(
    Preferences, defaults=Preferences(), only=("length", "numbers", "language")
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        raise typer.Exit(print_version())


@with_setting_options(SamplingConfig)
@_with_preferences
def open_app(
    context: typer.Context,
    model: Annotated[
        str | None, model_option("Model to start with: a file, a run or a bundled model.")
    ] = None,
    tape: Annotated[
        Path | None,
        file_option("--tape", "Tape to open: a text with its branches, saved by the app."),
    ] = None,
    xray: Annotated[
        Path | None,
        file_option("--xray", "Text for the model to read, colored by how surprised it is."),
    ] = None,
    seed_file: Annotated[
        Path | None,
        file_option("--seed-file", "Seed text to continue; of a long one, the end is used."),
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            is_eager=True,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ] = False,
    **settings: str | None,
) -> None:
    """Train a character-level LSTM and generate text. Without a command: open the app."""
    if context.invoked_subcommand is not None:
        return
    refuse_several({"--tape": tape, "--xray": xray, "--seed-file": seed_file})
    code = start_app(
        runs_dir,
        {**settings, "model": model, "ascii": is_ascii or None},
        tape=tape,
        xray=xray,
        seed_file=seed_file,
    )
    raise typer.Exit(code)


@with_setting_options(SamplingConfig)
@_with_preferences
def attach(
    run: RunArgument,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Read only: send no requests to the trainer.")
    ] = False,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    **settings: str | None,
) -> None:
    """Open the app on a run, wherever its trainer was started."""
    directory = lazy.find_run(run, runs_folder(runs_dir, is_lenient=True))
    code = start_app(
        runs_dir,
        {**settings, "ascii": is_ascii or None},
        run=directory.path,
        readonly=readonly,
    )
    raise typer.Exit(code)


@with_setting_options(Preferences, only=("language",))
def learn(
    model: Annotated[
        str | None, model_option("Model to show: a file, a run or a bundled model.")
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    **settings: str | None,
) -> None:
    """Open the app on its guided tour: five pages, each with a live picture."""
    options = {**settings, "model": model, "ascii": is_ascii or None}
    raise typer.Exit(start_app(runs_dir, options, opens_tour=True))


def _not_installed(error: OSError) -> StorageError:
    """Convert an error that Typer raised while writing a shell completion."""
    return StorageError(
        f"Cannot install the completion: {error.filename}: {reason_of(error)}. Print it, and add "
        f"it to a writable file that your shell reads: {command('--show-completion')}"
    )


def command_line() -> Any:
    """Return the Click group of all commands, each of which is loaded when it is called."""
    app = typer.Typer(
        name="charrnn-tui",
        cls=CommandGroup,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(open_app)
    group: Any = get_command(app)
    for name, (_, sentence) in COMMANDS.items():
        group.commands[name] = LazyCommand(name, sentence, partial(load_command, name))
    return group


def run(arguments: list[str]) -> int:
    """Run one command line, and return the exit code."""

    def work() -> None:
        # during completion the command line is incomplete: an error means no completions
        with suppress(Exception) if COMPLETION in os.environ else nullcontext():
            try:
                command_line()(args=arguments, prog_name="charrnn-tui")
            except OSError as error:
                if "--install-completion" not in arguments:
                    raise
                raise _not_installed(error) from error

    prepare_streams()
    return exit_code_of(work)
