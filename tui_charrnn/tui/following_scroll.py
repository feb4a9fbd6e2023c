"""A view that keeps its end in sight until the reader scrolls away."""

from dataclasses import dataclass
from typing import Any

from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView


class FollowingScrollView(ScrollView):
    """Scrolls without animation and follows its end.

    Textual's own anchor does neither tell anybody that it was released nor survive a view that
    loses rows at its top.
    """

    follows_end: reactive[bool] = reactive(True, repaint=False, init=False)
    """Whether the newest rows are kept in view; the reader decides by scrolling."""

    _is_placing = False
    """Whether the position is being set by the program, not by the reader."""

    @dataclass
    class FollowChanged(Message):
        """The reader scrolled away from the end, or returned to it."""

        follows: bool

    def place(self, rows: int, top: int) -> None:
        """Take a number of rows; show the end if it is followed, or else the row `top` first."""
        self._is_placing = True
        try:
            self._take_size(Size(self.scrollable_content_region.width, rows))
            target = self.max_scroll_y if self.follows_end else top
            if self.is_attached and target != self.scroll_y:
                self.scroll_to(y=target, force=True)  # the scrollbar may not be there yet
        finally:
            self._is_placing = False

    def _take_size(self, size: Size) -> None:
        """Take another size of all rows.

        As long as the scrollbar neither comes nor goes, nothing around the text moves: the whole
        screen need not be laid out and drawn again for every new row, as Textual does it.
        """
        had_bar, needs_bar = self.show_vertical_scrollbar, size.height > self.size.height
        is_same_width = size.width == self.virtual_size.width
        if had_bar != needs_bar or (needs_bar and not is_same_width):
            self.virtual_size = size
            return
        self.set_reactive(FollowingScrollView.virtual_size, size)
        if needs_bar:
            self.vertical_scrollbar.window_virtual_size = size.height

    def scroll_to(self, x: float | None = None, y: float | None = None, **options: Any) -> None:
        """Scroll at once; gliding text cannot be read and costs a redraw a frame."""
        super().scroll_to(x, y, **{**options, "animate": False})

    def action_scroll_end(self) -> None:
        """Follow the end again."""
        self.follows_end = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end exactly if the reader has it in view."""
        super().watch_scroll_y(old_value, new_value)
        if not self._is_placing:
            self.follows_end = new_value >= self.max_scroll_y

    def watch_show_vertical_scrollbar(self, shows: bool) -> None:
        """Let a scrollbar that has just appeared stand where the text stands."""
        if shows:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_follows_end(self, follows: bool) -> None:
        """Tell the owner, and show the end if it is followed again."""
        self.post_message(self.FollowChanged(follows))
        if follows:
            self.place(self.virtual_size.height, 0)
