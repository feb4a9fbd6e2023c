"""Export a run or its best model as one file.

All files are opened first and read later, so pruning, replacing or appending in between does not
change the export. Checkpoints are opened before events.jsonl, so that the exported events always
include every step up to the exported checkpoints.
"""

import gzip
import io
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.checkpoints import (
    Manifest,
    best_or_newest,
    list_checkpoints,
    newest_valid,
    pointer_document,
    read_pointer,
)
from tui_charrnn.runs.file_system import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    OpenedFile,
    disk_size,
    open_to_read,
)
from tui_charrnn.runs.json_values import decode_json
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory, refuse_foreign_parts
from tui_charrnn.runs.storage import open_output
from tui_charrnn.text.cache import Progress
from tui_charrnn.translation import tr

ENDINGS: Final = (".tar.gz", ".tgz")
"""Allowed file name endings of an archive; the default first."""
_EMPTY_FOLDERS: Final = ("checkpoints", "control", "live")
_BLOCK: Final = 1 << 18  # bytes
_ATTEMPTS: Final = 20
"""Retries when checkpoints are pruned just before they are opened."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a snapshot, open for reading."""

    name: str
    """Relative to the run, with slashes."""
    size: int
    """Bytes of the file that belong to the snapshot."""
    modified: int
    """Modification time, in seconds since 1970."""
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class OpenCheckpoint:
    """An open checkpoint: its files stay readable even if it is pruned."""

    manifest: Manifest
    pieces: tuple[Piece, ...]


class Snapshot:
    """The files of a run to export."""

    def __init__(
        self, run: RunDirectory, files: ExitStack, *, every_checkpoint: bool = False
    ) -> None:
        """Open the best and the newest checkpoint, and all other files.

        `files` closes them; `every_checkpoint` includes all existing checkpoints.

        Raises:
            RunError: If an existing file cannot be opened, or is a link.
        """
        refuse_foreign_parts(run)
        self._run = run
        self._pinned, self._named = _pin_checkpoints(run, files)
        latest = max(self._pinned, default=0)
        self._more = {
            each.step: each
            for each in list_checkpoints(run)
            if every_checkpoint and each.step < latest and each.step not in self._pinned
        }
        documents = (run.description, run.status, run.events)
        others = (run.log, run.corpus, run.initial_model, run.labels)
        found = [_open_piece(run, path, files) for path in (*documents, *others)]
        self._documents = [piece for piece in found if piece is not None]

    @property
    def size(self) -> int:
        """Bytes of all pieces, including checkpoints that may be pruned before they are read."""
        opened = [*self._documents, *(p for one in self._pinned.values() for p in one.pieces)]
        waiting = (file for one in self._more.values() for file in (one.model, one.training))
        return sum(piece.size for piece in opened) + sum(map(disk_size, waiting))

    def pieces(self) -> Iterator[Piece]:
        """Yield all files in a fixed order; read each before requesting the next.

        Raises:
            RunError: If an existing file cannot be opened.
        """
        yield from self._documents
        for path, step in self._named.items():  # the pointers name checkpoints of this snapshot
            checkpoint = self._pinned[step]
            document = pointer_document(self._run.checkpoint(step), checkpoint.manifest)
            modified = checkpoint.pieces[0].modified
            yield Piece(_name(self._run, path), len(document), modified, io.BytesIO(document))
        for step in sorted({*self._pinned, *self._more}):
            with ExitStack() as files:
                found = self._pinned.get(step) or _open_checkpoint(
                    self._run, step, self._more[step], files
                )
                if found is not None:
                    yield from found.pieces


def _pin_checkpoints(
    run: RunDirectory, files: ExitStack
) -> tuple[dict[int, OpenCheckpoint], dict[Path, int]]:
    """Open the newest and the best checkpoint.

    Returns:
        Both checkpoints by step, and the step that each pointer names.
    """
    for _ in range(_ATTEMPTS):
        pointer = read_pointer(run, run.best)
        newest, best = newest_valid(run), best_or_newest(run)
        wanted = {folder.step: folder for folder in (newest, best) if folder is not None}
        pinned = {
            step: checkpoint
            for step, folder in wanted.items()
            if (checkpoint := _open_checkpoint(run, step, folder, files)) is not None
        }
        if len(pinned) == len(wanted) and read_pointer(run, run.best) == pointer:
            named = {run.best: pointer.step} if pointer and pointer.step in pinned else {}
            return pinned, named if newest is None else {**named, run.latest: newest.step}
    raise RunError(
        "The checkpoints of {run} change faster than they can be opened. Try again.", run=run.name
    )


def _open_checkpoint(
    run: RunDirectory, step: int, checkpoint: CheckpointDirectory, files: ExitStack
) -> OpenCheckpoint | None:
    """Open the files of one checkpoint; None if it is missing or damaged."""
    target = run.checkpoint(step)
    try:
        folder = open_to_read(checkpoint.path, inside=run.path)
    except OSError:
        return None
    with folder:
        # open the manifest last: pruning removes it first, so the other files existed until then
        found = [
            _open_piece(run, path, files, folder=folder.descriptor)
            for path in (target.training, target.model, target.manifest)
        ]
    pieces = tuple(piece for piece in reversed(found) if piece is not None)
    manifest = _read_manifest(found[-1])
    return OpenCheckpoint(manifest, pieces) if manifest is not None and found[1] else None


