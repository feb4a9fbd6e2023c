"""Lines of a log, wrapped, each with a sign for what it is worth."""

from typing import ClassVar, Final, get_args

from rich.segment import Segment
from textual.cache import LRUCache
from textual.selection import Selection
from textual.strip import Strip

from tui_charrnn.tui.following_scroll import FollowingScrollView
from tui_charrnn.tui.run.log_rows import LogRow, LogRows
from tui_charrnn.tui.text.wrapping import wrap_line
from tui_charrnn.viewing.log_lines import LogFilter, LogKind, LogLine

_SIGNS: Final[dict[LogKind, str]] = {
    "noise": "· ",
    "plain": "  ",
    "warning": "! ",
    "error": "✗ ",
    "note": "» ",
}
"""What stands before a line; color alone would not do."""
_SIGN_WIDTH: Final = 2


class LogView(FollowingScrollView, can_focus=True):
    """Shows lines that come in at the end, and follows it until the reader scrolls up."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"log-view--{kind}" for kind in get_args(LogKind)}
    DEFAULT_CSS = """
    LogView {
        background: $background;
        color: $foreground;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .log-view--noise { color: $text-muted; text-style: dim; }
        & .log-view--plain { color: $foreground; }
        & .log-view--warning { color: $text-warning; }
        & .log-view--error { color: $text-error; text-style: bold; }
        & .log-view--note { color: $note-text; text-style: italic; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows = LogRows()
        self.sentence = ""
        """What is said while there is no line to show; safe to show."""
        self._strips: LRUCache[int, Strip] = LRUCache(512)
        """Rows that are drawn, by their numbers."""

    def append(self, lines: tuple[LogLine, ...]) -> None:
        """Add lines at the end."""
        dropped = self.rows.append(lines)
        self.place(len(self.rows.rows), max(self.scroll_offset.y - dropped, 0))
        self.refresh()

    def filter_by(self, log_filter: LogFilter) -> None:
        """Show other lines."""
        top = self.rows.arrange(
            width=self.rows.width, log_filter=log_filter, anchor=self.scroll_offset.y
        )
        self._start_afresh(top)

    def clear(self) -> None:
        """Drop all lines."""
        self.rows.clear()
        self.follows_end = True
        self._start_afresh(0)

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view.

        Args:
            y: The row, counted from the top of the view.
        """
        width = self.scrollable_content_region.width
        if not self.rows.rows:
            return self._draw_sentence(y, width)
        index = self.scroll_offset.y + y
        if index >= len(self.rows.rows):
            return Strip.blank(width, self.rich_style)
        number = self.rows.first + index
        strip = self._strips.get(number)
        if strip is None:
            strip = self._strips[number] = self._draw(self.rows.rows[index], number, width)
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, in the lines that it has, without their signs."""
        pieces = []
        for index, row in enumerate(self.rows.rows):
            span = selection.get_span(self.rows.first + index)
            if span is not None:
                start, end = span
                pieces.append(row.text[start : None if end < 0 else end])
                pieces.append("\n" if row.ends_line else "")
        return "".join(pieces).removesuffix("\n"), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the rows again, with or without the selection."""
        self._strips.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Draw the rows again, in the colors of another theme."""
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Wrap the lines to another width, with the same line at the top of the view."""
        width, top = self.scrollable_content_region.width - _SIGN_WIDTH, self.scroll_offset.y
        if width > 0 and width != self.rows.width:
            top = self.rows.arrange(width=width, log_filter=self.rows.filter, anchor=top)
            self._start_afresh(top)
        elif width > 0:
            self.place(len(self.rows.rows), top)

    def _start_afresh(self, top: int) -> None:
        """Show rows that have nothing to do with those that were there."""
        self._strips.clear()
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()  # it is kept by the numbers of rows
        self.place(len(self.rows.rows), top)
        self.refresh()

    def _draw(self, row: LogRow, number: int, width: int) -> Strip:
        look = self.get_component_rich_style(f"log-view--{row.kind}")
        sign = Segment(_SIGNS[row.kind] if row.begins_line else " " * _SIGN_WIDTH, look)
        span = None if self.text_selection is None else self.text_selection.get_span(number)
        parts = [Segment(row.text, look)]
        if span is not None:
            start, end = span[0], len(row.text) if span[1] < 0 else span[1]
            marked = look + self.screen.get_component_rich_style("screen--selection")
            pieces = [row.text[:start], row.text[start:end], row.text[end:]]
            looks = (look, marked, look)
            parts = [Segment(text, style) for text, style in zip(pieces, looks, strict=True)]
        text = Strip([part for part in parts if part.text]).apply_offsets(0, number)
        return Strip([sign, *text]).crop_extend(0, width, self.rich_style)

    def _draw_sentence(self, y: int, width: int) -> Strip:
        bounds = [0, *wrap_line(self.sentence, width), len(self.sentence)]
        text = self.sentence[bounds[y] : bounds[y + 1]] if y + 1 < len(bounds) else ""
        note = Segment(text, self.get_component_rich_style("log-view--note"))
        return Strip([note]).crop_extend(0, width, self.rich_style)
