"""Signals as flags that the loop looks at: nothing is saved inside a signal handler.

What a handler sets is looked at between two steps. While TensorFlow compiles a large network, or a
disk does not answer, there is no such moment for a minute, and a scheduler that gave half of one
ends the process without an exit code that says "again". So a second thread leaves then in the place
of the main thread: nothing is lost where what was trained is saved already.
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
    """Why a run is left before it is done."""

    state: RunState
    """What the run's state becomes."""
    exit_code: ExitCode
    """How the trainer's process ends."""

    def __new__(cls, value: str, state: RunState, exit_code: ExitCode) -> Self:
        """Make a member whose value is its name for people."""
        reason = str.__new__(cls, value)
        reason._value_, reason.state, reason.exit_code = value, state, exit_code
        return reason

    STOPPED = "stopped", RunState.STOPPED, ExitCode.OK
    """On request, from `control/`."""
    PREEMPTED = "preempted", RunState.SAVED, ExitCode.RESUME_ME
    """SIGTERM, SIGUSR1 or SIGUSR2, as schedulers send before they take a machine away."""
    TIME_LIMIT = "time limit", RunState.SAVED, ExitCode.RESUME_ME
    INTERRUPTED = "interrupted", RunState.INTERRUPTED, ExitCode.INTERRUPTED
    """SIGINT: Ctrl-C."""


class LeavingError(Exception):
    """There is a reason to leave, and nothing yet that would have to be saved."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


_PREEMPTIONS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
LISTENED_TO: Final = (*_PREEMPTIONS, signal.SIGINT)
"""Signals that are reasons to leave."""
ECHO_TIME: Final = 1.0
"""Seconds after a SIGINT in which further ones are its echoes. A scheduler may send it to every
process of a job, and then a trainer has it from there and from the command that started it."""


class RepeatedInterrupt:
    """Tells a second SIGINT, which means "now", from an echo of the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def is_repeated(self) -> bool:
        """Note a SIGINT; the result is whether it is no echo, and not the first."""
        now = self._clock()
        if self._first is None:
            self._first = now
        return now - self._first >= ECHO_TIME


class Interruption:
    """The first reason to leave that came up, if any.

    Saving from within a handler can meet a half-updated model or a lock that is held, so handlers
    only set the flag. A second SIGINT raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self.cause = ""
        """What brought the reason up: the name of a signal, `time limit` or `request`."""
        self.on_leaving: Callable[[str], None] = lambda _cause: None
        """Called once with the cause, by `check`, before its caller acts on it."""
        self.ask_others: Callable[[], None] = lambda: None
        """Called by `check` before it looks: it may take reasons up that came up elsewhere."""
        self.is_saved: Callable[[], bool] = lambda: True
        """Whether a process that ended now would lose no training."""
        self.signals: int | None = None
        """Descriptor of a pipe of signal numbers, which come there even while native code holds
        the main thread and no handler can run; None before `listen`."""
        self.is_noticed = False
        """Whether the main thread acts on the reason; that a handler ran only sets the flag."""
        self._interrupts = RepeatedInterrupt()
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

    def check(self, deadline: float | None) -> Reason | None:
        """Why to leave, perhaps because a deadline on the clock `time.monotonic` is over."""
        self.ask_others()
        if deadline is not None and time.monotonic() >= deadline:
            self.request(Reason.TIME_LIMIT, Reason.TIME_LIMIT.value)
        if self.reason is not None and not self.is_noticed:
            self.is_noticed = True
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
        if self._interrupts.is_repeated():
            raise KeyboardInterrupt
        if self.reason is not Reason.INTERRUPTED:
            self._note(Reason.INTERRUPTED, signal.Signals(number).name)


PATIENCE: Final = 5.0
"""Seconds that the main thread is given to see a signal or a time limit by itself."""
_LOOK: Final = 0.05  # seconds


class HeldThread:
    """A thread that waits for signals beside the main one, while the context lasts.

    Without `Interruption.listen` there are no signals to wait for, and it does nothing.
    """

    def __init__(
        self,
        interruption: Interruption,
        deadline: float | None,
        leave: Callable[[Reason, str], None],
        *,
        patience: float = PATIENCE,
    ) -> None:
        """Name what is done in the place of the main thread.

        The deadline is on the clock `time.monotonic`; `leave` ends the process, for a reason and
        its cause, in this thread. The main thread is given `patience` seconds.
        """
        self._interruption, self._deadline, self._leave = interruption, deadline, leave
        self._patience = patience
        self._interrupts, self._is_repeated = RepeatedInterrupt(), False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="held thread", daemon=True)

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
            number = self._next_signal()
            is_late = self._deadline is not None and time.monotonic() >= self._deadline
            if number is None and not is_late:
                continue
            self._give_patience(lambda: self._interruption.is_noticed or self._is_repeated)
            if self._is_repeated:  # "now", whatever is saved; it would have by itself if it could
                self._give_patience(lambda: False)
                self._leave_for(Reason.INTERRUPTED, signal.SIGINT.name)
                return
            if not self._interruption.is_noticed and self._interruption.is_saved():
                self._leave_for(*self._reason_for(number))
            if number is None:
                self._deadline = None  # it was told; only signals are waited for from now on

    def _reason_for(self, number: int | None) -> tuple[Reason, str]:
        """The reason and the cause: those that the main thread would see, or what came here."""
        if self._interruption.reason is not None:
            return self._interruption.reason, self._interruption.cause
        if number is None:
            return Reason.TIME_LIMIT, Reason.TIME_LIMIT.value
        reason = Reason.INTERRUPTED if number == signal.SIGINT else Reason.PREEMPTED
        return reason, signal.Signals(number).name

    def _leave_for(self, reason: Reason, cause: str) -> None:
        if not self._closing.is_set():
            self._leave(reason, cause)

    def _next_signal(self) -> int | None:
        """The next number out of the pipe; None if none comes within a moment."""
        pipe = self._interruption.signals
        if pipe is None or not select.select([pipe], [], [], _LOOK)[0]:
            return None
        with contextlib.suppress(OSError):
            number = os.read(pipe, 1)[0]
            if number == signal.SIGINT:
                self._is_repeated = self._interrupts.is_repeated() or self._is_repeated
            return number if number in LISTENED_TO else None
        return None

    def _give_patience(self, is_seen: Callable[[], bool]) -> None:
        """Wait for the main thread; signals are read on, as it matters when they come."""
        end = time.monotonic() + self._patience
        while time.monotonic() < end and not self._closing.is_set() and not is_seen():
            self._next_signal()
