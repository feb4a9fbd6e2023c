"""The registry of the commands, and the run of one command line. Only what it calls is loaded."""

import os
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.main import get_command

from tui_charrnn import __version__
from tui_charrnn.cli.opening import open_app as start_app
from tui_charrnn.cli.options import (
    AsciiOnly,
    RunsDir,
    SafeGroup,
    complete_model,
    complete_path,
    refuse_options_before_command,
    with_setting_options,
)
from tui_charrnn.cli.output import exit_code_of, prepare_streams, print_data
from tui_charrnn.errors import ConfigError, ExitCode, StorageError
from tui_charrnn.invocation import COMPLETION, command
from tui_charrnn.paths import find_file
from tui_charrnn.sampling_config import SamplingConfig

_INSTALLING: Final = "--install-completion"
COMMANDS: Final = {
    "train": "train:train",
    "resume": "train:resume",
    "generate": "generate:generate",
    "score": "score:score",
    "neurons": "neurons:neurons",
    "history": "history:history_app",
    "attach": "attach:attach",
    "stop": "control:stop",
    "set": "control:change",
    "pause": "control:pause",
    "unpause": "control:unpause",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "runs": "runs:runs_app",
    "corpora": "corpora:corpora_app",
    "config": "config:config_app",
}
"""Module and name of each, in the order of the help."""


def add_commands(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Give a command line what an invocation needs: one command, or none, or for the help all.

    Args:
        app: The command line.
        arguments: What it is called with.
    """
    for name in wanted_commands(arguments):
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"tui_charrnn.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, cls=SafeGroup)
        else:
            app.command(name)(command)


def wanted_commands(arguments: Sequence[str]) -> list[str]:
    """The names of the commands that must be known to understand the arguments."""
    if COMPLETION in os.environ:
        return list(COMMANDS)
    if not arguments:
        return []
    # options of the app itself may come first, and their values are not told from commands
    return [arguments[0]] if arguments[0] in COMMANDS else list(COMMANDS)


@with_setting_options(SamplingConfig)
def open_app(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE|RUN|NAME",
            autocompletion=complete_model,
            help="Model to start with: a file, a run or a bundled model.",
        ),
    ] = None,
    tape: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: find_file(text, "--tape"),
            help="Tape to open: a text with its branches, saved by the app.",
        ),
    ] = None,
    xray: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: find_file(text, "--xray"),
            help="Text for the model to read, colored by how surprised it is.",
        ),
    ] = None,
    seed_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: find_file(text, "--seed-file"),
            help="Text to go on from; of a long one, its end.",
        ),
    ] = None,
    length: Annotated[
        str | None, typer.Option("--length", "-n", metavar="N", help="Characters of one text.")
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and exit.")
    ] = False,
    **settings: str | None,
) -> None:
    """Train a character-level LSTM and talk to it. Without a command: open the app."""
    if version:
        print_data(f"charrnn-tui {__version__}")
        raise typer.Exit(ExitCode.OK)
    if context.invoked_subcommand is not None:
        refuse_options_before_command(context)
        return
    files = {"--tape": tape, "--xray": xray, "--seed-file": seed_file}
    named = [option for option, file in files.items() if file is not None]
    if len(named) > 1:
        raise ConfigError(
            f"The app opens with a tape, a text or a seed text. Received: {' and '.join(named)}."
        )
    code = start_app(
        model,
        runs_dir,
        is_ascii=is_ascii,
        tape=tape,
        xray=xray,
        seed_file=seed_file,
        sampling={**settings, "length": length},
    )
    raise typer.Exit(code)


def _not_installed(error: OSError) -> StorageError:
    """What to say where Typer could not write what completes a command line."""
    return StorageError(
        f"The completion cannot be installed: {error.filename}: {error.strerror}. Print it, for a "
        f"file of your shell that you can write to: {command('--show-completion')}"
    )


def command_line(arguments: list[str]) -> typer.Typer:
    """The commands that an invocation needs, ready to be called."""
    app = typer.Typer(
        name="charrnn-tui",
        cls=SafeGroup,
        help="Train a character-level LSTM and talk to it. Without a command: open the app.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(open_app)
    add_commands(app, arguments)
    return app


def run(arguments: list[str]) -> int:
    """Carry out one command line; the result is the exit code."""

    def work() -> None:
        # what a shell hands over half typed is no defect of ours: then nothing is completed
        with suppress(Exception) if COMPLETION in os.environ else nullcontext():
            try:
                get_command(command_line(arguments))(args=arguments, prog_name="charrnn-tui")
            except OSError as error:
                if _INSTALLING not in arguments:
                    raise
                raise _not_installed(error) from error

    prepare_streams()
    return exit_code_of(work)
