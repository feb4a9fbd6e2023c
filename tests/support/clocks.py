"""Clocks that do not go by themselves."""

from collections.abc import Callable


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so much with every look."""
    now = 0.0

    def look() -> float:
        nonlocal now
        now += seconds
        return now

    return look
