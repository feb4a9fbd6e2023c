"""The text widget of the text pane: its keys, selection by keys, and the styles of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual.binding import BindingType
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView, drawn_column
from tui_charrnn.tui.text.wrapped_text import DIRECTIONS, Direction, Place, cluster_end, moved

if TYPE_CHECKING:
    from textual import events

ScaleName = Literal["rising", "diverging"]
"""Kind of color scale: from low to high, or to both sides of a middle."""

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
"""Color and style of each level; without colors, the styles alone distinguish the levels."""


def look_class(scale: ScaleName, level: int) -> str:
    """Return the component class of a level."""
    return f"xray-{scale}--{level}"


_LEVEL_CLASSES: Final = frozenset(
    look_class(scale, level) for scale, looks in LOOKS.items() for level in range(len(looks))
)
"""The component classes of all levels."""
_LEVEL_STYLES: Final = "\n".join(
    f"StreamedText > .{look_class(scale, level)} {{ color: {color}; text-style: {style}; }}"
    for scale, looks in LOOKS.items()
    for level, (color, style) in enumerate(looks)
)
"""The CSS of all levels."""


class KeySelection(TextLayer):
    """Selects text with the keys, by a cursor.

    The mark key shows the cursor; pressed again, it starts the selection there. Shift with an
    arrow does both, in terminals that report Shift.
    """

    def __init__(self, view: TextView) -> None:
        self._view = view
        self.start: Callable[[], Place | None] = lambda: None
        """Returns the place of a new cursor; None is the top of the view."""
        self._cursor: Place | None = None
        self._anchor: Place | None = None
        """Where the selection started; None without a selection."""

    @property
    def has_cursor(self) -> bool:
        """Whether the arrows move a cursor instead of scrolling."""
        return self._cursor is not None

    def mark(self) -> None:
        """Show the cursor; if it is shown, start the selection there."""
        if self._cursor is None:
            self._cursor = self._new_cursor()
        else:
            self._anchor = self._cursor
        self._show()

    def drop(self) -> None:
        """Remove cursor and selection; the arrows scroll again."""
        if self._cursor is not None:
            self._cursor = self._anchor = None
            self._view.screen.clear_selection()
            self._view.redraw()

    def move(self, direction: Direction, *, selects: bool) -> None:
        """Move the cursor; with `selects`, start a selection if there is none."""
        cursor = self._cursor or self._new_cursor()
        if selects and self._anchor is None:
            self._anchor = cursor
        page = max(self._view.scrollable_content_region.height - 1, 1)
        self._cursor = moved(self._view.wrapped, cursor, direction, page)
        self._show()

    def overlays(self, row: int) -> Iterable[Overlay]:
        """Return the cursor, if it is in the row."""
        if self._cursor is None or self._cursor[0] != row:
            return ()
        column = self._cursor[1]
        end = cluster_end(self._view.wrapped.shown(row), column)
        return (Overlay(column, max(end, column + 1), "text-view--cursor"),)

    def rewrapped(self) -> None:
        """Remove the cursor: its row no longer exists."""
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
        """Convert a place to Textual's offsets, which count drawn columns."""
        wrapped = self._view.wrapped
        is_there = wrapped.first <= row < wrapped.end  # the row may have been dropped
        return Offset(drawn_column(wrapped.shown(row).text, column) if is_there else column, row)


class StreamedText(TextView):
    """A `TextView` with the keys of the text pane and the styles of all its layers."""

    OWNER: Final = "speech"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
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
        super().__init__()
        self.selection = KeySelection(self)
        self.text_layers.append(self.selection)

    def on_key(self, event: events.Key) -> None:
        """Move the selection cursor for arrow keys and the like; without one, they scroll."""
        key = event.key.removeprefix("shift+")
        has_shift = key != event.key
        if key in DIRECTIONS and (has_shift or self.selection.has_cursor):
            event.stop()
            event.prevent_default()
            self.selection.move(key, selects=has_shift)

    def action_mark(self) -> None:
        """Show the cursor; if it is shown, start the selection there."""
        sentence = tr_keys(
            "The arrows move the cursor; {speech.mark} begins to select there, {speech.copy} "
            "copies, {text.stop} leaves."
        )
        if self.selection.has_cursor:
            sentence = tr_keys("The arrows select; {speech.copy} copies, {text.stop} leaves.")
        self.selection.mark()
        self.post_message(NoteWritten(sentence))

    def action_select_all(self) -> None:
        """Select the whole text."""
        self.selection.drop()
        self.screen.selections = {self: SELECT_ALL}
