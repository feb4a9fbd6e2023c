"""Removing checkpoints: those that are old, and those that going back makes void."""

import os
from pathlib import Path

from tui_charrnn.runs.checkpoint_folders import checkpoint_folders
from tui_charrnn.runs.file_system import explained
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import FORMAT, CheckpointDirectory, RunDirectory
from tui_charrnn.runs.manifest import Manifest, Pointer, is_whole, read_manifest, read_pointer
from tui_charrnn.runs.storage import Storage


def prune_checkpoints(run: RunDirectory, storage: Storage, *, keep: int) -> None:
    """Remove all but the newest checkpoints, those that the pointers name, and the best.

    Which is the best, the checkpoints say themselves: best.json may be damaged, and is written anew
    then. Checkpoints of later steps than the latest belong to a past that the run resumed before;
    they go too.

    Raises:
        StorageError: If the disk refuses, or does not say which is the best.
    """
    storage = storage.inside(run.path)
    latest, best = _pointers(run)
    if latest is None:
        return  # without it nobody knows what is old
    with explained("read", run.checkpoints):
        folders = checkpoint_folders(run, must_read=True)
    past = [path for step, path in folders if step <= latest.step]
    kept = [path for path in past if not path.name.endswith(".replaced")][:keep]
    named = {run.path / pointer.path for pointer in (latest, best) if pointer is not None}
    lowest = _lowest(run, past)
    if lowest is not None:
        named.add(lowest[0].path)
        if best is None and os.path.lexists(run.best):
            storage.write_atomically(run.best, pointer_document(*lowest))
    for _, path in folders:
        if path not in kept and path not in named:
            hidden = path.with_name(f".removed-{path.name}")
            storage.rename(path, hidden)  # so that it is gone whole
            storage.remove_tree(hidden)


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
    storage = storage.inside(run.path)
    with explained("read", checkpoint.path):
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
    prune_checkpoints(run, storage, keep=len(checkpoint_folders(run)))
    return _pointers(run)[1] is not None


def pointer_document(checkpoint: CheckpointDirectory, manifest: Manifest) -> bytes:
    """The contents of latest.json or best.json that name a checkpoint."""
    path = f"{checkpoint.path.parent.name}/{checkpoint.path.name}"
    document = {"format": FORMAT, "step": manifest.step, "path": path, "loss": manifest.loss}
    return encode_json(document)


def _lowest(run: RunDirectory, paths: list[Path]) -> tuple[CheckpointDirectory, Manifest] | None:
    """The checkpoint of the lowest validation loss, by what its manifest says; the first of equals.

    Raises:
        StorageError: If a manifest is there and cannot be read.
    """
    found = []
    with explained("read", run.checkpoints):
        for checkpoint in map(CheckpointDirectory, paths):
            manifest = read_manifest(checkpoint, must_read=True)
            if manifest is None or manifest.loss is None:
                continue
            if run.checkpoint(manifest.step) == checkpoint:
                found.append((manifest.loss, manifest.step, checkpoint, manifest))
    if not found:
        return None
    _, _, checkpoint, manifest = min(found, key=lambda each: each[:2])
    return checkpoint, manifest


def _pointers(run: RunDirectory) -> tuple[Pointer | None, Pointer | None]:
    """The latest and the best, for whoever removes what neither of them names.

    Raises:
        StorageError: If one of them is there and cannot be read.
    """
    with explained("read", run.checkpoints):
        latest = read_pointer(run, run.latest, must_read=True)
        return latest, read_pointer(run, run.best, must_read=True)
