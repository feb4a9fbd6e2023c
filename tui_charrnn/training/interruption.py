"""Signals as flags that the training loop checks; signal handlers save nothing.

The loop checks the flags between steps. While TensorFlow compiles a large network, or a disk hangs,
this may take a minute; a scheduler with a shorter grace period would kill the process without a
resumable exit code. Therefore a watchdog thread ends the process in place of the main thread, if
all progress is already saved.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from types import FrameType
from typing import Final, Self

from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState


class Reason(StrEnum):
    """Why a trainer exits before the run is finished; the value is that of `RunPreempted.cause`.

    Schedulers send SIGTERM, SIGUSR1 or SIGUSR2 before they end a job; SIGINT is Ctrl-C.
    """

    state: RunState
    """The run's state afterwards."""

    exit_code: ExitCode
    """Exit code of the trainer's process."""

    def __new__(cls, value: str, state: RunState, exit_code: ExitCode) -> Self:
        """Create a member whose value is its name in records."""
        reason = str.__new__(cls, value)
        reason._value_, reason.state, reason.exit_code = value, state, exit_code
        return reason

    STOPPED = "request", RunState.STOPPED, ExitCode.OK
    """On request, from `control/`; recorded by its answer, not by a `RunPreempted`."""
    SIGTERM = "SIGTERM", RunState.SAVED, ExitCode.RESUME_ME
    SIGUSR1 = "SIGUSR1", RunState.SAVED, ExitCode.RESUME_ME
    SIGUSR2 = "SIGUSR2", RunState.SAVED, ExitCode.RESUME_ME
    TIME_LIMIT = "time limit", RunState.SAVED, ExitCode.RESUME_ME
    SIGINT = "SIGINT", RunState.INTERRUPTED, ExitCode.INTERRUPTED

    @classmethod
    def of_signal(cls, number: int) -> Self:
        """Return the reason that a signal of `EXIT_SIGNALS` gives."""
        return cls[signal.Signals(number).name]


class LeavingError(Exception):
    """The trainer must exit, and has nothing to save yet."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


PREEMPTION_SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that schedulers send before they end a job."""
EXIT_SIGNALS: Final = (*PREEMPTION_SIGNALS, signal.SIGINT)
"""Signals that make the trainer exit."""

ECHO_TIME: Final = 1.0
"""Seconds after a SIGINT in which further ones count as duplicates. A scheduler may send it to
every process of a job; the trainer then gets it directly and from the command that started it."""


