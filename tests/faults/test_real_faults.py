"""What really happens to runs: read-only disks, folders that vanish, clocks that jump."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.command import PATIENCE, ROOT, wait_for
from tests.support.faulty_disk import FaultyDisk, in_place
from tests.support.full_disk import ReadOnlyDisk, after_batches
from tests.support.numpy_trainer import numpy_training
from tests.support.survival import (
    Series,
    assert_opens,
    failure_of,
    series_of,
    small_run,
    stop_at,
    train,
)
from tests.support.trainer_process import with_trainer
from tui_charrnn.errors import ExitCode, RunLockedError, StorageError
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_status
from tui_charrnn.runs.writer import RunWriter

_DAY = 86_400 * 10**9
"""Nanoseconds."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    with numpy_training():
        yield small_run(tmp_path)


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Series:
    with numpy_training():
        run = small_run(tmp_path_factory.mktemp("control"))
        assert train(run) is ExitCode.OK
    return series_of(run)


def test_a_run_that_can_only_be_read_is_refused_in_a_sentence(run: RunDirectory) -> None:
    stop_at(run, 5)
    before = run.events.read_bytes()
    with in_place(ReadOnlyDisk()), pytest.raises(StorageError, match="read-only") as caught:
        train(run)
    assert caught.value.exit_code is ExitCode.CANNOT_SAVE
    assert "is read-only; choose another folder" in str(caught.value)
    assert run.events.read_bytes() == before
    assert train(run) is ExitCode.OK


def test_a_run_that_is_removed_while_it_is_trained_ends_with_6(
    run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    with after_batches(lambda step: shutil.rmtree(run.path) if step == 3 else None):
        assert train(run) is ExitCode.CANNOT_SAVE
    assert not run.path.exists()  # nobody makes a part of it again
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_that_is_moved_while_it_is_trained_can_go_on_where_it_is(
    run: RunDirectory, control: Series
) -> None:
    moved = RunDirectory(run.path.with_name("moved"))

    def move(step: int) -> None:
        if step == 7:
            run.path.rename(moved.path)

    with after_batches(move):
        assert train(run) is ExitCode.CANNOT_SAVE
    assert not run.path.exists()
    assert "was deleted or moved" in failure_of(moved)
    assert assert_opens(moved) > 0
    assert train(moved) is ExitCode.OK
    assert series_of(moved) == control


@pytest.mark.parametrize("days", [-1, 400], ids=["back", "ahead"])
def test_a_clock_that_jumps_is_no_matter(
    run: RunDirectory, control: Series, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    real, real_nanoseconds = time.time, time.time_ns

    def jump(step: int) -> None:
        if step == 4:
            monkeypatch.setattr(time, "time", lambda: real() + days * 86_400)
            monkeypatch.setattr(time, "time_ns", lambda: real_nanoseconds() + days * _DAY)
        if step == 5:
            send_request(run, "checkpoint")

    with after_batches(jump):
        assert train(run) is ExitCode.OK
    assert series_of(run) == control
    status = read_status(run)
    assert status is not None
    assert status.elapsed >= 0
    assert take_requests(run) == []


def test_a_command_says_that_its_run_is_gone(run: RunDirectory) -> None:
    code = "import os, shutil; shutil.rmtree(run.path); os._exit(6)"
    command = with_trainer(code, "resume", "--headless", str(run.path))
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == ExitCode.CANNOT_SAVE
    assert "was deleted or moved" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_trainer_is_told_who_is_at_work(run: RunDirectory) -> None:
    with RunWriter(run, heartbeat=3600.0):
        second = subprocess.run(
            [sys.executable, "-P", "-m", "tui_charrnn.training", str(run.path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert second.returncode == ExitCode.LOCKED
    assert f"process {os.getpid()} on {socket.gethostname()}" in second.stderr
    assert "Traceback" not in second.stderr


class NoLocks(FaultyDisk):
    """A file system that knows no locks."""

    code = errno.ENOTSUP

    def lock(self, descriptor: int) -> None:
        raise OSError(self.code, os.strerror(self.code))


@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS])
def test_a_run_is_trained_and_resumed_without_locks(
    run: RunDirectory, control: Series, code: int
) -> None:
    disk = NoLocks()
    disk.code = code
    with in_place(disk):
        stop_at(run, 5)
        assert train(run) is ExitCode.OK
    assert series_of(run) == control


def test_without_locks_a_beating_trainer_keeps_the_second_out(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(_seconds: float) -> None:
        before = beat()
        wait_for("a beat", lambda: beat() != before)

    def beat() -> int:
        status = read_status(run)
        assert status is not None
        return status.beat

    monkeypatch.setattr(
        "tui_charrnn.runs.liveness.time", SimpleNamespace(**{**vars(time), "sleep": listen})
    )
    elsewhere = {"pid": 7, "host": "elsewhere", "boot_id": "b", "state": RunState.TRAINING}
    with in_place(NoLocks()), RunWriter(run, heartbeat=0.01) as writer:
        writer.set_status(**elsewhere)
        with pytest.raises(RunLockedError):
            train(run)


def test_a_resume_of_what_is_no_run_is_a_sentence(tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-P", "-m", "tui_charrnn.training", str(tmp_path / "none")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert second.returncode == ExitCode.DATA
    assert "is not a run" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_transient_fault_does_not_make_a_trainer_forget_its_newest_checkpoint(
    run: RunDirectory, control: Series
) -> None:
    """It would go on from an older one, and the newest would be void."""
    stop_at(run, 7)
    newest = assert_opens(run)
    document = json.loads(run.latest.read_text(encoding="utf-8"))
    assert document["step"] == newest == 7

    class Stumbling(FaultyDisk):
        def open_to_read(self, path: Path, flags: int = 0, folder: int | None = None) -> int:
            if str(path).endswith("step-00000007/manifest.json"):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return super().open_to_read(path, flags, folder)

    with in_place(Stumbling()):
        assert train(run) is ExitCode.DATA
    assert "cannot be read" in failure_of(run)
    assert assert_opens(run) == 7
    assert train(run) is ExitCode.OK
    assert series_of(run) == control
