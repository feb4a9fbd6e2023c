"""The displayed branch of a tape, in a view with a cursor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from tui_charrnn.hangul import continues_syllable
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView
from tui_charrnn.tui.text.wrapped_text import (
    Direction,
    Place,
    moved,
    place_of,
    source_at,
    sources_in_row,
)
from tui_charrnn.tui.textual_patches import has_unwritten_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.timer import Timer

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.tui.session import GenerationSettings
    from tui_charrnn.tui.text.generation_thread import Fork
    from tui_charrnn.tui.text.model_loader import LoadedModel
    from tui_charrnn.tui.text.tape_start import Opening

FRAME: Final = 1 / 20  # seconds between two polls for new characters
Step = Literal[Direction, "jamo_left", "jamo_right", "word_left", "word_right"]
_LONGEST_WORD: Final = 1000
"""Characters within which the next word is searched."""
_READABLE: Final = 500
"""Characters a second; above that, only every second frame is drawn, at half the cost."""


class TapeText:
    """Shows a branch of the tape of `generation`, below the texts before it.

    A position counts the characters after the seed text, see `Tree`; branch and position together
    identify a character of the tape.
    """

    def __init__(self, view: TextView, settings: GenerationSettings) -> None:
        """Start without a text; the speed of the settings decides how often to draw."""
        self.view = view
        self.generation = GenerationThread(settings, view.post_message)
        """The displayed text; before the first one, a text that has not started."""
        self.begun = Signal()
        """Sent when another text is displayed."""
        self.cursor = TapeCursor(self)
        self._settings = settings
        self._origin = 0
        """Number of the first generated character among all characters ever shown."""
        self._frames: Timer | None = None
        self._skips_frame = False
        """Whether the last frame was skipped."""

    @property
    def opening(self) -> Opening | None:
        """The opening of the displayed text; None without a text."""
        return self.generation.opening

    @property
    def loaded(self) -> LoadedModel | None:
        """The model of the displayed text; None without a text."""
        return self.opening.loaded if self.opening is not None else None

    @property
    def branch(self) -> int:
        """Number of the displayed branch."""
        return self.generation.branch

    @property
    def shown(self) -> int:
        """Number of displayed characters, which is the last position."""
        return self.generation.shown

    @property
    def tape(self) -> Tape | None:
        """The tape of the displayed text; None without a text."""
        return self.generation.tape

    @property
    def tree(self) -> Tree | None:
        """All branches of the displayed text; None without a text."""
        return self.tape.tree if self.tape is not None else None

    def stream(self, is_on: bool) -> None:
        """Start or stop drawing new characters."""
        self.view.streaming = is_on
        if self._frames is None:
            self._frames = self.view.set_interval(FRAME, self._draw_frame, pause=True)
        (self._frames.resume if is_on else self._frames.pause)()

    def resume(self) -> bool:
        """Continue at the end of the displayed branch; False if there is nothing to continue."""
        if not self.generation.resume():
            return False
        self.stream(True)
        return True

    def branch_off(self, fork: Fork) -> None:
        """Continue from any position of the tape; running generation stops, its text is kept."""
        self.generation.branch_off(fork)
        self.stream(True)

    def begin(self, generation: GenerationThread) -> None:
        """Append the characters of a text, from its first one on, after what is shown now."""
        self.generation, self._origin = generation, self.view.length
        if self.cursor.at is not None:
            self.cursor.point(0)
        self.begun.send()

    def draw_new(self) -> None:
        """Append the characters generated since the last call."""
        before = self.shown
        if new := self.generation.take():
            self.view.append(new, "generated")
        self.cursor.text_grew(before)

    def show_branch(self, number: int) -> None:
        """Show another branch, by its number, from its fork with the displayed one on."""
        if self.tree is None or number == self.branch:
            return
        shared = min(self.tree.split_position(self.branch, number), self.shown)
        if self.place_at(shared) is None:  # the rows of the shared part were dropped
            self.view.clear()
            self._origin = -shared
        self.generation.branch, self.generation.shown = number, shared
        self.view.replace_end(self._origin + shared, self.generation.take())
        self.cursor.branch_switched()

    def place_at(self, position: int) -> Place | None:
        """Return the place of a character as drawn; None if its row was dropped."""
        source = self._origin + position
        return place_of(self.view.wrapped, source) if source >= 0 else None

    def position_at(self, place: Place) -> int:
        """Return the position of the character at a place, or of the nearest one."""
        return min(max(source_at(self.view.wrapped, place) - self._origin, 0), self.shown)

    def positions_in_row(self, row: int) -> Iterator[tuple[int, int, int]]:
        """Return the characters of the displayed branch in a row.

        Yields:
            Position, start column and end column of each, as drawn. A line feed takes one column
            after the row.
        """
        wrapped = self.view.wrapped
        for source in sources_in_row(wrapped, row):
            start = place_of(wrapped, source)
            if start is None or source < self._origin:
                continue
            end = place_of(wrapped, source + 1)
            behind = max(len(wrapped.shown(row).text), start[1] + 1)
            stop = end[1] if end is not None and end[0] == row else behind
            yield source - self._origin, start[1], stop

    def spelled(self, start: int, stop: int) -> str:
        """Return the characters of the displayed branch from one position to another."""
        return "" if self.tape is None else self.tape.text(self.branch, start, stop)

    def _draw_frame(self) -> None:
        """Draw new characters; fast text skips every second frame, and a slow terminal more."""
        speed = self._settings.speed
        self._skips_frame = not self._skips_frame and (speed is None or speed > _READABLE)
        if not self._skips_frame and not has_unwritten_output(self.view.app):
            self.draw_new()


class TapeCursor(TextLayer):
    """The cursor on the tape; while it is shown, forks are marked."""

    def __init__(self, text: TapeText) -> None:
        self.text = text
        self.moved = Signal()
        """Sent when `at` has changed."""
        self.length_changed = Signal()
        """Sent when the number of displayed characters has changed."""
        self.at: tuple[int, int] | None = None
        """Branch and position of the cursor; None without a cursor."""
        self._reveals_growth = False
        """Whether the view still has to scroll to the text after the cursor as it grows."""

    def point(self, position: int | None) -> None:
        """Put the cursor at a position of the displayed branch; None removes it."""
        self._reveals_growth = False
        view = self.text.view
        place = None if position is None else self.text.place_at(position)
        if position is not None and position >= self.text.shown:
            view.follows_end = True
        elif place is not None:
            view.reveal(place[0])
        view.redraw()
        before, self.at = self.at, None if position is None else (self.text.branch, position)
        if self.at != before:
            self.moved.send()

    def target(self, position: int, step: Step) -> int:
        """Return the position after a step from another one."""
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

    def nearest_fork(self) -> tuple[int, list[int], int] | None:
        """Return the nearest fork before the cursor, or else the first one after it.

        Returns:
            Its position, the branches that continue there, and the index of the displayed one
            among them (-1 if it is none of them); None without a fork.
        """
        at, tree = self.at, self.text.tree
        forks = tree.fork_positions(at[0]) if tree is not None and at is not None else []
        if at is None or tree is None or not forks:
            return None
        position = max((fork for fork in forks if fork <= at[1]), default=forks[0])
        numbers = list(tree.continuations(at[0], position))
        return position, numbers, numbers.index(at[0]) if at[0] in numbers else -1

    def overlays(self, row: int) -> Iterator[Overlay]:
        """Yield the forks of a row, and the cursor; at the end it is after the text."""
        text = self.text
        if self.at is None or text.tree is None:
            return
        forks, position = {*text.tree.fork_positions(text.branch)}, self.at[1]
        place = text.place_at(position)
        if place is not None and place[0] != row:
            place = None
        for other, start, stop in text.positions_in_row(row) if forks or place else ():
            if other in forks:
                yield Overlay(start, stop, "text-view--fork")
            if other == position and place is not None:
                yield Overlay(start, stop, "text-view--place")
        if place is not None and position == text.shown:
            yield Overlay(place[1], place[1] + 1, "text-view--place")

    def text_grew(self, before: int) -> None:
        """Stay at the end if the cursor was there, else scroll to the text after it."""
        shown = self.text.shown
        if self.at == (self.text.branch, before) and shown != before:
            self.point(shown)
        elif self._reveals_growth:
            self.reveal_growth()
        if shown != before:
            self.length_changed.send()

    def branch_switched(self) -> None:
        """Keep the position of the cursor, up to the end of the new branch."""
        self.length_changed.send()
        if self.at is not None:
            self.point(min(self.at[1], self.text.shown))

    def reveal_growth(self) -> None:
        """Scroll to the text after the cursor; while it is too short, again as it grows."""
        view = self.text.view
        place = self.text.place_at(self.at[1]) if self.at is not None else None
        if place is not None:
            top = place[0] - view.wrapped.first - view.scrollable_content_region.height // 3
            self._reveals_growth = top > view.max_scroll_y
            view.scroll_to(y=max(top, 0))
            view.follows_end = False

    def _beside(self, position: int, by: int) -> int:
        """Return the next position on a side, skipping the parts of a jamo syllable."""
        position += by
        while 0 < position < self.text.shown and continues_syllable(
            self.text.spelled(position, position + 1)
        ):
            position += by
        return position

    def _word_before(self, position: int) -> int:
        first = max(position - _LONGEST_WORD, 0)
        words = [*re.finditer(r"\S+", self.text.spelled(first, position))]
        return first + (words[-1].start() if words else 0)

    def _word_after(self, position: int) -> int:
        text = self.text.spelled(position, min(position + _LONGEST_WORD, self.text.shown))
        found = re.match(r"\S*\s+", text)
        return position + (found.end() if found else len(text))
