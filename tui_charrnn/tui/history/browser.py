"""Looks through the history: a line to search by, the list, and the text under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.history.list import HistoryList
from tui_charrnn.tui.history.preview import HistoryPreview
from tui_charrnn.tui.history.reader import (
    EntryRead,
    HistoryListed,
    HistoryReader,
    HistoryRefused,
    RowsRead,
)
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.viewing.formatting import counted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.history.generation import Entry
    from tui_charrnn.history.store import History

_LONGEST_QUERY: Final = 200  # characters


class HistoryBrowser(Vertical):
    """Reads in threads, and of the history only what is looked for and what is in view."""

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
        self.reader = HistoryReader(history, self.post_message)
        """Also deletes, for the screen around."""
        self.entry: Entry | None = None
        """The text under the cursor, once it is read."""
        self.is_listed = False
        """Whether it is known what there is."""
        self._invitation = invitation
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
        self.call_after_refresh(self.reader.find, "")

    def on_unmount(self) -> None:
        """Read nothing any more."""
        self.reader.stop()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed now."""
        event.stop()
        if event.value != self._query:
            self._query = event.value
            self.reader.find(event.value)

    def look_again(self, cursor: int | None = None) -> None:
        """List again, with the cursor on a text."""
        self._wanted_cursor = cursor
        self.reader.find(self._query)

    def on_history_listed(self, event: HistoryListed) -> None:
        """Show the texts that were found."""
        event.stop()
        self._problem, self.is_listed = "", True
        self._show_nothing("" if event.numbers else self._why_empty())
        self.list.show(event.numbers, self._wanted_cursor or self.list.selected)
        self._show_count(is_whole=event.is_whole)
        if self.entry is not None and self.entry.number == self.list.selected:
            self.preview.mark(self._query)
        if event.is_whole or self._wanted_cursor in event.numbers:
            self._wanted_cursor = None

    def drop(self, number: int) -> None:
        """Show a text no longer."""
        self.list.drop({number})
        self._show_count()

    def _show_count(self, *, is_whole: bool = True) -> None:
        words = counted(len(self.list.numbers), "text")
        if self._query.strip():
            words = tr("{texts} found", texts=words)
        if not is_whole:
            words = tr("at least {texts}", texts=words)
        self.border_subtitle = Content(tr("{texts} · Esc leaves", texts=words))

    def on_history_list_rows_wanted(self, event: HistoryList.RowsWanted) -> None:
        """Read what is in view."""
        event.stop()
        self.reader.read_rows(event.numbers, self._query)

    def on_rows_read(self, event: RowsRead) -> None:
        """Draw it."""
        event.stop()
        self.list.take(event.numbers, event.rows)

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
            self.reader.read_entry(number)

    def on_entry_read(self, event: EntryRead) -> None:
        """Show it, unless the cursor has moved on."""
        event.stop()
        if event.number != self.list.selected:
            return
        if event.entry is None:
            self.drop(event.number)
            return
        self.entry = event.entry
        if self.preview.has_note:
            self.post_message(NoteWritten(""))
        self.preview.show(event.entry, self._query)

    def on_history_refused(self, event: HistoryRefused) -> None:
        """Say why there is nothing to see, or why a text could not be deleted."""
        event.stop()
        if event.is_listing:
            self._problem, self.is_listed = str(event.error), True
            self.list.show([])
        else:
            self.post_message(NoteWritten(str(event.error), is_problem=True))

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
