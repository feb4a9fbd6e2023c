"""On a file system without locks, a changing heartbeat excludes other trainers."""

import errno
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.fake_run import created_run, lose_trainer
from tests.support.faulty_disk import FaultyDisk, written_by
from tui_charrnn.errors import RunLockedError
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import lock_out_trainers, lock_run

ELSEWHERE = RunStatus(state=RunState.TRAINING, pid=7, host="elsewhere", boot_id="b", beat=10)


class Neighbor:
    """A trainer on another machine, whose heartbeat may change while another one waits."""

    def __init__(self, run: RunDirectory) -> None:
        self.run, self.beats = run, True
        self.waited = 0.0
        self.write_status(ELSEWHERE)

    def write_status(self, status: RunStatus) -> None:
        self.run.status.write_bytes(encode_json(status.to_json()))

    def sleep(self, seconds: float) -> None:
        self.waited += seconds
        if self.beats:
            self.write_status(replace(ELSEWHERE, beat=11))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return created_run(tmp_path)


@pytest.fixture
def neighbor(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> Neighbor:
    neighbor = Neighbor(run)
    monkeypatch.setattr(time, "sleep", neighbor.sleep)
    return neighbor


def disk_without_locks() -> FaultyDisk:
    return FaultyDisk(2, code=errno.ENOLCK)  # open, then lock


@pytest.mark.usefixtures("neighbor")
def test_a_beating_trainer_keeps_others_out(run: RunDirectory) -> None:
    with written_by(disk_without_locks()), pytest.raises(RunLockedError):
        lock_run(run)


def test_a_run_whose_beat_stands_still_is_free(run: RunDirectory, neighbor: Neighbor) -> None:
    neighbor.beats = False
    with written_by(disk_without_locks()):
        lock = lock_run(run)
    assert neighbor.waited >= 4
    lock.close()


def test_a_dead_process_of_this_machine_is_not_waited_for(
    run: RunDirectory, neighbor: Neighbor
) -> None:
    lose_trainer(run)
    with written_by(disk_without_locks()):
        lock = lock_run(run)
    assert neighbor.waited == 0
    lock.close()


@pytest.mark.usefixtures("neighbor")
def test_upkeep_waits_for_a_beat_too(run: RunDirectory) -> None:
    run.lock.touch()
    with written_by(disk_without_locks()), pytest.raises(RunLockedError):
        lock_out_trainers(run)


def test_a_run_that_nobody_took_up_needs_no_lock(run: RunDirectory) -> None:
    with lock_out_trainers(run):
        assert not run.lock.exists()


def test_a_run_that_is_kept_from_trainers_is_theirs_again_afterward(run: RunDirectory) -> None:
    run.lock.write_bytes(b"whoever was the last")
    with lock_out_trainers(run), pytest.raises(RunLockedError):
        lock_run(run)
    assert run.lock.read_bytes() == b"whoever was the last"
    lock_run(run).close()
