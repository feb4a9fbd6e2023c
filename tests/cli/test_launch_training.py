"""`charrnn-tui launch` with real trainings: one run, of several workers, whatever dies."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import finish, start_program, wait_for
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.host import process_exists
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import BatchTrained, RunStarted
from tui_charrnn.runs.verification import verify_events

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks /proc"),
]
SETTINGS = (
    "--hidden-size=7 --embedding-size=5 --batch-size=4 --sequence-length=16 --steps=300 "
    "--evaluations=4 --precision=float32 --no-samples"
)


def trainers() -> dict[int, int]:
    """The trainers of clusters that this machine has, with their ranks."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if b"tui_charrnn.training" in words and b"--rank" in words:
            found[int(entry.parent.name)] = int(words[words.index(b"--rank") + 1])
    return found


def ancestors(pid: int) -> list[int]:
    """A process's parent, the parent of that, and so on."""
    found = []
    while pid > 1:
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            break
        pid = int(fields[1])
        found.append(pid)
    return found


def has_trained(run: RunDirectory) -> Callable[[], bool]:
    reader = RunReader(run)
    return lambda: (
        run.events.exists() and any(isinstance(r, BatchTrained) for r in reader.read_new())
    )


def test_when_a_trainer_is_killed_all_go_on_from_the_checkpoint(tmp_path: Path) -> None:
    corpus, run = tmp_path / "my.txt", RunDirectory(tmp_path / "runs" / "mine")
    corpus.write_text("".join(f"{n} times {n} is {n * n}\n" for n in range(999)), encoding="utf-8")
    launch = start_program(
        *("launch", "--workers=2", "--", "train", "--headless", str(corpus), "--name=mine"),
        *SETTINGS.split(),
        variables={"CHARRNN_RUNS": str(run.path.parent)},
    )
    wait_for("the run trains", has_trained(run))
    ours = {pid: rank for pid, rank in trainers().items() if launch.pid in ancestors(pid)}
    assert sorted(ours.values()) == [0, 1]
    (victim,) = [pid for pid, rank in ours.items() if rank == 1]
    os.kill(victim, signal.SIGKILL)
    ended = finish(launch)
    told = ended.stderr.decode()
    assert ended.returncode == 0, told
    assert ended.stdout.decode() == f"{run.path}\n"
    assert "All begin again from the last checkpoint" in told
    assert status_of(run).state is RunState.FINISHED
    assert len(of_kind(run, RunStarted)) == 2
    events = verify_events(run)
    assert (events.last_step, events.missing) == (300, [])
    assert not any(map(process_exists, ours))


def test_a_signal_saves_and_ends_all(tmp_path: Path) -> None:
    corpus, run = tmp_path / "my.txt", RunDirectory(tmp_path / "runs" / "mine")
    corpus.write_text("".join(f"{n} times {n} is {n * n}\n" for n in range(999)), encoding="utf-8")
    launch = start_program(
        *("launch", "--workers=2", "--", "train", "--headless", str(corpus), "--name=mine"),
        *SETTINGS.replace("300", "1000000").split(),
        variables={"CHARRNN_RUNS": str(run.path.parent)},
    )
    wait_for("the run trains", has_trained(run))
    launch.terminate()
    ended = finish(launch)
    assert ended.returncode == 75, ended.stderr.decode()
    assert status_of(run).state is RunState.SAVED
    assert b"Go on with: " in ended.stderr
    assert verify_events(run).missing == []
