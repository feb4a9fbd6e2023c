"""`charrnn-tui attach`: open the app on a run."""

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
    with_setting_options,
)
from tui_charrnn.preferences.resolution import runs_folder
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
