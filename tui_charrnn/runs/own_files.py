"""Checks that a run exists and contains only its own files.

A malicious archive could contain a link that redirects writes to another file of the user, or a
pipe that blocks a reader. `open_to_read` and `Storage` do not follow links either; the checks here
report the problem early, in one sentence.
"""

import stat
from pathlib import Path

from tui_charrnn.errors import CorpusError, RunError, StorageError
from tui_charrnn.runs.file_system import file_system, is_missing, storage_errors
from tui_charrnn.runs.layout import PARTS, RunDirectory
from tui_charrnn.translation import tr


class RunGoneError(StorageError):
    """The run directory was removed or moved."""


def refuse_gone(run: RunDirectory) -> None:
    """Check that the run's folder exists.

    Raises:
        RunGoneError: If it no longer exists.
        StorageError: If this cannot be determined.
    """
    with storage_errors("read", run.path):
        try:
            file_system().lstat(run.path)
        except FileNotFoundError as error:
            raise RunGoneError(
                "The folder of the run {path} was deleted or moved. If it was moved, use its "
                "new path.",
                path=run.path,
            ) from error


def foreign_parts(run: RunDirectory) -> str:
    """Return a sentence that lists links, pipes and devices in a run; empty if there are none.

    Checkpoints are not searched: one that contains a link counts as damaged.
    """
    found: dict[Path, str] = {}
    for name in PARTS:
        path = getattr(run, name)
        for each in (path.parent, path):
            if each != run.path and (kind := _foreign_kind(each)):
                found[each] = kind
                break  # nothing in a folder that is a link belongs to the run
    if not found:
        return ""
    parts = [
        tr("{part} is {kind}", part=path.relative_to(run.path).as_posix(), kind=kind)
        for path, kind in found.items()
    ]
    return tr(
        "In the run {path}, {parts}. Only regular files and folders inside a run are used: copy "
        "them there if you trust them.",
        path=run.path,
        parts=", ".join(parts),
    )


def refuse_foreign_parts(run: RunDirectory) -> None:
    """Check that a run contains only its own files, before writing or packing it.

    Raises:
        RunError: If a link, pipe or device is in the place of one.
    """
    if sentence := foreign_parts(run):
        raise RunError(sentence)


def has_own_live_model(run: RunDirectory) -> bool:
    """Whether a run contains published weights as a regular file."""
    live = run.live_model
    return not _foreign_kind(live.parent) and stat.S_ISREG(_mode(live))


def has_own_corpus(run: RunDirectory) -> bool:
    """Whether the run contains its text as a regular file.

    Raises:
        CorpusError: If something else is in its place, or this cannot be determined.
    """
    try:
        facts = file_system().lstat(run.corpus)
    except OSError as error:
        if is_missing(error):
            return False
        raise CorpusError.unreadable(run.corpus, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise CorpusError(
            foreign_parts(run) or tr("{path} is a folder, not a text.", path=run.corpus)
        )
    return True


def _foreign_kind(path: Path) -> str:
    """Return what a path is; empty for a file, a folder or a missing path."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return tr("a link")
    return "" if not mode or stat.S_ISREG(mode) or stat.S_ISDIR(mode) else tr("a pipe or a device")


def _mode(path: Path) -> int:
    """Return the mode of a path; 0 if it is missing or cannot be read."""
    try:
        return path.lstat().st_mode
    except OSError:  # opening it reports why
        return 0
