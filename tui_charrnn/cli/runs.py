"""The commands of `charrnn-tui runs`: list, show, rename, export, delete and restore runs."""

import json
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from tui_charrnn.cli.options import (
    Force,
    JsonDocument,
    RunArgument,
    RunsDir,
    Yes,
    complete_run,
    default_command,
    path_option,
    target_argument,
)
from tui_charrnn.cli.output import (
    is_confirmed,
    print_data,
    print_json,
    print_message,
    progress_bar,
    table_lines,
)
from tui_charrnn.cli.run_report import RunDetails, show, summary_values
from tui_charrnn.cli.tensorflow_process import convert
from tui_charrnn.errors import ConfigError
from tui_charrnn.folders import default_runs_folder
from tui_charrnn.invocation import command
from tui_charrnn.paths import is_folder, parse_path
from tui_charrnn.preferences import runs_folder
from tui_charrnn.runs import lifecycle
from tui_charrnn.runs.archive import ENDINGS, export_model, export_run
from tui_charrnn.runs.catalogue import find_run, list_runs, read_labels, write_labels
from tui_charrnn.runs.checkpoints import best_or_newest, format_missed_best
from tui_charrnn.runs.figures import export_figures
from tui_charrnn.runs.file_system import disk_size
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.sparkline import small_curve
from tui_charrnn.viewing.formatting import format_size
from tui_charrnn.viewing.run_formatting import has_one_text
from tui_charrnn.viewing.run_rows import RunRow, comparison_rows, run_row

if TYPE_CHECKING:
    from tui_charrnn.runs.archive import Exported


_CURVE_WIDTH: Final = 12  # columns
_HEADINGS: Final = ("RUN", "STATE", "CORPUS", "STEP", "BEST", "CURVE", "AGE")


runs_app = typer.Typer()


@default_command(runs_app, "list", "List and manage the runs.")
def list_all(
    words: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="WORDS",
            help="Only runs that have all these words in name, corpus, preset, tags or note.",
        ),
    ] = "",
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """List the runs, newest first."""
    folder = runs_folder(runs_dir)
    everything, now = list_runs(folder), time.time()
    found = [summary for summary in everything if summary.has_all_words(words)]
    if as_json:
        print_json([summary_values(summary, now) for summary in found])
        return
    if everything and not found:
        print_message(f"No run has the words {words!r} in name, corpus, preset, tags or note.")
        return
    if not found:
        print_message(f"There are no runs in {folder} yet. Start one: {command('train', 'pydoc')}")
        return
    rows = [_HEADINGS, *(_cells(run_row(summary, now)) for summary in found)]
    if any(summary.labels.tags for summary in found):
        tags = ("TAGS", *(" ".join(summary.labels.tags) for summary in found))
        rows = [(*row, tag) for row, tag in zip(rows, tags, strict=True)]
    print_data(*table_lines(rows))


runs_app.command()(show)


def _cells(row: RunRow) -> tuple[str, ...]:
    state, curve = f"{row.mark} {row.state}", small_curve(row.curve, _CURVE_WIDTH)
    return (row.name, state, row.corpus, row.step, row.best, curve, row.age)


