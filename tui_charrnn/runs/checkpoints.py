"""Saving the checkpoints of a run, and finding the one that is wanted.

A checkpoint is a folder that appears whole: it is written under a hidden name, synced, renamed,
and only then named by a pointer. Whatever instant the power fails at, the pointer names a whole
checkpoint, old or new, and an old one goes only after the new one is durable.
"""

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from tui_charrnn.errors import RunError, StorageError, reason_of
from tui_charrnn.runs.file_system import explained, names_in, open_to_read
from tui_charrnn.runs.foreign_parts import refuse_gone
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import (
    CHECKPOINT_NAME,
    FORMAT,
    CheckpointDirectory,
    RunDirectory,
    command_words,
)
from tui_charrnn.runs.manifest import (
    FileSeal,
    Manifest,
    Pointer,
    is_whole,
    list_checkpoints,
    read_manifest,
    read_pointer,
    whole_checkpoints,
)
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr


def prune_checkpoints(run: RunDirectory, *, keep: int) -> None:
    """Remove all but the newest checkpoints, those that the pointers name, and the best.

    Which is the best, the checkpoints say themselves: best.json may be damaged, and is rewritten
    then. Checkpoints of later steps than the latest belong to a past that the run resumed before;
    they go too.

    Raises:
        StorageError: If the disk refuses, or does not say which is the best.
    """
    storage = Storage(inside=run.path)
    latest, best = _pointers(run)
    if latest is None:
        return  # without it, what is old is not known
    with explained("read", run.checkpoints):
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
            storage.rename(checkpoint.path, hidden)  # so that it is gone whole
            storage.remove_tree(hidden)


def return_to(run: RunDirectory, checkpoint: CheckpointDirectory, *, best_step: int | None) -> bool:
    """Make an earlier checkpoint the latest again, and remove later ones: they are void.

    Args:
        run: The run; its one writer calls this.
        checkpoint: A whole one.
        best_step: Where the best validation loss until then was measured, if there was one.

    Returns:
        Whether best.json names a checkpoint of what remains. It is removed if the best that
        remains was pruned before.

    Raises:
        StorageError: If the disk refuses.
    """
    storage = Storage(inside=run.path)
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
    prune_checkpoints(run, keep=len(list_checkpoints(run)))
    return _pointers(run)[1] is not None


def pointer_document(checkpoint: CheckpointDirectory, manifest: Manifest) -> bytes:
    """The contents of latest.json or best.json that name a checkpoint."""
    path = f"{checkpoint.path.parent.name}/{checkpoint.path.name}"
    document = {"format": FORMAT, "step": manifest.step, "path": path, "loss": manifest.loss}
    return encode_json(document)


def _lowest(
    run: RunDirectory, checkpoints: list[CheckpointDirectory]
) -> tuple[CheckpointDirectory, Manifest] | None:
    """The checkpoint of the lowest validation loss, by its manifest; the first of equals."""
    found = []
    with explained("read", run.checkpoints):
        for checkpoint in checkpoints:
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
    """The latest and the best, for who removes what neither of them names."""
    with explained("read", run.checkpoints):
        latest = read_pointer(run, run.latest, must_read=True)
        return latest, read_pointer(run, run.best, must_read=True)


