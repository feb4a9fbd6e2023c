"""A real worker, in a process of its own, that stands still after the record of a step.

    python -m tests.support.held_trainer FOLDER train RUN              # the trainer
    python -m tests.support.held_trainer FOLDER command resume RUN     # the program that starts it

It makes FOLDER/held when it has come there, and goes on once there is a FOLDER/go. Signals come to
it as to any code of Python; the engine is that of `numpy_training`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.command import ROOT
from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import numpy_training
from tests.support.trainer_process import wait_for_file
from tui_charrnn.cli import launching, main
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.training import interruption as interruption_module
from tui_charrnn.training.interruption import ECHO_TIME, Interruption
from tui_charrnn.training.worker import run_training

HELD_AFTER: Final = 5
"""The step."""
_ECHO_TIME: Final = "HELD_TRAINER_ECHO_TIME"


def start_held_trainer(folder: Path, run: RunDirectory) -> "subprocess.Popen[bytes]":
    """Start the trainer; what it prints goes to the run's log."""
    with run.log.open("ab") as log:
        return subprocess.Popen(
            _words(folder, "train", str(run.path)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def start_command(
    folder: Path, *arguments: str, echo_time: float = ECHO_TIME
) -> "subprocess.Popen[bytes]":
    """Start the program, whose trainer is held.

    Args:
        folder: Where it says so.
        arguments: Of the program.
        echo_time: Seconds in which its trainer takes a further SIGINT for an echo.
    """
    return subprocess.Popen(
        _words(folder, "command", *arguments),
        cwd=ROOT,
        env={**os.environ, _ECHO_TIME: str(echo_time)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _words(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.held_trainer", str(folder), *words]


def _train(folder: Path, run: RunDirectory) -> int:
    echo_time = float(os.environ.get(_ECHO_TIME, ECHO_TIME))
    setattr(interruption_module, "ECHO_TIME", echo_time)  # noqa: B010  a constant
    interruption = Interruption()
    interruption.listen()

    def hold(step: int) -> None:
        if step == HELD_AFTER:
            (folder / "held").touch()
            wait_for_file(folder / "go")

    try:
        with numpy_training(), after_batches(hold):
            return run_training(run, interruption)
    finally:
        interruption.conclude()


def _command(folder: Path, arguments: list[str]) -> int:
    def launch(run: RunDirectory, *_: str) -> "subprocess.Popen[bytes]":
        return start_held_trainer(folder, run)

    setattr(launching, "launch_trainer", launch)  # noqa: B010  a name that it only imports
    return main.run(arguments)


if __name__ == "__main__":
    _folder, _kind = Path(sys.argv[1]), sys.argv[2]
    if _kind == "train":
        sys.exit(_train(_folder, RunDirectory(Path(sys.argv[3]))))
    sys.exit(_command(_folder, sys.argv[3:]))
