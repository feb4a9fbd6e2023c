"""Leaves in the place of a main thread that native code holds, as a first compilation does.

A signal handler runs between two instructions of Python, and what it sets is looked at between two
steps. While TensorFlow compiles a large network or a disk does not answer, there is none of either
for a minute, and a scheduler that gave half of one takes the process away without an exit code that
says "again". Nothing is lost by leaving then, where what was trained is saved already.
"""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from typing import Final, Self

from tui_charrnn.training.interruption import LISTENED_TO, Insistence, Interruption, Reason

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

        Args:
            interruption: What the main thread looks at.
            deadline: When to leave, on the clock `time.monotonic`.
            leave: Ends the process, for a reason and its cause; called in this thread.
            patience: Seconds that the main thread is given.
        """
        self._interruption, self._deadline, self._leave = interruption, deadline, leave
        self._patience = patience
        self._insistence, self._is_insisted = Insistence(), False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="held thread", daemon=True)

    def __enter__(self) -> Self:
        """Begin to wait."""
        if self._interruption.signals is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait no more."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._closing.is_set():
            number = self._next_signal()
            if number is None and not self._is_late():
                continue
            self._give_patience(lambda: self._interruption.is_heeded or self._is_insisted)
            if self._is_insisted:  # "now", whatever is saved; it would have by itself if it could
                self._give_patience(lambda: False)
                self._leave_for(Reason.INTERRUPTED, signal.SIGINT.name)
                return
            if not self._interruption.is_heeded and self._interruption.is_saved():
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

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _next_signal(self) -> int | None:
        """The next number out of the pipe; None if none comes within a moment."""
        pipe = self._interruption.signals
        if pipe is None or not select.select([pipe], [], [], _LOOK)[0]:
            return None
        with contextlib.suppress(OSError):
            number = os.read(pipe, 1)[0]
            if number == signal.SIGINT:
                self._is_insisted = self._insistence.interrupts() or self._is_insisted
            return number if number in LISTENED_TO else None
        return None

    def _give_patience(self, is_seen: Callable[[], bool]) -> None:
        """Wait for the main thread; signals are read on, as it matters when they come."""
        end = time.monotonic() + self._patience
        while time.monotonic() < end and not self._closing.is_set() and not is_seen():
            self._next_signal()
