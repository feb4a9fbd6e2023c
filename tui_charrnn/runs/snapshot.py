"""The files of a run as they are at one moment, although a trainer still writes it.

A file is opened first and read later: what is pruned, replaced or appended meanwhile does not
change what was opened. Checkpoints are opened before events.jsonl, so that what led to a
checkpoint is always among the events.
"""

import io
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

from tui_charrnn.errors import RunError
from tui_charrnn.runs.checkpoints import best_or_newest, newest_valid, pointer_document
from tui_charrnn.runs.file_system import disk_size
from tui_charrnn.runs.foreign_parts import refuse_foreign_parts
from tui_charrnn.runs.json_values import decode_json
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import Manifest, checkpoint_folders, read_pointer
from tui_charrnn.runs.opened_file import OpenedFile, open_to_read

_ATTEMPTS: Final = 20
"""How often checkpoints may be pruned away just before they are opened."""
_BLOCK: Final = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a snapshot, open for reading."""

    name: str
    """Relative to the run, with slashes."""
    size: int
    """So many bytes of it belong to the snapshot."""
    modified: int
    """Seconds since 1970."""
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class OpenCheckpoint:
    """A checkpoint whose files stay readable although it is pruned."""

    manifest: Manifest
    pieces: tuple[Piece, ...]


class Snapshot:
    """What is taken of a run; use it as a context, which closes the files."""

    def __init__(self, run: RunDirectory, *, every_checkpoint: bool = False) -> None:
        """Open the best and the newest checkpoint, and all other files.

        Args:
            run: Any run, also one that is being trained or is damaged.
            every_checkpoint: Take all checkpoints that are there.

        Raises:
            RunError: If a file is there and cannot be opened, or is a link.
        """
        refuse_foreign_parts(run)
        self._run = run
        self.steps: list[int] = []
        """Steps of the checkpoints that were given out so far."""
        with ExitStack() as files:
            self._pinned, self._named = _pin_checkpoints(run, files)
            latest = max(self._pinned, default=0)
            self._more = {
                step: CheckpointDirectory(path)
                for step, path in checkpoint_folders(run)
                if every_checkpoint and step < latest and step not in self._pinned
            }
            self._documents = _open_documents(run, files)
            self._files = files.pop_all()

    @property
    def size(self) -> int:
        """Bytes of all pieces; of checkpoints that will be pruned before their turn too."""
        opened = [*self._documents, *(p for one in self._pinned.values() for p in one.pieces)]
        waiting = (file for one in self._more.values() for file in (one.model, one.training))
        return sum(piece.size for piece in opened) + sum(map(disk_size, waiting))

    def pieces(self) -> Iterator[Piece]:
        """All files in a fixed order; each is to be read before the next is asked for.

        Raises:
            RunError: If a file is there and cannot be opened.
        """
        yield from self._documents
        yield from self._pointers()
        for step in sorted({*self._pinned, *self._more}):
            with ExitStack() as files:
                checkpoint = self._pinned.get(step)
                if checkpoint is None:
                    checkpoint = _open_checkpoint(self._run, step, self._more[step], files)
                if checkpoint is not None:
                    self.steps.append(step)
                    yield from checkpoint.pieces

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def _pointers(self) -> Iterator[Piece]:
        """The pointers, naming what is in the snapshot whatever they say by now."""
        for path, step in self._named.items():
            checkpoint = self._pinned[step]
            document = pointer_document(self._run.checkpoint(step), checkpoint.manifest)
            modified = checkpoint.pieces[0].modified
            yield Piece(_name(self._run, path), len(document), modified, io.BytesIO(document))


def open_best_model(run: RunDirectory, files: ExitStack) -> Piece | None:
    """The model of the best checkpoint, or of the newest, or None if there is none.

    Args:
        run: The run.
        files: Closes the file.

    Raises:
        RunError: If it is there and cannot be opened, or a part of the run is a link.
    """
    refuse_foreign_parts(run)
    pinned, named = _pin_checkpoints(run, files)
    if not pinned:
        return None
    pieces = pinned[named.get(run.best, max(pinned))].pieces
    return next(piece for piece in pieces if piece.name.endswith("/model.safetensors"))


def _pin_checkpoints(
    run: RunDirectory, files: ExitStack
) -> tuple[dict[int, OpenCheckpoint], dict[Path, int]]:
    """Open the newest and the best checkpoint.

    Returns:
        Both by their steps, and which step each pointer is to name.

    Raises:
        RunError: If they are there and cannot be opened.
    """
    for _ in range(_ATTEMPTS):
        pointer = read_pointer(run, run.best)
        newest, best = newest_valid(run), best_or_newest(run)
        wanted = {_step(folder): folder for folder in (newest, best) if folder is not None}
        pinned = {
            step: checkpoint
            for step, folder in wanted.items()
            if (checkpoint := _open_checkpoint(run, step, folder, files)) is not None
        }
        if len(pinned) == len(wanted) and read_pointer(run, run.best) == pointer:
            named = {run.best: pointer.step} if pointer and pointer.step in pinned else {}
            return pinned, named if newest is None else {**named, run.latest: _step(newest)}
    raise RunError(
        "The checkpoints of {run} change faster than they can be opened. Try again.", run=run.name
    )


def _step(checkpoint: CheckpointDirectory) -> int:
    return int(checkpoint.path.name.removeprefix("step-").partition(".")[0])


def _open_checkpoint(
    run: RunDirectory, step: int, checkpoint: CheckpointDirectory, files: ExitStack
) -> OpenCheckpoint | None:
    """Open the files of one checkpoint, or nothing if it is gone or damaged."""
    target = run.checkpoint(step)
    try:
        folder = open_to_read(checkpoint.path, inside=run.path)
    except OSError:
        return None
    with folder:
        # the manifest last: it is the first to be removed, so once it is open the others were there
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


def _open_documents(run: RunDirectory, files: ExitStack) -> list[Piece]:
    found = [_open_piece(run, path, files) for path in (run.description, run.status, run.events)]
    others = (run.log, run.corpus, run.initial_model, run.labels)
    found += [_open_piece(run, path, files) for path in others]
    return [piece for piece in found if piece is not None]


def _open_piece(
    run: RunDirectory, path: Path, files: ExitStack, *, folder: int | None = None
) -> Piece | None:
    """Open a file of a run, or nothing if there is no such file.

    Args:
        run: The run.
        path: The file, as it is named in the snapshot.
        files: Closes it.
        folder: Descriptor of the folder to look into instead of that of `path`.

    Raises:
        RunError: If it is there and cannot be opened.
    """
    try:
        file = open_to_read(path, inside=run.path, folder=folder)
        stream = files.enter_context(file.buffered())
        facts = file.facts()
        if not stat.S_ISREG(facts.st_mode):
            return None
        size = _whole_lines(file, facts.st_size) if path == run.events else facts.st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RunError.unreadable(path, error) from error
    return Piece(_name(run, path), size, int(facts.st_mtime), stream)


def _whole_lines(file: OpenedFile, size: int) -> int:
    """How many of the first bytes of a file are whole lines."""
    while size:
        start = max(0, size - _BLOCK)
        found = file.read_at(size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def _name(run: RunDirectory, path: Path) -> str:
    return path.relative_to(run.path).as_posix()
