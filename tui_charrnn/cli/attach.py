"""The commands `attach` and `learn`: open the app on a run, or on its guided tour."""

from pathlib import Path
from typing import Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import (
    check_sampling,
    require_app_terminal,
    start_without_collecting,
)
from tui_charrnn.cli.options import (
    AsciiOnly,
    LanguageOption,
    NumbersOption,
    RunArgument,
    RunsDir,
    TextLength,
    model_option,
    with_setting_options,
)
from tui_charrnn.preferences import runs_folder
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.sampling_config import SamplingConfig


@with_setting_options(SamplingConfig)
def attach(
    run: RunArgument,
    readonly: Annotated[
        bool, typer.Option("--readonly", help="Only look: ask the trainer for nothing.")
    ] = False,
    length: TextLength = None,
    numbers: NumbersOption = None,
    language: LanguageOption = None,
    is_ascii: AsciiOnly = False,
    runs_dir: RunsDir = None,
    **settings: str | None,
) -> None:
    """Open the app on a run, wherever its trainer was started."""
    folder = runs_folder(runs_dir, is_lenient=True)
    found = find_run(run, folder)
    sampling = {**settings, "length": length, "numbers": numbers}
    check_sampling(sampling)
    require_app_terminal()
    start_without_collecting()
    code = lazy.run_app(
        run=found.path,
        runs_folder=folder,
        model=None,
        readonly=readonly,
        is_ascii=is_ascii,
        language=language,
        sampling=sampling,
    )
    raise typer.Exit(code)


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
