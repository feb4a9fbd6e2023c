"""`charrnn-tui resume`: go on with a run from its newest checkpoint."""

from typing import Annotated

import typer

from tui_charrnn.cli.launching import Watching, start_and_watch
from tui_charrnn.cli.opening import app_obstacle
from tui_charrnn.cli.options import RunArgument, RunsDir
from tui_charrnn.cli.placing import Devices
from tui_charrnn.durations import parse_duration
from tui_charrnn.preferences.resolution import runs_folder
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.training.distributed.placement import Placement, parse_devices


def resume(
    run: RunArgument,
    headless: Annotated[
        bool, typer.Option("--headless", help="Without the app: progress here.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Start the trainer, print the run and exit.")
    ] = False,
    max_time: Annotated[
        str | None,
        typer.Option(
            help="Save and exit with 75 after this time, counted from the start of the command.",
            metavar="DURATION",
        ),
    ] = None,
    devices: Devices = None,
    runs_dir: RunsDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every record as a line of JSON.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Continue although the corpus has changed."),
    ] = False,
) -> None:
    """Continue a run from its last checkpoint: stopped, saved before its end, or lost."""
    found = find_run(run, runs_folder(runs_dir))
    placement = Placement(devices=parse_devices(devices))
    is_headless = headless or bool(app_obstacle())
    watching = Watching(is_headless, detach, as_json, quiet, force, placement)
    start_and_watch(found, watching, parse_duration(max_time) if max_time else None)
