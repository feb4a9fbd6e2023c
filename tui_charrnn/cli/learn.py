"""The command `learn`: the app on its guided tour."""

from pathlib import Path
from typing import Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import require_app_terminal, start_without_collecting
from tui_charrnn.cli.options import AsciiOnly, RunsDir, complete_model, complete_one_of
from tui_charrnn.errors import ConfigError
from tui_charrnn.preferences.resolution import runs_folder
from tui_charrnn.viewing.lessons import LANGUAGES, language_of


def learn(
    language: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(LANGUAGES),
            autocompletion=complete_one_of(LANGUAGES),
            help="Language of the pages; that of the locale (LANG) if left out.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE|RUN|NAME",
            autocompletion=complete_model,
            help="Model to look at: a file, a run or a bundled model.",
        ),
    ] = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
) -> None:
    """Open the app on its guided tour: five pages, each with a live picture."""
    if language is not None and language not in LANGUAGES:
        raise ConfigError(f"--language is one of {', '.join(LANGUAGES)}. Received: {language!r}.")
    folder: Path = runs_folder(runs_dir, is_lenient=True)
    require_app_terminal()
    start_without_collecting()
    code = lazy.run_app(
        run=None,
        runs_folder=folder,
        model=model,
        is_ascii=is_ascii,
        lessons=language or language_of(),
    )
    raise typer.Exit(code)
