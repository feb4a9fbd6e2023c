"""Stand-ins for a scheduler's commands, in a folder for PATH: a queue of one job."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.command import ROOT

_SBATCH: Final = """#!/bin/sh
# runs a job script again for as long as it requeues itself
script=$1
shift
while :; do
    rm -f "$QUEUE/requeued"
    bash "$script" "$@" &
    job=$!
    echo "$job" > "$QUEUE/job"
    wait "$job"
    code=$?
    echo "$code" >> "$QUEUE/codes"
    [ -e "$QUEUE/requeued" ] || exit "$code"
done
"""
_SRUN: Final = """#!/bin/sh
echo $$ > "$QUEUE/step"
exec "$@"
"""
_SRUN_TASKS: Final = f"""#!{sys.executable}
# several tasks on this host, with the variables of a step; signals come to all of them
import os, signal, subprocess, sys

words = sys.argv[1:]
while words[0].startswith("--"):
    words.pop(0)
count = int(os.environ["SLURM_NTASKS"])
step = {{
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": str(count),
    "SLURM_STEP_NODELIST": "localhost",
    "SLURM_STEP_TASKS_PER_NODE": str(count),
}}
tasks = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda number, _: [task.send_signal(number) for task in tasks])
for rank in range(count):
    variables = {{**os.environ, **step, "SLURM_PROCID": str(rank)}}
    tasks.append(subprocess.Popen(words, env=variables))
with open(os.path.join(os.environ["QUEUE"], "step"), "w") as file:
    file.write(str(os.getpid()))
sys.exit(max(task.wait() for task in tasks))
"""
_SCONTROL: Final = """#!/bin/sh
[ "$1 $2" = "requeue $SLURM_JOB_ID" ] || exit 9
: > "$QUEUE/requeued"
"""
_PROGRAM: Final = """#!/bin/sh
exec {python} -m {module} "$@"
"""


class JobQueue:
    """Runs one job script with its arguments, as `sbatch` would."""

    def __init__(self, folder: Path, tasks: int = 1, module: str = "tui_charrnn") -> None:
        """Make the stand-ins in a folder, which is made.

        Args:
            folder: Where.
            tasks: How many of them `srun` starts.
            module: What `charrnn-tui` is.
        """
        self._folder, self._tasks = folder, tasks
        folder.mkdir()
        commands = {
            "sbatch": _SBATCH,
            "srun": _SRUN if tasks == 1 else _SRUN_TASKS,
            "scontrol": _SCONTROL,
            "charrnn-tui": _PROGRAM.format(python=sys.executable, module=module),
        }
        for name, text in commands.items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)

    def submit(self, *words: str, runs: Path) -> "subprocess.Popen[bytes]":
        """Start `sbatch WORDS`; its process ends when the job is not requeued any more."""
        environment = {
            **os.environ,
            "PATH": f"{self._folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "QUEUE": str(self._folder),
            "CHARRNN_RUNS": str(runs),
            "SLURM_JOB_ID": str(os.getpid()),  # ports are made from it: another test has others
            "SLURM_NTASKS": str(self._tasks),
        }
        return subprocess.Popen(
            [str(self._folder / "sbatch"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )

    @property
    def codes(self) -> list[int]:
        """Exit codes of the job so far, once for each time that it was run."""
        path = self._folder / "codes"
        return [int(code) for code in path.read_text().split()] if path.exists() else []

    @property
    def job(self) -> int:
        """Process of the shell that runs the script."""
        return int((self._folder / "job").read_text())

    @property
    def step(self) -> int:
        """Process of the command that `srun` started."""
        return int((self._folder / "step").read_text())
