"""The end of a trainer's log, read in a thread once it is wanted."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.log_tail import read_log_end
from tui_charrnn.tui.messages import RunChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.message import Message

    from tui_charrnn.runs.layout import RunDirectory

LOOKS: Final = (0.0, 2.0)
"""Seconds before each look: a traceback may be printed a moment after the run has failed."""
OLD_AFTER: Final = 5.0
"""Seconds after which the log is read again if it is asked for: the run may have failed twice."""


class LogExcerpt:
    """Reads the log of a run that is in trouble, so that the screen never waits for a disk."""

    def __init__(
        self,
        announce: Callable[[Message], object],
        *,
        looks: Sequence[float] = LOOKS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet.

        Args:
            announce: Posts a message to the screen; safe to call from any thread.
            looks: Seconds to wait before each look.
            clock: Seconds, monotonic.
        """
        self._announce = announce
        self._looks = tuple(looks)
        self._clock = clock
        self._key: tuple[RunDirectory, str] | None = None
        self._known: tuple[tuple[RunDirectory, str] | None, tuple[str, ...]] = None, ()
        """What was read last, and of what; replaced as one, by whichever thread."""
        self._asked_at = 0.0
        self._reader: threading.Thread | None = None

    def of(self, run: RunDirectory, trouble: str) -> tuple[str, ...]:
        """The last lines as far as they have been read; `RunChanged` is posted when they are.

        Args:
            run: The run.
            trouble: What it is in; the log is read again for another one.
        """
        key, now = (run, trouble), self._clock()
        read_of, lines = self._known
        known = lines if read_of == key else ()
        is_other = key != self._key
        is_old = now - self._asked_at >= OLD_AFTER
        # one reader at a time: on a dead network drive it never comes back
        if is_other or (is_old and not (self._reader and self._reader.is_alive())):
            self._key, self._asked_at = key, now
            self._reader = threading.Thread(
                target=self._read, args=key, daemon=True, name="log-excerpt"
            )
            self._reader.start()
        return known

    def _read(self, run: RunDirectory, trouble: str) -> None:
        for pause in self._looks:
            time.sleep(pause)
            lines = _read_end(run)
            if (run, trouble) != self._key:
                return
            known, self._known = self._known, ((run, trouble), lines)
            if self._known != known:
                self._announce(RunChanged())


def _read_end(run: RunDirectory) -> tuple[str, ...]:
    try:
        return tuple(read_log_end(run.log))
    except CharRNNError as error:
        return (str(error),)
