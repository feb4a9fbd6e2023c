"""Looking after runs: another name, the trash folder and back.

Runs that are thrown away lie in `.trash/TIME/NAME` beside where they were: on the same disk, so
that going and coming back is one rename, and out of every list, as the folder is hidden.
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
_THROWN: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
"""What `_TIME_FORM` makes: nothing else in the trash was put there by this program."""


@dataclass(frozen=True, slots=True)
class TrashedRun:
    """A run that was thrown away and can come back."""

    path: Path
    """Where it lies in the trash."""
    thrown: str
    """When it was thrown away, as its folder is called: UTC, sorts by time."""

    @property
    def name(self) -> str:
        """The name that it had."""
        return self.path.name


def rename_run(run: RunDirectory, name: str) -> RunDirectory:
    """Give a run another name, which is that of its folder; nothing inside it changes.

    Raises:
        ConfigError: If the name is taken or cannot be the name of a folder.
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; then the run has its old name.
    """
    if name == run.name:
        return run
    refuse_name(run.path.parent, name)
    renamed = RunDirectory(run.path.with_name(name))
    with _left_alone(run, renames=True):
        Storage().rename(run.path, renamed.path)
    return renamed


def refuse_live(run: RunDirectory) -> None:
    """Make sure that a run is not being trained now.

    Raises:
        RunLockedError: If it is.
        StorageError: If that cannot be found out.
    """
    with _left_alone(run):
        pass


def trash_run(run: RunDirectory) -> TrashedRun:
    """Move a run into the trash of its folder, from where `restore_run` brings it back.

    Raises:
        RunLockedError: If it is being trained.
        StorageError: If the disk refuses; then the run is where it was.
    """
    storage = Storage(inside=run.path.parent)
    thrown = datetime.now(UTC).strftime(_TIME_FORM)
    target = run.path.parent / TRASH / thrown / run.name
    with _left_alone(run):
        storage.make_folder(target.parent)
        try:
            storage.rename(run.path, target)
        except StorageError:
            with contextlib.suppress(OSError):
                target.parent.rmdir()
            raise
    return TrashedRun(target, thrown)


def list_trash(folder: Path) -> list[TrashedRun]:
    """What lies in the trash of a runs folder, the last one that was thrown away first."""
    found = [
        TrashedRun(folder / TRASH / thrown / name, thrown)
        for thrown in filter(_THROWN.fullmatch, _names(folder / TRASH, folder))
        for name in _names(folder / TRASH / thrown, folder)
    ]
    return sorted(found, key=lambda run: (run.thrown, run.name), reverse=True)


def restore_run(folder: Path, name: str | None = None) -> RunDirectory:
    """Bring a run back from the trash.

    It is the last one that had the name, or without a name the last of all.

    Returns:
        The run, under its name or, if that is taken by now, under one with a number.

    Raises:
        RunError: If there is no such run in the trash.
        StorageError: If the disk refuses; then the run stays in the trash.
    """
    trashed = list_trash(folder)
    wanted = next((run for run in trashed if name in {None, run.name}), None)
    if wanted is None:
        raise RunError(_nothing_to_restore(folder, name, trashed))
    run = RunDirectory(_free_place(folder, wanted.name))
    Storage(inside=folder).rename(wanted.path, run.path)
    with contextlib.suppress(OSError):  # not empty if two were thrown away at the same instant
        wanted.path.parent.rmdir()
    return run


def empty_trash(folder: Path) -> int:
    """Remove for good the runs in the trash of a runs folder; what else lies there stays.

    Returns:
        How many bytes that freed.

    Raises:
        StorageError: If the disk refuses; what was not removed is still there.
    """
    storage = Storage(inside=folder)
    trash = folder / TRASH
    with explained("read", trash):
        try:
            names = names_in(trash, inside=folder)
        except FileNotFoundError:
            return 0
    thrown = [name for name in names if _THROWN.fullmatch(name)]
    left = [name for name in names if _THROWN.fullmatch(name.removeprefix(_REMOVING))]
    for name in thrown:
        # hidden first, so that nobody brings half a run back
        storage.rename(trash / name, trash / f"{_REMOVING}{name}")
    freed = 0
    for name in sorted({name.removeprefix(_REMOVING) for name in left}):
        hidden = trash / f"{_REMOVING}{name}"
        size = disk_size(hidden)
        storage.remove_tree(hidden)
        freed += size
    return freed


@contextmanager
def _left_alone(run: RunDirectory, *, renames: bool = False) -> Iterator[None]:
    """Keep trainers out of a run while the context lasts."""
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
    """The names in a folder of the trash; none if it cannot be read, or is a link."""
    try:
        return names_in(folder, inside=runs)
    except OSError:
        return []
