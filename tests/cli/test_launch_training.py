"""`charrnn-tui launch` with real trainings: one run, of several workers, whatever dies."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.cluster_run import trains_anew
from tests.support.command import finish, start_program, wait_for
from tests.support.small_run import of_kind, status_of
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.host import process_exists
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunStarted
from tui_charrnn.runs.verification import verify_events

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks /proc"),
]
SETTINGS = (
    "--hidden-size=7 --embedding-size=5 --batch-size=4 --sequence-length=16 --steps=1000000 "
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


def test_a_run_that_loses_its_chief_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    corpus, run = tmp_path / "my.txt", RunDirectory(tmp_path / "runs" / "mine")
    corpus.write_text("".join(f"{n} times {n} is {n * n}\n" for n in range(999)), encoding="utf-8")
    launch = start_program(
        *("launch", "--workers=2", "--", "train", "--headless", str(corpus), "--name=mine"),
        *SETTINGS.split(),
        variables={"CHARRNN_RUNS": str(run.path.parent)},
    )
    wait_for("the run trains", trains_anew(run, 1))
    ours = {rank: pid for pid, rank in trainers().items() if launch.pid in ancestors(pid)}
    assert sorted(ours) == [0, 1]
    os.kill(ours[0], signal.SIGKILL)
    wait_for("the run trains again", trains_anew(run, 2))
    send_request(run, "stop")
    ended = finish(launch)
    told = ended.stderr.decode()
    assert (ended.returncode, ended.stdout.decode()) == (0, f"{run.path}\n"), told
    assert re.search(r"^\[1\] Rank 0 \(127\.0\.0\.1:\d+\) is gone", told, re.MULTILINE)
    assert "Worker 0 ended with exit code 1. All begin again from the last checkpoint" in told
    assert status_of(run).state is RunState.STOPPED
    assert len(of_kind(run, RunStarted)) == 2
    assert verify_events(run).missing == []
    assert not any(map(process_exists, ours.values()))
