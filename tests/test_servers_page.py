"""The scripts of docs/servers.md do what the page says: the very text of them is run here."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import numpy_program
from tests.support.cluster_run import trains_anew
from tests.support.command import ROOT, finish, loaded_command_line, wait_for
from tests.support.job_queue import JobQueue
from tests.support.numpy_program import MODULE
from tests.support.small_run import of_kind, status_of
from tui_charrnn.cli import following
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunPreempted
from tui_charrnn.runs.verification import verify_events
from tui_charrnn.training import interruption
from tui_charrnn.training.distributed import placement

PAGE = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
SETTINGS = (
    "--hidden-size=7 --embedding-size=5 --batch-size=6 --sequence-length=16 --steps=300 "
    "--evaluations=4 --threads=1 --precision=float32 --no-samples"
)


def job_script(folder: Path, *, has_nodes: bool = False) -> Path:
    scripts = re.findall(r"^```bash\n(#!/bin/bash\n.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    (script,) = [each for each in scripts if ("#SBATCH --nodes=" in each) is has_nodes]
    path = folder / "train.sh"
    path.write_text(script, encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "my.txt"
    path.write_text("".join(f"{n} times {n} is {n * n}\n" for n in range(999)), encoding="utf-8")
    return path


def test_the_job_is_preempted_twice_and_requeued_until_it_is_finished(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = tmp_path / "goes-on"
    monkeypatch.setenv(numpy_program.HOLD, str(goes_on))
    runs = tmp_path / "runs"
    run, queue = RunDirectory(runs / "my-run"), JobQueue(tmp_path / "bin", module=MODULE)
    words = [
        str(job_script(tmp_path)),
        str(corpus),
        "my-run",
        "--steps=50",
        *numpy_program.SETTINGS,
    ]
    job = queue.submit(*words, runs=runs)
    wait_for("the first job trains", trains_anew(run, 1))
    os.kill(queue.step, signal.SIGUSR1)  # as --signal=USR1@120
    wait_for("the second job trains", trains_anew(run, 2))
    os.kill(queue.job, signal.SIGTERM)  # as a preemption that only the shell is told of
    wait_for("the third job trains", trains_anew(run, 3))
    goes_on.touch()
    ended = finish(job)
    assert ended.returncode == 0, ended.stderr.decode()
    assert queue.codes == [75, 75, 0]
    assert [record.cause for record in of_kind(run, RunPreempted)] == ["SIGUSR1", "SIGTERM"]
    events = verify_events(run)
    assert (events.last_step, events.missing, events.repeated) == (50, [], 0)
    assert status_of(run).state is RunState.FINISHED
    again = finish(queue.submit(*words, runs=runs))  # a job of a finished run has nothing to do
    assert (again.returncode, queue.codes) == (0, [75, 75, 0, 0]), again.stderr


@pytest.mark.stress  # four processes that load TensorFlow; the script alone is tested below
@pytest.mark.trainer
def test_several_tasks_train_together_are_preempted_and_requeued(
    tmp_path: Path, corpus: Path
) -> None:
    runs = tmp_path / "runs"
    run, queue = RunDirectory(runs / "my-run"), JobQueue(tmp_path / "bin", tasks=2)
    words = [str(job_script(tmp_path, has_nodes=True)), str(corpus), "my-run", *SETTINGS.split()]
    job = queue.submit(*words, runs=runs)
    wait_for("the first job trains", trains_anew(run, 1))
    os.kill(queue.step, signal.SIGUSR1)
    ended = finish(job)
    assert ended.returncode == 0, ended.stderr.decode()
    assert queue.codes == [75, 0]
    events = verify_events(run)
    assert (events.last_step, events.missing, events.repeated) == (300, [], 0)
    assert status_of(run).state is RunState.FINISHED


STAND_IN = """#!/bin/sh
# a task that is preempted in the first job, and finishes in the second
echo "$SLURM_PROCID $*" >> "$QUEUE/calls"
[ -e "$QUEUE/preempted-$SLURM_PROCID" ] && exit 0
: > "$QUEUE/preempted-$SLURM_PROCID"
trap 'exit 75' USR1
: > "$QUEUE/waits-$SLURM_PROCID"
while :; do sleep 0.02; done
"""


def test_the_job_of_several_tasks_is_preempted_and_requeued(tmp_path: Path, corpus: Path) -> None:
    folder = tmp_path / "bin"
    queue = JobQueue(folder, tasks=2)
    (folder / "charrnn-tui").write_text(STAND_IN, encoding="utf-8")
    script = job_script(tmp_path, has_nodes=True)
    job = queue.submit(str(script), str(corpus), "my-run", "--steps=9", runs=tmp_path / "runs")
    wait_for(
        "both tasks train",
        lambda: all((folder / f"waits-{rank}").exists() for rank in "01") and has_step(folder),
    )
    os.kill(queue.step, signal.SIGUSR1)
    ended = finish(job)
    assert ended.returncode == 0, ended.stderr.decode()
    assert queue.codes == [75, 0]
    calls = [line.split() for line in (folder / "calls").read_text().splitlines()]
    assert sorted(rank for rank, *_ in calls) == ["0", "0", "1", "1"]
    (options,) = {tuple(words) for _, *words in calls}
    assert options[:2] == ("train", "--headless")
    assert {str(corpus), "my-run", "--resume", "auto", "--steps=9"} <= set(options)


def has_step(folder: Path) -> bool:
    """Whether `srun` has noted its process."""
    return (folder / "step").exists() and bool((folder / "step").read_text())


def test_another_failure_ends_the_job(tmp_path: Path) -> None:
    queue = JobQueue(tmp_path / "bin")
    missing, script = str(tmp_path / "missing.txt"), job_script(tmp_path)
    job = queue.submit(str(script), missing, "my-run", runs=tmp_path / "runs")
    assert finish(job).returncode == 3
    assert queue.codes == [3]


def test_every_shell_block_is_shell() -> None:
    blocks = re.findall(r"^```(?:ba)?sh\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) > 3
    for block in blocks:
        checked = subprocess.run(
            ["/bin/sh", "-c", "exec bash -n"],
            input=block,
            text=True,
            capture_output=True,
            check=False,
        )
        assert (checked.returncode, checked.stderr) == (0, ""), block


def test_every_option_of_the_program_exists() -> None:
    def options(command: object) -> set[str]:
        own = {o for p in getattr(command, "params", []) for o in getattr(p, "opts", [])}
        children = getattr(command, "commands", {}).values()
        return own.union(*map(options, children))

    lines = [line for line in PAGE.splitlines() if "charrnn-tui " in line]
    ours = re.findall(r"charrnn-tui [^`#|]*", "\n".join(lines))
    named = {word for words in ours for word in re.findall(r"--[a-z][a-z-]+", words)}
    assert {"--headless", "--resume", "--detach"} <= named
    assert named <= options(loaded_command_line())


def test_the_patience_is_that_of_the_program() -> None:
    page = " ".join(PAGE.split())
    for sentence in (
        f"longer than {interruption.PATIENCE:g} seconds",
        f"after {placement.HEARTBEAT:g} seconds without a sign of life",
        f"stopped (SIGSTOP) for {following.STOPPED_TIMEOUT:g} seconds",
    ):
        assert sentence in page