def _read_manifest(piece: Piece | None) -> Manifest | None:
    if piece is None:
        return None
    try:
        manifest = Manifest.from_json(decode_json(piece.file.read(piece.size)))
        piece.file.seek(0)
    except (OSError, ValueError, TypeError):
        return None
    return manifest


def _open_piece(
    run: RunDirectory, path: Path, files: ExitStack, *, folder: int | None = None
) -> Piece | None:
    """Open a file of a run; None if it does not exist.

    `files` closes it. `folder`, the descriptor of an open folder, replaces the path's own folder.
    """
    try:
        file = open_to_read(path, inside=run.path, folder=folder)
        stream = files.enter_context(file.buffered())
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            return None
        size = _whole_lines(file, facts.st_size) if path == run.events else facts.st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RunError.unreadable(path, error) from error
    return Piece(_name(run, path), size, int(facts.st_mtime), stream)


def _whole_lines(file: OpenedFile, size: int) -> int:
    """Return how many of the first `size` bytes are complete lines."""
    while size:
        start = max(0, size - _BLOCK)
        found = file.read_at(size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def _name(run: RunDirectory, path: Path) -> str:
    return path.relative_to(run.path).as_posix()


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported file."""

    path: Path
    size: int
    """Bytes."""
    steps: tuple[int, ...]
    """Steps of the checkpoints in it."""


def export_run(
    run: RunDirectory,
    target: Path,
    *,
    every_checkpoint: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Pack a run into one archive, which unpacks to a run of the same name.

    It holds what is needed to view and resume the run and to generate text, without the trainer's
    temporary files. A run in training is packed in its state at the start of the export, with all
    checkpoints or with the best and the newest. The name of `target` has one of `ENDINGS`.
    `progress` is called with the bytes read and the total bytes.

    Raises:
        ConfigError: If the name has another ending, is taken or is not a file's.
        RunError: If the run cannot be read.
        StorageError: If the disk refuses; nothing is left behind.
    """
    if not target.name.endswith(ENDINGS):
        raise ConfigError(
            "The name of an archive ends in {endings}. Received: {name!r}",
            endings=tr(" or ").join(ENDINGS),
            name=target.name,
        )
    with ExitStack() as files:
        snapshot = Snapshot(run, files, every_checkpoint=every_checkpoint)
        file = files.enter_context(open_output(target, overwrite=overwrite))
        stream = files.enter_context(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
        tar = files.enter_context(tarfile.open(fileobj=stream, mode="w"))
        meter = _Meter(snapshot.size, progress)
        known = ["", *_EMPTY_FOLDERS]
        for folder in known:
            tar.addfile(_folder_entry(run, folder))
        for piece in snapshot.pieces():
            folder = piece.name.rpartition("/")[0]
            if folder not in known:
                known.append(folder)
                tar.addfile(_folder_entry(run, folder))
            # the archive does not reveal the user, the machine or the time of the export
            entry = tarfile.TarInfo(f"{run.name}/{piece.name}")
            entry.size, entry.mtime, entry.mode = piece.size, piece.modified, PRIVATE_FILE
            tar.addfile(entry, _PieceReader(piece, meter))
    saved = [CheckpointDirectory(Path(each)) for each in known if each.startswith("checkpoints/")]
    return Exported(target, file.size, tuple(each.step for each in saved))


def export_model(
    run: RunDirectory, target: Path, *, overwrite: bool = False, progress: Progress | None = None
) -> Exported:
    """Copy the best, else the newest model of a run to one file, which is enough to generate text.

    `progress` is called with the bytes read and the total bytes.

    Raises:
        ConfigError: If the name is taken or is not a file's.
        RunError: If there is no model yet, or it cannot be read.
        StorageError: If the disk refuses; nothing is left behind.
    """
    refuse_foreign_parts(run)
    with ExitStack() as files:
        pinned, named = _pin_checkpoints(run, files)
        if not pinned:
            raise RunError(
                "The run {run!r} has no model yet. Try again after its first checkpoint.",
                run=run.name,
            )
        step = named.get(run.best, max(pinned))
        piece = next(
            each for each in pinned[step].pieces if each.name.endswith("/model.safetensors")
        )
        file = files.enter_context(open_output(target, overwrite=overwrite))
        shutil.copyfileobj(_PieceReader(piece, _Meter(piece.size, progress)), file, _BLOCK)
    return Exported(target, file.size, (step,))


class _Meter:
    """Counts the bytes read and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total, self._progress, self._done = total, progress, 0

    def add(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


class _PieceReader:
    """Reads only the bytes of a piece that belong to the snapshot."""

    def __init__(self, piece: Piece, meter: _Meter) -> None:
        self._piece, self._meter, self._left = piece, meter, piece.size

    def read(self, size: int = _BLOCK, /) -> bytes:
        wanted = min(size, self._left)
        if not wanted:
            return b""
        with RunError.if_unreadable(self._piece.name):
            data = self._piece.file.read(wanted)
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
