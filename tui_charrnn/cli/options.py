"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tui_charrnn.cli.completing import complete_path, complete_run
from tui_charrnn.cli.places import runs_folder
from tui_charrnn.paths import parse_path

__all__ = ["AsciiOnly", "JsonDocument", "RunArgument", "RunsDir", "runs_folder"]

RunsDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        metavar="FOLDER",
        autocompletion=complete_path,
        parser=lambda text: parse_path(text, "--runs-dir"),
        help="Folder of the runs; CHARRNN_RUNS or the settings (`config`) name another default.",
        show_default=False,
    ),
]
RunArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Name or path of the run.",
        show_default=False,
        autocompletion=complete_run,
    ),
]
AsciiOnly: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Draw frames and charts of the app in ASCII.")
]
JsonDocument: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
