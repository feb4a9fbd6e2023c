"""A rollback to a checkpoint removes later ones atomically."""

from itertools import count
from pathlib import Path

import pytest

from tests.support.faulty_disk import FaultyDisk, PowerLost, written_by
from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    checkpoint_to_resume_from,
    newest_valid,
    return_to,
    save_checkpoint,
)
from tui_charrnn.runs.layout import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


def save(
    run: RunDirectory,
    step: int,
    *,
    loss: float | None = None,
    is_best: bool = False,
    keep: int = 3,
) -> None:
    run.path.mkdir(exist_ok=True)
    save_checkpoint(
        run,
        step=step,
        model=f"model {step}".encode(),
        training=b"training",
        loss=loss,
        is_best=is_best,
        keep=keep,
    )


def steps(run: RunDirectory) -> list[str]:
    return sorted(path.name for path in run.checkpoints.iterdir() if path.is_dir())


def go_back(run: RunDirectory, step: int, best_step: int | None, disk: FaultyDisk) -> bool:
    with written_by(disk):
        return return_to(run, run.checkpoint(step), best_step=best_step)


def test_going_back_voids_what_came_after(run: RunDirectory) -> None:
    for step, loss in ((2, 3.0), (4, 2.5), (6, 2.0)):
        save(run, step, loss=loss, is_best=True)
    assert go_back(run, 4, 4, FaultyDisk())
    assert newest_valid(run) == best_or_newest(run) == run.checkpoint(4)
    assert steps(run) == ["step-00000002", "step-00000004"]
    save(run, 7)
    assert checkpoint_to_resume_from(run, before=7) == run.checkpoint(4)


def test_going_back_to_the_latest_leaves_the_best(run: RunDirectory) -> None:
    save(run, 2, loss=2.0, is_best=True)
    save(run, 4, loss=3.0)
    assert go_back(run, 4, 2, FaultyDisk())
    assert best_or_newest(run) == run.checkpoint(2)
    assert newest_valid(run) == run.checkpoint(4)


def test_a_best_that_was_pruned_is_not_named_again(run: RunDirectory) -> None:
    for step, loss in ((1, 3.0), (2, 3.5), (3, 2.0)):
        save(run, step, loss=loss, is_best=loss <= 3.0, keep=2)
    assert steps(run) == ["step-00000002", "step-00000003"]
    assert not go_back(run, 2, 1, FaultyDisk())
    assert not run.best.exists()
    assert best_or_newest(run) == run.checkpoint(2)


def test_going_back_survives_a_loss_of_power_at_every_operation(tmp_path: Path) -> None:
    for n in count(1):
        run = RunDirectory(tmp_path / f"run-{n}")
        for step, loss in ((2, 3.0), (4, 2.5), (6, 2.0)):
            save(run, step, loss=loss, is_best=True)
        disk = FaultyDisk(n, loses_power=True)
        try:
            go_back(run, 4, 4, disk)
        except PowerLost:
            disk.lose_unsynced(tmp_path)
        else:
            break
        assert newest_valid(run) in {run.checkpoint(4), run.checkpoint(6)}
        assert go_back(run, 4, 4, FaultyDisk())
        assert newest_valid(run) == best_or_newest(run) == run.checkpoint(4)
    assert n > 10
