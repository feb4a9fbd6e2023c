"""Follows a run directory in a thread and tells the screen what is new in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.message import Message

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.liveness import Liveness, Verdict
from tui_charrnn.runs.reader import RunReader, read_description, read_status

if TYPE_CHECKING:
    from tui_charrnn.runs.batch_stretch import RecordOrBatch
    from tui_charrnn.runs.description import RunDescription, RunStatus
    from tui_charrnn.runs.layout import RunDirectory

POLL_INTERVAL: Final = 0.5  # seconds
RETRY_INTERVAL: Final = 2.0  # seconds, after a failure
_READ_AT_ONCE: Final = 1 << 18  # bytes of events.jsonl, decoded in some 5 ms
_PIECE_TIME: Final = 0.1  # seconds of reading a long log between two pictures of it
_CLOCK_INTERVAL: Final = 1.0  # seconds; a live run is told of at least so often, for its clock


class RunRead(Message):
    """Something is new in a run directory."""

    def __init__(
        self,
        feed: RunFeed,
        records: tuple[RecordOrBatch, ...],
        status: RunStatus | None,
        life: Verdict,
        *,
        is_history: bool,
        starts_over: bool = False,
    ) -> None:
        self.feed = feed
        self.records = records
        self.status = status
        self.life = life
        self.is_history = is_history
        """Whether these records were written before the app looked for the first time."""
        self.starts_over = starts_over
        """Whether the log is another file than before: what was read from it is void."""
        super().__init__()


class RunDescribed(Message):
    """What a run trains on what has been read."""

    def __init__(self, feed: RunFeed, description: RunDescription) -> None:
        self.feed = feed
        self.description = description
        super().__init__()


class RunUnreadable(Message):
    """A run directory cannot be followed."""

    def __init__(self, feed: RunFeed, error: Exception) -> None:
        self.feed = feed
        self.error = error
        super().__init__()


class RunFeed:
    """A thread that looks into a run directory twice a second.

    The thread waits until the screen has taken what it told, so that a long log fills in piece by
    piece and a screen that stands still is not buried. What the trainer says of itself comes with
    the first piece. It is a daemon: a read that hangs on a dead network drive keeps nobody.
    """

    def __init__(
        self,
        run: RunDirectory,
        announce: Callable[[Message], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the run; `start` follows it.

        Args:
            run: The run directory to look into.
            announce: Posts a message to the screen; safe to call from any thread.
            clock: Seconds, monotonic.
        """
        self.run = run
        self._announce = announce
        self._clock = clock
        self._reader = RunReader(run)
        self._restarts = 0
        self._liveness = Liveness(clock)
        self._stopping = threading.Event()
        self._taken = threading.Event()
        self._has_caught_up = False
        self._is_behind = True
        """Whether more is to be read at once."""
        self._told: tuple[RunStatus | None, Verdict] | None = None
        self._told_at = 0.0

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._follow, daemon=True, name="run-feed").start()

    def stop(self) -> None:
        """Look no more; nothing is told after this."""
        self._stopping.set()
        self._taken.set()

    def taken(self) -> None:
        """Say that the last message has been dealt with."""
        self._taken.set()

    def _follow(self) -> None:
        is_described = False
        while not self._stopping.is_set():
            try:
                if not is_described:
                    self._tell(RunDescribed(self, read_description(self.run)))
                    is_described = True
                self._look()
                pause = 0.0 if self._is_behind else POLL_INTERVAL
            except (CharRNNError, OSError) as error:  # a network drive may come back
                self._tell(RunUnreadable(self, error))
                pause = RETRY_INTERVAL
            self._stopping.wait(pause)

    def _look(self) -> None:
        """Read once and tell what is new."""
        status = read_status(self.run)  # before the records: whoever has ended wrote them all
        records = self._read_piece()
        life: Verdict = self._liveness.judge(status)
        now = self._clock()
        is_due = life in {"alive", "silent"} and now - self._told_at >= _CLOCK_INTERVAL
        starts_over = self._reader.restarts > self._restarts
        if records or is_due or starts_over or self._told != (status, life):
            self._told, self._told_at = (status, life), now
            self._restarts = self._reader.restarts
            self._tell(
                RunRead(
                    self,
                    records,
                    status,
                    life,
                    is_history=not self._has_caught_up,
                    starts_over=starts_over,
                )
            )
        self._has_caught_up = self._has_caught_up or not self._is_behind

    def _read_piece(self) -> tuple[RecordOrBatch, ...]:
        """Read as much of what is new as makes one picture; of the first, the beginning."""
        told: list[RecordOrBatch] = []
        end = self._clock() + (0.0 if self._told is None else _PIECE_TIME)
        is_behind = True
        while is_behind:
            behind, restarts = self._reader.behind, self._reader.restarts
            try:
                new = self._reader.read_new_stretches(_READ_AT_ONCE)
            except (CharRNNError, OSError):
                if not told:
                    raise
                break  # what was read would be lost; the next look fails again, or does not
            told = new if self._reader.restarts > restarts else told + new
            # a line that a dead trainer left torn is behind for ever
            is_behind = self._reader.behind not in {0, behind}
            if self._clock() >= end:
                break
        self._is_behind = is_behind
        return tuple(told)

    def _tell(self, message: Message) -> None:
        """Post a message and wait until the screen has taken it."""
        self._taken.clear()
        if not self._stopping.is_set():
            self._announce(message)
            self._taken.wait()
