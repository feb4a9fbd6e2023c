"""Saving, finding, checking and pruning the checkpoints of a run.

A checkpoint is a folder that appears whole: it is written under a hidden name, synced, renamed,
and only then named by a pointer. Whatever instant the power fails at, the pointer names a whole
checkpoint, old or new, and an old one goes only after the new one is durable.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tui_charrnn.errors import StorageError
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import FORMAT, CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import (
    FOLDER_NAME,
    FileSeal,
    Manifest,
    is_whole,
    read_manifest,
    read_pointer,
)
from tui_charrnn.runs.storage import Storage

_HIDDEN: Final = (".saving-", ".removed-")


def save_checkpoint(  # noqa: PLR0913 (each is named by the caller, and none goes with another)
    run: RunDirectory,
    storage: Storage,
    *,
    step: int,
    model: bytes,
    training: bytes,
    loss: float | None,
    is_best: bool,
    keep: int,
) -> CheckpointDirectory:
    """Make a checkpoint durable, name it latest (and best), then prune.

    Args:
        run: The run; its one writer calls this.
        storage: The way to the disk.
        step: Batches trained so far.
        model: The model file.
        training: What resuming needs besides.
        loss: Validation loss at this step, if it was measured.
        is_best: Whether no lower validation loss was measured before.
        keep: How many of the newest stay, besides the best.

    Raises:
        StorageError: If the disk refuses; the checkpoints that were there are as they were.
    """
    manifest = Manifest(step, loss, FileSeal.of(model), FileSeal.of(training))
    target = run.checkpoint(step)
    storage.make_folder(run.checkpoints)
    for path in _hidden(run):
        storage.remove_tree(path)
    if _holds(target, manifest):
        storage.write_atomically(target.manifest, encode_json(manifest.to_json()))
    else:
        _write_folder(run, storage, manifest, model, training)
    _point(run, storage, manifest, is_best=is_best)
    with contextlib.suppress(StorageError):  # it is saved; the next one prunes again
        prune_checkpoints(run, storage, keep=keep)
    return target


def newest_valid(run: RunDirectory, *, before: int | None = None) -> CheckpointDirectory | None:
    """The checkpoint to resume from: the latest, or the next older one that is whole.

    Args:
        run: Where to look.
        before: Pass over checkpoints of this step and later ones.
    """
    return next(_valid(run, model_only=False, before=before), None)


def best_or_newest(run: RunDirectory) -> CheckpointDirectory | None:
    """The checkpoint to generate text with: the best, or else the newest whose model is whole."""
    best = read_pointer(run, run.best)
    if best is not None:
        checkpoint = CheckpointDirectory(run.path / best.path)
        if is_whole(checkpoint, model_only=True):
            return checkpoint
    return next(_valid(run, model_only=True), None)


def return_to(
    run: RunDirectory, storage: Storage, checkpoint: CheckpointDirectory, *, best_step: int | None
) -> bool:
    """Make an earlier checkpoint the latest again, and remove later ones: they are void.

    Args:
        run: The run; its one writer calls this.
        storage: The way to the disk.
        checkpoint: A whole one.
        best_step: Where the best validation loss until then was measured, if there was one.

    Returns:
        Whether best.json names a checkpoint of what remains. It is removed if the best that
        remains was pruned before.

    Raises:
        StorageError: If the disk refuses.
    """
    manifest = read_manifest(checkpoint)
    latest, best = read_pointer(run, run.latest), read_pointer(run, run.best)
    if manifest is not None and best is not None and best.step > manifest.step:
        kept = None if best_step is None else run.checkpoint(best_step)
        then = read_manifest(kept) if kept is not None and is_whole(kept) else None
        if kept is not None and then is not None:
            storage.write_atomically(run.best, pointer_document(kept, then))
        else:
            storage.remove_tree(run.best)
    if manifest is not None and (latest is None or latest.step != manifest.step):
        storage.write_atomically(run.latest, pointer_document(checkpoint, manifest))
    prune_checkpoints(run, storage, keep=len(checkpoint_folders(run)))
    return read_pointer(run, run.best) is not None


def prune_checkpoints(run: RunDirectory, storage: Storage, *, keep: int) -> None:
    """Remove all but the newest checkpoints and those that the pointers name.

    Checkpoints of later steps than the latest belong to a past that the run resumed before; they
    go too.

    Raises:
        StorageError: If the disk refuses.
    """
    latest, best = read_pointer(run, run.latest), read_pointer(run, run.best)
    if latest is None:
        return  # without it nobody knows what is old
    past = [path for step, path in checkpoint_folders(run) if step <= latest.step]
    kept = [path for path in past if not path.name.endswith(".replaced")][:keep]
    named = {run.path / pointer.path for pointer in (latest, best) if pointer is not None}
    for _, path in checkpoint_folders(run):
        if path not in kept and path not in named:
            hidden = path.with_name(f".removed-{path.name}")
            storage.rename(path, hidden)  # so that it is gone whole
            storage.remove_tree(hidden)


def checkpoint_folders(run: RunDirectory) -> list[tuple[int, Path]]:
    """The folders of checkpoints and their steps, newest first, whole or not.

    One that was replaced by another of the same step comes after it.
    """
    try:
        names = [path for path in run.checkpoints.iterdir() if FOLDER_NAME.fullmatch(path.name)]
    except OSError:
        return []
    found = [(int(path.name[5:].partition(".")[0]), path) for path in names]
    return sorted(found, key=lambda item: (-item[0], item[1].name))


def pointer_document(checkpoint: CheckpointDirectory, manifest: Manifest) -> bytes:
    """The contents of latest.json or best.json that name a checkpoint."""
    path = f"{checkpoint.path.parent.name}/{checkpoint.path.name}"
    document = {"format": FORMAT, "step": manifest.step, "path": path, "loss": manifest.loss}
    return encode_json(document)


def _write_folder(
    run: RunDirectory, storage: Storage, manifest: Manifest, model: bytes, training: bytes
) -> None:
    target = run.checkpoint(manifest.step)
    hidden = CheckpointDirectory(run.checkpoints / f".saving-{target.path.name}")
    try:
        storage.make_folder(hidden.path)
        storage.write_new(hidden.model, model)
        storage.write_new(hidden.training, training)
        storage.write_new(hidden.manifest, encode_json(manifest.to_json()))
        if target.path.exists():
            replaced = target.path.with_name(f"{target.path.name}.replaced")
            storage.remove_tree(replaced)
            storage.rename(target.path, replaced)
        storage.publish_folder(hidden.path, target.path)
    except StorageError:
        with contextlib.suppress(StorageError):  # on a full disk, its room is needed
            storage.remove_tree(hidden.path)
        raise


def _point(run: RunDirectory, storage: Storage, manifest: Manifest, *, is_best: bool) -> None:
    document = pointer_document(run.checkpoint(manifest.step), manifest)
    # Best first: if the power fails in between, resuming from the older one comes here again.
    if is_best:
        storage.write_atomically(run.best, document)
    storage.write_atomically(run.latest, document)


def _holds(checkpoint: CheckpointDirectory, manifest: Manifest) -> bool:
    """Whether the very same checkpoint is there already."""
    there = read_manifest(checkpoint)
    is_same = there is not None and (there.model, there.training) == (
        manifest.model,
        manifest.training,
    )
    return is_same and is_whole(checkpoint)


def _valid(
    run: RunDirectory, *, model_only: bool, before: int | None = None
) -> Iterator[CheckpointDirectory]:
    """Whole checkpoints: the latest, then older ones, then, if it is lost, all of them."""
    latest = read_pointer(run, run.latest)
    limits = [latest.step] if latest else []
    limits += [] if before is None else [before - 1]
    for step, path in checkpoint_folders(run):
        if all(step <= limit for limit in limits):
            checkpoint = CheckpointDirectory(path)
            if is_whole(checkpoint, model_only=model_only):
                yield checkpoint


def _hidden(run: RunDirectory) -> list[Path]:
    """What a trainer that died in the middle of saving or pruning left behind."""
    return [path for path in run.checkpoints.iterdir() if path.name.startswith(_HIDDEN)]
