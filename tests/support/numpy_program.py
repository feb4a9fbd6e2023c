"""The program, whose trainers compute with NumPy: TensorFlow's seven seconds are spared.

    python -m tests.support.numpy_program train --headless ...     # `SETTINGS` among the options

All but the engine is real: the command, its trainer's process, signals, disk and clocks. Where the
variable `HOLD` names a file, each trainer takes one batch and then waits until there is that file,
or it is told to leave: so whatever a test does comes between the first batch and the last.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.command import ROOT, finish
from tests.support.full_disk import after_batches
from tests.support.numpy_trainer import numpy_engines
from tui_charrnn.cli import main
from tui_charrnn.runs import launcher
from tui_charrnn.training import __main__ as trainer
from tui_charrnn.training.interruption import Interruption

HOLD: Final = "NUMPY_PROGRAM_HOLD"
MODULE: Final = "tests.support.numpy_program"
SETTINGS: Final = (
    *("--cell=rnn", "--layer-count=1", "--hidden-size=3", "--embedding-size=2"),
    *("--layer-norm=false", "--batch-size=4", "--sequence-length=8", "--no-samples"),
)
"""Of a network that the engine can train."""


def start_numpy_program(*arguments: str, hold: Path | None = None) -> "subprocess.Popen[bytes]":
    """Start the program; its streams are pipes.

    Args:
        arguments: Of the program.
        hold: The file for which its trainers wait.
    """
    variables = {HOLD: str(hold)} if hold is not None else {}
    return subprocess.Popen(
        [sys.executable, "-m", MODULE, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        start_new_session=True,
    )


def run_numpy_program(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the program to its end."""
    return finish(start_numpy_program(*arguments))


def _train(arguments: list[str]) -> int:
    interruption, hold = Interruption(), os.environ.get(HOLD)
    setattr(trainer, "Interruption", lambda: interruption)  # noqa: B010  a name that it imports

    def wait(_step: int) -> None:
        while hold and not Path(hold).exists() and not interruption.reason:
            time.sleep(0.01)

    with numpy_engines(), after_batches(wait):
        return trainer.main(arguments)


if __name__ == "__main__":
    if sys.argv[1] == "--trainer":
        trainer.end_process(_train(sys.argv[2:]))
    _TRAINER: Final = (sys.executable, "-m", MODULE, "--trainer")
    setattr(launcher, "TRAINER", _TRAINER)  # noqa: B010  a constant
    sys.exit(main.run(sys.argv[1:]))
