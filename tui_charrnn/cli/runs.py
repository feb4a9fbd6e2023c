"""`charrnn-tui runs`, `attach` and `stop`: find runs, look at one, end one."""

import json
import shutil
import time
from typing import Annotated, Final

import typer
from rich.cells import cell_len, set_cell_size

from tui_charrnn.cli import run_export, run_report, run_upkeep
from tui_charrnn.cli.following import newest_status
from tui_charrnn.cli.options import RunArgument, RunsDir, runs_folder
from tui_charrnn.cli.output import has_terminal, narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.run_facts import JsonDocument, summary_facts
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.runs.catalogue import find_run, list_runs
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import read_status
from tui_charrnn.tui.renderables.small_curve import small_curve
from tui_charrnn.viewing.run_rows import RunRow, run_row
from tui_charrnn.viewing.run_words import command_words

STOP_PATIENCE = 60.0  # seconds
_CURVE_WIDTH: Final = 12  # columns
_LEAST_NAME: Final = 8  # columns
_GAP: Final = "  "
_HEADINGS: Final = ("RUN", "STATE", "CORPUS", "STEP", "BEST", "CURVE", "AGE")

runs_app = typer.Typer(help="List the runs, or look after them.")


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List the runs, or look after them."""
    if context.invoked_subcommand is None:
        list_all(runs_dir, as_json)
    elif runs_dir is not None or as_json:
        raise ConfigError(
            "Options stand behind the subcommand, as in: "
            + command("runs", context.invoked_subcommand, "--runs-dir", "FOLDER")
        )


@runs_app.command("list")
def list_all(runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List the runs, newest first."""
    folder = runs_folder(runs_dir)
    found, now = list_runs(folder), time.time()
    if as_json:
        print_data(json.dumps([summary_facts(summary, now) for summary in found]))
        return
    if not found:
        narrate(f"There are no runs in {folder} yet. Start one: {command('train', 'pydoc')}")
        return
    rows: list[tuple[str, ...]] = [_HEADINGS]
    rows += [_cells(run_row(summary, now)) for summary in found]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if stdout_is_terminal():
        left = shutil.get_terminal_size().columns - sum(widths[1:]) - len(_GAP) * len(widths[1:])
        widths[0] = min(widths[0], max(_LEAST_NAME, left))
    for row in rows:
        print_data(_GAP.join(map(_cell, row, widths)).rstrip())


runs_app.command()(run_report.show)
runs_app.command()(run_upkeep.rename)
runs_app.command()(run_export.export)
runs_app.command()(run_upkeep.rm)
runs_app.command()(run_upkeep.restore)


def attach(
    run: RunArgument,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Only look: ask the trainer for nothing.")
    ] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Open the app on a run, wherever its trainer was started."""
    found = find_run(run, runs_folder(runs_dir))
    if not has_terminal():
        raise ConfigError("There is no terminal to open the app in.")
    # deferred: Textual takes half a second that the other commands need not spend
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    code = run_app(run=found.path, runs_folder=runs_folder(runs_dir), model=None, readonly=readonly)
    raise typer.Exit(code)


def stop(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Ask a run's trainer to save and stop, and wait until it has."""
    found = find_run(run, runs_folder(runs_dir))
    status = read_status(found)
    life = Liveness()
    verdict = life.judge(status)
    if status is None or verdict == "ended":
        narrate(f"No trainer is at work on {found.name}.")
        return
    if verdict != "lost":
        send_request(found, "stop")
    deadline = time.monotonic() + STOP_PATIENCE
    while status is not None and (verdict := life.judge(status)) in {"alive", "silent"}:
        if time.monotonic() > deadline:
            narrate(f"{found.name} has not stopped yet; the request waits for its trainer.")
            return
        time.sleep(0.1)
        status = newest_status(found, status)
    if status is not None and verdict == "lost":
        narrate(
            f"The trainer of {found.name} is gone without a word; its checkpoints are kept. "
            f"Go on with: {command_words('resume', found)}"
        )
        return
    narrate(f"{found.name} is {status.state if status else 'gone'}.")


def _cell(text: str, width: int) -> str:
    """A text in so many columns, cut off if it is longer."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def _cells(row: RunRow) -> tuple[str, ...]:
    state, curve = f"{row.mark} {row.state}", small_curve(row.curve, _CURVE_WIDTH)
    return (row.name, state, row.corpus, row.step, row.best, curve, row.age)