_HIDDEN: Final = (".saving-", ".removed-")


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

    Args:
        run: The run; its one writer calls this.
        step: Batches trained so far.
        model: The model file.
        training: What resuming needs besides.
        loss: Validation loss at this step, if it was measured.
        is_best: Whether no lower validation loss was measured before.
        keep: How many of the newest stay, besides the best.

    Raises:
        StorageError: If the disk refuses; the checkpoints that were there are as they were.
        RunGoneError: If there is no such run any more.
    """
    refuse_gone(run)
    storage = Storage(inside=run.path)
    manifest = Manifest(step, loss, FileSeal.of(model), FileSeal.of(training))
    target = run.checkpoint(step)
    storage.make_folder(run.checkpoints)
    for path in _hidden(run):
        storage.remove_tree(path)
    if _holds(target, manifest):
        storage.write_atomically(target.manifest, encode_json(manifest.to_json()))
    else:
        _write_folder(run, manifest, model, training)
    document = pointer_document(target, manifest)
    # Best first: if the power fails in between, resuming from the older one comes here again.
    if is_best:
        storage.write_atomically(run.best, document)
    storage.write_atomically(run.latest, document)
    with contextlib.suppress(StorageError):  # it is saved; the next one prunes again
        prune_checkpoints(run, keep=keep)
    return target


def replace_model(
    run: RunDirectory, checkpoint: CheckpointDirectory, model: bytes, *, keep: int
) -> None:
    """Give a checkpoint another model file; its folder is replaced as a whole.

    The run's one writer calls this, for a whole checkpoint; `keep` as of `save_checkpoint`.

    Raises:
        StorageError: If the disk refuses; the checkpoint is as it was.
        RunGoneError: If there is no such run any more.
    """
    refuse_gone(run)
    with explained("read", checkpoint.path):
        manifest = read_manifest(checkpoint, must_read=True)
        with open_to_read(checkpoint.training, inside=run.path) as file:
            training = file.buffered().read()
    if manifest is not None:
        _write_folder(run, replace(manifest, model=FileSeal.of(model)), model, training)
        with contextlib.suppress(StorageError):  # what it replaced goes with the next pruning
            prune_checkpoints(run, keep=keep)


def newest_valid(run: RunDirectory) -> CheckpointDirectory | None:
    """The checkpoint to resume from: the latest, or the next older one that is whole."""
    return next(whole_checkpoints(run, model_only=False), None)


def checkpoint_to_resume_from(
    run: RunDirectory, *, before: int | None = None
) -> CheckpointDirectory | None:
    """The same for a trainer, which makes all that came later void.

    A checkpoint that is damaged gives way to the one before. One that cannot be read may be whole:
    it is not skipped unless the user asks for it. Those of the step `before` and later ones are
    passed over.

    Raises:
        RunError: If something that is there cannot be read.
    """
    try:
        return next(whole_checkpoints(run, model_only=False, before=before, must_read=True), None)
    except OSError as error:
        place = Path(error.filename or run.checkpoints)
        is_one = CHECKPOINT_NAME.fullmatch(place.name)
        raise RunError(
            "{path} cannot be read: {reason}. Try again; if it stays so, move it away, and "
            "training goes on from the one before."
            if is_one
            else "{path} cannot be read: {reason}. Try again.",
            path=place,
            reason=reason_of(error),
        ) from error


def best_or_newest(run: RunDirectory) -> CheckpointDirectory | None:
    """The checkpoint to generate text with: the best, or else the newest whose model is whole."""
    best = read_pointer(run, run.best)
    if best is not None:
        checkpoint = CheckpointDirectory(run.path / best.path)
        if is_whole(checkpoint, model_only=True):
            return checkpoint
    return next(whole_checkpoints(run, model_only=True), None)


def missed_best(run: RunDirectory, taken: CheckpointDirectory | None) -> str:
    """Why a checkpoint is not the best one, in a sentence; empty if it is, or none is named so.

    `taken` is what `best_or_newest` gave.
    """
    pointer = read_pointer(run, run.best)
    if pointer is None:
        if not os.path.lexists(run.best):
            return ""
        problem = tr(
            "In the run {run}, best.json does not say which checkpoint is the best", run=run.name
        )
    elif taken is not None and taken.path == run.path / pointer.path:
        return ""
    else:
        problem = tr(
            "The best checkpoint of the run {run}, of step {step:,}, is damaged or cannot be read",
            run=run.name,
            step=pointer.step,
        )
    instead = tr("its published weights are taken")
    if taken is not None:
        instead = tr("{name} is taken", name=taken.path.name)
    return tr(
        "{problem}: {instead}. What is wrong: {command}",
        problem=problem,
        instead=instead,
        command=command_words("doctor", run),
    )


def _write_folder(run: RunDirectory, manifest: Manifest, model: bytes, training: bytes) -> None:
    storage = Storage(inside=run.path)
    target = run.checkpoint(manifest.step)
    hidden = CheckpointDirectory(run.checkpoints / f".saving-{target.path.name}")
    try:
        storage.make_folder(hidden.path)
        storage.write_new(hidden.model, model)
        storage.write_new(hidden.training, training)
        storage.write_new(hidden.manifest, encode_json(manifest.to_json()))
        if target.path.name in _names(run):
            replaced = target.path.with_name(f"{target.path.name}.replaced")
            storage.remove_tree(replaced)
            storage.rename(target.path, replaced)
        storage.publish_folder(hidden.path, target.path)
    except BaseException:
        with contextlib.suppress(StorageError):  # on a full disk, its room is needed
            storage.remove_tree(hidden.path)
        raise


def _holds(checkpoint: CheckpointDirectory, manifest: Manifest) -> bool:
    """Whether the very same checkpoint is there already."""
    there = read_manifest(checkpoint)
    is_same = there is not None and (there.model, there.training) == (
        manifest.model,
        manifest.training,
    )
    return is_same and is_whole(checkpoint)


def _hidden(run: RunDirectory) -> list[Path]:
    """What a trainer that died in the middle of saving or pruning left behind."""
    return [run.checkpoints / name for name in _names(run) if name.startswith(_HIDDEN)]


def _names(run: RunDirectory) -> list[str]:
    with explained("read", run.checkpoints):
        return names_in(run.checkpoints, inside=run.path)
