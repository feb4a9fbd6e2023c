"""A view of text that only grows: wraps, scrolls and selects; layers draw over its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive, var
from textual.selection import Selection
from textual.strip import Strip

from tui_charrnn.hangul import continues_syllable, drawn_hangul
from tui_charrnn.tui.row_views import RowView
from tui_charrnn.tui.text.wrapped_text import Place, TextStyle, WrappedText, column_at
from tui_charrnn.tui.theme.themed_app import KeepsText
from tui_charrnn.viewing.formatting import in_ascii

_WIDTH_BEFORE_LAYOUT: Final = 80
_SELECTED: Final = "screen--selection"
"""The style of selected text; a component class of the screen, not of the view."""


class Overlay(NamedTuple):
    """A styled part of a row."""

    start: int
    """Start column in the drawn row; after the text, the overlay takes one cell there."""
    end: int
    """End column, exclusive; -1 is the end of the row."""
    look: str
    """A component class of the view."""
    is_opaque: bool = False
    """Whether the style replaces all colors of the text, rather than only those that it sets."""


class TextLayer:
    """Draws over the rows of a text; it knows the text, not the terminal."""

    def overlays(self, row: int) -> Iterable[Overlay]:
        """Return the overlays of a row, by its number; the lowest first."""
        raise NotImplementedError

    def text_changed(self) -> None:
        """React to text added at the end."""

    def rewrapped(self) -> None:
        """React to a new set of rows; old row numbers are no longer valid."""


class TextView(KeepsText, RowView, can_focus=True):
    """Shows text that only grows, and follows its end until the user scrolls up.

    Appending takes time proportional to the added text, however long the history is. Selected text
    is copied as shown, so it is safe to paste.

    Textual's own anchor posts no message when it is released, and breaks when rows are removed at
    the top.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text-view--seed",
        "text-view--generated",
        "text-view--skipped",
        "text-view--match",
        "text-view--found",
        "text-view--note",
        "text-view--rule",
        "text-view--caret",
    }
    DEFAULT_CSS = """
    TextView {
        color: $generated-text;
        & .text-view--seed { color: $seed-text; text-style: bold; }
        & .text-view--generated { color: $generated-text; }
        & .text-view--skipped { color: $skipped-text; text-style: strike; }
        & .text-view--match { background: $warning 30%; text-style: underline; }
        & .text-view--found { color: $warning; text-style: bold reverse; }
        & .text-view--note { color: $note-text; text-style: italic; }
        & .text-view--rule { color: $foreground 40%; }
        & .text-view--caret { color: $generated-text; text-style: reverse; }
    }
    """

    GUTTER: ClassVar[int] = 0
    """Columns that a row leaves free."""
    streaming: var[bool] = var(False, init=False)
    """Whether more text is expected; shows a caret after the last character."""
    follows_end: reactive[bool] = reactive(True, repaint=False, init=False)
    """Whether the newest rows stay visible; the user changes this by scrolling."""
    _is_placing = False
    """Whether the program, not the user, is setting the position."""

    @dataclass
    class FollowChanged(Message):
        """The user scrolled away from the end, or back to it."""

        follows: bool

    @dataclass
    class Clicked(Message):
        """The user clicked on a place without selecting."""

        place: Place

    def __init__(self) -> None:
        super().__init__()
        self.text_layers: list[TextLayer] = [_MouseSelection(self)]
        """The layers over the text, the lowest first."""
        self.wrapped = WrappedText(width=_WIDTH_BEFORE_LAYOUT)
        """The rows."""
        self.strips: LRUCache[int, Strip] = LRUCache(1024)
        """Drawn rows, by their numbers."""

    @property
    def length(self) -> int:
        """Number of characters ever appended and not cut, including dropped ones and notes.

        Characters are numbered like this from 0; see `SourceMap`.
        """
        return self.wrapped.sources.length

    @property
    def top(self) -> int:
        """Number of the first row in view."""
        return self.wrapped.first + self.scroll_offset.y

    def append(self, text: str, style: TextStyle = "generated") -> None:
        """Append text, cut anywhere; best called once per frame."""
        if not text:
            return
        if style == "rule" and getattr(self.app, "is_ascii", False):  # only rules, not the text
            text = in_ascii(text)
        first = self.wrapped.first
        changed = self.wrapped.append(text, style)
        dropped = self.wrapped.first - first
        self.strips.discard(changed)
        self.strips.discard(self.wrapped.first)  # has the notice if rows were dropped
        self._place(max(self.scroll_offset.y - dropped, 0))
        if dropped:
            self.refresh()
        else:
            self.refresh_lines(changed - first, self.wrapped.end - changed)
        for layer in self.text_layers:
            layer.text_changed()

    def replace_end(self, source: int, text: str) -> None:
        """Replace the generated text from a character on, and keep the scroll position.

        The character's row must not have been dropped.
        """
        top = self.scroll_offset.y
        self.wrapped.cut(source)
        self.wrapped.append(text, "generated")
        self._show_new_rows(top)

    def clear(self) -> None:
        """Drop all text and follow the end again."""
        self.wrapped = WrappedText(width=self.wrapped.width, limit=self.wrapped.limit)
        self.follows_end = True
        self._show_new_rows(0)

    def reveal(self, row: int) -> None:
        """Scroll to a row, by its number, unless it is in view; stop following the end."""
        if not self.is_attached:
            return
        index, height = row - self.wrapped.first, self.scrollable_content_region.height
        if not 0 <= index - self.scroll_offset.y < height:
            self.scroll_to(y=index - height // 3)
        self.follows_end = False

    def redraw(self, rows: range | None = None) -> None:
        """Redraw rows, by their numbers, or all of them, because an overlay has changed."""
        if rows is None:
            self.strips.clear()
            self.refresh()
            return
        for row in rows:
            self.strips.discard(row)
        self.refresh_lines(rows.start - self.wrapped.first, len(rows))

    def look(self, name: str, *, is_opaque: bool = True) -> Style:
        """Return the style of a component class in the current theme.

        An opaque style takes the colors that it does not set from the view, not from the text.
        """
        if name != _SELECTED:
            return self.get_component_rich_style(name, partial=not is_opaque)
        look = self.screen.get_component_rich_style(_SELECTED)
        if self.screen.get_component_styles(_SELECTED).color.a == 0:
            look = Style(bgcolor=look.bgcolor)  # transparent: keep the color of the text
        return look + Style(reverse=True) if self.app.no_color else look

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view, counted from the top of the view."""
        row, width = self.top + y, self.scrollable_content_region.width
        if row >= self.wrapped.end:
            return Strip.blank(width, self.rich_style)
        strip = self.strips.get(row)
        if strip is None:
            has_caret = self.streaming and row == self.wrapped.end - 1
            text = self.wrapped.shown(row).text
            # a jamo syllable has the style of its last part alone
            overlays = [
                Overlay(start, _syllable_start(text, end), f"text-view--{style}", is_opaque=True)
                for start, end, style in self.wrapped.styles(row)
            ]
            for layer in self.text_layers:
                overlays += layer.overlays(row)
            drawn = draw_row(
                text,
                [
                    (start, end, self.look(look, is_opaque=is_opaque))
                    for start, end, look, is_opaque in overlays
                ],
                caret_style=self.look("text-view--caret") if has_caret else None,
            )
            # Textual maps the mouse to text by these offsets
            strip = drawn.crop_extend(0, width, self.rich_style).apply_offsets(0, row)
            self.strips[row] = strip
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as shown, in lines instead of rows."""
        return selected_text(self.wrapped, selection), "\n"

    def notify_style_update(self) -> None:
        """Redraw the rows in another theme."""
        self.strips.clear()
        super().notify_style_update()

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the rows again, with or without the selection."""
        self.strips.clear()
        super().selection_updated(selection)

    def on_resize(self) -> None:
        """Wrap the text to the new width, with the same text at the top of the view."""
        width, top = self.scrollable_content_region.width - self.GUTTER, self.scroll_offset.y
        if width < 1:
            return  # hidden
        if width == self.wrapped.width:
            self._place(top)
        else:
            anchor = self.wrapped.rewrap(width, self.wrapped.first + top)
            self._show_new_rows(anchor - self.wrapped.first)

    def on_click(self, event: events.Click) -> None:
        """Post the clicked place, unless text is selected."""
        offset = event.get_content_offset(self)
        if self.text_selection is None and offset is not None:
            row = min(self.top + offset.y, self.wrapped.end - 1)
            self.post_message(self.Clicked((row, column_at(self.wrapped, row, offset.x))))

    def watch_streaming(self) -> None:
        """Show or hide the caret."""
        self.strips.discard(self.wrapped.end - 1)
        self.refresh()

    def _place(self, top: int) -> None:
        """Fit the scrollbar to the rows; show their end if it is followed, else the one at `top`.

        While the scrollbar neither appears nor disappears, nothing around the text moves. So this
        avoids Textual's layout and drawing of the whole screen for every new row.
        """
        self._is_placing = True
        try:
            size = Size(self.scrollable_content_region.width, len(self.wrapped.rows))
            had_bar, needs_bar = self.show_vertical_scrollbar, size.height > self.size.height
            is_same_width = size.width == self.virtual_size.width
            if had_bar != needs_bar or (needs_bar and not is_same_width):
                self.virtual_size = size
            else:
                self.set_reactive(TextView.virtual_size, size)
                if needs_bar:
                    self.vertical_scrollbar.window_virtual_size = size.height
            target = self.max_scroll_y if self.follows_end else top
            if self.is_attached and target != self.scroll_y:
                self.scroll_to(y=target, force=True)  # the scrollbar may not exist yet
        finally:
            self._is_placing = False

    def action_scroll_end(self) -> None:
        """Follow the end again."""
        self.follows_end = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end if and only if it is visible to the user."""
        super().watch_scroll_y(old_value, new_value)
        if not self._is_placing:
            self.follows_end = new_value >= self.max_scroll_y

    def watch_show_vertical_scrollbar(self, shows: bool) -> None:
        """Set the position of a scrollbar that has just appeared."""
        if shows:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_follows_end(self, follows: bool) -> None:
        """Post `FollowChanged`, and show the end if it is followed again."""
        self.post_message(self.FollowChanged(follows))
        if follows:
            self._place(0)

    def _show_new_rows(self, top: int) -> None:
        """Show a new set of rows, scrolled to index `top`."""
        self.strips.clear()
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()  # it refers to row numbers
        self.refresh()
        self._place(top)
        for layer in self.text_layers:
            layer.rewrapped()


class _MouseSelection(TextLayer):
    """Highlights the text that Textual has selected."""

    def __init__(self, view: TextView) -> None:
        self._view = view

    def overlays(self, row: int) -> Iterable[Overlay]:
        """Return the selected part of a row."""
        selection = self._view.text_selection
        span = selection and selected_span(self._view.wrapped, selection, row)
        return () if span is None else (Overlay(*span, _SELECTED),)


def selected_text(wrapped: WrappedText, selection: Selection) -> str:
    """Return the selected text as shown, in lines instead of rows."""
    pieces = []
    first = wrapped.first if selection.start is None else selection.start.y
    last = wrapped.end - 1 if selection.end is None else selection.end.y
    for number in range(max(first, wrapped.first), min(last + 1, wrapped.end)):
        row, span = wrapped.shown(number), selected_span(wrapped, selection, number)
        if span is not None:
            start, end = span
            pieces.append(row.text[start : None if end < 0 else end])
            pieces.append("\n" if row.ends_line and number < last else "")
    return drawn_hangul("".join(pieces))


def selected_span(
    wrapped: WrappedText, selection: Selection, number: int
) -> tuple[int, int] | None:
    """Return start and end of the selection in a row, in its characters; -1 is the end of the row.

    None if nothing in the row is selected.
    """
    span = selection.get_span(number)
    if span is None or not wrapped.first <= number < wrapped.end:
        return span
    text = wrapped.shown(number).text
    start, end = (column if column < 0 else _text_column(text, column) for column in span)
    return start, end


def drawn_column(text: str, column: int) -> int:
    """Convert an index in a row to a drawn column, where a jamo syllable counts as one."""
    return column - sum(map(continues_syllable, text[:column]))


def _text_column(text: str, column: int) -> int:
    """Convert a drawn column to an index in a row; the inverse of `drawn_column`."""
    if text.isascii():
        return column
    starts = [place for place, sign in enumerate(text) if not continues_syllable(sign)]
    return starts[column] if column < len(starts) else len(text) + column - len(starts)


def _syllable_start(text: str, column: int) -> int:
    """Return the start of the syllable at an index."""
    while 0 < column < len(text) and continues_syllable(text[column]):
        column -= 1
    return column


def _syllable_end(text: str, column: int) -> int:
    """Return the end of the syllable at an index; an index between two is an end."""
    while column < len(text) and continues_syllable(text[column]):
        column += 1
    return column


def draw_row(
    text: str, overlays: Sequence[tuple[int, int, Style]], *, caret_style: Style | None = None
) -> Strip:
    """Draw a row, as long as its text.

    Args:
        text: The row.
        overlays: Start, end and style, the lowest first; an end of -1 is the end of the row. An
            overlay that starts after the text takes a cell there.
        caret_style: Style of the caret after the text; None for no caret.
    """
    length = len(text)
    # a jamo syllable is drawn as one, so an overlay of a part of it covers all of it
    spans = [
        (
            _syllable_start(text, min(start, length)),
            length if end < 0 else _syllable_end(text, end),
            look,
        )
        for start, end, look in overlays
    ]
    if any(start == length < end for start, end, _ in spans):
        text += " "
    bounds = {0, len(text), *(bound for start, end, _ in spans for bound in (start, end))}
    segments = []
    for start, end in pairwise(sorted(bound for bound in bounds if bound <= len(text))):
        looks = (look for first, last, look in spans if first <= start and end <= last)
        segments.append(Segment(drawn_hangul(text[start:end]), Style.combine(looks)))
    if caret_style is not None:
        segments.append(Segment(" ", caret_style))
    return Strip(segments)
