"""Links, pipes and devices in the place of a run's own files and folders: such a run is refused.

Whoever packed an archive may have put one there, so that what is written into the run lands in
another file of the user, or that a reader waits for a pipe. What opens a part of a run does not
follow links either (`open_to_read`, `Storage`); this reports it early, in one sentence.
"""

import stat
from pathlib import Path

from tui_charrnn.errors import CorpusError, RunError, StorageError
from tui_charrnn.runs.file_system import explained, file_system, is_missing
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.translation import tr


class RunGoneError(StorageError):
    """The run directory was removed or moved."""


def refuse_gone(run: RunDirectory) -> None:
    """Make sure that there is a folder to write into.

    Raises:
        RunGoneError: If there is none any more.
        StorageError: If that cannot be found out.
    """
    with explained("read", run.path):
        try:
            file_system().look_at(run.path)
        except FileNotFoundError as error:
            raise RunGoneError(
                "The run {path} is gone: its folder was removed or moved. If it was moved, "
                "go on with it where it is now.",
                path=run.path,
            ) from error


def foreign_parts(run: RunDirectory) -> str:
    """What stands in the place of a part of a run and is none, in a sentence; empty if nothing.

    Checkpoints are not looked through: one with a link in it counts as damaged.
    """
    outer = (
        run.description,
        run.status,
        run.labels,
        run.events,
        run.log,
        run.lock,
        run.corpus,
        run.initial_model,
        run.control,
        run.checkpoints,
        run.live_model.parent,
    )
    inner = (run.latest, run.best, run.live_model)  # behind a folder that may be a link itself
    found = {path: kind for path in outer if (kind := _foreign_kind(path))}
    found |= {
        path: kind for path in inner if path.parent not in found and (kind := _foreign_kind(path))
    }
    if not found:
        return ""
    parts = [
        tr("{part} is {kind}", part=path.relative_to(run.path).as_posix(), kind=kind)
        for path, kind in found.items()
    ]
    return tr(
        "In the run {path}, {parts}. Only files and folders that lie in a run itself are used: put "
        "copies of them there, if you trust them.",
        path=run.path,
        parts=", ".join(parts),
    )


def refuse_foreign_parts(run: RunDirectory) -> None:
    """Make sure that a run holds its own files, before any is written or packed.

    Raises:
        RunError: If something else stands in the place of one.
    """
    if sentence := foreign_parts(run):
        raise RunError(sentence)


def has_own_live_model(run: RunDirectory) -> bool:
    """Whether weights were published in a run, as a file of its own."""
    live = run.live_model
    return not _foreign_kind(live.parent) and stat.S_ISREG(_mode(live))


def has_own_corpus(run: RunDirectory) -> bool:
    """Whether the run holds its text itself, as a file of its own.

    Raises:
        CorpusError: If something else is in its place, or that cannot be found out.
    """
    try:
        facts = file_system().look_at(run.corpus)
    except OSError as error:
        if is_missing(error):
            return False
        raise CorpusError.unreadable(run.corpus, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise CorpusError(
            foreign_parts(run) or tr("{path} is a folder, and holds no text.", path=run.corpus)
        )
    return True


def _foreign_kind(path: Path) -> str:
    """What is there if it is neither a file nor a folder; empty if it is one, or nothing is."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return tr("a link")
    return "" if not mode or stat.S_ISREG(mode) or stat.S_ISDIR(mode) else tr("a pipe or a device")


def _mode(path: Path) -> int:
    """The kind of what a name stands for; 0 if nothing is there, or that cannot be found out."""
    try:
        return path.lstat().st_mode
    except OSError:  # opening it reports why
        return 0
