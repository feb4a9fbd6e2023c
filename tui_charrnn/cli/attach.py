"""`charrnn-tui attach`: open the app on a run."""

from typing import Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import require_app_terminal, start_without_collecting
from tui_charrnn.cli.options import AsciiOnly, RunArgument, RunsDir
from tui_charrnn.preferences.resolution import runs_folder
from tui_charrnn.runs.catalogue import find_run


def attach(
    run: RunArgument,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Only look: ask the trainer for nothing.")
    ] = False,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
) -> None:
    """Open the app on a run, wherever its trainer was started."""
    folder = runs_folder(runs_dir, is_lenient=True)
    found = find_run(run, folder)
    require_app_terminal()
    start_without_collecting()
    code = lazy.run_app(
        run=found.path, runs_folder=folder, model=None, readonly=readonly, is_ascii=is_ascii
    )
    raise typer.Exit(code)
