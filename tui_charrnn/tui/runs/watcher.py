"""Lists a runs folder every two seconds in a thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from textual.message import Message

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.catalogue import WatchedFolder
from tui_charrnn.tui.background import Poller
from tui_charrnn.viewing.run_rows import is_at_work, run_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tui_charrnn.runs.catalogue import RunSummary
    from tui_charrnn.viewing.run_rows import RunRow

INTERVAL: Final = 2.0  # seconds


class RunsListed(Message):
    """A runs folder was listed."""

    def __init__(
        self,
        summaries: dict[str, RunSummary],
        rows: dict[str, RunRow],
        live: int,
        problem: str = "",
    ) -> None:
        self.summaries = summaries
        """The runs in the order in which they are shown, by their paths."""
        self.rows = rows
        """The same as cells."""
        self.live = live
        """How many of them, from the first on, have a trainer at work."""
        self.problem = problem
        """Why the folder cannot be read; empty if it can."""
        super().__init__()


class RunsWatcher(Poller):
    """Lists a folder every two seconds while it is watched."""

    def __init__(self, folder: Path, post: Callable[[Message], object]) -> None:
        """Prepare; `start` begins.

        Args:
            folder: The runs folder, which need not exist.
            post: Posts a message to the pane; safe to call from any thread.
        """
        super().__init__("runs-watcher", post, INTERVAL)
        self._folder = WatchedFolder(folder)

    def look(self) -> float | None:
        """List once and post the result."""
        if not self._is_watched:
            return None
        try:
            listed = prepare(self._folder.list_runs(), time.time())
        except (CharRNNError, OSError) as error:  # a network drive may come back
            listed = RunsListed({}, {}, 0, str(error))
        self.post(listed)
        return self.interval if self._is_watched else None


def prepare(found: list[RunSummary], now: float) -> RunsListed:
    """Order runs for the table: those in training first, newest first; then the rest as they come.

    Two trainers write by turns: sorted by the last write, their rows would swap all the time.

    Args:
        found: In the order of the catalogue.
        now: Seconds since 1970.
    """
    live = [summary for summary in found if is_at_work(summary, now)]
    live.sort(key=_created, reverse=True)
    at_work = {summary.run for summary in live}
    rest = [summary for summary in found if summary.run not in at_work]
    summaries = {str(summary.run.path): summary for summary in live + rest}
    rows = {key: run_row(summary, now) for key, summary in summaries.items()}
    return RunsListed(summaries, rows, len(live))


def _created(summary: RunSummary) -> str:
    return summary.description.created if summary.description else ""
