"""The manifests of checkpoints, and the pointers to the latest and the best one.

Unreadable files count as damaged. With `must_read`, a file that exists but cannot be read raises
`OSError` instead, as it may be intact.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tui_charrnn.runs.file_system import is_missing, names_in, open_to_read
from tui_charrnn.runs.json_values import build_checked, checked, decode_json, read_bounded
from tui_charrnn.runs.layout import CHECKPOINT_NAME, FORMAT, CheckpointDirectory, RunDirectory
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class FileSeal:
    """The expected hash and size of a file."""

    sha256: str
    size: int
    """Bytes."""

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the seal of a file's contents."""
        return cls(hashlib.sha256(data).hexdigest(), len(data))

    def fits(self, path: Path, *, inside: Path, must_read: bool = False) -> bool:
        """Whether a file exists and matches; `inside` is the folder of its run."""
        with _ignoring_os_errors(must_read=must_read), open_to_read(path, inside=inside) as file:
            if file.facts().st_size != self.size:
                return False
            digest = hashlib.file_digest(file.buffered(), "sha256")
            return digest.hexdigest() == self.sha256
        return False


@dataclass(frozen=True, slots=True)
class Manifest:
    """manifest.json: the contents of a checkpoint, with hashes and sizes."""

    step: int
    loss: float | None
    """Validation loss, or None if it was not measured at this step."""
    model: FileSeal
    training: FileSeal

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document."""
        seals = {"model.safetensors": self.model, "training.safetensors": self.training}
        files = {n: {"sha256": seal.sha256, "bytes": seal.size} for n, seal in seals.items()}
        return {"format": FORMAT, "step": self.step, "loss": self.loss, "files": files}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read the document.

        Raises:
            ValueError: If it is not a manifest of format 1.
        """
        document = _of_this_format(values)
        files = document.get("files")
        if not isinstance(files, dict):
            raise ValueError(tr("It lacks {names}.", names="files"))
        for field in ("model", "training"):
            seal = dict(files.get(f"{field}.safetensors") or {})
            document[field] = FileSeal(
                checked(seal.get("sha256"), str), checked(seal.get("bytes"), int)
            )
        return build_checked(cls, document)


@dataclass(frozen=True, slots=True)
class Pointer:
    """latest.json or best.json: the checkpoint that it names."""

    step: int
    path: str
    """Relative to the run directory."""
    loss: float | None


def read_pointer(run: RunDirectory, path: Path, *, must_read: bool = False) -> Pointer | None:
    """Return the pointer in latest.json or best.json; None if missing or damaged."""
    pointer = None
    with _ignoring_os_errors(must_read=must_read), contextlib.suppress(ValueError):
        document = decode_json(read_bounded(path, inside=run.path))
        pointer = build_checked(Pointer, _of_this_format(document))
    if pointer is None:
        return None
    # Accept only a path to a checkpoint folder: another could lead out of the run.
    folder = CHECKPOINT_NAME.fullmatch(Path(pointer.path).name)
    if folder is None or int(folder[1]) != pointer.step:
        return None
    return pointer if (run.path / pointer.path).parent == run.checkpoints else None


def is_whole(
    checkpoint: CheckpointDirectory, *, model_only: bool = False, must_read: bool = False
) -> bool:
    """Whether a checkpoint's files match its manifest.

    `model_only` ignores the training state, which only resuming needs.
    """
    manifest = read_manifest(checkpoint, must_read=must_read)
    if manifest is None:
        return False
    inside = checkpoint.run_path
    if not manifest.model.fits(checkpoint.model, inside=inside, must_read=must_read):
        return False
    return model_only or manifest.training.fits(
        checkpoint.training, inside=inside, must_read=must_read
    )


def read_manifest(checkpoint: CheckpointDirectory, *, must_read: bool = False) -> Manifest | None:
    """Return a checkpoint's manifest; None if missing or damaged."""
    with _ignoring_os_errors(must_read=must_read), contextlib.suppress(ValueError, TypeError):
        data = read_bounded(checkpoint.manifest, inside=checkpoint.run_path)
        return Manifest.from_json(decode_json(data))
    return None


@contextlib.contextmanager
def _ignoring_os_errors(*, must_read: bool) -> Iterator[None]:
    """Suppress `OSError`; with `must_read`, only for a missing file."""
    try:
        yield
    except OSError as error:
        if must_read and not is_missing(error):
            raise


def _of_this_format(values: object) -> dict[str, Any]:
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(tr("It is not of format {version}.", version=FORMAT))
    return dict(values)


def list_checkpoints(run: RunDirectory, *, must_read: bool = False) -> list[CheckpointDirectory]:
    """Return the folders of checkpoints, newest first, including damaged ones.

    A replaced checkpoint comes after the one that replaced it.
    """
    try:
        names = names_in(run.checkpoints, inside=run.path)
    except OSError as error:
        if must_read and not is_missing(error):
            raise
        return []
    paths = [run.checkpoints / name for name in names if CHECKPOINT_NAME.fullmatch(name)]
    return sorted(map(CheckpointDirectory, paths), key=lambda each: (-each.step, each.path.name))


def whole_checkpoints(
    run: RunDirectory, *, model_only: bool, before: int | None = None, must_read: bool = False
) -> Iterator[CheckpointDirectory]:
    """Yield complete checkpoints, from the latest (or newest, if latest.json is unusable) to older.

    `model_only` as for `is_whole`; only steps below `before` are considered.
    """
    with _errors_naming(run.latest):
        latest = read_pointer(run, run.latest, must_read=must_read)
    limits = [latest.step] if latest else []
    limits += [] if before is None else [before - 1]
    for checkpoint in list_checkpoints(run, must_read=must_read):
        if all(checkpoint.step <= limit for limit in limits):
            with _errors_naming(checkpoint.path):
                is_good = is_whole(checkpoint, model_only=model_only, must_read=must_read)
            if is_good:
                yield checkpoint


@contextlib.contextmanager
def _errors_naming(path: Path) -> Iterator[None]:
    """Set the path of every `OSError` to the given one."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
