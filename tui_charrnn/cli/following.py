"""Supervises a trainer process for a command, and handles signals before and while it runs."""

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Final

from tui_charrnn.cli.output import discard_terminal_output
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import BrokenClusterError, ExitCode, PreemptedError, RunError
from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import seconds_since_start
from tui_charrnn.runs.reader import read_status
from tui_charrnn.training.distributed.placement import JointTask, split_address
from tui_charrnn.training.interruption import (
    EXIT_SIGNALS,
    PREEMPTION_SIGNALS,
    RepeatedInterrupt,
)

POLL_INTERVAL: Final = 0.1  # seconds
START_TIMEOUT: Final = 10.0
"""Seconds that --detach waits for a trainer to lock its run."""

_Handler = Callable[[int, FrameType | None], object]
STOPPED_TIMEOUT: Final = 30.0
"""Seconds after which a stopped trainer is killed: the others have continued without it."""
_CONNECT_TIMEOUT: Final = 1.0
"""Seconds to wait for an address to accept a connection."""
_STOPPED: Final = (
    "The trainer was stopped for too long (SIGSTOP): the other processes continued without it, "
    "or ended. Its checkpoints are kept; run the same command for all processes to resume."
)
_EARLY: Final = "The process was stopped before all processes had connected: nothing was trained."
_MIN_SECONDS: Final = 0.001
"""The smallest time limit in seconds: a timer of 0 would never fire."""


def newest_status(run: RunDirectory, before: RunStatus | None = None) -> RunStatus | None:
    """Read the status of the trainer; return `before` if it cannot be read now."""
    try:
        return read_status(run)
    except (RunError, OSError):  # a network file system error; the trainer continues
        return before


