"""Signals as flags that the loop looks at: nothing is saved inside a signal handler."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from types import FrameType
from typing import Final

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


class LeavingError(Exception):
    """There is a reason to leave, and nothing yet that would have to be saved."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


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
_PREEMPTIONS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
LISTENED_TO: Final = (*_PREEMPTIONS, signal.SIGINT)
"""Signals that are reasons to leave."""
ECHO_TIME: Final = 1.0
"""Seconds after a SIGINT in which further ones are its echoes. A scheduler may send it to every
process of a job, and then a trainer has it from there and from the command that started it."""


class Insistence:
    """Tells a second SIGINT, which means "now", from an echo of the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def interrupts(self) -> bool:
        """Note a SIGINT; the result is whether it insists."""
        now = self._clock()
        if self._first is None:
            self._first = now
        return now - self._first >= ECHO_TIME


class Interruption:
    """The first reason to leave that came up, if any.

    Saving from within a handler can meet a half-updated model or a lock that is held, so handlers
    only set the flag. A SIGINT that insists raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.cause = ""
        """What brought the reason up: the name of a signal, `time limit` or `request`."""
        self.on_leaving: Callable[[str], None] = lambda _cause: None
        """Is told the cause once, by `check`, before whoever asked acts on it."""
        self.ask_others: Callable[[], None] = lambda: None
        """Called by `check` before it looks: it may take reasons up that came up elsewhere."""
        self.is_saved: Callable[[], bool] = lambda: True
        """Whether a process that ended now would lose no training."""
        self.signals: int | None = None
        """Descriptor of a pipe of signal numbers, which come there even while native code holds
        the main thread and no handler can run; None before `listen`."""
        self.is_heeded = False
        """Whether the main thread acts on the reason; that a handler ran only sets the flag."""
        self._insistence = Insistence()
        # a plain lock, released to wake a sleeper: an Event's own lock may be held by the code
        # that a signal interrupts
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def request(self, reason: Reason, cause: str = "request") -> None:
        """Ask to leave; the first reason stands."""
        if self.reason is None:
            self._note(reason, cause)

    def _note(self, reason: Reason, cause: str) -> None:
        self.reason, self.cause = reason, cause
        with contextlib.suppress(RuntimeError):  # it is awake
            self._sleep.release()

    def is_requested(self) -> bool:
        """Whether to leave at the next step boundary."""
        return self.reason is not None

    def check(self, deadline: float | None) -> Reason | None:
        """Why to leave, perhaps because a deadline on the clock `time.monotonic` is over."""
        self.ask_others()
        if deadline is not None and time.monotonic() >= deadline:
            self.request(Reason.TIME_LIMIT, Reason.TIME_LIMIT.value)
        if self.reason is not None and not self.is_heeded:
            self.is_heeded = True
            self.on_leaving(self.cause)
        return self.reason

    def check_cancelled(self, deadline: float | None) -> None:
        """Go on only while there is no reason to leave; for work of which nothing is saved.

        Raises:
            LeavingError: If there is one.
        """
        if reason := self.check(deadline):
            raise LeavingError(reason)

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until there is a reason to leave."""
        if self.reason is None:
            self._sleep.acquire(timeout=seconds)

    def listen(self) -> None:
        """Take over the signals of this process."""
        self.signals, written_to = os.pipe()
        os.set_blocking(written_to, False)
        signal.set_wakeup_fd(written_to, warn_on_full_buffer=False)
        self.take_over()

    def take_over(self) -> None:
        """Have the signals come here, also where a library has taken one of them for itself."""
        for number in _PREEMPTIONS:
            signal.signal(number, self._preempt)
        signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal is no reason to stop

    def conclude(self) -> None:
        """Listen no more: the run has ended, and how it ended is settled."""
        for number in LISTENED_TO:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)

    def _preempt(self, number: int, _frame: FrameType | None) -> None:
        self.request(Reason.PREEMPTED, signal.Signals(number).name)

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        if self._insistence.interrupts():
            raise KeyboardInterrupt
        if self.reason is not Reason.INTERRUPTED:
            self._note(Reason.INTERRUPTED, signal.Signals(number).name)
