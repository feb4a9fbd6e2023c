"""The history browser: a search input, the list of texts, and the text under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.cache import LRUCache
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, Static

from tui_charrnn.config import FILTERS, SamplingConfig
from tui_charrnn.errors import HistoryError
from tui_charrnn.hangul import join_syllables
from tui_charrnn.history.generation import Entry, Generation
from tui_charrnn.history.store import History, TakenOut
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.history.preview import HistoryPreview
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.row_views import GAP, Cell, CursorView
from tui_charrnn.tui.theme.themed_app import KeepsText
from tui_charrnn.viewing.formatting import age_width, counted, format_age

FIRST: Final = 200
"""Texts listed first; if there are more, the whole list follows as soon as it is read."""
_LONGEST_QUERY: Final = 200  # characters
_MODEL: Final = 14  # columns
_SETTINGS: Final = 10  # columns
_ROOM_FOR_MODEL: Final = 56  # minimum columns of the list
_ROOM_FOR_SETTINGS: Final = 44  # minimum columns of the list
_KEPT: Final = 1024  # cached rows
_SHOWN: Final = 300
"""Most characters of a text in a row."""
_BEFORE, _SEEN = 16, 40
"""Characters shown before a match; characters at the start that are visible anyway."""
_SIGNS: Final = {"top_k": "k", "top_p": "p", "min_p": "m"}
"""Short names of sampling filters; others have their usual name."""
Answer = Callable[[], object]
"""Runs on the screen's thread after a thread has read or changed the history."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of the list; all fields are safe to show."""

    time: datetime
    model: str
    settings: str
    text: str

    @classmethod
    def of(cls, entry: Entry, query: str = "") -> HistoryRow:
        """Return the row of a text, with the passage that matches a search."""
        kept = entry.generation
        return cls(
            time=entry.time,
            model=safe_line(kept.model.label.translated),
            settings=_short_settings(kept),
            text=safe_line(_line_of(kept, query.casefold().split())),
        )


