"""The texts of the history as rows, of which those in view alone are ever read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.message import Message
from textual.strip import Strip

from tui_charrnn.hangul import join_syllables
from tui_charrnn.history.generation import Entry, Generation
from tui_charrnn.safe_text import safe_line
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import tr
from tui_charrnn.tui.cursor_list import CursorView
from tui_charrnn.tui.text.model_loader import shown_label
from tui_charrnn.tui.theme.themed_app import KeepsText
from tui_charrnn.viewing.formatting import fitted, format_age

_GAP: Final = 2  # columns between two cells
_AGE: Final = 4  # columns
_MODEL: Final = 14  # columns
_SETTINGS: Final = 10  # columns
_ROOM_FOR_MODEL: Final = 56  # columns of the list from which on there is room
_ROOM_FOR_SETTINGS: Final = 44
_KEPT: Final = 1024  # rows
_SHOWN: Final = 300
"""Characters of a text that a row may have room for."""
_BEFORE, _SEEN = 16, 40
"""Characters before what was found; those of the beginning that are in sight anyway."""
_SIGNS: Final = {"top_k": "k", "top_p": "p", "min_p": "m"}
"""How filters are called where there is little room."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A text as a row of the list; all of it is safe to show."""

    time: datetime
    model: str
    settings: str
    text: str

    @classmethod
    def of(cls, entry: Entry, query: str = "") -> HistoryRow:
        """The row of a text, with the place where it holds the words of a search."""
        said = entry.generation
        return cls(
            time=entry.time,
            model=safe_line(shown_label(said.model.label.removeprefix("model "))),
            settings=_short_settings(said),
            text=safe_line(_line_of(said, query.casefold().split())),
        )

    def age(self, now: datetime) -> str:
        """How long ago the text was generated."""
        return format_age((now - self.time).total_seconds())


class HistoryList(KeepsText, CursorView):
    """Has a cursor on one text; asks for the rows that it lacks in `RowsWanted`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "history-list--about",
        "history-list--text",
        "history-list--cursor",
    }
    DEFAULT_CSS = """
    HistoryList {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .history-list--about { color: $text-muted; }
        & .history-list--text { color: $foreground; }
        & .history-list--cursor { background: $panel; text-style: bold; }
        &:focus .history-list--cursor { background: $primary 40%; }
    }
    """

    @dataclass
    class RowsWanted(Message):
        """These rows are in view and not known yet."""

        numbers: Sequence[int]

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []
        """The texts in their order, by their numbers."""
        self._rows: LRUCache[int, HistoryRow] = LRUCache(_KEPT)
        self._is_waiting = False

    @property
    def selected(self) -> int | None:
        """The number of the text under the cursor."""
        return self.numbers[self.cursor] if self.numbers else None

    def show(self, numbers: Sequence[int], cursor: int | None = None) -> None:
        """Show texts in this order, with the cursor on one of them, or else on the first."""
        self.numbers, self._is_waiting = [*numbers], False
        self._rows.clear()  # of a search, rows show what was found
        self.take_count(len(numbers), numbers.index(cursor) if cursor in numbers else 0)
        self._want_rows()

    def drop(self, gone: set[int]) -> None:
        """Show some texts no longer; the cursor stays where it is."""
        before = sum(number in gone for number in self.numbers[: self.cursor])
        self.numbers = [number for number in self.numbers if number not in gone]
        self.take_count(len(self.numbers), self.cursor - before)
        self._want_rows()

    def take(self, numbers: Sequence[int], rows: dict[int, HistoryRow]) -> None:
        """Draw rows that were asked for; those that are missing are shown no longer."""
        self._is_waiting = False
        for number, row in rows.items():
            self._rows[number] = row
        gone = set(numbers) - rows.keys()
        if gone & set(self.numbers):
            self.drop(gone)
        self.refresh()
        self._want_rows()

    def on_resize(self) -> None:
        """Keep the cursor in view and read what has come into view."""
        super().on_resize()
        self._want_rows()

    def on_show(self) -> None:
        """Read what has come into view with the list itself."""
        self._want_rows()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read what has come into view."""
        super().watch_scroll_y(old_value, new_value)
        self._want_rows()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view, counted from its top."""
        width, index = self.scrollable_content_region.width, self.scroll_offset.y + y
        if index >= len(self.numbers):
            return Strip.blank(width, self.rich_style)
        look = Style.null()
        if index == self.cursor:
            look = self.get_component_rich_style("history-list--cursor", partial=True)
        row = self._rows.get(self.numbers[index])
        cells = [("…", _AGE, "about")] if row is None else _cells(row, width)
        segments = [Segment(" ", self.rich_style + look)]
        for text, columns, kind in cells:
            style = self.get_component_rich_style(f"history-list--{kind}") + look
            segments.append(Segment(fitted(text, columns) + " " * _GAP, style))
        return Strip(segments).crop_extend(0, width, self.rich_style + look)

    def _want_rows(self) -> None:
        """Ask for what is in view and not known; one question at a time, the newest view last."""
        top, height = int(self.scroll_y), self.size.height
        lacking = [
            number for number in self.numbers[top : top + height] if number not in self._rows
        ]
        if lacking and not self._is_waiting:
            self._is_waiting = True
            self.post_message(self.RowsWanted(lacking))


def _cells(row: HistoryRow, width: int) -> list[tuple[str, int, str]]:
    """Text, columns and kind of every cell that there is room for."""
    cells = [(row.age(datetime.now(UTC)), _AGE, "about")]
    if width >= _ROOM_FOR_MODEL:
        cells.append((row.model, _MODEL, "about"))
    if width >= _ROOM_FOR_SETTINGS:
        cells.append((row.settings, _SETTINGS, "about"))
    left = width - 1 - sum(columns + _GAP for _, columns, _ in cells)
    return [*cells, (row.text, max(left, 1), "text")]


def _short_settings(said: Generation) -> str:
    """Temperature and filters in few columns; an ellipsis says that they changed on the way."""
    (_, first), *changes = said.sampling
    temperature = f"{first.temperature:g}"
    parts = [tr("{settings} held", settings=temperature) if said.clamps else temperature]
    return " ".join([*parts, *_filters(first)]) + ("…" if changes else "")


def _filters(config: SamplingConfig) -> Iterator[str]:
    """The filters that do something."""
    for name, sign in _SIGNS.items():
        if (value := getattr(config, name)) is not None:
            yield f"{sign}{value:g}"
    if config.repetition_penalty != 1:
        yield f"r{config.repetition_penalty:g}"


def _line_of(said: Generation, words: list[str]) -> str:
    """The beginning of a text on one line, or a passage of it that holds a word."""
    text = join_syllables(said.seed_text + said.text)
    folded = text.casefold()  # hardly ever of another length: the passage is then a little off
    found = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    start = max(found - _BEFORE, 0) if found > _SEEN else 0
    return ("… " if start else "") + " ".join(text[start : start + _SHOWN].split())