@runs_app.command()
def note(
    run: RunArgument,
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT", help="The note; '' removes it.", show_default="print the note"
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Write a note about a run, or print it."""
    directory = find_run(run, runs_folder(runs_dir))
    labels = read_labels(directory)
    if text is None:
        if labels.note:
            print_data(labels.note)
        else:
            print_message(f"{directory.name} has no note.")
        return
    write_labels(directory, labels.with_note(text))


@runs_app.command()
def tag(
    run: RunArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="Words.")],
    remove: Annotated[bool, typer.Option("--remove", help="Remove these tags.")] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Add tags to a run, or remove them; `runs --filter` finds runs by tag."""
    directory = find_run(run, runs_folder(runs_dir))
    changed = tuple(f"-{tag}" for tag in tags) if remove else tuple(tags)
    labels = read_labels(directory).with_tags(changed)
    write_labels(directory, labels)
    print_message(f"Tags of {directory.name}: {' '.join(labels.tags) or 'none'}.")


@runs_app.command()
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN RUN...",
            help="Names or paths of at least two runs.",
            autocompletion=complete_run,
        ),
    ],
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Compare runs: their results, and the settings that differ."""
    if len(runs) < 2:
        raise ConfigError("Name at least two runs.")
    folder = runs_folder(runs_dir)
    views = [RunDetails(find_run(name, folder)).view for name in runs]
    rows = comparison_rows(views)
    if as_json:
        names, *others = rows
        table = {
            name: {row[0]: row[column] for row in others}
            for column, name in enumerate(names[1:], start=1)
        }
        print_json({"same_text": has_one_text(views), "runs": table})
        return
    print_data(*table_lines(rows))
    if not has_one_text(views):
        print_message(
            "The runs were evaluated on different texts: their losses cannot be compared."
        )


@runs_app.command()
def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="New name of the run.")],
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Rename a run that is not training."""
    directory = find_run(run, runs_folder(runs_dir))
    renamed = lifecycle.rename_run(directory, name)
    if as_json:
        print_json(_run_values(renamed))
        return
    print_message(f"{directory.name} is now named {renamed.name}.")


