"""The end of a trainer's log, read in a thread once it is wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_charrnn.errors import CharRNNError
from tui_charrnn.tui.messages import RunChanged

if TYPE_CHECKING:
    from textual.message import Message

    from tui_charrnn.runs.layout import RunDirectory


class LastWords:
    """Reads the log of a run that is in trouble, so that the screen never waits for a disk."""

    def __init__(self, announce: Callable[[Message], object]) -> None:
        """Read nothing yet.

        Args:
            announce: Posts a message to the screen; safe to call from any thread.
        """
        self._announce = announce
        self._lines: dict[tuple[RunDirectory, str], tuple[str, ...]] = {}

    def of(self, run: RunDirectory, trouble: str) -> tuple[str, ...]:
        """The last lines as far as they have been read; `RunChanged` is posted when they are.

        Args:
            run: The run.
            trouble: What it is in; the log is read anew for another one.
        """
        key = run, trouble
        if key not in self._lines:
            self._lines = {key: ()}
            threading.Thread(target=self._read, args=key, daemon=True, name="last-words").start()
        return self._lines[key]

    def _read(self, run: RunDirectory, trouble: str) -> None:
        # deferred: nothing is wrong with most runs
        from tui_charrnn.runs.log_tail import LogTail  # noqa: PLC0415 - as said

        try:
            lines = LogTail(run.log).read_new()
        except CharRNNError as error:
            lines = [str(error)]
        if lines and (run, trouble) in self._lines:
            self._lines[run, trouble] = tuple(lines)
            self._announce(RunChanged())