class TrainerWatch:
    """Kills a trainer of a distributed training that cannot end by itself.

    While TensorFlow connects to other processes it blocks the interpreter, so neither the trainer's
    own time limit nor its signal handlers run. A trainer stopped by SIGSTOP does not run at all.

    The limit is in seconds after the start of this process.
    """

    def __init__(self, task: JointTask, limit: float | None = None) -> None:
        self._task, self._limit = task, limit
        self.verdict: BrokenClusterError | None = None
        """Why the trainer was killed, with the exit code of the command; None if it was not."""
        self._events = -1
        self._addresses = ""
        self._connecting_since: float | None = None
        self._stopped_since: float | None = None

    def launch(self, start: Callable[..., "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
        """Start the trainer: `start` gets options, and as `kept_open` the write end of a pipe."""
        self._events, events = os.pipe()
        os.set_blocking(self._events, False)
        task = replace(self._task, events=events)
        try:
            return start("--joint", task.to_json(), kept_open=[events])
        finally:
            os.close(events)

    def check(self, trainer: "subprocess.Popen[bytes]", leave_code: ExitCode | None) -> None:
        """Kill the trainer if necessary; `leave_code` is its exit code if it was asked to exit."""
        self._read_events()
        now = time.monotonic()
        if _is_stopped(trainer.pid):
            self._stopped_since = self._stopped_since or now
            if now - self._stopped_since >= STOPPED_TIMEOUT:
                self._kill(trainer, _STOPPED, ExitCode.RESUME_ME)
            return
        self._stopped_since = None
        if self._connecting_since is None:
            return
        if self._limit is not None and seconds_since_start() > self._limit:
            leave_code = leave_code or ExitCode.RESUME_ME
        if leave_code is not None:
            self._kill(trainer, _EARLY, leave_code)
        elif now - self._connecting_since >= self._task.meet_within:
            self._kill(trainer, self._missing(), ExitCode.RESUME_ME)

    def _read_events(self) -> None:
        """Read the pipe: the trainer writes all addresses, connects, and then closes it."""
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
        """Name the ranks that do not answer; asked while the trainer of this rank still does."""
        cluster = replace(self._task.cluster, addresses=tuple(self._addresses.split(",")))
        missing = [
            cluster.name_of(rank)
            for rank, address in enumerate(cluster.addresses)
            if rank != cluster.rank and not _answers(address)
        ]
        within = format_duration(self._task.meet_within)
        others = ", ".join(missing)
        problem = f"{others} did not answer" if missing else "Not all processes were connected"
        return f"{problem} within {within}. Start all ranks, or wait longer: --meet-within"


def _answers(address: str) -> bool:
    try:
        socket.create_connection(split_address(address), timeout=_CONNECT_TIMEOUT).close()
    except OSError:
        return False
    return True


def _is_stopped(pid: int) -> bool:
    """Return whether a child process is stopped by a signal; always False without waitid."""
    if not hasattr(os, "waitid"):
        return False
    with suppress(ChildProcessError):
        options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, pid, options) is not None
    return False


def supervise(
    launch: Callable[[], "subprocess.Popen[bytes]"],
    notify: Callable[[str], None],
    watch: TrainerWatch | None,
    on_poll: Callable[[], None] = lambda: None,
) -> int:
    """Start a trainer and wait until it ends; `on_poll` is called at every poll.

    SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 are forwarded to the trainer, which runs in its own
    session. Once the terminal is closed nothing is written to it. If this process dies, the trainer
    continues.

    Returns:
        The exit code of the trainer; negative if a signal that was not forwarded ended it.

    Raises:
        StorageError: If the trainer cannot be started.
    """
    relay, has_ended = _SignalRelay(), False
    with _handling(dict.fromkeys(EXIT_SIGNALS, relay.on_signal)):
        trainer = relay.forward_to(launch())
        while not has_ended:
            has_ended = trainer.poll() is not None
            if watch is not None and not has_ended:
                watch.check(trainer, relay.leave_code)
            with ignoring_closed_terminal():
                relay.report(notify)
                on_poll()
            if not has_ended:
                time.sleep(POLL_INTERVAL)
    return relay.exit_code(trainer.returncode)


@contextmanager
def ignoring_closed_terminal() -> Iterator[None]:
    """Ignore the error of writing to a closed terminal, and discard later output to it."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        discard_terminal_output()


def wait_for_start(run: RunDirectory, trainer: "subprocess.Popen[bytes]") -> int | None:
    """Wait, up to `START_TIMEOUT`, until a trainer has locked its run.

    Returns:
        The exit code of the trainer if it has ended; None if it is running.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while trainer.poll() is None and time.monotonic() < deadline:
        status = newest_status(run)
        if status is not None and status.pid == trainer.pid:
            break  # a trainer writes its process ID only while it holds the lock
        time.sleep(POLL_INTERVAL)
    return trainer.poll()


class _SignalRelay:
    """Forwards signals to a trainer; keeps those that arrive before it has started."""

    def __init__(self) -> None:
        self._trainer: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._interrupts = RepeatedInterrupt()
        self._sentence = self._reported = ""
        self._forwarded: set[int] = set()

    def forward_to(self, trainer: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
        """Forward the early signals, and later ones as they arrive; return the trainer."""
        self._trainer = trainer
        for number in self._early:
            self._forward(trainer, number)
        return trainer

    def report(self, notify: Callable[[str], None]) -> None:
        """Notify the user of the newest interrupt; a handler may interrupt another write."""
        if self._sentence != self._reported:
            self._reported = self._sentence
            notify(self._sentence)

    @property
    def leave_code(self) -> ExitCode | None:
        """The exit code of a trainer after the forwarded signals; None if there were none."""
        if not self._forwarded:
            return None
        only_interrupt = self._forwarded == {signal.SIGINT}
        return ExitCode.INTERRUPTED if only_interrupt else ExitCode.RESUME_ME

    def exit_code(self, returncode: int) -> int:
        """Convert the return code of a trainer to its exit code.

        A forwarded signal may end a trainer before it installs its handlers. Nothing had to be
        saved then, so the exit code is the one after a handled signal.
        """
        if -returncode not in self._forwarded:
            return returncode
        is_interrupt = -returncode == signal.SIGINT
        return int(ExitCode.INTERRUPTED if is_interrupt else ExitCode.RESUME_ME)

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Forward a signal, and keep the message on a SIGINT for `report`."""
        if self._trainer is None:
            self._early.append(number)
        else:
            self._forward(self._trainer, number)
        if number == signal.SIGINT:
            is_second = self._interrupts.is_repeated()
            first = "Saving and stopping. Ctrl-C again: stop now."
            self._sentence = "Stopping." if is_second else first

    def _forward(self, trainer: "subprocess.Popen[bytes]", number: int) -> None:
        if trainer.poll() is None:
            trainer.send_signal(number)
            self._forwarded.add(number)


def _seconds_left(limit: float) -> float:
    """Return the seconds left until a limit, in seconds after the start of this process."""
    return max(_MIN_SECONDS, limit - seconds_since_start())


def time_options(limit: float | None) -> list[str]:
    """Return the options of a trainer for the time left until a limit; none for None."""
    return [] if limit is None else ["--max-time", f"{_seconds_left(limit):.3f}"]


def handle_preemption() -> AbstractContextManager[None]:
    """Exit with 75 on a scheduler's signal, as a trainer does.

    Before a trainer has started there is nothing to save, and incomplete files are removed as after
    any other error. After SIGHUP nothing is written to the terminal.
    """
    return _handling({
        **dict.fromkeys(PREEMPTION_SIGNALS, _exit_preempted),
        signal.SIGHUP: lambda *_: discard_terminal_output(),
    })


@contextmanager
def time_limit(limit: float | None) -> Iterator[None]:
    """Exit with 75 at `limit` seconds after the start of this process; None sets no limit."""
    if limit is None:
        yield
        return
    with _handling({signal.SIGALRM: _exit_preempted}):
        signal.setitimer(signal.ITIMER_REAL, _seconds_left(limit))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)


@contextmanager
def _handling(handlers: Mapping[signal.Signals, _Handler]) -> Iterator[None]:
    """Install signal handlers for the duration of the context."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit_preempted(number: int, _frame: FrameType | None) -> None:
    is_timer = number == signal.SIGALRM
    event = "The time limit was reached" if is_timer else f"{signal.Signals(number).name} came"
    raise PreemptedError(
        f"{event} while no trainer was running: nothing had to be saved. Run the same command "
        "again to resume."
    )
