"""Reads the history in threads, so that a slow disk keeps no key waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.message import Message

from tui_charrnn.errors import HistoryError
from tui_charrnn.history.store import find_numbers, put_back, read_entries, take_out
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.history.format import HistoryRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui_charrnn.history.generation import Entry
    from tui_charrnn.history.store import History, TakenOut


FIRST: Final = 200
"""Texts that are listed at once; if there are more, all are listed as soon as they are known."""


class HistoryListed(Message):
    """It is known which texts hold what is looked for."""

    def __init__(self, numbers: list[int], *, is_whole: bool = True) -> None:
        self.numbers = numbers
        """The newest first."""
        self.is_whole = is_whole
        """Whether there are no more than these."""
        super().__init__()


class RowsRead(Message):
    """Some rows of the list are known; the texts of those that are missing are gone."""

    def __init__(self, numbers: Sequence[int], rows: dict[int, HistoryRow]) -> None:
        self.numbers = numbers
        self.rows = rows
        super().__init__()


class EntryRead(Message):
    """A text was read; `entry` is None if it is gone."""

    def __init__(self, number: int, entry: Entry | None) -> None:
        self.number = number
        self.entry = entry
        super().__init__()


class EntryTakenOut(Message):
    """A text was deleted; `taken` is None if it was gone already."""

    def __init__(self, number: int, taken: TakenOut | None) -> None:
        self.number = number
        self.taken = taken
        super().__init__()


class EntryPutBack(Message):
    """A text that was deleted is there again."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


class HistoryRefused(Message):
    """The history cannot be read, or not be changed."""

    def __init__(self, error: HistoryError, *, is_listing: bool) -> None:
        self.error = error
        self.is_listing = is_listing
        """Whether nothing can be shown by it."""
        super().__init__()


class HistoryReader:
    """Does what a screen asks for; of searches and of whole texts only the newest is wanted."""

    def __init__(self, history: History, announce: Callable[[Message], object]) -> None:
        """Name a history.

        Args:
            history: Its file need not exist.
            announce: Posts a message to the screen; safe to call from any thread.
        """
        self._history = history
        self._announce = announce
        self._searches = LatestTask("history-search")
        self._entries = LatestTask("history-entry")

    def find(self, query: str) -> None:
        """Find the texts that hold some words, all without any: `HistoryListed`, maybe twice."""

        def work(task: BackgroundTask) -> Message:
            first = find_numbers(self._history, query, task.check, FIRST)
            task.check()
            if len(first) < FIRST:
                return HistoryListed(first)
            self._announce(HistoryListed(first, is_whole=False))
            return HistoryListed(find_numbers(self._history, query, task.check))

        self._searches.start(lambda task: self._answer(task, work, is_listing=True))

    def read_rows(self, numbers: Sequence[int], query: str = "") -> None:
        """Read the rows of some texts, with the place where they hold some words: `RowsRead`."""

        def work(_: BackgroundTask) -> Message:
            entries = read_entries(self._history, numbers)
            rows = {number: HistoryRow.of(entry, query) for number, entry in entries.items()}
            return RowsRead(numbers, rows)

        BackgroundTask("history-rows", lambda task: self._answer(task, work, is_listing=True))

    def read_entry(self, number: int) -> None:
        """Read a text: `EntryRead`."""

        def work(_: BackgroundTask) -> Message:
            return EntryRead(number, read_entries(self._history, [number]).get(number))

        self._entries.start(lambda task: self._answer(task, work, is_listing=True))

    def take_out(self, number: int) -> None:
        """Delete a text: `EntryTakenOut`."""

        def work(_: BackgroundTask) -> Message:
            return EntryTakenOut(number, take_out(self._history, number))

        BackgroundTask("history-change", lambda task: self._answer(task, work))

    def put_back(self, number: int, taken: TakenOut) -> None:
        """Bring a text back that was deleted: `EntryPutBack`."""

        def work(_: BackgroundTask) -> Message:
            put_back(self._history, taken)
            return EntryPutBack(number)

        BackgroundTask("history-change", lambda task: self._answer(task, work))

    def stop(self) -> None:
        """Read nothing any more."""
        self._searches.cancel()
        self._entries.cancel()

    def _answer(
        self,
        task: BackgroundTask,
        work: Callable[[BackgroundTask], Message],
        *,
        is_listing: bool = False,
    ) -> None:
        try:
            answer = work(task)
        except HistoryError as error:
            answer = HistoryRefused(error, is_listing=is_listing)
        task.check()
        self._announce(answer)
