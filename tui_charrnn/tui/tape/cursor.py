"""A cursor that goes back over a text on a tape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from textual.message import Message
from textual.reactive import var

from tui_charrnn.tui.tape.tape_text import TapeText
from tui_charrnn.tui.text.generation_result import spelled
from tui_charrnn.tui.text.text_cursor import column_at, moved

if TYPE_CHECKING:
    from textual import events

    from tui_charrnn.tui.text.row_strip import Overlay

Step = Literal[
    "left", "right", "word_left", "word_right", "home", "end", "up", "down", "pageup", "pagedown"
]
_LONGEST_WORD: Final = 1000
"""Characters in which the next word is looked for."""


class TapeCursor(TapeText):
    """Has a cursor on the tape while somebody goes back over it; marks where the tape forks."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"generated-text--fork", "generated-text--place"}
    DEFAULT_CSS = """
    TapeCursor {
        & .generated-text--fork { color: $accent; text-style: bold underline; }
        & .generated-text--place { color: $accent; text-style: bold reverse; }
    }
    """

    at: var[tuple[int, int] | None] = var(None, init=False)
    """Branch and position of the cursor; None while there is none."""
    last: var[int] = var(0, init=False)
    """The last position, while there is a cursor; it grows as the text does."""

    _leads = False
    """Whether what follows the cursor is to be brought into view as it comes."""

    class Picked(Message):
        """The mouse points at a place, while there is a cursor."""

        def __init__(self, position: int) -> None:
            self.position = position
            super().__init__()

    @property
    def is_held(self) -> bool:
        """Whether the end is not followed because of a search, a selection or the cursor."""
        return self.at is not None or super().is_held

    def on_click(self, event: events.Click) -> None:
        """Tell where the mouse points, unless it selects."""
        offset = event.get_content_offset(self)
        if self.at is not None and self.text_selection is None and offset is not None:
            row = self._wrapped.first + self.scroll_offset.y + offset.y
            row = min(row, self._wrapped.end - 1)
            place = row, column_at(self._wrapped, row, offset.x)
            self.post_message(self.Picked(self.position_at(place)))

    def begin_tape(self) -> None:
        """Let the characters of `generation` follow what is shown now; the cursor goes along."""
        super().begin_tape()
        if self.at is not None:
            self.point(0)

    def draw_new(self) -> None:
        """Append what came since the last time; a cursor at the end stays there."""
        is_at_end = self.at == (self.branch, self.shown)
        super().draw_new()
        if is_at_end and self.at != (self.branch, self.shown):
            self.point(self.shown)
        elif self._leads:
            self.lead()
        self.last = self.shown

    def show_branch(self, number: int) -> None:
        """Have another continuation in sight; the cursor stays where it is, as far as that goes."""
        super().show_branch(number)
        self.last = self.shown
        if self.at is not None:
            self.point(min(self.at[1], self.shown))

    def point(self, position: int | None) -> None:
        """Put the cursor at a position of the continuation in sight; None takes it away."""
        self.at, self._leads = None if position is None else (self.branch, position), False
        place = None if position is None else self.place_at(position)
        if position is not None and position >= self.shown:
            self.follows_end = True
        elif place is not None:
            self.reveal(place[0])
        self._strips.clear()
        self.refresh()

    def lead(self) -> None:
        """Bring what follows the cursor into view, as far as it has come; more of it later."""
        place = self.place_at(self.at[1]) if self.at is not None else None
        if place is not None:
            top = place[0] - self._wrapped.first - self.scrollable_content_region.height // 3
            self._leads = top > self.max_scroll_y
            self.scroll_to(y=max(top, 0))
            self.follows_end = False

    def stepped(self, position: int, step: Step) -> int:
        """Where the cursor would be after a step."""
        match step:
            case "left" | "right":
                wanted = position - 1 if step == "left" else position + 1
            case "home" | "end":
                wanted = 0 if step == "home" else self.shown
            case "word_left":
                wanted = self._word_before(position)
            case "word_right":
                wanted = self._word_after(position)
            case "up" | "down" | "pageup" | "pagedown":
                place = self.place_at(position)
                page = max(self.scrollable_content_region.height - 1, 1)
                if place is None:
                    return position
                wanted = self.position_at(moved(self._wrapped, place, step, page))
        return min(max(wanted, 0), self.shown)

    def _word_before(self, position: int) -> int:
        first = max(position - _LONGEST_WORD, 0)
        starts = [word.start() for word in re.finditer(r"\S+", self._spelled(first, position))]
        return first + (starts[-1] if starts else 0)

    def _word_after(self, position: int) -> int:
        text = self._spelled(position, min(position + _LONGEST_WORD, self.shown))
        found = re.match(r"\S*\s+", text)
        return position + (found.end() if found else len(text))

    def _spelled(self, start: int, stop: int) -> str:
        if self.tape_tree is None or self.generation is None or self.generation.opening is None:
            return ""
        return spelled(self.tape_tree, self.generation.opening.vocabulary, self.branch, start, stop)

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: forks, and the cursor above all."""
        overlays = super()._overlays(number)
        if self.at is None or self.tape_tree is None:
            return overlays
        # deferred: needed by those who go back over the text only
        from tui_charrnn.viewing.branches import forks_on  # noqa: PLC0415 - as said

        fork = self.get_component_rich_style("generated-text--fork", partial=True)
        cursor = self.get_component_rich_style("generated-text--place", partial=True)
        forks = {*forks_on(self.tape_tree, self.branch)}
        for position, start, end in self.positions_in_row(number):
            if position in forks:
                overlays.append((start, end, fork))
            if position == self.at[1]:
                overlays.append((start, end, cursor))
        end_place = self.place_at(self.shown)
        if self.at[1] == self.shown and end_place is not None and end_place[0] == number:
            overlays.append((end_place[1], end_place[1] + 1, cursor))
        return overlays
