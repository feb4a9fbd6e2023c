"""How many training steps one call takes."""

from typing import Final

CALL_TIME: Final = 0.1
"""Seconds that a call takes at most: so long whoever asks for something waits for it."""


class CallLength:
    """As many steps as fit `CALL_TIME`, up to a limit, found out while training.

    A call that took long for another reason (the first is traced) only halves it.

    Args:
        limit: Steps that are never exceeded.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.steps = 1
        """Of the next call."""

    def note(self, steps: int, seconds: float) -> None:
        """A call of so many steps took so long."""
        expected = seconds / steps * self.steps
        if expected > CALL_TIME:
            self.steps = max(1, self.steps // 2)
        elif 2 * expected <= CALL_TIME:
            self.steps = min(self._limit, 2 * self.steps)
