"""A temporarily unreadable file does not count as damaged, and nothing is removed."""

import errno
import os
from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk, in_place
from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    checkpoint_to_resume_from,
    newest_valid,
    prune_checkpoints,
    save_checkpoint,
)
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.layout import RunDirectory, RunGoneError


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    path = tmp_path / "run"
    path.mkdir()
    return RunDirectory(path)


def save(run: RunDirectory, step: int, loss: float | None = None, *, is_best: bool = False) -> None:
    save_checkpoint(
        run,
        step=step,
        model=f"model {step}".encode(),
        training=b"training",
        loss=loss,
        is_best=is_best,
        keep=5,
    )


class Unreadable(FaultyDisk):
    """A file system on which one name cannot be read."""

    name = ""
    error = errno.EIO

    def open_to_read(self, path: Path, flags: int = 0, folder: int | None = None) -> int:
        if str(path).endswith(self.name):
            raise OSError(self.error, os.strerror(self.error))
        return super().open_to_read(path, flags, folder)


@pytest.mark.parametrize("name", ["manifest.json", "model.safetensors", "training.safetensors"])
def test_what_cannot_be_read_is_not_taken_for_damaged_by_whoever_trains_on(
    run: RunDirectory, name: str
) -> None:
    save(run, 2)
    save(run, 4)
    disk = Unreadable()
    disk.name = f"step-00000004/{name}"
    message = "step-00000004 cannot be read: .* If that does not help, move it away"
    with in_place(disk), pytest.raises(RunError, match=message):
        checkpoint_to_resume_from(run)
    assert checkpoint_to_resume_from(run) == run.checkpoint(4)
    run.checkpoint(4).model.write_bytes(b"damaged")
    assert checkpoint_to_resume_from(run) == run.checkpoint(2)


def test_without_the_pointer_nobody_is_told_to_move_anything(run: RunDirectory) -> None:
    save(run, 2)
    disk = Unreadable()
    disk.name = "latest.json"
    with in_place(disk), pytest.raises(RunError, match=r"latest\.json cannot .* Try again\.$"):
        checkpoint_to_resume_from(run)
    assert newest_valid(run) == run.checkpoint(2)


def test_nothing_is_pruned_while_it_is_not_known_what_is_the_best(run: RunDirectory) -> None:
    for step in range(1, 5):
        save(run, step, loss=float(step), is_best=step == 1)
    disk = Unreadable()
    disk.name = "best.json"
    with in_place(disk), pytest.raises(StorageError, match="Cannot read"):
        prune_checkpoints(run, keep=1)
    assert best_or_newest(run) == run.checkpoint(1)


def test_what_may_not_be_read_gives_no_advice_on_writing(run: RunDirectory) -> None:
    save(run, 1)
    disk = Unreadable()
    disk.name, disk.error = "latest.json", errno.EACCES
    with in_place(disk), pytest.raises(StorageError, match=r"Cannot read .* denied\.$"):
        prune_checkpoints(run, keep=1)


def test_a_run_that_is_gone_is_not_made_again(run: RunDirectory) -> None:
    run.path.rmdir()
    with pytest.raises(RunGoneError, match="was deleted or moved") as caught:
        save_checkpoint(run, step=1, model=b"", training=b"", loss=None, is_best=False, keep=1)
    assert caught.value.exit_code == 6
    with pytest.raises(RunGoneError):
        send_request(run, "stop")
    assert not run.path.exists()
