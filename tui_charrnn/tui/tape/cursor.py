"""The cursor that goes back over a text on a tape, and the places at which the tape forks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from tui_charrnn.hangul import continues_syllable
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.text.text_view import Overlay, TextLayer
from tui_charrnn.tui.text.wrapped_text import Direction, moved
from tui_charrnn.viewing.branches import forks_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tui_charrnn.tui.text.tape_text import TapeText

Step = Literal[Direction, "jamo_left", "jamo_right", "word_left", "word_right"]
_LONGEST_WORD: Final = 1000
"""Characters in which the next word is looked for."""


class TapeCursor(TextLayer):
    """Names a character of the tape while the user goes back over it; follows the text."""

    def __init__(self, text: TapeText) -> None:
        self.text = text
        self.moved = Signal()
        """Sent when `at` has changed."""
        self.grown_to = Signal()
        """Sent when there are more characters, or fewer, than before."""
        self._at: tuple[int, int] | None = None
        self._last = 0
        self._leads = False
        """Whether what follows the cursor is to be brought into view as it comes."""
        text.observers.append(self)

    @property
    def at(self) -> tuple[int, int] | None:
        """Branch and position of the cursor; None while there is none."""
        return self._at

    def point(self, position: int | None) -> None:
        """Put the cursor at a position of the branch in sight; None takes it away."""
        self._leads = False
        view = self.text.view
        place = None if position is None else self.text.place_at(position)
        if position is not None and position >= self.text.shown:
            view.follows_end = True
        elif place is not None:
            view.reveal(place[0])
        view.redraw()
        self._put(None if position is None else (self.text.branch, position))

    def target(self, position: int, step: Step) -> int:
        """Where the cursor would be after a step."""
        text = self.text
        match step:
            case "left" | "right":
                wanted = self._beside(position, -1 if step == "left" else 1)
            case "jamo_left" | "jamo_right":
                wanted = position + (-1 if step == "jamo_left" else 1)
            case "home" | "end":
                wanted = 0 if step == "home" else text.shown
            case "word_left":
                wanted = self._word_before(position)
            case "word_right":
                wanted = self._word_after(position)
            case "up" | "down" | "pageup" | "pagedown":
                place = text.place_at(position)
                page = max(text.view.scrollable_content_region.height - 1, 1)
                if place is None:
                    return position
                wanted = text.position_at(moved(text.view.wrapped, place, step, page))
        return min(max(wanted, 0), text.shown)

    def overlays(self, row: int) -> Iterator[Overlay]:
        """The cursor, if it is in the row; behind the text at its end."""
        if self._at is None or self.text.tree is None:
            return
        position, text = self._at[1], self.text
        place = text.place_at(position)
        if place is None:
            return
        if position == text.shown:
            if place[0] == row:
                yield Overlay(place[1], place[1] + 1, "text-view--place")
            return
        for other, start, stop in text.positions_in_row(row) if place[0] == row else ():
            if other == position:
                yield Overlay(start, stop, "text-view--place")

    def replaced(self) -> None:
        """Go to the only place that every tape has."""
        if self._at is not None:
            self._put((0, 0))

    def begun(self) -> None:
        """Go along to the tape that begins."""
        if self._at is not None:
            self.point(0)

    def grown(self, before: int) -> None:
        """Stay at the end if the cursor is there, or bring into view what follows it."""
        shown = self.text.shown
        if self._at == (self.text.branch, before) and shown != before:
            self.point(shown)
        elif self._leads:
            self.continued()
        self._grow()

    def switched(self) -> None:
        """Stay where the cursor is, as far as the other branch goes."""
        self._grow()
        if self._at is not None:
            self.point(min(self._at[1], self.text.shown))

    def continued(self) -> None:
        """Bring what follows the cursor into view, as far as it has come; more of it later."""
        view = self.text.view
        place = self.text.place_at(self._at[1]) if self._at is not None else None
        if place is not None:
            top = place[0] - view.wrapped.first - view.scrollable_content_region.height // 3
            self._leads = top > view.max_scroll_y
            view.scroll_to(y=max(top, 0))
            view.follows_end = False

    def _put(self, at: tuple[int, int] | None) -> None:
        before, self._at = self._at, at
        if at != before:
            self.moved.send()

    def _grow(self) -> None:
        before, self._last = self._last, self.text.shown
        if self._last != before:
            self.grown_to.send()

    def _beside(self, position: int, by: int) -> int:
        """The next character on a side; a syllable in jamo is one."""
        position += by
        while 0 < position < self.text.shown and continues_syllable(
            self.text.spelled(position, position + 1)
        ):
            position += by
        return position

    def _word_before(self, position: int) -> int:
        first = max(position - _LONGEST_WORD, 0)
        starts = [
            found.start() for found in re.finditer(r"\S+", self.text.spelled(first, position))
        ]
        return first + (starts[-1] if starts else 0)

    def _word_after(self, position: int) -> int:
        text = self.text.spelled(position, min(position + _LONGEST_WORD, self.text.shown))
        found = re.match(r"\S*\s+", text)
        return position + (found.end() if found else len(text))


class Forks(TextLayer):
    """Marks the characters at which the tape forks, while there is a cursor on it."""

    def __init__(self, cursor: TapeCursor) -> None:
        self._cursor = cursor

    def overlays(self, row: int) -> Iterator[Overlay]:
        """The forks of the row."""
        text = self._cursor.text
        if self._cursor.at is None or text.tree is None:
            return
        forks = {*forks_on(text.tree, text.branch)}
        for position, start, end in text.positions_in_row(row) if forks else ():
            if position in forks:
                yield Overlay(start, end, "text-view--fork")
