"""What the exit codes of all workers come to."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import ExitCode

FINAL: Final = frozenset({
    ExitCode.USAGE,
    ExitCode.DATA,
    ExitCode.DIVERGED,
    ExitCode.LOCKED,
    ExitCode.CANNOT_SAVE,
})
"""Failures that beginning again would meet again."""
ASKED: Final = frozenset({ExitCode.OK, ExitCode.RESUME_ME, ExitCode.INTERRUPTED})
"""How a worker ends that did what it was asked for."""


@dataclass(frozen=True)
class Ending:
    """How one worker ended.

    Args:
        code: Its exit code; negative for the number of a signal.
        was_killed: Whether it had to be killed, as it did not end by itself.
    """

    code: int
    was_killed: bool = False

    @property
    def words(self) -> str:
        """The same for a sentence."""
        if self.was_killed:
            return "did not end by itself and was killed"
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    @property
    def is_death(self) -> bool:
        """Whether it ended for no reason that a worker ends for."""
        return self.was_killed or self.code not in {*FINAL, *ASKED}


@dataclass(frozen=True)
class Verdict:
    """What the launch comes to, or that all begin again.

    Args:
        code: The exit code.
        dead: The rank that died, if that is why.
    """

    code: int
    dead: int | None = None


def judge(endings: Mapping[int, Ending], order: Sequence[int], asked: int | None) -> Verdict:
    """Find out how a launch has ended.

    The chief writes the run: if it has finished, the run is. A failure that would come again goes
    before one that would not.

    Args:
        endings: Of all workers, by rank.
        order: Ranks in the order in which they ended.
        asked: The first signal that asked them to end, if any came.
    """
    if endings[0].code == ExitCode.OK and not endings[0].was_killed:
        return Verdict(int(ExitCode.OK))
    for rank in order:
        if endings[rank].code in FINAL:
            return Verdict(endings[rank].code)
    if asked is not None:
        is_interrupt = asked == signal.SIGINT
        return Verdict(int(ExitCode.INTERRUPTED if is_interrupt else ExitCode.RESUME_ME))
    for rank in order:
        if endings[rank].is_death:
            return Verdict(int(ExitCode.UNEXPECTED), rank)
    codes = {ending.code for ending in endings.values()}
    interrupted = ExitCode.INTERRUPTED in codes
    return Verdict(int(ExitCode.INTERRUPTED if interrupted else ExitCode.RESUME_ME))
