"""A trainer whose main thread is blocked by the disk exits; a second SIGINT ends any trainer."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT
from tests.support.fake_run import created_run
from tests.support.small_run import before_batches, new_run, status_of
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.distributed.placement import Cluster, JointTask
from tui_charrnn.training.distributed.roles import INTERRUPTED_AGAIN, Peers
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.worker import run_training

HELD = """
import os, signal, sys, threading
from functools import partial
from pathlib import Path
from tests.support.faulty_disk import in_place
from tui_charrnn.runs.file_system import FileSystem
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training import interruption as interruption_module, worker
from tui_charrnn.training.interruption import SignalWatchdog
from tui_charrnn.training.interruption import Interruption

class Disk(FileSystem):
    def fsync(self, descriptor):
        if is_held.is_set():
            print("held", flush=True)
            os.read(nothing, 1)
        super().fsync(descriptor)

(path,) = sys.argv[1:]
is_held, (nothing, _open_end) = threading.Event(), os.pipe()
worker.EXIT_PATIENCE = 0.2
interruption_module.PATIENCE = 0.1
interruption = Interruption()
interruption.listen()
with in_place(Disk()), RunWriter(RunDirectory(Path(path)), heartbeat=3600) as writer:
    leave = partial(worker._leave_at_once, writer)
    with SignalWatchdog(interruption, leave):
        is_held.set()
        os.kill(os.getpid(), signal.SIGTERM)
        writer.sync()
"""


STEPPING = """
import threading
from concurrent.futures import ThreadPoolExecutor
from tui_charrnn.training.__main__ import end_process
has_begun, has_ended = threading.Event(), threading.Event()
ThreadPoolExecutor().submit(lambda: has_begun.set() or has_ended.wait())
has_begun.wait()
print("stepping")
end_process(130)
"""


def test_the_process_waits_for_no_step() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STEPPING],
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"stepping\n", b"")


def test_a_disk_that_does_not_answer_holds_nobody(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-c", HELD, str(run.path)],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
        timeout=PATIENCE,
    )
    assert (ended.stderr, ended.stdout.split()[0]) == ("", "held")
    assert ended.returncode == ExitCode.RESUME_ME
    with RunWriter(RunDirectory(run.path)):  # nobody has it any more
        pass


@pytest.mark.trainer
def test_whoever_stops_at_once_leaves_the_others_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are notified, as it may have stopped in the middle of a joint step."""
    run = new_run(tmp_path)
    reports: list[tuple[object, ...]] = []

    def insist(step: int) -> None:
        if step == 5:
            raise KeyboardInterrupt

    before_batches(monkeypatch, insist)
    monkeypatch.setattr(Peers, "connect", lambda *_: {})
    monkeypatch.setattr(Peers, "check", lambda _peers: None)
    monkeypatch.setattr(Peers, "leave", lambda _peers, *given: reports.append(given))
    task = JointTask(cluster=Cluster(0, 2))
    assert run_training(run, Interruption(), task=task) is ExitCode.INTERRUPTED
    assert reports == [(ExitCode.INTERRUPTED, INTERRUPTED_AGAIN, "")]
    assert status_of(run).state is RunState.INTERRUPTED
