"""The checkpoints of a run: read and verify them, save one, prune them, and choose one.

A checkpoint folder is written under a hidden name, synced and renamed; only then does a pointer
name it. Even after a power failure, the pointer names a complete checkpoint, old or new: the old
one is removed only after the new one is durable.

Unreadable files count as damaged. With `must_read`, a file that exists but cannot be read raises
`OSError` instead, as it may be intact.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from tui_charrnn.errors import RunError, StorageError, reason_of
from tui_charrnn.runs.file_system import is_missing, names_in, open_to_read, storage_errors
from tui_charrnn.runs.json_values import (
    build_checked,
    decode_json,
    encode_json,
    of_this_format,
    read_bounded,
)
from tui_charrnn.runs.layout import (
    CHECKPOINT_NAME,
    FORMAT,
    CheckpointDirectory,
    RunDirectory,
    format_command,
    refuse_gone,
)
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class FileSeal:
    """The expected hash and size of a file."""

    sha256: str
    bytes: int

    def fits(self, path: Path, *, inside: Path, must_read: bool = False) -> bool:
        """Whether a file exists and matches; `inside` is the folder of its run."""
        with _ignoring_os_errors(must_read=must_read), open_to_read(path, inside=inside) as file:
            if file.stat().st_size != self.bytes:
                return False
            digest = hashlib.file_digest(file.buffered(), "sha256")
            return digest.hexdigest() == self.sha256
        return False


def seal_of(data: bytes) -> FileSeal:
    """Return the seal of a file's contents."""
    return FileSeal(hashlib.sha256(data).hexdigest(), len(data))


_SEALED: Final = {"model": "model.safetensors", "training": "training.safetensors"}
"""The files in a manifest, by the field of their seal."""


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
        files = {name: asdict(getattr(self, field)) for field, name in _SEALED.items()}
        return {"format": FORMAT, "step": self.step, "loss": self.loss, "files": files}

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read the document.

        Raises:
            TypeError, ValueError: If it is not a manifest of format 1.
        """
        document = of_this_format(values)
        files = dict(document.get("files") or {})
        sealed = {field: files[name] for field, name in _SEALED.items() if name in files}
        return build_checked(cls, {**document, **sealed})


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
        pointer = build_checked(Pointer, of_this_format(document))
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


def list_checkpoints(run: RunDirectory, *, must_read: bool = False) -> list[CheckpointDirectory]:
    """Return the folders of checkpoints, newest first, including damaged ones.

    A replaced checkpoint comes after the one that replaced it.
    """
    names: list[str] = []
    with _ignoring_os_errors(must_read=must_read):
        names = names_in(run.checkpoints, inside=run.path)
    paths = [run.checkpoints / name for name in names if CHECKPOINT_NAME.fullmatch(name)]
    return sorted(map(CheckpointDirectory, paths), key=lambda each: (-each.step, each.path.name))


def _whole_checkpoints(
    run: RunDirectory, *, model_only: bool, before: int | None = None, must_read: bool = False
) -> Iterator[CheckpointDirectory]:
    """Yield complete checkpoints, from the latest (or newest, if latest.json is unusable) to older.

    `model_only` as for `is_whole`; only steps below `before` are considered.
    """
    with _read_errors(run.latest):
        latest = read_pointer(run, run.latest, must_read=must_read)
    with _read_errors(run.checkpoints):
        checkpoints = list_checkpoints(run, must_read=must_read)
    limits = [latest.step] if latest else []
    limits += [] if before is None else [before - 1]
    for checkpoint in checkpoints:
        if all(checkpoint.step <= limit for limit in limits):
            with _read_errors(checkpoint.path):
                is_good = is_whole(checkpoint, model_only=model_only, must_read=must_read)
            if is_good:
                yield checkpoint


@contextlib.contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Convert system errors to a `RunError` about a path, with advice."""
    try:
        yield
    except OSError as error:
        raise RunError(
            "{path} cannot be read: {reason}. Try again. If that does not help, move it away: "
            "training then resumes from the previous checkpoint."
            if CHECKPOINT_NAME.fullmatch(path.name)
            else "{path} cannot be read: {reason}. Try again.",
            path=path,
            reason=reason_of(error),
        ) from error


