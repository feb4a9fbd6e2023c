"""Looks through the history: a line to search by, the list, and the text under the cursor."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.errors import HistoryError
from tui_charrnn.history.generation import Entry
from tui_charrnn.history.store import (
    History,
    TakenOut,
    find_numbers,
    put_back,
    read_entries,
    take_out,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.history.list import HistoryList, HistoryRow
from tui_charrnn.tui.history.preview import HistoryPreview
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.viewing.formatting import counted

FIRST: Final = 200
"""Texts that are listed at once; if there are more, all are listed as soon as they are known."""
_LONGEST_QUERY: Final = 200  # characters
Answer = Callable[[], object]
"""What is done on the screen once a thread has read or changed the history."""


class HistoryBrowser(Vertical):
    """Reads in threads, for a disk may be slow, and only what is looked for and what is in view."""

    DEFAULT_CSS = """
    HistoryBrowser {
        border: round $primary;
        border-title-color: $primary;
        border-title-style: bold;
        border-subtitle-color: $text-muted;
        height: 1fr;
        & #history-search { height: 1; padding: 0 1; }
        & #history-sign { width: 2; color: $accent; text-style: bold; }
        & #history-query { width: 1fr; }
        & #history-body { height: 1fr; }
        & HistoryList { height: 40%; min-height: 3; border-bottom: solid $foreground 25%; }
        & HistoryPreview { height: 1fr; }
        & #history-nothing {
            height: 1fr;
            padding: 0 2;
            display: none;
            color: $text-muted;
            text-align: center;
            content-align: center middle;
        }
        &.-empty #history-body { display: none; }
        &.-empty #history-nothing { display: block; }
    }
    """

    query_line = query_one("#history-query", SafeInput)
    list = query_one(HistoryList)
    preview = query_one(HistoryPreview)
    nothing = query_one("#history-nothing", Static)

    def __init__(self, history: History, invitation: str) -> None:
        """Name what is looked through.

        Args:
            history: Its file need not exist.
            invitation: What is said where there is no text at all.
        """
        super().__init__()
        self.entry: Entry | None = None
        """The text under the cursor, once it is read."""
        self.is_listed = False
        """Whether it is known what there is."""
        self._history = history
        self._invitation = invitation
        self._searches = LatestTask("history-search")
        self._entries = LatestTask("history-entry")
        self._query = ""
        self._problem = ""
        """Why the history cannot be read; empty if it can."""
        self._wanted_cursor: int | None = None

    def compose(self) -> ComposeResult:
        """The line to search by above the list, the text below or beside it."""
        self.border_title = Content(tr("History"))
        with Horizontal(id="history-search"):
            yield Static("/", id="history-sign", markup=False)
            query = SafeInput(
                id="history-query",
                placeholder=tr("words to look for"),
                compact=True,
                max_length=_LONGEST_QUERY,
            )
            query.cursor_blink = False
            yield query
        with Container(id="history-body"):
            yield HistoryList()
            yield HistoryPreview()
        yield Static(tr("Looking …"), id="history-nothing", markup=False)

    def on_mount(self) -> None:
        """List all texts, once there is something to list them in."""
        self.add_class("-empty")
        self.call_after_refresh(self.look_again)

    def on_unmount(self) -> None:
        """Read nothing any more."""
        self._searches.cancel()
        self._entries.cancel()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed now."""
        event.stop()
        if event.value != self._query:
            self._query = event.value
            self._find()

    def look_again(self, cursor: int | None = None) -> None:
        """List again, with the cursor on a text."""
        self._wanted_cursor = cursor
        self._find()

    def _find(self) -> None:
        """Find the texts that hold the words; of very many, list the first before the rest."""
        query = self._query

        def work(task: BackgroundTask) -> Answer:
            numbers = find_numbers(self._history, query, task.check, FIRST)
            if len(numbers) == FIRST:
                task.check()
                self.call_later(self.show_found, numbers, is_whole=False)
                numbers = find_numbers(self._history, query, task.check)
            return partial(self.show_found, numbers)

        self._searches.start(lambda task: self._answer(task, work))

    def show_found(self, numbers: Sequence[int], *, is_whole: bool = True) -> None:
        """Show the texts that were found, the newest first; they may not be the whole."""
        self._problem, self.is_listed = "", True
        self._show_nothing("" if numbers else self._why_empty())
        self.list.show(numbers, self._wanted_cursor or self.list.selected)
        self._show_count(is_whole=is_whole)
        if self.entry is not None and self.entry.number == self.list.selected:
            self.preview.mark(self._query)
        if is_whole or self._wanted_cursor in numbers:
            self._wanted_cursor = None

    def take_out(self, number: int, done: Callable[[TakenOut | None], object]) -> None:
        """Delete a text and show it no longer; `done` gets what brings it back, if anything."""

        def show(taken: TakenOut | None) -> None:
            self._drop(number)
            done(taken)

        def work(_: BackgroundTask) -> Answer:
            return partial(show, take_out(self._history, number))

        BackgroundTask("history-change", lambda task: self._answer(task, work, is_change=True))

    def put_back(self, number: int, taken: TakenOut, done: Callable[[], object]) -> None:
        """Bring a text back that was deleted, and list it again."""

        def show() -> None:
            self.look_again(number)
            done()

        def work(_: BackgroundTask) -> Answer:
            put_back(self._history, taken)
            return show

        BackgroundTask("history-change", lambda task: self._answer(task, work, is_change=True))

    def on_history_list_rows_wanted(self, event: HistoryList.RowsWanted) -> None:
        """Read what is in view."""
        event.stop()
        query = self._query

        def work(_: BackgroundTask) -> Answer:
            entries = read_entries(self._history, event.numbers)
            rows = {number: HistoryRow.of(entry, query) for number, entry in entries.items()}
            return lambda: self.list.take(event.numbers, rows)

        BackgroundTask("history-rows", lambda task: self._answer(task, work))

    def on_history_list_cursor_moved(self, event: HistoryList.CursorMoved) -> None:
        """Read the text under the cursor."""
        event.stop()
        number = self.list.selected
        if number is None:
            self.entry = None
            self.preview.show(None)
            self._show_nothing(self._why_empty())
        elif self.entry is None or self.entry.number != number:
            self.entry = None

            def work(_: BackgroundTask) -> Answer:
                entry = read_entries(self._history, [number]).get(number)
                return partial(self._show_entry, number, entry)

            self._entries.start(lambda task: self._answer(task, work))

    def _show_entry(self, number: int, entry: Entry | None) -> None:
        """Show a text that was read, unless the cursor has moved on; None if it is gone."""
        if number != self.list.selected:
            return
        if entry is None:
            self._drop(number)
            return
        self.entry = entry
        if self.preview.has_note:
            self.post_message(NoteWritten(""))
        self.preview.show(entry, self._query)

    def _drop(self, number: int) -> None:
        self.list.drop({number})
        self._show_count()

    def _answer(
        self,
        task: BackgroundTask,
        work: Callable[[BackgroundTask], Answer],
        *,
        is_change: bool = False,
    ) -> None:
        """Work in a thread, then have on the screen's what it answers, or why it was refused."""
        try:
            answer = work(task)
        except HistoryError as error:
            answer = partial(self._refuse, str(error), is_change=is_change)
        task.check()
        self.call_later(answer)

    def _refuse(self, reason: str, *, is_change: bool) -> None:
        """Say why there is nothing to see, or why a text could not be deleted."""
        if is_change:
            self.post_message(NoteWritten(reason, is_problem=True))
        else:
            self._problem, self.is_listed = reason, True
            self.list.show([])

    def _show_count(self, *, is_whole: bool = True) -> None:
        words = counted(len(self.list.numbers), "text")
        if self._query.strip():
            words = tr("{texts} found", texts=words)
        if not is_whole:
            words = tr("at least {texts}", texts=words)
        self.border_subtitle = Content(tr("{texts} · Esc leaves", texts=words))

    def _why_empty(self) -> str:
        query = self._query.strip()
        if self._problem:
            return self._problem
        if not query:
            return self._invitation
        return tr("No text holds {words}.", words=tr(" and ").join(query.split()))

    def _show_nothing(self, sentence: str) -> None:
        self.nothing.update(safe_line(sentence))
        self.set_class(bool(sentence), "-empty")
