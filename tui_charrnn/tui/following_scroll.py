"""A scroll view of drawn rows that follows its end until the user scrolls away."""

from dataclasses import dataclass
from typing import Any

from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip


class FollowingScrollView(ScrollView):
    """Scrolls without animation and follows its end; keeps the rows that were drawn.

    Textual's own anchor posts no message when it is released, and breaks when rows are removed at
    the top.
    """

    ALLOW_SELECT = True
    DEFAULT_CSS = """
    FollowingScrollView {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """

    follows_end: reactive[bool] = reactive(True, repaint=False, init=False)
    """Whether the newest rows stay visible; the user changes this by scrolling."""

    _is_placing = False
    """Whether the program, not the user, is setting the position."""

    @dataclass
    class FollowChanged(Message):
        """The user scrolled away from the end, or back to it."""

        follows: bool

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.strips: LRUCache[int, Strip] = LRUCache(1024)
        """Drawn rows, by their numbers."""

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the rows again, with or without the selection."""
        self.strips.clear()
        super().selection_updated(selection)

    def notify_style_update(self) -> None:
        """Draw the rows again, in another theme."""
        self.strips.clear()
        super().notify_style_update()

    def place(self, rows: int, top: int, *, is_new: bool = False) -> None:
        """Set the number of rows; show the end if it is followed, else row `top` at the top.

        While the scrollbar neither appears nor disappears, nothing around the text moves. So this
        avoids Textual's layout and drawing of the whole screen for every new row.

        Args:
            rows: The number of rows.
            top: The row at the top, if the end is not followed.
            is_new: Whether the rows are other ones: drops the drawn ones and the selection.
        """
        if is_new:
            self.strips.clear()
            if self.is_attached and self.text_selection is not None:
                self.screen.clear_selection()  # it refers to row numbers
            self.refresh()
        self._is_placing = True
        try:
            size = Size(self.scrollable_content_region.width, rows)
            had_bar, needs_bar = self.show_vertical_scrollbar, size.height > self.size.height
            is_same_width = size.width == self.virtual_size.width
            if had_bar != needs_bar or (needs_bar and not is_same_width):
                self.virtual_size = size
            else:
                self.set_reactive(FollowingScrollView.virtual_size, size)
                if needs_bar:
                    self.vertical_scrollbar.window_virtual_size = size.height
            target = self.max_scroll_y if self.follows_end else top
            if self.is_attached and target != self.scroll_y:
                self.scroll_to(y=target, force=True)  # the scrollbar may not exist yet
        finally:
            self._is_placing = False

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll without animation: moving text cannot be read, and each frame costs a redraw."""
        super().scroll_to(x, y, **{**options, "animate": False})

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
            self.place(self.virtual_size.height, 0)
