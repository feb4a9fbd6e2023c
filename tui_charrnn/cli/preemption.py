"""How a command leaves in good order while there is no trainer yet that would save."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from tui_charrnn.cli.output import leave_terminal
from tui_charrnn.errors import PreemptedError
from tui_charrnn.runs.host import seconds_since_start

_PREEMPTIONS: Final = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""What schedulers send before they take a machine away."""
_SHORTEST: Final = 0.001
"""Seconds for whoever has no time left: enough to find that out, and to say so."""


def left_of(limit: float | None) -> float | None:
    """Seconds that are left of a time limit that counts from the start of this process."""
    return None if limit is None else max(_SHORTEST, limit - seconds_since_start())


@contextmanager
def preemptible(*, is_headless: bool) -> Iterator[None]:
    """End with 75 on a scheduler's signal, as a trainer does: the same command line begins again.

    Where a text is read or a run directory is made there is nothing to save, and what is half
    made is removed as after any other error. A terminal that is closed meanwhile (SIGHUP) is
    written to no more, and changes nothing else.

    Args:
        is_headless: Whether a scheduler may have started the command; otherwise nothing happens.
    """
    if not is_headless:
        yield
        return
    handlers = {**dict.fromkeys(_PREEMPTIONS, _leave), signal.SIGHUP: _hang_up}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def within(limit: float | None) -> Iterator[None]:
    """End with 75 when a time limit, which counts from the start of this process, is over.

    Args:
        limit: Seconds; None for no limit.
    """
    if limit is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, _run_out)
    signal.setitimer(signal.ITIMER_REAL, left_of(limit) or _SHORTEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise PreemptedError(_words(signal.Signals(number).name + " came"))


def _run_out(_number: int, _frame: FrameType | None) -> None:
    raise PreemptedError(_words("The time limit was over"))


def _words(what: str) -> str:
    return (
        f"{what} while no trainer was at work: nothing had to be saved. Give the same command "
        "again to go on."
    )


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    leave_terminal()
