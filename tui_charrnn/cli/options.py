"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tui_charrnn.preferences.resolution import resolve
from tui_charrnn.runs.catalogue import default_runs_folder

RunsDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        help="Folder of the runs; CHARRNN_RUNS or the settings (`config`) name another default.",
        show_default=False,
    ),
]
RunArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="Name or path of the run.", show_default=False)
]
AsciiOnly: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Draw frames and charts of the app in ASCII.")
]


def runs_folder(runs_dir: Path | None, *, is_lenient: bool = False) -> Path:
    """The folder that an option names, or the preferred one, or the default.

    Args:
        runs_dir: What the option names.
        is_lenient: Whether settings that are not right are passed over, as the app does, which
            opens and says so.

    Raises:
        ConfigError: If the settings are needed and not right.
    """
    found = resolve({"runs_dir": str(runs_dir) if runs_dir else None}, wanted=["runs_dir"])
    preferred = (found.preferences if is_lenient else found.checked()).runs_dir
    return (Path(preferred) if preferred else default_runs_folder()).expanduser().absolute()
