"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tui_charrnn.runs.catalogue import default_runs_folder

RunsDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        help="Folder of the runs; the environment variable CHARRNN_RUNS names another default.",
        show_default=False,
    ),
]
RunArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="Name or path of the run.", show_default=False)
]


def runs_folder(runs_dir: Path | None) -> Path:
    """The folder that an option names, or the default one."""
    return (runs_dir or default_runs_folder()).expanduser().absolute()
