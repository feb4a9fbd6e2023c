"""The command `learn`: the app on its guided tour."""

from pathlib import Path
from typing import Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import require_app_terminal, start_without_collecting
from tui_charrnn.cli.options import AsciiOnly, LanguageOption, RunsDir, model_option
from tui_charrnn.preferences.resolution import runs_folder


def learn(
    language: LanguageOption = None,
    model: Annotated[
        str | None, model_option("Model to look at: a file, a run or a bundled model.")
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
) -> None:
    """Open the app on its guided tour: five pages, each with a live picture."""
    folder: Path = runs_folder(runs_dir, is_lenient=True)
    require_app_terminal()
    start_without_collecting()
    code = lazy.run_app(
        run=None,
        runs_folder=folder,
        model=model,
        is_ascii=is_ascii,
        opens_tour=True,
        language=language,
    )
    raise typer.Exit(code)