@runs_app.command()
def export(
    run: RunArgument,
    file: Annotated[
        Path | None,
        target_argument(
            "The archive", "The archive (.tar.gz) or a folder for it; default: RUN.tar.gz here."
        ),
    ] = None,
    every_checkpoint: Annotated[
        bool,
        typer.Option("--all", help="Include every checkpoint, not only the best and the newest."),
    ] = False,
    model: Annotated[
        Path | None,
        path_option("--model", "Copy only the best model, to this file."),
    ] = None,
    events: Annotated[
        Literal["csv", "tensorboard"] | None,
        typer.Option(
            help="Write the figures of every step: a CSV file, or a folder for TensorBoard."
        ),
    ] = None,
    force: Force = False,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Pack a run into one archive, copy its model to a file, or write its figures."""
    if model is not None and (file is not None or every_checkpoint):
        raise ConfigError("With --model only the model is copied: leave out FILE and --all.")
    if events is not None and (model is not None or every_checkpoint):
        raise ConfigError("With --events only the figures are written: leave out --model, --all.")
    directory = find_run(run, runs_folder(runs_dir))
    if events is not None:
        written = _export_events(directory, events, file, overwrite=force)
        print_data(json.dumps({"path": str(written)}) if as_json else str(written))
        return
    if missed := format_missed_best(directory, best_or_newest(directory)):
        print_message(missed)
    with progress_bar(f"Packing {directory.name}") as progress:
        if model is None:
            target = file or parse_path(".", "The archive")
            target = target / f"{directory.name}{ENDINGS[0]}" if is_folder(target) else target
            made = export_run(
                directory,
                target,
                every_checkpoint=every_checkpoint,
                overwrite=force,
                progress=progress,
            )
        else:
            made = export_model(directory, model, overwrite=force, progress=progress)
    if as_json:
        facts = {"path": str(made.path), "bytes": made.size, "checkpoints": list(made.steps)}
        print_json(facts)
        return
    print_data(str(made.path))
    print_message(f"Packed {format_size(made.size)}: {_format_checkpoints(made)}.")


def _export_events(run: RunDirectory, kind: str, file: Path | None, *, overwrite: bool) -> Path:
    """Write the figures of a run, and return their path."""
    if kind == "csv":
        target = file or parse_path(".", "The file")
        target = target / f"{run.name}.csv" if is_folder(target) else target
        count = export_figures(run, target, overwrite=overwrite)
        print_message(f"Wrote {count:,} steps.")
        return target
    require_tensorflow()
    folder = file or parse_path(f"{run.name}-tensorboard", "The folder")
    if folder.exists() and not (overwrite and is_folder(folder)):
        raise ConfigError(f"{folder} already exists. Choose another folder.")
    convert("tensorboard", run.path, folder)
    print_message(f"Open them with: tensorboard --logdir {shlex.quote(str(folder))}")
    return folder


def _format_checkpoints(made: "Exported") -> str:
    """Format which checkpoints a file contains."""
    if not made.steps:
        return "no checkpoint yet"
    steps = ", ".join(f"{step:,}" for step in made.steps[:5])
    more = f" and {len(made.steps) - 5:,} more" if len(made.steps) > 5 else ""
    return f"checkpoint{'s' if len(made.steps) > 1 else ''} of step {steps}{more}"


@runs_app.command()
def rm(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Names or paths.", autocompletion=complete_run),
    ] = None,
    is_sure: Yes = False,
    empties: Annotated[
        bool, typer.Option("--empty-trash", help="Delete everything in the trash permanently.")
    ] = False,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Move runs to the trash (`restore` brings them back), or empty it."""
    folder = runs_folder(runs_dir)
    if bool(runs) == empties:
        raise ConfigError("Give either the runs to move to the trash or --empty-trash.")
    facts = _move_to_trash(runs, folder, is_sure) if runs else _empty_trash(folder, is_sure)
    if as_json:
        print_json(facts)


@runs_app.command()
def restore(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Name of the run; default: the run deleted last."),
    ] = None,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Restore a run from the trash: the newest of that name."""
    folder = runs_folder(runs_dir)
    run, before = lifecycle.restore_run(folder, name)
    renamed = f": another run is named {before}" if run.name != before else ""
    if as_json:
        print_json(_run_values(run))
        return
    print_message(f"Restored {run.name}{renamed}.")


def _move_to_trash(names: Sequence[str], folder: Path, is_sure: bool) -> dict[str, Any]:
    """Move runs into the trash; return their names and new paths as JSON values."""
    runs = list(dict.fromkeys(find_run(name, folder) for name in names))
    for run in runs:  # check all before moving the first
        lifecycle.refuse_live(run)
    shown = ", ".join(run.name for run in runs)
    count = "the run" if len(runs) == 1 else f"{len(runs)} runs"
    if not is_confirmed(f"Move {count} {shown} to the trash?", is_sure=is_sure):
        print_message("Nothing was moved.")
        return {"trashed": []}
    trashed = []
    for run in runs:
        trashed.append({"name": run.name, "path": str(lifecycle.trash_run(run).path)})
        print_message(f"{run.name} is in the trash. Restore it: {_restore_command(run)}")
    return {"trashed": trashed}


def _run_values(run: RunDirectory) -> dict[str, str]:
    return {"name": run.name, "path": str(run.path)}


def _restore_command(run: RunDirectory) -> str:
    folder = run.path.parent
    place = [] if folder == default_runs_folder() else ["--runs-dir", str(folder)]
    return command("runs", "restore", run.name, *place)


def _empty_trash(folder: Path, is_sure: bool) -> dict[str, Any]:
    """Delete everything in the trash; return the freed bytes as JSON values."""
    trashed = lifecycle.list_trash(folder)
    if trashed:
        shown = ", ".join(run.name for run in trashed[:5])
        more = f" and {len(trashed) - 5} more" if len(trashed) > 5 else ""
        size = format_size(disk_size(folder / lifecycle.TRASH))
        question = f"Permanently delete the trash: {shown}{more}, {size}?"
        if not is_confirmed(question, is_sure=is_sure):
            print_message("Nothing was deleted.")
            return {"freed_bytes": 0}
    freed = lifecycle.empty_trash(folder)
    print_message(
        f"The trash is empty; {format_size(freed)} freed." if freed else "The trash is empty."
    )
    return {"freed_bytes": freed}
