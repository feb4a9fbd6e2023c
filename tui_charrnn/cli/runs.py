"""`charrnn-tui runs`: list the runs, and the commands that look after one."""

import json
import time
from typing import Final

import typer

from tui_charrnn.cli import run_export, run_report, run_upkeep
from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.run_facts import JsonDocument, summary_facts
from tui_charrnn.cli.table import table_lines
from tui_charrnn.cli.usage_errors import refuse_options_before_command
from tui_charrnn.invocation import command
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.tui.small_curve import small_curve
from tui_charrnn.viewing.run_rows import RunRow, run_row

_CURVE_WIDTH: Final = 12  # columns
_HEADINGS: Final = ("RUN", "STATE", "CORPUS", "STEP", "BEST", "CURVE", "AGE")

runs_app = typer.Typer(help="List and manage the runs.")


@runs_app.callback(invoke_without_command=True)
def runs(context: typer.Context, runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List and manage the runs."""
    if context.invoked_subcommand is None:
        list_all(runs_dir, as_json)
    else:
        refuse_options_before_command(context)


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
    for line in table_lines(rows):
        print_data(line)


runs_app.command()(run_report.show)
runs_app.command()(run_upkeep.rename)
runs_app.command()(run_export.export)
runs_app.command()(run_upkeep.rm)
runs_app.command()(run_upkeep.restore)


def _cells(row: RunRow) -> tuple[str, ...]:
    state, curve = f"{row.mark} {row.state}", small_curve(row.curve, _CURVE_WIDTH)
    return (row.name, state, row.corpus, row.step, row.best, curve, row.age)
