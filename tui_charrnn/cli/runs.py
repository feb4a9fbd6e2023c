"""`charrnn-tui runs`: list the runs, and the commands that look after one."""

import json
import shutil
import time
from typing import Final

import typer
from rich.cells import cell_len, set_cell_size

from tui_charrnn.cli import run_export, run_report, run_upkeep
from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.run_facts import JsonDocument, summary_facts
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.tui.renderables.small_curve import small_curve
from tui_charrnn.viewing.run_rows import RunRow, run_row

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


def _cell(text: str, width: int) -> str:
    """A text in so many columns, cut off if it is longer."""
    if cell_len(text) > width:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def _cells(row: RunRow) -> tuple[str, ...]:
    state, curve = f"{row.mark} {row.state}", small_curve(row.curve, _CURVE_WIDTH)
    return (row.name, state, row.corpus, row.step, row.best, curve, row.age)
