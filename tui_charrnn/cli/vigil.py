"""Watches over the commands of one training until all their trainers have found each other.

A trainer reads, counts and loads TensorFlow before it meets the others, and would wait for one that
died meanwhile until its patience ends. So the commands, which have met, stay connected that long.
"""

import subprocess
import threading
import time
from typing import Final

from tui_charrnn.cli.following import newest_status
from tui_charrnn.cluster.company import Company
from tui_charrnn.cluster.loss import LostMember
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState, RunStatus
from tui_charrnn.runs.layout import RunDirectory

_INTERVAL: Final = 0.1
"""Seconds between two looks."""
_AT_WORK: Final = frozenset({
    RunState.TIMING,
    RunState.TRAINING,
    RunState.PAUSED,
    RunState.EVALUATING,
    RunState.SAVING,
})
"""States of a trainer that has met the others, and watches over them itself."""
_EARLY: Final = "its trainer was told to leave before all had begun to train."


class Vigil(threading.Thread):
    """Keeps one command connected to the others while their trainers begin.

    Args:
        company: The commands, which have met.
    """

    def __init__(self, company: Company) -> None:
        super().__init__(name="vigil", daemon=True)
        self._company = company
        self._lost: LostMember | None = None
        self._over: tuple[RunDirectory, subprocess.Popen[bytes]] | None = None

    def over(self, run: RunDirectory, trainer: "subprocess.Popen[bytes]") -> None:
        """Begin.

        Args:
            run: What this command's trainer writes its status into.
            trainer: This command's own; it is told to leave if another one is lost.
        """
        self._over = run, trainer
        self.start()

    def run(self) -> None:
        """Wait until the trainer is at work, or ends, or another command is lost."""
        if self._over is None:
            return
        run, trainer = self._over
        while trainer.poll() is None:
            status = newest_status(run)
            if status is not None and status.pid == trainer.pid and status.state in _AT_WORK:
                self._company.leave(0)
                return
            if (lost := self._company.lost) is not None:
                self._lost = lost
                trainer.terminate()
                return
            time.sleep(_INTERVAL)
        self._company.leave(*_farewell(newest_status(run), trainer))

    def loss(self) -> LostMember | None:
        """For whose sake this command's trainer, which has ended, was told to leave, if it was.

        Waits until the others have been told of it.
        """
        if self._over is not None:
            self.join()
        return self._lost


def _farewell(status: RunStatus | None, trainer: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """What the others are told of a trainer that has ended: exit code and sentence."""
    code = trainer.returncode
    state = status.state if status is not None and status.pid == trainer.pid else None
    if code in {ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED}:
        if state is RunState.FINISHED:
            return int(ExitCode.OK), ""
        return int(ExitCode.UNEXPECTED), _EARLY  # the others have not agreed on it
    told = status.message if status is not None and state is RunState.FAILED else ""
    return code if code > 0 else int(ExitCode.UNEXPECTED), told
