"""The history screen: search, read, replay, copy, save and delete generated texts."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.getters import query_one
from textual.widgets import Input

from tui_charrnn.hangul import join_syllables
from tui_charrnn.history.generation import Entry, entry_values
from tui_charrnn.history.store import History
from tui_charrnn.safe_text import safe_text
from tui_charrnn.translation import tr
from tui_charrnn.tui.chrome import KeyRow
from tui_charrnn.tui.dialogs import Answer, Dialog, MessageLine, QuestionScreen
from tui_charrnn.tui.history.browser import HistoryBrowser
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.row_views import CursorView
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.text.saving import copy_text, save_with_settings

_WIDTHS: Final = [(0, "-one-column"), (100, "-two-columns")]
_HEIGHTS: Final = [(0, "-flat"), (16, "-high")]
"""Minimum columns, and rows, of each CSS class."""


class HistoryScreen(Dialog[Entry]):
    """Browses the history; returns the text to restore seed text and settings from, or None."""

    AUTO_FOCUS = "HistoryList"
    OWNER: Final = "history"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False),
        # the key that opened it, which the user may have remapped
        Binding("h", "leave", "Close", show=False, id="speech.history"),
        *bindings_of(OWNER),
    ]
    HORIZONTAL_BREAKPOINTS = _WIDTHS
    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    HistoryScreen {
        background: $background;
        & #history-note { max-height: 3; padding: 0 2; }
    }
    HistoryScreen.-two-columns {
        #history-body { layout: horizontal; }
        HistoryList {
            width: 9fr;
            height: 100%;
            border-bottom: none;
            border-right: solid $foreground 25%;
        }
        HistoryPreview { width: 8fr; height: 100%; }
    }
    HistoryScreen.-flat {
        HistoryList { height: 1fr; border-bottom: none; }
        HistoryPreview { display: none; }
        #history-note { max-height: 1; }
    }
    """

    browser = query_one(HistoryBrowser)
    note = query_one(MessageLine)

    def __init__(self, session: Session) -> None:
        """Show the user's history; replays run at the speed of the session."""
        super().__init__()
        self._session = session

    def compose(self) -> ComposeResult:
        """Yield the browser, the note and the row of keys."""
        yield HistoryBrowser(
            History(),
            tr("There is no text yet: type a seed and press Enter; generated texts are kept here.")
            if self._session.preferences.history
            else tr(
                "There is no text: the setting `history` is off, so no generated text is kept."
            ),
        )
        yield MessageLine(id="history-note")
        yield KeyRow(self.OWNER)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Focus the list."""
        event.stop()
        self.browser.list.focus()

    def on_cursor_view_entered(self, event: CursorView.Entered) -> None:
        """Choose a double-clicked text."""
        event.stop()
        self.action_take()

    def on_note_written(self, event: NoteWritten) -> None:
        """Show a posted note."""
        event.stop()
        self.show_note(event.sentence, is_problem=event.is_problem)

    def show_note(self, sentence: str, *, is_problem: bool = False) -> None:
        """Show a note above the keys."""
        self.note.show(sentence, is_problem=is_problem)

    def action_leave(self) -> None:
        """Stop a replay, else clear the search, else close."""
        browser = self.browser
        if browser.preview.is_replaying:
            browser.preview.show(browser.entry)
            self.show_note("")
        elif browser.query_line.has_focus and browser.query_line.value:
            browser.query_line.value = ""
        else:
            self.dismiss(None)

    def action_search(self) -> None:
        """Focus the search input."""
        self.browser.query_line.focus()

    def action_take(self) -> None:
        """Close and return the text, whose seed text and settings are then restored."""
        if self.browser.entry is not None:
            self.dismiss(self.browser.entry)

    def action_replay(self) -> None:
        """Replay the text, or stop a running replay."""
        browser = self.browser
        if browser.preview.is_replaying:
            self.action_leave()
        elif browser.entry is not None:
            browser.preview.replay(browser.entry, self._session.settings)

    def action_copy(self) -> None:
        """Copy the text."""
        if self.browser.entry is not None:
            kept = self.browser.entry.generation
            copy_text(self.app, safe_text(kept.seed_text + kept.text), self.post_message)

    def action_save(self) -> None:
        """Save the text with its settings."""
        if (entry := self.browser.entry) is not None:
            text = join_syllables(entry.generation.seed_text + entry.generation.text)
            save_with_settings(text, entry.time, lambda: entry_values(entry), self.post_message)

    def action_delete(self) -> None:
        """Delete the text after a confirmation."""
        entry = self.browser.entry
        if entry is None:
            return

        question = QuestionScreen(
            tr("Delete the text"),
            tr_keys(
                "Delete this text from the history? {history.restore} restores it, until you leave "
                "the page."
            ),
            [
                Answer("escape", tr("Keep it"), ""),
                Answer("d", tr("Delete it"), "delete"),
            ],
        )
        question.open(self.app, lambda _: self.browser.delete(entry.number))

    def action_restore(self) -> None:
        """Restore the text that was deleted last."""
        self.browser.restore()
