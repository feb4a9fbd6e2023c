"""`charrnn-tui runs export`: one file that holds a run, or its best model."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui_charrnn.cli.completing import complete_path
from tui_charrnn.cli.options import RunArgument, RunsDir, runs_folder
from tui_charrnn.cli.output import narrate, print_data, progress_bar
from tui_charrnn.cli.run_facts import JsonDocument
from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import is_folder, parse_path
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:
    from tui_charrnn.runs.archive import Exported


def export(
    run: RunArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: parse_path(text, "The archive"),
            help="The archive (.tar.gz or .zip) or a folder for it; default: RUN.tar.gz here.",
            show_default=False,
        ),
    ] = None,
    every_checkpoint: Annotated[
        bool,
        typer.Option("--all", help="Include every checkpoint, not only the best and the newest."),
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Copy only the best model, to this file.",
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: parse_path(text, "--model"),
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace a file of that name.")
    ] = False,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Pack a run into one archive, or copy its model to a file."""
    if model is not None and (file is not None or every_checkpoint):
        raise ConfigError("With --model only the model is copied: leave out FILE and --all.")
    # deferred: the list of runs needs no archives
    from tui_charrnn.runs.archive import (  # noqa: PLC0415  deferred, see above
        archive_name,
        export_model,
        export_run,
    )
    from tui_charrnn.runs.checkpoints import (  # noqa: PLC0415  deferred, see above
        best_or_newest,
        missed_best,
    )

    found = find_run(run, runs_folder(runs_dir))
    if missed := missed_best(found, best_or_newest(found)):
        narrate(missed)
    with progress_bar(f"Packing {found.name}") as progress:
        if model is None:
            target = file or parse_path(".", "The archive")
            target = target / archive_name(found) if is_folder(target) else target
            made = export_run(
                found, target, every_checkpoint=every_checkpoint, overwrite=force, progress=progress
            )
        else:
            made = export_model(found, model, overwrite=force, progress=progress)
    if as_json:
        facts = {"path": str(made.path), "bytes": made.size, "checkpoints": list(made.steps)}
        print_data(json.dumps(facts))
        return
    print_data(str(made.path))
    narrate(f"Packed {format_size(made.size)}: {checkpoint_words(made)}.")


def checkpoint_words(made: "Exported") -> str:
    """Which checkpoints are in a file."""
    if not made.steps:
        return "no checkpoint yet"
    steps = ", ".join(f"{step:,}" for step in made.steps[:5])
    more = f" and {len(made.steps) - 5:,} more" if len(made.steps) > 5 else ""
    return f"checkpoint{'s' if len(made.steps) > 1 else ''} of step {steps}{more}"
