"""Assembles the commands, and turns every failure into a sentence and an exit code."""

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from tui_charrnn import __version__
from tui_charrnn.cli import corpora, runs
from tui_charrnn.cli.generate import generate
from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.resume import resume
from tui_charrnn.cli.train import train
from tui_charrnn.errors import CharRNNError, ConfigError, ExitCode

app = typer.Typer(
    name="charrnn-tui",
    help="Train a character-level LSTM and talk to it. Without a command: open the app.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(resume)
app.command()(generate)
app.command()(runs.runs)
app.command()(runs.attach)
app.command()(runs.stop)
app.add_typer(corpora.corpora_app, name="corpora")


@app.callback(invoke_without_command=True)
def open_app(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Option(help="Model file, run, or name of a bundled model to talk to."),
    ] = None,
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
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            "There is no terminal to open the app in. Without one, use `charrnn-tui generate` or "
            "`charrnn-tui train --headless`."
        )
    # deferred: Textual takes half a second that the commands need not spend
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    raise typer.Exit(run_app(run=None, runs_folder=runs_folder(runs_dir), model=model))


def run(arguments: list[str]) -> int:
    """Carry out one command line; the result is the exit code."""
    try:
        app(args=arguments, prog_name="charrnn-tui")
    except CharRNNError as error:
        narrate(f"charrnn-tui: {error}")
        return int(error.exit_code)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(ExitCode.UNEXPECTED)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the last line of defense: logged, told, exit 1
        narrate(_unexpected(error))
        return int(ExitCode.UNEXPECTED)
    return int(ExitCode.OK)


def _unexpected(error: Exception) -> str:
    """Keep the traceback in a file and name it, instead of showing it."""
    folder = Path(platformdirs.user_state_dir("charrnn-tui"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    path = folder / "crash.txt"
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return (
        f"charrnn-tui met an unexpected {type(error).__name__}: {error}\n"
        f"This is a defect of the program. The details are in {path}."
    )
