"""Rename runs, move them to the trash, and restore them.

A deleted run is moved to `.trash/TIME/NAME` in its parent folder: on the same disk, so deleting and
restoring are single renames, and hidden, so lists skip it.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tui_charrnn.errors import RunError, RunLockedError, StorageError
from tui_charrnn.runs.creation import refuse_name
from tui_charrnn.runs.file_system import disk_size, explained, names_in
from tui_charrnn.runs.layout import RunDirectory, command_words
from tui_charrnn.runs.liveness import keep_trainers_out
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

TRASH: Final = ".trash"
_TIME_FORM: Final = "%Y%m%dT%H%M%S.%fZ"
_REMOVING: Final = ".removing-"
_TRASH_ENTRY: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
"""Names made by `_TIME_FORM`; this program puts nothing else in the trash."""


@dataclass(frozen=True, slots=True)
class TrashedRun:
    """A deleted run that can be restored."""

    path: Path
    """Its path in the trash."""
    thrown: str
    """UTC time of deletion, the name of its trash folder; sorts by time."""

    @property
    def name(self) -> str:
        """The run's name before deletion."""
        return self.path.name


def rename_run(run: RunDirectory, name: str) -> RunDirectory:
    """Rename a run by renaming its folder; nothing inside it changes.

    Raises:
        ConfigError: If the name is taken or is not a valid folder name.
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; the run keeps its old name.
    """
    if name == run.name:
        return run
    refuse_name(run.path.parent, name)
    renamed = RunDirectory(run.path.with_name(name))
    with _trainers_kept_out(run, renames=True):
        Storage().rename(run.path, renamed.path)
    return renamed


def refuse_live(run: RunDirectory) -> None:
    """Check that a run is not being trained.

    Raises:
        RunLockedError: If it is.
        StorageError: If this cannot be determined.
    """
    with _trainers_kept_out(run):
        pass


def trash_run(run: RunDirectory) -> TrashedRun:
    """Move a run to the trash of its folder; `restore_run` restores it.

    Raises:
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; the run is unchanged.
    """
    storage = Storage(inside=run.path.parent)
    thrown = datetime.now(UTC).strftime(_TIME_FORM)
    target = run.path.parent / TRASH / thrown / run.name
    with _trainers_kept_out(run):
        storage.make_folder(target.parent)
        try:
            storage.rename(run.path, target)
        except StorageError:
            with contextlib.suppress(OSError):
                target.parent.rmdir()
            raise
    return TrashedRun(target, thrown)


def list_trash(folder: Path) -> list[TrashedRun]:
    """Return the runs in the trash of a runs folder, most recently deleted first."""
    found = [
        TrashedRun(folder / TRASH / thrown / name, thrown)
        for thrown in filter(_TRASH_ENTRY.fullmatch, _names(folder / TRASH, folder))
        for name in _names(folder / TRASH / thrown, folder)
    ]
    return sorted(found, key=lambda run: (run.thrown, run.name), reverse=True)


def restore_run(folder: Path, name: str | None = None) -> RunDirectory:
    """Restore the most recently deleted run, of a name if one is given, from the trash.

    Returns:
        The run, under its name, or with a number added if that is taken.

    Raises:
        RunError: If there is no such run in the trash.
        StorageError: If the disk refuses; the run stays in the trash.
    """
    trashed = list_trash(folder)
    wanted = next((run for run in trashed if name in {None, run.name}), None)
    if wanted is None:
        raise RunError(_nothing_to_restore(folder, name, trashed))
    run = RunDirectory(_free_place(folder, wanted.name))
    Storage(inside=folder).rename(wanted.path, run.path)
    with contextlib.suppress(OSError):  # not empty if two were deleted at the same moment
        wanted.path.parent.rmdir()
    return run


def empty_trash(folder: Path) -> int:
    """Permanently remove the runs in the trash of a runs folder; other files there stay.

    Returns:
        The number of bytes freed.

    Raises:
        StorageError: If the disk refuses; the remaining runs stay in the trash.
    """
    storage = Storage(inside=folder)
    trash = folder / TRASH
    with explained("read", trash):
        try:
            names = names_in(trash, inside=folder)
        except FileNotFoundError:
            return 0
    deleted = [name for name in names if _TRASH_ENTRY.fullmatch(name)]
    left = [name for name in names if _TRASH_ENTRY.fullmatch(name.removeprefix(_REMOVING))]
    for name in deleted:
        # hidden first, so that nobody restores half a run
        storage.rename(trash / name, trash / f"{_REMOVING}{name}")
    freed = 0
    for name in sorted({name.removeprefix(_REMOVING) for name in left}):
        hidden = trash / f"{_REMOVING}{name}"
        size = disk_size(hidden)
        storage.remove_tree(hidden)
        freed += size
    return freed


@contextmanager
def _trainers_kept_out(run: RunDirectory, *, renames: bool = False) -> Iterator[None]:
    """Lock trainers out of a run inside the context."""
    try:
        lock = keep_trainers_out(run)
    except RunLockedError as error:
        raise RunLockedError(
            "The run {run} is being trained, so it cannot be renamed. End that first: {command}"
            if renames
            else "The run {run} is being trained, so it cannot be deleted. "
            "End that first: {command}",
            run=run.name,
            command=command_words("stop", run),
        ) from error
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _nothing_to_restore(folder: Path, name: str | None, trashed: list[TrashedRun]) -> str:
    if not trashed:
        return tr("There is nothing in the trash of {folder}.", folder=folder)
    return tr(
        "There is no run {name!r} in the trash of {folder}. Thrown away last: {names}.",
        name=name,
        folder=folder,
        names=", ".join(dict.fromkeys(run.name for run in trashed[:5])),
    )


def _free_place(folder: Path, name: str) -> Path:
    places = (folder / (name if n == 1 else f"{name}-{n}") for n in itertools.count(1))
    return next(place for place in places if not os.path.lexists(place))


def _names(folder: Path, runs: Path) -> list[str]:
    """Return the names in a folder of the trash; empty if it is unreadable or a link."""
    try:
        return names_in(folder, inside=runs)
    except OSError:
        return []
