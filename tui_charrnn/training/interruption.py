"""Signals as flags that the loop looks at: nothing is saved inside a signal handler."""

import contextlib
import signal
import threading
import time
from enum import StrEnum
from types import FrameType

from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.description import RunState


class Reason(StrEnum):
    """Why a run is left before it is done."""

    STOPPED = "stopped"
    """On request, from `control/`."""
    PREEMPTED = "preempted"
    """SIGTERM, SIGUSR1 or SIGUSR2, as schedulers send before they take a machine away."""
    TIME_LIMIT = "time limit"
    INTERRUPTED = "interrupted"
    """SIGINT: Ctrl-C."""

    @property
    def state(self) -> RunState:
        """What the run's state becomes."""
        return _STATES[self]

    @property
    def exit_code(self) -> ExitCode:
        """How the trainer's process ends."""
        return _EXIT_CODES[self]


_STATES = {
    Reason.STOPPED: RunState.STOPPED,
    Reason.PREEMPTED: RunState.SAVED,
    Reason.TIME_LIMIT: RunState.SAVED,
    Reason.INTERRUPTED: RunState.INTERRUPTED,
}
_EXIT_CODES = {
    Reason.STOPPED: ExitCode.OK,
    Reason.PREEMPTED: ExitCode.RESUME_ME,
    Reason.TIME_LIMIT: ExitCode.RESUME_ME,
    Reason.INTERRUPTED: ExitCode.INTERRUPTED,
}
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT)


class Interruption:
    """The first reason to leave that came up, if any.

    Saving from within a handler can meet a half-updated model or a lock that is held, so handlers
    only set the flag. A second SIGINT means "now": it raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.reason: Reason | None = None
        # a plain lock, released to wake a sleeper: an Event's own lock may be held by the code
        # that a signal interrupts
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def request(self, reason: Reason) -> None:
        """Ask to leave; the first reason stands."""
        self._note(self.reason or reason)

    def _note(self, reason: Reason) -> None:
        self.reason = reason
        with contextlib.suppress(RuntimeError):  # it is awake
            self._sleep.release()

    def is_requested(self) -> bool:
        """Whether to leave at the next step boundary."""
        return self.reason is not None

    def check(self, deadline: float | None) -> Reason | None:
        """Why to leave, perhaps because a deadline on the clock `time.monotonic` is over."""
        if deadline is not None and time.monotonic() >= deadline:
            self.request(Reason.TIME_LIMIT)
        return self.reason

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until there is a reason to leave."""
        if self.reason is None:
            self._sleep.acquire(timeout=seconds)

    def listen(self) -> None:
        """Take over the signals of this process."""
        for number in _SIGNALS:
            signal.signal(number, self._preempt)
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal is no reason to stop

    def conclude(self) -> None:
        """Listen no more: the run has ended, and how it ended is settled."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _preempt(self, _number: int, _frame: FrameType | None) -> None:
        self.request(Reason.PREEMPTED)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.reason is Reason.INTERRUPTED:
            raise KeyboardInterrupt
        self._note(Reason.INTERRUPTED)
