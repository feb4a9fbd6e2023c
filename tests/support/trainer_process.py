"""Trainers without TensorFlow, in processes of their own, for the commands that start one.

start_trainer(run, "trainer.start(); trainer.train(3.0); trainer.end()")
sys.exit(run_with_trainer(code, ["train", "--headless", ...]))    # in a child, as `with_trainer`
"""

import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Final

from tests.support.command import PATIENCE, ROOT
from tui_charrnn.cli import launching, main
from tui_charrnn.runs.layout import RunDirectory

_PROLOGUE: Final = """
import sys
from pathlib import Path
from tests.support.fake_trainer import FakeTrainer
from tests.support.trainer_process import wait_for_file
from tui_charrnn.runs.layout import RunDirectory

run = RunDirectory(Path(sys.argv[1]))
with FakeTrainer(run) as trainer:
"""


def start_trainer(run: RunDirectory, code: str) -> "subprocess.Popen[bytes]":
    """Start a process that trains a run as the script says; `trainer` is a `FakeTrainer`."""
    program = _PROLOGUE + textwrap.indent(textwrap.dedent(code), "    ")
    with run.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(run.path)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def run_with_trainer(code: str, arguments: list[str]) -> int:
    """Run a command line whose trainers follow the script."""

    def launch(run: RunDirectory, *_: str) -> "subprocess.Popen[bytes]":
        return start_trainer(run, code)

    setattr(launching, "launch_trainer", launch)  # noqa: B010  a name that it only imports
    return main.run(arguments)


def with_trainer(code: str, *arguments: str) -> list[str]:
    """The words of a process that calls `run_with_trainer`."""
    program = (
        "import sys\n"
        "from tests.support.trainer_process import run_with_trainer\n"
        "sys.exit(run_with_trainer(sys.argv[1], sys.argv[2:]))\n"
    )
    return [sys.executable, "-c", program, code, *arguments]


def wait_for_file(path: Path, limit: float = PATIENCE) -> None:
    """Wait until a test lets a trainer go on, by making a file."""
    deadline = time.monotonic() + limit
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)
