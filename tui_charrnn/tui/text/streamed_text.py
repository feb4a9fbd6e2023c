"""The text of the pane: its keys, the cursor that selects by them, and the looks of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual.binding import BindingType
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import bindings_of, key_label
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView, drawn_column
from tui_charrnn.tui.text.wrapped_text import DIRECTIONS, Direction, Place, cluster_end, moved

if TYPE_CHECKING:
    from textual import events

ScaleName = Literal["rising", "diverging"]
"""How levels follow one another: away from one end, or to both sides of a middle."""

LOOKS: Final[dict[ScaleName, tuple[tuple[str, str], ...]]] = {
    "rising": (
        ("$note-text", "none"),
        ("$generated-text", "underline"),
        ("$success", "bold"),
        ("$warning", "bold underline"),
        ("$error", "bold reverse"),
    ),
    "diverging": (
        ("$xray-negative", "underline reverse"),
        ("$xray-negative", "underline"),
        ("$note-text", "none"),
        ("$xray-positive", "bold"),
        ("$xray-positive", "bold reverse"),
    ),
}
"""Color and style of each level: without colors, the style alone tells them apart."""
_CLASSES: Final[dict[ScaleName, str]] = {"rising": "xray", "diverging": "xray-two"}


def look_class(scale: ScaleName, level: int) -> str:
    """The component class of a level's look."""
    return f"{_CLASSES[scale]}--{level}"


_LEVEL_CLASSES: Final = frozenset(
    look_class(scale, level) for scale, looks in LOOKS.items() for level in range(len(looks))
)
"""The component classes of all levels."""
_LEVEL_STYLES: Final = "\n".join(
    f"StreamedText > .{look_class(scale, level)} {{ color: {color}; text-style: {style}; }}"
    for scale, looks in LOOKS.items()
    for level, (color, style) in enumerate(looks)
)
"""Their style sheet."""


class KeySelection(TextLayer):
    """Has a cursor while the reader selects with the keys.

    The mark key puts the cursor there, and then begins the selection at it; Shift with an arrow
    does both at once, in terminals that tell it from the arrow alone.
    """

    def __init__(self, view: TextView) -> None:
        self._view = view
        self.start: Callable[[], Place | None] = lambda: None
        """Gives the place of a new cursor; None is the top of what is in view."""
        self._cursor: Place | None = None
        self._anchor: Place | None = None
        """Where the selection began; None before."""

    @property
    def has_cursor(self) -> bool:
        """Whether the arrows move a cursor, not the view."""
        return self._cursor is not None

    def mark(self) -> None:
        """Put a cursor into the text; once it is there, begin the selection at it."""
        if self._cursor is None:
            self._cursor = self._new_cursor()
        else:
            self._anchor = self._cursor
        self._show()

    def select_all(self) -> None:
        """Select the whole text."""
        self.drop()
        self._view.screen.selections = {self._view: SELECT_ALL}

    def drop(self) -> None:
        """Let the arrows scroll again, and select nothing."""
        if self._cursor is not None:
            self._cursor = self._anchor = None
            self._view.screen.clear_selection()
            self._view.redraw()

    def take_key(self, event: events.Key) -> None:
        """Move the cursor by arrows, pages, Home and End."""
        key = event.key.removeprefix("shift+")
        has_shift = key != event.key
        if key in DIRECTIONS and (has_shift or self._cursor is not None):
            event.stop()
            event.prevent_default()
            self.move(key, selects=has_shift)

    def move(self, direction: Direction, *, selects: bool) -> None:
        """Move the cursor; one that selects begins the selection if it has not begun."""
        cursor = self._cursor or self._new_cursor()
        if selects and self._anchor is None:
            self._anchor = cursor
        page = max(self._view.scrollable_content_region.height - 1, 1)
        self._cursor = moved(self._view.wrapped, cursor, direction, page)
        self._show()

    def overlays(self, row: int) -> Iterable[Overlay]:
        """The cursor, if it is in the row."""
        if self._cursor is None or self._cursor[0] != row:
            return ()
        column = self._cursor[1]
        end = cluster_end(self._view.wrapped.shown(row), column)
        return (Overlay(column, max(end, column + 1), "text-view--cursor"),)

    def rewrapped(self) -> None:
        """Drop the cursor: its rows are gone."""
        self._cursor = self._anchor = None

    def _new_cursor(self) -> Place:
        self._view.follows_end = False
        return self.start() or (self._view.top, 0)

    def _show(self) -> None:
        if self._cursor is None:
            return
        if self._anchor is not None:
            ends = (self._offset(*place) for place in (self._anchor, self._cursor))
            self._view.screen.selections = {self._view: Selection.from_offsets(*ends)}
        self._view.reveal(self._cursor[0])
        self._view.redraw()

    def _offset(self, row: int, column: int) -> Offset:
        """A place as Textual counts, which knows only what is drawn."""
        wrapped = self._view.wrapped
        is_there = wrapped.first <= row < wrapped.end  # it may have been dropped meanwhile
        return Offset(drawn_column(wrapped.shown(row).text, column) if is_there else column, row)


class StreamedText(TextView):
    """The text of the pane: its keys, what they select, and the looks of all its layers."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("speech")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-view--cursor",
        "text-view--fork",
        "text-view--place",
        *_LEVEL_CLASSES,
    }
    DEFAULT_CSS = f"""
    StreamedText {{
        & .text-view--cursor {{ text-style: reverse; }}
        & .text-view--fork {{ color: $accent; text-style: bold underline; }}
        & .text-view--place {{ color: $accent; text-style: bold reverse; }}
    }}
    {_LEVEL_STYLES}
    """

    def __init__(self) -> None:
        super().__init__(id="streamed-text")
        self.selection = KeySelection(self)
        self.text_layers.append(self.selection)

    def on_key(self, event: events.Key) -> None:
        """Move the cursor that selects, before the keys scroll."""
        self.selection.take_key(event)

    def action_mark(self) -> None:
        """Put a cursor into the text; once it is there, begin the selection at it."""
        self.selection.mark()
        sentence = tr(
            "The arrows move the cursor; {mark} begins to select there, {copy} copies, {leave} "
            "leaves.",
            mark=key_label("speech.mark"),
            copy=key_label("speech.copy"),
            leave=key_label("text.stop"),
        )
        self.post_message(NoteWritten(sentence))

    def action_select_all(self) -> None:
        """Select the whole text."""
        self.selection.select_all()