def prune_checkpoints(run: RunDirectory, *, keep: int) -> None:
    """Remove all but the newest checkpoints, those that the pointers name, and the best.

    The manifests determine the best; a damaged best.json is rewritten. Checkpoints after the
    latest step are left over from before a resume, and are removed too.

    Raises:
        StorageError: If the disk refuses, or the best checkpoint cannot be determined.
    """
    storage = Storage(inside=run.path)
    latest, best = _pointers(run)
    if latest is None:
        return  # without it, old and new cannot be told apart
    with storage_errors("read", run.checkpoints):
        checkpoints = list_checkpoints(run, must_read=True)
    past = [checkpoint for checkpoint in checkpoints if checkpoint.step <= latest.step]
    kept = [checkpoint.path for checkpoint in past if not checkpoint.is_replaced][:keep]
    kept += [run.path / pointer.path for pointer in (latest, best) if pointer is not None]
    lowest = _lowest(run, past)
    if lowest is not None:
        kept.append(lowest[0].path)
        if best is None and os.path.lexists(run.best):
            storage.write_atomically(run.best, pointer_document(*lowest))
    for checkpoint in checkpoints:
        if checkpoint.path not in kept:
            hidden = checkpoint.path.with_name(f".removed-{checkpoint.path.name}")
            storage.rename(checkpoint.path, hidden)  # readers never see it half removed
            storage.remove_tree(hidden)


def return_to(run: RunDirectory, checkpoint: CheckpointDirectory, *, best_step: int | None) -> bool:
    """Make an earlier, complete checkpoint the latest again, and remove later ones.

    Only the run's writer calls this. `best_step` is the step of the best validation loss up to the
    checkpoint; None if not measured.

    Returns:
        Whether best.json names a remaining checkpoint. It is removed if the best of the remaining
        steps was pruned before.

    Raises:
        StorageError: If the disk refuses.
    """
    storage = Storage(inside=run.path)
    with storage_errors("read", checkpoint.path):
        manifest = read_manifest(checkpoint, must_read=True)
    latest, best = _pointers(run)
    is_void = manifest is not None and best is not None and best.step > manifest.step
    if is_void or (best is None and os.path.lexists(run.best)):
        kept = None if best_step is None else run.checkpoint(best_step)
        then = read_manifest(kept) if kept is not None and is_whole(kept) else None
        if kept is not None and then is not None:
            storage.write_atomically(run.best, pointer_document(kept, then))
        else:
            storage.remove_tree(run.best)
    if manifest is not None and (latest is None or latest.step != manifest.step):
        storage.write_atomically(run.latest, pointer_document(checkpoint, manifest))
    prune_checkpoints(run, keep=len(list_checkpoints(run)))
    return _pointers(run)[1] is not None


def pointer_document(checkpoint: CheckpointDirectory, manifest: Manifest) -> bytes:
    """Return the contents of a latest.json or best.json that names a checkpoint."""
    path = f"{checkpoint.path.parent.name}/{checkpoint.path.name}"
    document = {"format": FORMAT, "step": manifest.step, "path": path, "loss": manifest.loss}
    return encode_json(document)


def _lowest(
    run: RunDirectory, checkpoints: list[CheckpointDirectory]
) -> tuple[CheckpointDirectory, Manifest] | None:
    """Return the checkpoint of the lowest validation loss; among equals the earliest."""
    found = {}
    with storage_errors("read", run.checkpoints):
        for checkpoint in checkpoints:
            manifest = read_manifest(checkpoint, must_read=True)
            if manifest is None or manifest.loss is None:
                continue
            if run.checkpoint(manifest.step) == checkpoint:
                found[manifest.loss, manifest.step] = checkpoint, manifest
    return found[min(found)] if found else None


def _pointers(run: RunDirectory) -> tuple[Pointer | None, Pointer | None]:
    """Return the latest and the best pointer; raise if an existing one cannot be read."""
    with storage_errors("read", run.checkpoints):
        latest = read_pointer(run, run.latest, must_read=True)
        return latest, read_pointer(run, run.best, must_read=True)


_HIDDEN: Final = (".saving-", ".removed-")
"""Prefixes of leftovers of a trainer that died while saving or pruning."""


def save_checkpoint(  # noqa: PLR0913 (each is named by the caller, and none goes with another)
    run: RunDirectory,
    *,
    step: int,
    model: bytes,
    training: bytes,
    loss: float | None,
    is_best: bool,
    keep: int,
) -> CheckpointDirectory:
    """Make a checkpoint durable, name it latest (and best), then prune.

    Only the run's writer calls this. `model` and `training` are the contents of the two files,
    `loss` is the validation loss at this step, if it was measured. `keep` is how many of the newest
    are kept, besides the best.

    Raises:
        StorageError: If the disk refuses; existing checkpoints are unchanged.
        RunGoneError: If the run no longer exists.
    """
    refuse_gone(run)
    storage = Storage(inside=run.path)
    manifest = Manifest(step, loss, seal_of(model), seal_of(training))
    target = run.checkpoint(step)
    storage.make_folder(run.checkpoints)
    for name in _names(run):
        if name.startswith(_HIDDEN):
            storage.remove_tree(run.checkpoints / name)
    if _holds(target, manifest):
        storage.write_atomically(target.manifest, encode_json(manifest.to_json()))
    else:
        _write_folder(run, manifest, model, training)
    document = pointer_document(target, manifest)
    # Best first: after a power failure in between, the resumed run repeats this step.
    if is_best:
        storage.write_atomically(run.best, document)
    storage.write_atomically(run.latest, document)
    with contextlib.suppress(StorageError):  # the checkpoint is saved; the next save prunes again
        prune_checkpoints(run, keep=keep)
    return target


