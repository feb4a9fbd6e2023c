"""`charrnn-tui runs`, `attach` and `stop`: find runs, look at one, end one."""

import json
import time
from typing import Annotated

import typer

from tui_charrnn.cli.following import newest_status
from tui_charrnn.cli.options import RunsDir, runs_folder
from tui_charrnn.cli.output import has_terminal, narrate, print_data
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.runs.catalogue import RunSummary, find_run, list_runs
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.liveness import Liveness, Verdict, judge_at_a_glance
from tui_charrnn.runs.reader import read_status
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.run_words import command_words

STOP_PATIENCE = 60.0  # seconds

RunArgument = Annotated[str, typer.Argument(help="Name or path of the run.", show_default=False)]


def runs(
    runs_dir: RunsDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the runs, newest first."""
    folder = runs_folder(runs_dir)
    found = list_runs(folder)
    if as_json:
        for summary in found:
            print_data(json.dumps(_facts(summary)))
        return
    if not found:
        narrate(f"There are no runs in {folder} yet. Start one: {command('train', 'pydoc')}")
        return
    rows: list[tuple[str, ...]] = [("RUN", "STATE", "CORPUS", "STEP", "BEST", "AGE")]
    rows += [_row(summary) for summary in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print_data("  ".join(cells).rstrip())


def attach(run: RunArgument, runs_dir: RunsDir = None) -> None:
    """Open the app on a run, wherever its trainer was started."""
    found = find_run(run, runs_folder(runs_dir))
    if not has_terminal():
        raise ConfigError("There is no terminal to open the app in.")
    # deferred: Textual takes half a second that the other commands need not spend
    from tui_charrnn.tui.app import run_app  # noqa: PLC0415  deferred, see above

    raise typer.Exit(run_app(run=found.path, runs_folder=runs_folder(runs_dir), model=None))


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


def _trainer(summary: RunSummary) -> Verdict | None:
    """How the trainer of a run is, at a glance; None if it had none yet or nothing is known."""
    status = summary.status
    if status is None or not status.pid:
        return None
    return judge_at_a_glance(status, max(0.0, time.time() - summary.modified))


def _facts(summary: RunSummary) -> dict[str, object]:
    status, description = summary.status, summary.description
    return {
        "name": summary.run.name,
        "path": str(summary.run.path),
        "state": str(status.state) if status else None,
        "trainer": _trainer(summary),
        "corpus": description.corpus.name if description else None,
        "preset": description.preset if description else None,
        "step": status.step if status else None,
        "total_steps": status.total_steps if status else None,
        "best_validation_loss": summary.best_loss,
        "modified": summary.modified,
    }


def _row(summary: RunSummary) -> tuple[str, ...]:
    status, description = summary.status, summary.description
    state = str(status.state) if status else "unreadable"
    age = format_duration(max(0.0, time.time() - summary.modified))
    return (
        safe_line(summary.run.name),
        "lost" if _trainer(summary) == "lost" else state,
        safe_line(description.corpus.name) if description else "",
        f"{status.step:,}" if status else "",
        f"{summary.best_loss:.3f}" if summary.best_loss is not None else "",
        age,
    )