class RepeatedInterrupt:
    """Distinguishes a second SIGINT, which means exit immediately, from duplicates of the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def is_repeated(self) -> bool:
        """Register a SIGINT, and return whether it is a second one and not a duplicate."""
        now = self._clock()
        if self._first is None:
            self._first = now
        return now - self._first >= ECHO_TIME


class Interruption:
    """The first reason to exit, if any.

    Handlers only set this flag, as saving in a handler could meet a half-updated model or a held
    lock. A second SIGINT raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.deadline: float | None = None
        """When to exit, on the clock `time.monotonic`."""
        self.on_leaving: Callable[[Reason], None] = lambda _reason: None
        """Called once by `check` with the reason, before the caller acts on it."""
        self.ask_others: Callable[[], None] = lambda: None
        """Called by `check`, to receive reasons of other processes; raises if one is lost."""
        self.is_saved: Callable[[], bool] = lambda: True
        """Whether exiting now would lose no training."""
        self.signals: int | None = None
        """Descriptor of a pipe that receives signal numbers, even while native code blocks the main
        thread and its handlers; None before `listen`."""
        self.is_noticed = False
        """Whether the main thread has seen the reason in `check`."""
        self._interrupts = RepeatedInterrupt()
        # a plain lock, released to wake the sleeper: the interrupted code may hold an Event's lock
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def request(self, reason: Reason) -> None:
        """Request to exit; only the first reason counts."""
        if self.reason is None:
            self._set_reason(reason)

    def _set_reason(self, reason: Reason) -> None:
        self.reason = reason
        with contextlib.suppress(RuntimeError):  # not sleeping
            self._sleep.release()

    def check(self) -> Reason | None:
        """Return the reason to exit, if any."""
        if self.deadline is not None and time.monotonic() >= self.deadline:
            self.request(Reason.TIME_LIMIT)
        self.ask_others()
        if self.reason is not None and not self.is_noticed:
            self.is_noticed = True
            self.on_leaving(self.reason)
        return self.reason

    def check_cancelled(self) -> None:
        """Raise if there is a reason to exit; for work that saves nothing.

        Raises:
            LeavingError: If there is one.
        """
        if reason := self.check():
            raise LeavingError(reason)

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until there is a reason to exit."""
        if self.reason is None:
            self._sleep.acquire(timeout=seconds)

    def listen(self) -> None:
        """Install the signal handlers and the pipe of signal numbers."""
        self.signals, written_to = os.pipe()
        os.set_blocking(written_to, False)
        signal.set_wakeup_fd(written_to, warn_on_full_buffer=False)
        self.take_over()

    def take_over(self) -> None:
        """Install the signal handlers, again if a library has replaced one."""
        for number in PREEMPTION_SIGNALS:
            signal.signal(number, self._preempt)
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # continue when the terminal is closed

    def conclude(self) -> None:
        """Ignore signals from now on, as the run has ended."""
        for number in EXIT_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)

    def _preempt(self, number: int, _frame: FrameType | None) -> None:
        self.request(Reason.of_signal(number))

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._interrupts.is_repeated():
            raise KeyboardInterrupt
        self._set_reason(Reason.SIGINT)


PATIENCE: Final = 5.0
"""Seconds that the main thread has to notice a signal or a time limit."""
_POLL: Final = 0.05  # seconds


class SignalWatchdog:
    """Context manager with a thread that exits if the main thread is blocked.

    `leave` is called in this thread with the reason, and ends the process. The main thread has
    `PATIENCE` to react to a signal or the deadline first. Without `Interruption.listen` before,
    there is no thread.
    """

    def __init__(self, interruption: Interruption, leave: Callable[[Reason], None]) -> None:
        self._interruption, self._leave = interruption, leave
        self._is_deadline_handled = False
        self._interrupts, self._is_repeated = RepeatedInterrupt(), False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="signal watchdog", daemon=True)

    def __enter__(self) -> Self:
        if self._interruption.signals is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._closing.is_set():
            number, deadline = self._next_signal(), self._interruption.deadline
            if self._is_deadline_handled:
                deadline = None
            if number is None and (deadline is None or time.monotonic() < deadline):
                continue
            self._wait_for_main(lambda: self._interruption.is_noticed or self._is_repeated)
            if self._is_repeated:  # exit even if not saved; the main thread gets one more wait
                self._wait_for_main(lambda: False)
                self._leave_for(Reason.SIGINT)
                return
            if not self._interruption.is_noticed and self._interruption.is_saved():
                own = Reason.TIME_LIMIT if number is None else Reason.of_signal(number)
                self._leave_for(self._interruption.reason or own)
            if number is None:
                self._is_deadline_handled = True

    def _leave_for(self, reason: Reason) -> None:
        if not self._closing.is_set():
            self._leave(reason)

    def _next_signal(self) -> int | None:
        """Return the next signal number in the pipe; None if there is none within `_POLL`."""
        pipe = self._interruption.signals
        if pipe is None or not select.select([pipe], [], [], _POLL)[0]:
            return None
        with contextlib.suppress(OSError):
            number = os.read(pipe, 1)[0]
            if number == signal.SIGINT:
                self._is_repeated = self._interrupts.is_repeated() or self._is_repeated
            return number if number in EXIT_SIGNALS else None
        return None

    def _wait_for_main(self, is_noticed: Callable[[], bool]) -> None:
        """Wait for the main thread, and keep reading signals, as their times matter."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self._closing.is_set() and not is_noticed():
            self._next_signal()