def replace_model(
    run: RunDirectory, checkpoint: CheckpointDirectory, model: bytes, *, keep: int
) -> None:
    """Replace a checkpoint's model file by replacing the whole folder.

    Only the run's writer calls this, with a complete checkpoint; `keep` as for `save_checkpoint`.

    Raises:
        StorageError: If the disk refuses; the checkpoint is unchanged.
        RunGoneError: If the run no longer exists.
    """
    refuse_gone(run)
    with storage_errors("read", checkpoint.path):
        manifest = read_manifest(checkpoint, must_read=True)
        with open_to_read(checkpoint.training, inside=run.path) as file:
            training = file.buffered().read()
    if manifest is not None:
        _write_folder(run, replace(manifest, model=seal_of(model)), model, training)
        with contextlib.suppress(StorageError):  # the next pruning removes the replaced folder
            prune_checkpoints(run, keep=keep)


def newest_valid(run: RunDirectory) -> CheckpointDirectory | None:
    """Return the latest complete checkpoint, to resume from."""
    return next(_whole_checkpoints(run, model_only=False), None)


def checkpoint_to_resume_from(
    run: RunDirectory, *, before: int | None = None
) -> CheckpointDirectory | None:
    """Return the checkpoint to resume from, for a trainer, which then discards later steps.

    Damaged checkpoints are skipped. An unreadable one may be complete, so it raises an error
    instead. Only checkpoints of steps below `before` are considered.

    Raises:
        RunError: If an existing file cannot be read.
    """
    return next(_whole_checkpoints(run, model_only=False, before=before, must_read=True), None)


def best_or_newest(run: RunDirectory) -> CheckpointDirectory | None:
    """Return the checkpoint for generation: the best, else the newest with an intact model."""
    best = read_pointer(run, run.best)
    if best is not None:
        checkpoint = CheckpointDirectory(run.path / best.path)
        if is_whole(checkpoint, model_only=True):
            return checkpoint
    return next(_whole_checkpoints(run, model_only=True), None)


def format_missed_best(run: RunDirectory, taken: CheckpointDirectory | None) -> str:
    """Return a sentence why `taken` is not the best checkpoint; empty if it is, or none is known.

    `taken` is the result of `best_or_newest`.
    """
    pointer = read_pointer(run, run.best)
    if pointer is None:
        if not os.path.lexists(run.best):
            return ""
        problem = tr("In the run {run}, best.json does not name the best checkpoint", run=run.name)
    elif taken is not None and taken.path == run.path / pointer.path:
        return ""
    else:
        problem = tr(
            "The best checkpoint of the run {run}, of step {step:,}, is damaged or cannot be read",
            run=run.name,
            step=pointer.step,
        )
    instead = tr("using its published weights")
    if taken is not None:
        instead = tr("using {name}", name=taken.path.name)
    return tr(
        "{problem}: {instead}. Details: {command}",
        problem=problem,
        instead=instead,
        command=format_command("doctor", run),
    )


def _write_folder(run: RunDirectory, manifest: Manifest, model: bytes, training: bytes) -> None:
    storage = Storage(inside=run.path)
    target = run.checkpoint(manifest.step)
    hidden = CheckpointDirectory(run.checkpoints / f".saving-{target.path.name}")
    try:
        storage.remove_tree(hidden.path)  # a killed trainer's
        storage.make_folder(hidden.path)
        for path, data in ((hidden.model, model), (hidden.training, training)):
            with storage.open_to_append(path) as file:
                file.write(data)
                file.sync()
        # also syncs the names of the other two
        storage.write_atomically(hidden.manifest, encode_json(manifest.to_json()))
        if target.path.name in _names(run):
            replaced = target.path.with_name(f"{target.path.name}.replaced")
            storage.remove_tree(replaced)
            storage.rename(target.path, replaced)
        storage.rename(hidden.path, target.path)
    except BaseException:
        with contextlib.suppress(StorageError):  # frees its space on a full disk
            storage.remove_tree(hidden.path)
        raise


def _holds(checkpoint: CheckpointDirectory, manifest: Manifest) -> bool:
    """Whether the same checkpoint already exists."""
    existing = read_manifest(checkpoint)
    is_same = existing is not None and replace(existing, loss=manifest.loss) == manifest
    return is_same and is_whole(checkpoint)


def _names(run: RunDirectory) -> list[str]:
    with storage_errors("read", run.checkpoints):
        return names_in(run.checkpoints, inside=run.path)
