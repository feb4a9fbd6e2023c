"""Reasons to leave that come up in one of several trainers, told to all in numbers.

They go with the gradients of a step, so the chief knows of a signal to any process once the step
that is under way is taken, and all leave at the same step.
"""

import signal
from collections.abc import Sequence
from typing import Final

from tui_charrnn.training.interruption import Interruption, Reason

_REASONS: Final = {
    signal.SIGTERM.name: Reason.PREEMPTED,
    signal.SIGUSR1.name: Reason.PREEMPTED,
    signal.SIGUSR2.name: Reason.PREEMPTED,
    signal.SIGINT.name: Reason.INTERRUPTED,
    Reason.TIME_LIMIT.value: Reason.TIME_LIMIT,
}
"""By their cause, in the order of the numbers."""


def vote(interruption: Interruption) -> list[float]:
    """This process's reason to leave, if it has one: 1 at its cause, 0 elsewhere."""
    return [float(cause == interruption.cause) for cause in _REASONS]


def take_up(votes: Sequence[float], interruption: Interruption) -> None:
    """Make another process's reason this one's.

    Args:
        votes: The mean over all processes.
        interruption: Takes the first cause that anybody has, unless there is a reason already.
    """
    for (cause, reason), share in zip(_REASONS.items(), votes, strict=True):
        if share > 0:
            interruption.request(reason, cause)
