"""Checkpoints are replaced atomically, and the best and the newest complete one are found."""

import json
from itertools import count
from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk, PowerLost, written_by
from tui_charrnn.errors import StorageError
from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    checkpoint_to_resume_from,
    is_whole,
    newest_valid,
    read_manifest,
    read_pointer,
    replace_model,
    save_checkpoint,
)
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "run"
    path.mkdir()
    return RunDirectory(path)


def save(
    run: RunDirectory,
    step: int,
    *,
    loss: float | None = None,
    is_best: bool = False,
    keep: int = 3,
    model: bytes = b"",
    disk: FaultyDisk | None = None,
) -> CheckpointDirectory:
    run.path.mkdir(exist_ok=True)
    with written_by(disk or FaultyDisk()):  # one without faults, and faster
        return save_checkpoint(
            run,
            step=step,
            model=model or f"model {step}".encode(),
            training=f"training {step}".encode(),
            loss=loss,
            is_best=is_best,
            keep=keep,
        )


def steps(run: RunDirectory) -> list[str]:
    return sorted(path.name for path in run.checkpoints.iterdir() if path.is_dir())


def test_a_saved_checkpoint_is_found(run: RunDirectory) -> None:
    saved = save(run, 8, loss=1.5, is_best=True)
    assert newest_valid(run) == best_or_newest(run) == saved == run.checkpoint(8)
    assert saved.model.read_bytes() == b"model 8"
    assert saved.training.read_bytes() == b"training 8"


def test_a_manifest_has_the_hashes_and_sizes_of_the_files(run: RunDirectory) -> None:
    document = json.loads(save(run, 8, loss=1.5).manifest.read_text())
    assert (document["format"], document["step"], document["loss"]) == (1, 8, 1.5)
    assert document["files"]["model.safetensors"] == {
        "sha256": "153f89bb0919b9de197090e055ad0456599bd3373d197dc38ae0473a3bb91c12",
        "bytes": 7,
    }


def test_pointers_name_latest_and_best(run: RunDirectory) -> None:
    for step, loss, is_best in ((1, 3.0, True), (2, 1.0, True), (3, 2.0, False)):
        save(run, step, loss=loss, is_best=is_best)
    latest, best = read_pointer(run, run.latest), read_pointer(run, run.best)
    assert latest is not None
    assert best is not None
    assert (latest.step, latest.loss, latest.path) == (3, 2.0, "checkpoints/step-00000003")
    assert (best.step, best.loss, best.path) == (2, 1.0, "checkpoints/step-00000002")
    assert best_or_newest(run) == run.checkpoint(2)


def test_without_a_best_the_newest_is_taken(run: RunDirectory) -> None:
    save(run, 1)
    save(run, 2)
    assert best_or_newest(run) == run.checkpoint(2)


def test_no_checkpoints_are_no_failure(run: RunDirectory) -> None:
    assert newest_valid(run) is None
    assert best_or_newest(run) is None


def test_the_newest_and_the_best_are_kept(run: RunDirectory) -> None:
    for step in range(1, 8):
        save(run, step, is_best=step == 2, keep=2)
    assert steps(run) == ["step-00000002", "step-00000006", "step-00000007"]


def test_steps_of_an_abandoned_past_are_pruned(run: RunDirectory) -> None:
    for step in (4, 8, 12):
        save(run, step)
    save(run, 6)  # the run resumed from 4, as 8 and 12 were damaged
    assert steps(run) == ["step-00000004", "step-00000006"]


@pytest.mark.parametrize("damaged", ["model", "training", "manifest"])
@pytest.mark.parametrize("contents", [b"", b"model 2x", b"mode! 2", None])
def test_a_damaged_checkpoint_gives_way_to_the_next_older(
    run: RunDirectory, damaged: str, contents: bytes | None
) -> None:
    save(run, 1)
    path: Path = getattr(save(run, 2), damaged)
    if contents is None:
        path.unlink()
    else:
        path.write_bytes(contents)
    assert newest_valid(run) == run.checkpoint(1)


