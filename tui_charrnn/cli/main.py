"""Assembles the commands, and turns every failure into a sentence and an exit code."""

import sys
from typing import Annotated

import typer
from typer.main import get_command

from tui_charrnn import __version__
from tui_charrnn.cli.app_terminal import require_app_terminal
from tui_charrnn.cli.commands import add_commands
from tui_charrnn.cli.korean import speak_korean, wants_korean
from tui_charrnn.cli.options import AsciiOnly, RunsDir, runs_folder
from tui_charrnn.cli.output import (
    discard_output,
    narrate,
    prepare_streams,
    print_data,
)
from tui_charrnn.crash import report_crash, state_folder
from tui_charrnn.errors import CharRNNError, ExitCode


def open_app(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(help="Model file, run, or name of a bundled model to talk to."),
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and leave.")
    ] = False,
) -> None:
    """Train a character-level LSTM and talk to it. Without a command: open the app."""
    if version:
        print_data(f"charrnn-tui {__version__}")
        raise typer.Exit(ExitCode.OK)
    if context.invoked_subcommand is not None:
        return
    require_app_terminal()
    folder = runs_folder(runs_dir, is_lenient=True)
    # deferred: Textual takes half a second that the commands need not spend
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    raise typer.Exit(run_app(run=None, runs_folder=folder, model=model, is_ascii=is_ascii))


def command_line(arguments: list[str]) -> typer.Typer:
    """The commands that an invocation needs, ready to be called."""
    app = typer.Typer(
        name="charrnn-tui",
        help="Train a character-level LSTM and talk to it. Without a command: open the app.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(open_app)
    add_commands(app, arguments)
    return app


def run(arguments: list[str]) -> int:
    """Carry out one command line; the result is the exit code.

    A reader of standard output that has had enough, as `head` has, is no error: the exit code is 0,
    also where `set -o pipefail` is in force.
    """
    prepare_streams()
    try:
        commands = get_command(command_line(arguments))
        if wants_korean(sys.stdout):
            speak_korean(commands)
        commands(args=arguments, prog_name="charrnn-tui")
    except CharRNNError as error:
        narrate(f"charrnn-tui: {error}")
        return int(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # Typer's own answer to it is 1
            discard_output()
            return int(ExitCode.OK)
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last line of defense: logged, told, exit 1
        narrate(report_crash(error, state_folder()))
        return int(ExitCode.UNEXPECTED)
    return int(ExitCode.OK)
