"""Whether a trainer lives, judged by what can be seen from here."""

import time
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from tui_charrnn.runs.description import RunStatus
from tui_charrnn.runs.host import boot_id, host_name, process_exists

Verdict: TypeAlias = Literal["alive", "silent", "lost", "ended"]
"""alive: a recent heartbeat; silent: none lately; lost: it must have died; ended: it ended."""

SILENT_AFTER: Final = 10.0
"""Seconds without a new beat: five heartbeats."""
LOST_AFTER: Final = 30.0
"""Seconds without a new beat, from another machine."""
LOST_ALTHOUGH_RUNNING_AFTER: Final = 300.0
"""Seconds without a new beat while a process of that number runs here: it may be stopped by a
debugger, starved, or waiting for a disk; or the number was given to a stranger."""


class Liveness:
    """Watches one run: a beat that changes is life, whatever the clocks of two machines say."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        process_exists: Callable[[int], bool] = process_exists,
    ) -> None:
        """Begin to watch.

        Args:
            clock: The viewer's own, in seconds.
            process_exists: Whether a process of a number runs on this machine.
        """
        self._clock, self._process_exists = clock, process_exists
        self._place = (host_name(), boot_id())
        self._heard: tuple[int, int, str] | None = None
        self._heard_at = clock()

    def judge(self, status: RunStatus | None) -> Verdict:
        """Take the newest state.json in and say how the trainer is.

        A trainer that is seen for the first time is taken to be alive until it stays silent.
        """
        now = self._clock()
        heard = (status.beat, status.pid, status.host) if status else None
        if heard != self._heard:
            self._heard, self._heard_at = heard, now
        if status is None:
            return _by_silence(now - self._heard_at, LOST_AFTER)
        return _judge(status, now - self._heard_at, self._place, self._process_exists)

    @property
    def silence(self) -> float:
        """Seconds since the beat last changed."""
        return self._clock() - self._heard_at


def judge_at_a_glance(status: RunStatus, age: float) -> Verdict:
    """Judge a run without watching it, as a list of many runs must.

    Args:
        status: Its state.json.
        age: Seconds since the file was replaced; only as true as two machines' clocks agree.
    """
    return _judge(status, age, (host_name(), boot_id()), process_exists)


def _judge(
    status: RunStatus,
    silence: float,
    place: tuple[str, str],
    process_exists: Callable[[int], bool],
) -> Verdict:
    if not status.state.is_live:
        return "ended"
    limit = LOST_AFTER
    is_here = status.pid > 0 and bool(place[1]) and (status.host, status.boot_id) == place
    if is_here:
        if not process_exists(status.pid):
            return "lost"
        limit = LOST_ALTHOUGH_RUNNING_AFTER
    return _by_silence(silence, limit)


def _by_silence(seconds: float, limit: float) -> Verdict:
    if seconds < SILENT_AFTER:
        return "alive"
    return "silent" if seconds < limit else "lost"