def test_sampling_does_not_need_what_resuming_needs(run: RunDirectory) -> None:
    save(run, 1)
    save(run, 2).training.unlink()
    assert best_or_newest(run) == run.checkpoint(2)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[" * 100_000, b'{"format": 2}'])
def test_without_its_pointer_the_newest_is_found_still(run: RunDirectory, damage: bytes) -> None:
    save(run, 1)
    save(run, 2)
    run.latest.write_bytes(damage)
    assert newest_valid(run) == run.checkpoint(2)


@pytest.mark.parametrize("path", ["../elsewhere/step-00000001", "/etc", "checkpoints/../x", ""])
def test_a_pointer_that_leads_out_of_the_run_is_not_followed(run: RunDirectory, path: str) -> None:
    save(run, 1)
    run.best.write_text(json.dumps({"format": 1, "step": 1, "path": path, "loss": 1.0}))
    assert read_pointer(run, run.best) is None
    assert best_or_newest(run) == run.checkpoint(1)


def test_the_same_step_can_be_saved_again(run: RunDirectory) -> None:
    save(run, 1)
    again = save(run, 1, model=b"another", loss=2.0, is_best=True)
    assert again.model.read_bytes() == b"another"
    assert steps(run) == ["step-00000001"]
    assert newest_valid(run) == best_or_newest(run) == again


def test_an_equal_checkpoint_learns_its_loss(run: RunDirectory) -> None:
    inode = save(run, 1).model.stat().st_ino
    again = save(run, 1, loss=2.0, is_best=True)
    assert again.model.stat().st_ino == inode
    manifest = read_manifest(again)
    assert manifest is not None
    assert manifest.loss == 2.0
    assert is_whole(again)


def test_what_a_killed_trainer_left_is_removed(run: RunDirectory) -> None:
    save(run, 1)
    for name in (".saving-step-00000002", ".removed-step-00000000"):
        (run.checkpoints / name).mkdir()
        (run.checkpoints / name / "model.safetensors").write_bytes(b"half")
    save(run, 3)
    assert steps(run) == ["step-00000001", "step-00000003"]


def test_what_a_killed_trainer_left_is_not_part_of_a_replaced_checkpoint(run: RunDirectory) -> None:
    saved = save(run, 1)
    left = run.checkpoints / ".saving-step-00000001"
    left.mkdir()
    for name in ("model.safetensors", "training.safetensors", "of an earlier version"):
        (left / name).write_bytes(b"half")
    replace_model(run, saved, b"calibrated", keep=3)
    assert is_whole(saved)
    assert saved.model.read_bytes() == b"calibrated"
    assert len(list(saved.path.iterdir())) == 3


def test_a_checkpoint_before_a_step_is_found(run: RunDirectory) -> None:
    for step in (2, 4, 6):
        save(run, step)
    assert checkpoint_to_resume_from(run, before=6) == run.checkpoint(4)
    assert checkpoint_to_resume_from(run, before=7) == run.checkpoint(6)
    assert checkpoint_to_resume_from(run, before=2) is None


def assert_old_or_new(run: RunDirectory, old: bytes, new: bytes) -> None:
    found = newest_valid(run)
    assert found is not None
    assert found.model.read_bytes() in {old, new}
    best = best_or_newest(run)
    assert best is not None
    assert best.model.read_bytes() in {old, new}


@pytest.mark.parametrize("is_persistent", [False, True])
@pytest.mark.parametrize("new_step", [1, 2])
def test_saving_survives_a_fault_at_every_operation(
    tmp_path: Path, new_step: int, is_persistent: bool
) -> None:
    for n in count(1):
        run = RunDirectory(tmp_path / f"run-{n}")
        save(run, 1, is_best=True, keep=1)
        disk = FaultyDisk(n, is_persistent=is_persistent)
        try:
            save(run, new_step, model=b"new", is_best=True, keep=1, disk=disk)
        except StorageError:
            pass
        else:
            assert_old_or_new(run, b"new", b"new")
        if not disk.was_reached:
            break
        assert_old_or_new(run, b"model 1", b"new")
        save(run, 3, is_best=True, keep=1)  # the disk has room again
        assert steps(run) == ["step-00000003"]
        assert_old_or_new(run, b"model 3", b"model 3")
    assert n > 25


@pytest.mark.parametrize("new_step", [1, 2])
def test_saving_survives_a_loss_of_power_at_every_operation(tmp_path: Path, new_step: int) -> None:
    for n in count(1):
        run = RunDirectory(tmp_path / f"run-{n}")
        save(run, 1, is_best=True, keep=1)
        disk = FaultyDisk(n, loses_power=True)
        try:
            save(run, new_step, model=b"new", is_best=True, keep=1, disk=disk)
        except PowerLost:
            disk.lose_unsynced(tmp_path)
        else:
            break
        assert_old_or_new(run, b"model 1", b"new")
        save(run, 3, is_best=True, keep=1)
        assert steps(run) == ["step-00000003"]
    assert n > 25
