"""Text that streams in at the end, character by character."""

from typing import ClassVar, Final, get_args

from rich.style import Style
from textual.cache import LRUCache
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip

from tui_charrnn.tui.text.following_scroll import FollowingScrollView
from tui_charrnn.tui.text.kept_text import KeptText
from tui_charrnn.tui.text.row_strip import Overlay, draw_row
from tui_charrnn.tui.text.selected_text import selected_text
from tui_charrnn.tui.text.wrapped_text import TextStyle, WrappedText
from tui_charrnn.tui.theme.filters import KeepsText

DEFAULT_LIMIT: Final = 1_000_000
"""Characters of history that are kept."""
_WIDTH_BEFORE_LAYOUT: Final = 80


class GeneratedText(KeepsText, FollowingScrollView, can_focus=True):
    """Shows text that only ever grows, wrapped, and follows its end until the reader scrolls up.

    Appending costs time proportional to what is appended, whatever the history. Selected text is
    copied as it is shown, which is safe to paste; `text` is exact.
    """

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "generated-text--seed",
        "generated-text--generated",
        "generated-text--skipped",
        "generated-text--note",
        "generated-text--caret",
    }
    DEFAULT_CSS = """
    GeneratedText {
        background: $background;
        color: $generated-text;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        & .generated-text--seed { color: $seed-text; text-style: bold; }
        & .generated-text--generated { color: $generated-text; }
        & .generated-text--skipped { color: $skipped-text; text-style: strike; }
        & .generated-text--note { color: $note-text; text-style: italic; }
        & .generated-text--caret { color: $generated-text; text-style: reverse; }
    }
    """

    streaming: var[bool] = var(False, init=False)
    """Whether more text is on its way: shows a caret after the last character."""

    def __init__(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - the name that every Textual widget has for it
        classes: str | None = None,
    ) -> None:
        """Start without text.

        Args:
            limit: About how many characters are kept; the oldest lines are dropped first.
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        super().__init__(name=name, id=id, classes=classes)
        self._limit = limit
        self._wrapped = WrappedText(width=_WIDTH_BEFORE_LAYOUT, limit=limit)
        self._kept = KeptText(limit)
        self._strips: LRUCache[int, Strip] = LRUCache(1024)
        """Rows that are drawn, by their numbers."""
        self._looks: dict[str, Style] = {}
        """How each style of text looks in the theme that is worn; empty until it is asked for."""

    @property
    def text(self) -> str:
        """The seed and the generated text, exactly as appended; no notes, nothing skipped."""
        return self._kept.text

    @property
    def length(self) -> int:
        """Characters that were ever appended and not cut off again, the dropped ones and notes too.

        Characters are numbered so from 0 on; see `text_places`.
        """
        return self._wrapped.sources.length

    def append(self, text: str, style: TextStyle = "generated") -> None:
        """Add text at the end.

        Args:
            text: Any text, cut anywhere; append what arrived since the last frame at once.
            style: Why the text is there.
        """
        if not text:
            return
        if style in {"seed", "generated"}:
            self._kept.append(text)
        first = self._wrapped.first
        changed = self._wrapped.append(text, style)
        self._strips.discard(changed)
        dropped = self._wrapped.first - first
        self._strips.discard(self._wrapped.first)  # the notice stands there if rows were dropped
        self.place(len(self._wrapped.rows), max(self.scroll_offset.y - dropped, 0))
        if dropped:
            self.refresh()
        else:
            self.refresh_lines(changed - first, self._wrapped.end - changed)

    def replace_end(self, source: int, text: str) -> None:
        """Let generated text stand in the place of other generated text, and the view stay.

        Args:
            source: The number of the first character that goes; its row must not have been dropped.
            text: What follows those that stay.
        """
        top = self.scroll_offset.y
        self._kept.cut(self.length - source)
        self._wrapped.cut(source)
        self._kept.append(text)
        self._wrapped.append(text, "generated")
        self._start_afresh(top)

    def clear(self) -> None:
        """Drop all text and follow the end again."""
        self._wrapped = WrappedText(width=self._wrapped.width, limit=self._limit)
        self._kept = KeptText(self._limit)
        self.follows_end = True
        self._start_afresh(0)

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view.

        Args:
            y: The row, counted from the top of the view.
        """
        number = self._wrapped.first + self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if number >= self._wrapped.end:
            return Strip.blank(width, self.rich_style)
        strip = self._strips.get(number)
        if strip is None:
            has_caret = self.streaming and number == self._wrapped.end - 1
            if not self._looks:
                look = self.get_component_rich_style
                names = (*get_args(TextStyle), "caret")
                self._looks = {name: look(f"generated-text--{name}") for name in names}
            drawn = draw_row(
                self._wrapped.shown(number),
                self._looks,
                overlays=self._overlays(number),
                caret_style=self._looks["caret"] if has_caret else None,
            )
            # the offsets are what Textual finds by what the mouse selects
            strip = drawn.crop_extend(0, width, self.rich_style).apply_offsets(0, number)
            self._strips[number] = strip
        return strip

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, in the lines that it has, not in rows."""
        return selected_text(self._wrapped, selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the rows again, with or without the selection."""
        self._strips.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Draw the rows again, in the colors of another theme."""
        self._strips.clear()
        self._looks.clear()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Wrap the text to another width, with the same text at the top of the view."""
        width, top = self.scrollable_content_region.width, self.scroll_offset.y
        if width < 1:
            return  # hidden: there is nothing to wrap to
        if width == self._wrapped.width:
            self.place(len(self._wrapped.rows), top)
        else:
            anchor = self._wrapped.rewrap(width, self._wrapped.first + top)
            self._start_afresh(anchor - self._wrapped.first)

    def watch_streaming(self) -> None:
        """Show or hide the caret."""
        self._strips.discard(self._wrapped.end - 1)
        self.refresh()

    def _start_afresh(self, top: int) -> None:
        """Show rows that have nothing to do with those that were there."""
        self._strips.clear()
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()  # it is kept by the numbers of rows
        self.place(len(self._wrapped.rows), top)
        self.refresh()

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: the selection."""
        selection = self.text_selection
        span = None if selection is None else selection.get_span(number)
        if span is None:
            return []
        look = self.screen.get_component_rich_style("screen--selection")
        if self.screen.get_component_styles("screen--selection").color.a == 0:
            look = Style(bgcolor=look.bgcolor)  # the text keeps its color, instead of none
        return [(*span, look + Style(reverse=True) if self.app.no_color else look)]
