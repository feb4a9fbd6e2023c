"""`charrnn-tui runs rename`, `rm` and `restore`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tui_charrnn.cli.completing import complete_run
from tui_charrnn.cli.options import RunArgument, RunsDir, runs_folder
from tui_charrnn.cli.output import has_terminal, narrate, print_data
from tui_charrnn.cli.run_facts import JsonDocument
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.runs.catalogue import find_run
from tui_charrnn.runs.disk_usage import disk_size
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.user_folders import default_runs_folder
from tui_charrnn.viewing.formatting import format_size


def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.", show_default=False)],
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Rename a run that is not training."""
    from tui_charrnn.runs import upkeep  # noqa: PLC0415  deferred: the list of runs needs none

    found = find_run(run, runs_folder(runs_dir))
    renamed = upkeep.rename_run(found, name)
    if as_json:
        print_data(json.dumps(_place(renamed)))
        return
    narrate(f"{safe_line(found.name)} is called {safe_line(renamed.name)} now.")


def rm(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help="Names or paths.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ] = None,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    empties: Annotated[
        bool, typer.Option("--empty-trash", help="Delete everything in the trash permanently.")
    ] = False,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Move runs to the trash (`restore` brings them back), or empty it."""
    folder = runs_folder(runs_dir)
    if bool(runs) == empties:
        raise ConfigError(
            "Name the runs to be moved into the trash, or say --empty-trash, and not both."
        )
    facts = _throw_away(runs, folder, is_sure) if runs else _empty(folder, is_sure)
    if as_json:
        print_data(json.dumps(facts))


def restore(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Its name; without one, the run deleted last.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Restore a run from the trash: the newest of that name."""
    from tui_charrnn.runs import upkeep  # noqa: PLC0415  deferred: the list of runs needs none

    folder = runs_folder(runs_dir)
    trashed = next((run for run in upkeep.list_trash(folder) if name in {None, run.name}), None)
    run = upkeep.restore_run(folder, name)
    wanted = trashed.name if trashed is not None else run.name
    taken = f", as there is another {safe_line(wanted)} by now" if run.name != wanted else ""
    if as_json:
        print_data(json.dumps(_place(run)))
        return
    narrate(f"{safe_line(run.name)} is back{taken}.")


def _throw_away(names: Sequence[str], folder: Path, is_sure: bool) -> dict[str, Any]:
    """Move runs into the trash, and say which and where to."""
    from tui_charrnn.runs import upkeep  # noqa: PLC0415  deferred: the list of runs needs none

    runs = list(dict.fromkeys(find_run(name, folder) for name in names))
    for run in runs:  # all or none, as far as that can be known before
        upkeep.refuse_live(run)
    shown = ", ".join(safe_line(run.name) for run in runs)
    count = "the run" if len(runs) == 1 else f"{len(runs)} runs"
    if not _is_wanted(f"Move {count} {shown} into the trash?", is_sure=is_sure):
        narrate("Nothing was moved.")
        return {"trashed": []}
    trashed = []
    for run in runs:
        trashed.append({"name": run.name, "path": str(upkeep.trash_run(run).path)})
        narrate(f"{safe_line(run.name)} is in the trash. Bring it back: {_restore_words(run)}")
    return {"trashed": trashed}


def _place(run: RunDirectory) -> dict[str, str]:
    return {"name": run.name, "path": str(run.path)}


def _restore_words(run: RunDirectory) -> str:
    folder = run.path.parent
    place = [] if folder == default_runs_folder() else ["--runs-dir", str(folder)]
    return safe_line(command("runs", "restore", run.name, *place))


def _empty(folder: Path, is_sure: bool) -> dict[str, Any]:
    """Delete for good what is in the trash, and say how many bytes that freed."""
    from tui_charrnn.runs import upkeep  # noqa: PLC0415  deferred: the list of runs needs none

    trashed = upkeep.list_trash(folder)
    if trashed:
        shown = ", ".join(safe_line(run.name) for run in trashed[:5])
        more = f" and {len(trashed) - 5} more" if len(trashed) > 5 else ""
        size = format_size(disk_size(folder / upkeep.TRASH))
        question = f"Delete for good what is in the trash: {shown}{more}, {size}?"
        if not _is_wanted(question, is_sure=is_sure):
            narrate("Nothing was deleted.")
            return {"freed_bytes": 0}
    freed = upkeep.empty_trash(folder)
    narrate(f"The trash is empty; {format_size(freed)} freed." if freed else "The trash is empty.")
    return {"freed_bytes": freed}


def _is_wanted(question: str, *, is_sure: bool) -> bool:
    """Whether the user says so, who is asked once.

    Raises:
        ConfigError: If nobody can be asked.
    """
    if is_sure:
        return True
    if not has_terminal():
        raise ConfigError("There is no terminal to ask in; say --yes if you are sure.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
