"""A process of a cluster that is not with the others any more."""

from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import BrokenClusterError, ExitCode

AGREED: Final = frozenset({
    ExitCode.OK,
    ExitCode.DIVERGED,
    ExitCode.RESUME_ME,
    ExitCode.INTERRUPTED,
})
"""Ends that all processes come to in the same step, so that whoever is first left nobody alone."""
_SHARED: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Failures that starting again would meet again: all end with the code of whoever met them."""


@dataclass(frozen=True)
class LostMember:
    """Who was lost, and how the others end because of it.

    Args:
        rank: The process that is lost.
        address: Its `host:port`.
        sentence: What became of it, naming both.
        exit_code: With which the others leave.
    """

    rank: int
    address: str
    sentence: str
    exit_code: int

    def __str__(self) -> str:
        return self.sentence

    def error(self) -> BrokenClusterError:
        """The same as an error, with its exit code."""
        error = BrokenClusterError(self.sentence)
        error.exit_code = ExitCode(self.exit_code)
        return error


def left_with(rank: int, address: str, code: int, sentence: str) -> LostMember:
    """A process that told the others of a failure of its own before it ended."""
    told = f": {sentence}" if sentence else f" with exit code {code}."
    shared = code if code in _SHARED else int(ExitCode.RESUME_ME)
    return LostMember(rank, address, f"Rank {rank} ({address}) has ended{told}", shared)


def gone(rank: int, address: str) -> LostMember:
    """A process whose connection closed without a word."""
    sentence = (
        f"Rank {rank} ({address}) is gone without a word: it crashed, was killed, or its host is "
        "down. What was saved is kept; the same command on all of them goes on from there."
    )
    return LostMember(rank, address, sentence, int(ExitCode.RESUME_ME))


def silent(rank: int, address: str, seconds: float) -> LostMember:
    """A process that is connected and does not answer."""
    sentence = (
        f"Rank {rank} ({address}) has not been heard of for {seconds:g} seconds: it hangs, or the "
        "network between is down. What was saved is kept; the same command on all of them goes on "
        "from there."
    )
    return LostMember(rank, address, sentence, int(ExitCode.RESUME_ME))


def told_of(rank: int, address: str, sentence: str, exit_code: int) -> LostMember:
    """A process that the chief has found lost; an exit code that none can share becomes 75."""
    shared = exit_code if exit_code in _SHARED else int(ExitCode.RESUME_ME)
    return LostMember(rank, address, sentence, shared)