class HistoryList(KeepsText, CursorView):
    """A list with a cursor on one text."""

    def __init__(self, request: Callable[[Sequence[int]], object]) -> None:
        """Start empty; `request` is called with the numbers of texts whose rows are missing."""
        super().__init__()
        self._request = request
        self.numbers: list[int] = []
        """Numbers of the listed texts, in order."""
        self._rows: LRUCache[int, HistoryRow] = LRUCache(_KEPT)
        self._is_waiting = False

    @property
    def selected(self) -> int | None:
        """The number of the text under the cursor."""
        return self.numbers[self.cursor] if self.numbers else None

    def show(self, numbers: Sequence[int], cursor: int | None = None) -> None:
        """List texts in this order, with the cursor on one of them, else on the first."""
        self.numbers, self._is_waiting = [*numbers], False
        self._rows.clear()  # rows depend on the query
        self.take_count(len(numbers), numbers.index(cursor) if cursor in numbers else 0)
        self._want_rows()

    def drop(self, missing: set[int]) -> None:
        """Remove texts from the list; the cursor stays on its text."""
        before = sum(number in missing for number in self.numbers[: self.cursor])
        self.numbers = [number for number in self.numbers if number not in missing]
        self.take_count(len(self.numbers), self.cursor - before)
        self._want_rows()

    def take(self, numbers: Sequence[int], rows: dict[int, HistoryRow]) -> None:
        """Store requested rows; texts without a row are removed from the list."""
        self._is_waiting = False
        for number, row in rows.items():
            self._rows[number] = row
        missing = set(numbers) - rows.keys()
        if missing & set(self.numbers):
            self.drop(missing)
        self.refresh()
        self._want_rows()

    def on_resize(self) -> None:
        """Keep the cursor in view and request new rows in view."""
        super().on_resize()
        self._want_rows()

    def on_show(self) -> None:
        """Request the rows in view."""
        self._want_rows()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Request new rows in view."""
        super().watch_scroll_y(old_value, new_value)
        self._want_rows()

    def cells(self, index: int, width: int) -> list[Cell]:
        """Return age, model, settings and text, as there is room; an ellipsis until loaded."""
        row, columns = self._rows.get(self.numbers[index]), 1 + age_width()
        if row is None:
            return [Cell(" …", columns, "about")]
        age = format_age((datetime.now(UTC) - row.time).total_seconds())
        cells = [Cell(f" {age}", columns, "about")]
        if width >= _ROOM_FOR_MODEL:
            cells.append(Cell(row.model, _MODEL, "about"))
        if width >= _ROOM_FOR_SETTINGS:
            cells.append(Cell(row.settings, _SETTINGS, "about"))
        left = width - sum(cell.columns + GAP for cell in cells)
        return [*cells, Cell(row.text, max(left, 1))]

    def _want_rows(self) -> None:
        """Request missing rows in view, one request at a time."""
        top, height = int(self.scroll_y), self.size.height
        missing = [
            number for number in self.numbers[top : top + height] if number not in self._rows
        ]
        if missing and not self._is_waiting:
            self._is_waiting = True
            self._request(missing)


class HistoryBrowser(Vertical):
    """Searches and lists the history; reads in threads, and only texts that are in view."""

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

    def __init__(self, history: History, empty_message: str) -> None:
        """Browse a history, whose file may not exist; the message is shown if it has no text."""
        super().__init__()
        self.entry: Entry | None = None
        """The text under the cursor; None until it is read."""
        self._history = history
        self._empty_message = empty_message
        self._searches = LatestTask("history-search")
        self._entries = LatestTask("history-entry")
        self._query = ""
        self._problem = ""
        """Why the history cannot be read; empty if it can."""
        self._wanted_cursor: int | None = None
        self._deleted: list[tuple[int, TakenOut]] = []
        """Texts deleted here and their numbers, the newest last."""

    def compose(self) -> ComposeResult:
        """Yield the search input, the list, the preview, and the message of an empty list."""
        self.border_title = Content(tr("History"))
        with Horizontal(id="history-search"):
            yield Static("/", id="history-sign", markup=False)
            yield SafeInput(
                id="history-query",
                placeholder=tr("words to look for"),
                compact=True,
                max_length=_LONGEST_QUERY,
            )
        with Container(id="history-body"):
            yield HistoryList(self._read_rows)
            yield HistoryPreview()
        yield Static(tr("Looking …"), id="history-nothing", markup=False)

    def on_mount(self) -> None:
        """List all texts, after the first frame."""
        self.add_class("-empty")
        self.call_after_refresh(self.look_again)

    def on_unmount(self) -> None:
        """Cancel all reading."""
        self._searches.cancel()
        self._entries.cancel()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for the typed words."""
        event.stop()
        if event.value != self._query:
            self._query = event.value
            self._find()

    def look_again(self, cursor: int | None = None) -> None:
        """Search again, with the cursor on a text by its number."""
        self._wanted_cursor = cursor
        self._find()

    def _find(self) -> None:
        """Find the texts that contain all words; list the first `FIRST` before the rest."""
        query = self._query

        def work(task: BackgroundTask) -> Answer:
            numbers = self._history.find(query, task.check, FIRST)
            if len(numbers) == FIRST:
                show = partial(self.show_found, numbers, is_whole=False)
                task.deliver(self.call_later, show)
                numbers = self._history.find(query, task.check)
            return partial(self.show_found, numbers)

        self._searches.start(lambda task: self._answer(task, work))

    def show_found(self, numbers: Sequence[int], *, is_whole: bool = True) -> None:
        """Show found texts, the newest first; `is_whole` if there are no more."""
        self._problem = ""
        self._show_nothing("" if numbers else self._why_empty())
        self.list.show(numbers, self._wanted_cursor or self.list.selected)
        self._show_count(is_whole=is_whole)
        if self.entry is not None and self.entry.number == self.list.selected:
            self.preview.mark(self._query)
        if is_whole or self._wanted_cursor in numbers:
            self._wanted_cursor = None

    def delete(self, number: int) -> None:
        """Delete a text."""

        def work(_: BackgroundTask) -> Answer:
            return partial(self._show_deleted, number, self._history.take_out(number))

        BackgroundTask("history-change", lambda task: self._answer(task, work, is_change=True))

    def _show_deleted(self, number: int, taken: TakenOut | None) -> None:
        self._drop(number)
        if taken is not None:
            self._deleted.append((number, taken))
        sentence = tr_keys("Deleted. {history.restore} restores it, until you leave the page.")
        self.post_message(NoteWritten(sentence))

    def restore(self) -> None:
        """Restore the text that was deleted last, and list it again."""
        if not self._deleted:
            self.post_message(NoteWritten(tr("There is no deleted text to restore.")))
            return
        number, taken = self._deleted.pop()

        def work(_: BackgroundTask) -> Answer:
            self._history.put_back(taken)
            return partial(self._show_restored, number)

        BackgroundTask("history-change", lambda task: self._answer(task, work, is_change=True))

    def _show_restored(self, number: int) -> None:
        self.look_again(number)
        self.post_message(NoteWritten(tr("The text is restored.")))

    def _read_rows(self, numbers: Sequence[int]) -> None:
        """Read rows of the list, in a thread."""
        query = self._query

        def work(_: BackgroundTask) -> Answer:
            entries = self._history.read(numbers)
            rows = {number: HistoryRow.of(entry, query) for number, entry in entries.items()}
            return lambda: self.list.take(numbers, rows)  # the list may be gone by now

        BackgroundTask("history-rows", lambda task: self._answer(task, work))

    def on_cursor_view_cursor_moved(self, event: CursorView.CursorMoved) -> None:
        """Read the text under the cursor, in a thread."""
        event.stop()
        number = self.list.selected
        if number is None:
            self.entry = None
            self.preview.show(None)
            self._show_nothing(self._why_empty())
        elif self.entry is None or self.entry.number != number:
            self.entry = None

            def work(_: BackgroundTask) -> Answer:
                entry = self._history.get(number)
                return partial(self._show_entry, number, entry)

            self._entries.start(lambda task: self._answer(task, work))

    def _show_entry(self, number: int, entry: Entry | None) -> None:
        """Show a text, unless the cursor has moved; None if it was deleted."""
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
        """Run `work`, then its result, or the error, on the screen's thread."""
        try:
            answer = work(task)
        except HistoryError as error:
            answer = partial(self._show_error, str(error), is_change=is_change)
        task.deliver(self.call_later, answer)

    def _show_error(self, reason: str, *, is_change: bool) -> None:
        """Show why the history cannot be read or changed."""
        if is_change:
            self.post_message(NoteWritten(reason, is_problem=True))
        else:
            self._problem = reason
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
            return self._empty_message
        return tr("No text contains {words}.", words=tr(" and ").join(query.split()))

    def _show_nothing(self, sentence: str) -> None:
        self.nothing.update(safe_line(sentence))
        self.set_class(bool(sentence), "-empty")


def _short_settings(kept: Generation) -> str:
    """Format temperature and filters in few columns; an ellipsis marks later changes."""
    (_, first), *changes = kept.sampling
    temperature = f"{first.temperature:g}"
    parts = [tr("{settings} clamped", settings=temperature) if kept.clamps else temperature]
    return " ".join([*parts, *_filters(first)]) + ("…" if changes else "")


def _filters(config: SamplingConfig) -> Iterator[str]:
    """Yield the filters that are in effect."""
    for name, label in FILTERS.items():
        if (value := getattr(config, name)) is not None:
            yield f"{_SIGNS.get(name, f'{label} ')}{value:g}"
    if config.repetition_penalty != 1:
        yield f"r{config.repetition_penalty:g}"


def _line_of(kept: Generation, words: list[str]) -> str:
    """Return the start of a text on one line, or a passage of it that contains a word."""
    text = join_syllables(kept.seed_text + kept.text)
    folded = text.casefold()  # rarely of another length; the passage is then slightly off
    found = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start = max(found - _BEFORE, 0) if found > _SEEN else 0
    return ("… " if start else "") + " ".join(text[start : start + _SHOWN].split())
