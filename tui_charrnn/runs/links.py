"""Links in the place of a run's own files and folders: a run that has one is refused.

Whoever packed an archive may have put one there, so that what is written into the run lands in
another file of the user. What opens a part of a run does not follow links either
(`opened_file.open_to_read`, `Storage.inside`); this only says it early and in one sentence.
"""

import stat
from pathlib import Path

from tui_charrnn.errors import RunError
from tui_charrnn.runs.layout import RunDirectory


def linked_parts(run: RunDirectory) -> list[str]:
    """Those of a run's own files and folders that are links, relative to the run.

    Checkpoints are not looked through: one with a link in it counts as damaged.
    """
    parts = (
        run.description,
        run.status,
        run.events,
        run.log,
        run.lock,
        run.corpus,
        run.control,
        run.checkpoints,
        run.live_model.parent,
    )
    inner = (run.latest, run.best, run.live_model)  # behind a folder that may be a link itself
    found = [path for path in parts if _is_link(path)]
    found += [path for path in inner if path.parent not in found and _is_link(path)]
    return [path.relative_to(run.path).as_posix() for path in found]


def refuse_links(run: RunDirectory) -> None:
    """Make sure that a run holds its own files, before any is written or packed.

    Raises:
        RunError: If a link stands in the place of one.
    """
    if found := linked_parts(run):
        raise RunError(link_sentence(run, found))


def has_own_live_model(run: RunDirectory) -> bool:
    """Whether weights were published in a run, as a file of its own."""
    live = run.live_model
    try:
        return not _is_link(live.parent) and stat.S_ISREG(live.lstat().st_mode)
    except OSError:
        return False


def link_sentence(run: RunDirectory, found: list[str]) -> str:
    """What is wrong with a run in which links were found, and what to do."""
    names, are = ", ".join(found), "is a link" if len(found) == 1 else "are links"
    return (
        f"In the run {run.path}, {names} {are}, and links inside a run are never followed. Put "
        f"what {'it leads' if len(found) == 1 else 'they lead'} to in place of the link, if you "
        "trust it."
    )


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:  # whoever opens it is told why it cannot
        return False
