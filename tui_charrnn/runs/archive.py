"""One file that holds a run, or its best model: to be kept, mailed, and opened again elsewhere."""

import gzip
import io
import os
import shutil
import tarfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.file_system import PRIVATE_FILE, PRIVATE_FOLDER
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.output_file import open_output, refuse_taken
from tui_charrnn.runs.snapshot import Piece, Snapshot, open_best_model
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.cache import Progress
from tui_charrnn.translation import tr

ENDINGS: Final = (".tar.gz", ".tgz")
"""Of the names that an archive can have."""
_EMPTY_FOLDERS: Final = ("checkpoints", "control", "live")
_BLOCK: Final = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was made."""

    path: Path
    size: int
    """Bytes."""
    steps: tuple[int, ...]
    """Of the checkpoints in it."""


def archive_name(run: RunDirectory) -> str:
    """What the archive of a run is called unless the user says otherwise."""
    return f"{run.name}{ENDINGS[0]}"


def free_path(path: Path) -> Path:
    """The path, or a numbered one beside it that is free."""
    ending = next((ending for ending in ENDINGS if path.name.endswith(ending)), path.suffix)
    stem, number = path.name.removesuffix(ending), 1
    while os.path.lexists(path):
        number += 1
        path = path.with_name(f"{stem}-{number}{ending}")
    return path


def export_run(
    run: RunDirectory,
    target: Path,
    *,
    every_checkpoint: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    storage: Storage | None = None,
) -> Exported:
    """Pack a run into one archive, which unpacks to a run of the same name.

    It holds what is needed to look at the run, to go on with it and to generate text: not what its
    trainer needs only while it works. A run that is being trained is packed as it is at the start.

    Args:
        run: The run; it stays as it is.
        target: The archive; its name has one of `ENDINGS`.
        every_checkpoint: Pack all checkpoints instead of the best and the newest.
        overwrite: Whether a file of that name gives way.
        progress: Called with the bytes read, and all of them.
        storage: The way to the disk.

    Raises:
        ConfigError: If the name has another ending, is taken or no file's.
        RunError: If the run cannot be read.
        StorageError: If the disk refuses; nothing is left behind.
    """
    if not target.name.endswith(ENDINGS):
        raise ConfigError(
            "The name of an archive ends in {endings}. Received: {name!r}",
            endings=tr(" or ").join(ENDINGS),
            name=target.name,
        )
    refuse_taken(target, overwrite=overwrite)
    with (
        Snapshot(run, every_checkpoint=every_checkpoint) as snapshot,
        open_output(target, overwrite=overwrite, storage=storage) as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        meter = _Meter(snapshot.size, progress)
        known = ["", *_EMPTY_FOLDERS]
        for folder in known:
            tar.addfile(_folder_entry(run, folder))
        for piece in snapshot.pieces():
            folder = piece.name.rpartition("/")[0]
            if folder not in known:
                known.append(folder)
                tar.addfile(_folder_entry(run, folder))
            # nothing in the archive says who made it, where, or when
            entry = tarfile.TarInfo(f"{run.name}/{piece.name}")
            entry.size, entry.mtime, entry.mode = piece.size, piece.modified, PRIVATE_FILE
            tar.addfile(entry, _Reading(piece, meter))
    return Exported(target, file.size, tuple(snapshot.steps))


def export_model(
    run: RunDirectory,
    target: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    storage: Storage | None = None,
) -> Exported:
    """Copy the best model of a run: one file that generates by itself.

    Args:
        run: The run; it stays as it is.
        target: The copy.
        overwrite: Whether a file of that name gives way.
        progress: Called with the bytes read, and all of them.
        storage: The way to the disk.

    Raises:
        ConfigError: If the name is taken or no file's.
        RunError: If there is no model yet, or it cannot be read.
        StorageError: If the disk refuses; nothing is left behind.
    """
    refuse_taken(target, overwrite=overwrite)
    with ExitStack() as files:
        piece = open_best_model(run, files)
        if piece is None:
            raise RunError(
                "The run {run!r} has no model yet. Its trainer has to save a first "
                "checkpoint; try again when it has.",
                run=run.name,
            )
        file = files.enter_context(open_output(target, overwrite=overwrite, storage=storage))
        shutil.copyfileobj(_Reading(piece, _Meter(piece.size, progress)), file, _BLOCK)
    return Exported(target, file.size, (int(piece.name.split("/")[1].removeprefix("step-")),))


class _Meter:
    """Counts the bytes read and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _Reading(io.RawIOBase):
    """Reads the bytes of a piece that belong to the snapshot, and no more."""

    def __init__(self, piece: Piece, meter: _Meter) -> None:
        super().__init__()
        self._piece, self._meter, self._left = piece, meter, piece.size

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        if not wanted:
            return b""
        try:
            data = self._piece.file.read(wanted)
        except OSError as error:
            raise RunError.unreadable(self._piece.name, error) from error
        if not data:
            raise RunError(
                "{name} became shorter while it was read. Try again.", name=self._piece.name
            )
        self._left -= len(data)
        self._meter.add(len(data))
        return data


def _folder_entry(run: RunDirectory, folder: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f"{run.name}/{folder}".rstrip("/"))
    entry.type, entry.mode = tarfile.DIRTYPE, PRIVATE_FOLDER
    return entry
