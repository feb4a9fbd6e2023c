"""Ends a trainer that waits for other processes and cannot end by itself.

TensorFlow holds the interpreter while it connects: neither a time limit of ours nor a signal's
handler is of use then. And a trainer that was stopped (SIGSTOP) does nothing at all.
"""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from tui_charrnn.durations import format_duration
from tui_charrnn.errors import BrokenClusterError, ExitCode
from tui_charrnn.runs.host import seconds_since_start
from tui_charrnn.training.distributed.placement import JointTask, split_address

STOPPED_FOR: Final = 30.0
"""Seconds after which a stopped trainer is ended: the others have continued without it."""
_ANSWER: Final = 1.0
"""Seconds that an address is given to take a connection."""
_STOPPED: Final = (
    "The trainer was stopped from outside for too long (SIGSTOP): the other processes have gone on "
    "without it, or ended. What was saved is kept; the same command on all of them goes on from "
    "there."
)
_EARLY: Final = "It was told to leave before all processes were there: nothing was trained."


class TrainerWatch:
    """Looks after one trainer, which trains together with others and is to leave at a limit.

    The limit is in seconds after the start of this process.
    """

    def __init__(self, task: JointTask, limit: float | None = None) -> None:
        self._task, self._limit = task, limit
        self.verdict: BrokenClusterError | None = None
        """Why the trainer was killed, and the exit code in place of its own."""
        self._events = -1
        self._addresses = ""
        self._connecting_since: float | None = None
        self._stopped_since: float | None = None

    def launch(
        self, start: Callable[[JointTask], "subprocess.Popen[bytes]"]
    ) -> "subprocess.Popen[bytes]":
        """Start the trainer, which is to inherit the descriptor that its task names."""
        self._events, events = os.pipe()
        os.set_blocking(self._events, False)
        try:
            return start(replace(self._task, events=events))
        finally:
            os.close(events)

    def look(self, trainer: "subprocess.Popen[bytes]", leaving: ExitCode | None) -> None:
        """End the trainer if necessary; `leaving` is its exit code if it was asked to leave."""
        self._read_events()
        now = time.monotonic()
        if _is_stopped(trainer.pid):
            self._stopped_since = self._stopped_since or now
            if now - self._stopped_since >= STOPPED_FOR:
                self._kill(trainer, _STOPPED, ExitCode.RESUME_ME)
            return
        self._stopped_since = None
        if self._connecting_since is None:
            return
        if self._limit is not None and seconds_since_start() > self._limit:
            leaving = leaving or ExitCode.RESUME_ME
        if leaving is not None:
            self._kill(trainer, _EARLY, leaving)
        elif now - self._connecting_since >= self._task.meet_within:
            self._kill(trainer, self._missing(), ExitCode.RESUME_ME)

    def _read_events(self) -> None:
        """The trainer writes all addresses before it connects, and closes the pipe after that."""
        with suppress(BlockingIOError):
            while read := os.read(self._events, 1 << 16):
                self._addresses += read.decode()
                self._connecting_since = time.monotonic()
            self._connecting_since = None

    def _kill(self, trainer: "subprocess.Popen[bytes]", sentence: str, code: ExitCode) -> None:
        self.verdict = BrokenClusterError(sentence)
        self.verdict.exit_code = code
        trainer.kill()
        trainer.wait()

    def _missing(self) -> str:
        """Who does not answer, asked while this process's own trainer still does."""
        cluster = replace(self._task.cluster, addresses=tuple(self._addresses.split(",")))
        missing = [
            cluster.name_of(rank)
            for rank, address in enumerate(cluster.addresses)
            if rank != cluster.rank and not _answers(address)
        ]
        within = format_duration(self._task.meet_within)
        others = ", ".join(missing)
        told = f"{others} did not answer" if missing else "Not all processes were connected"
        return f"{told} within {within}. Start all ranks, or wait longer: --meet-within"


def _answers(address: str) -> bool:
    try:
        socket.create_connection(split_address(address), timeout=_ANSWER).close()
    except OSError:
        return False
    return True


def _is_stopped(pid: int) -> bool:
    """Whether a child process was stopped by a signal and not continued; on Linux."""
    if not hasattr(os, "waitid"):
        return False
    with suppress(ChildProcessError):
        options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, pid, options) is not None
    return False
