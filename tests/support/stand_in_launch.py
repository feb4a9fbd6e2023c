"""A launch of stand-ins for trainings, in a process of its own.

Usage: python -m tests.support.stand_in_launch JSON: restarts, patience (two numbers of seconds),
pause (seconds), and as `workers` the Python code of each, which finds RANK, ATTEMPT and FOLDER in
its environment, and `told(sentence)`, `when(path)` and `on_term(code)` of this module.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.command import ROOT
from tui_charrnn.cli.launch_plan import WorkerCommand
from tui_charrnn.cli.launch_supervision import Supervisor
from tui_charrnn.cli.launch_workers import Patience

PRELUDE = "from tests.support.stand_in_launch import *\n"
FOLDER = Path(os.environ.get("FOLDER", "."))
RANK, ATTEMPT = int(os.environ.get("RANK", "0")), int(os.environ.get("ATTEMPT", "0"))


def start_stand_ins(
    folder: Path,
    *workers: str,
    restarts: int = 3,
    patience: Sequence[float] = (60.0, 60.0),
    pause: float = 0.01,
) -> "subprocess.Popen[bytes]":
    """Start a launch of such workers; what they note is in the folder."""
    wish = {"workers": workers, "restarts": restarts, "patience": patience, "pause": pause}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.stand_in_launch", json.dumps(wish)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "FOLDER": str(folder)},
        start_new_session=True,
    )


def note(what: str, content: object = "") -> None:
    """Leave a file that says what has happened: `what-RANK-ATTEMPT`."""
    path = FOLDER / f"{what}-{RANK}-{ATTEMPT}"
    hidden = path.with_name(f".{path.name}")
    hidden.write_text(str(content), encoding="utf-8")
    hidden.replace(path)


def when(name: str) -> None:
    """Wait until there is a file of that name."""
    while not (FOLDER / name).exists():
        time.sleep(0.01)


def on_term(code: int) -> None:
    """From now on, end with a code at SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
    note("ready")


def stay() -> None:
    """Do nothing until a signal ends this process."""
    while True:
        signal.pause()


def die() -> None:
    """End as by a lack of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def start_trainer() -> int:
    """Start a process in a session of its own, as the command starts its trainer."""
    code = f"{PRELUDE}note('trainer', os.getpid())\nstay()"
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True).pid


def main(wish: dict[str, Any]) -> int:
    """Launch."""

    def commands(attempt: int, _lifeline: int) -> list[WorkerCommand]:
        return [
            WorkerCommand(
                (sys.executable, "-c", PRELUDE + code),
                {**os.environ, "RANK": str(rank), "ATTEMPT": str(attempt)},
            )
            for rank, code in enumerate(wish["workers"])
        ]

    patience = Patience(*wish["patience"])
    return Supervisor(commands, wish["restarts"], patience, wish["pause"]).run()


if __name__ == "__main__":
    from tui_charrnn.cli.launch_orphans import adopt_orphans

    adopt_orphans()
    sys.exit(main(json.loads(sys.argv[1])))
