"""Which characters are to be read next, of those that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK: Final = 64
"""Characters that are read before anybody hears of it."""


class Passage(NamedTuple):
    """Characters of a branch, from one position to another."""

    branch: int
    start: int
    stop: int


def find_gap(
    wanted: Passage, is_known: Callable[[int], bool], at: tuple[int, int] | None
) -> Passage | None:
    """The last characters of a passage that are not known, `CHUNK` at most; None if all are.

    Args:
        wanted: The passage.
        is_known: Says so of a position on its branch.
        at: Branch and position from which reading on costs least: what is reached from there soon
            is read from there.
    """
    branch, first, stop = wanted
    while stop > first and is_known(stop - 1):
        stop -= 1
    if stop <= first:
        return None
    if at is not None and at[0] == branch and 0 <= stop - at[1] - 1 < 2 * CHUNK:
        return Passage(branch, at[1], min(at[1] + CHUNK, stop))
    start = stop
    while start > max(first, stop - CHUNK) and not is_known(start - 1):
        start -= 1
    return Passage(branch, start, stop)
