"""Signals as flags that the loop looks at: nothing is saved inside a signal handler."""

import signal
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

    def request(self, reason: Reason) -> None:
        """Ask to leave; the first reason stands."""
        self.reason = self.reason or reason

    def is_requested(self) -> bool:
        """Whether to leave at the next step boundary."""
        return self.reason is not None

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
        self.reason = Reason.INTERRUPTED
