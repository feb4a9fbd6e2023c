"""The branch of a tape that is in sight: written into a view, with a cursor that goes over it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from tui_charrnn.hangul import continues_syllable
from tui_charrnn.tui.background import Signal
from tui_charrnn.tui.text.text_view import Overlay, TextLayer, TextView
from tui_charrnn.tui.text.wrapped_text import (
    Direction,
    Place,
    moved,
    place_of,
    source_at,
    sources_in_row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.timer import Timer

    from tui_charrnn.generation.tape import Tape
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.tui.session import GenerationSettings
    from tui_charrnn.tui.text.generation_thread import Fork, GenerationThread
    from tui_charrnn.tui.text.model_loader import LoadedModel
    from tui_charrnn.tui.text.tape_start import Opening

FRAME: Final = 1 / 20  # seconds between two looks at what has been generated
Step = Literal[Direction, "jamo_left", "jamo_right", "word_left", "word_right"]
_LONGEST_WORD: Final = 1000
"""Characters in which the next word is looked for."""
_READABLE: Final = 500
"""Characters a second; of what comes faster, every other frame is drawn, for half the cost."""


class TapeText:
    """Shows a branch of the tape of `generation`, below all that was shown before it.

    A position counts the characters that were generated since the seed text, see `Tree`; together
    with `branch` it names a character of the tape.
    """

    def __init__(self, view: TextView, settings: GenerationSettings) -> None:
        """Show nothing yet; the speed of the settings says how often there is something to draw."""
        self.view = view
        self.generation: GenerationThread | None = None
        """The text that is generated, or was generated last."""
        self.cursor = TapeCursor(self)
        self._settings = settings
        self._has_begun = False
        """Whether what the text begins with is shown, and its characters may follow."""
        self._origin = 0
        """The number of the first generated character among all that were ever shown."""
        self._frames: Timer | None = None
        self._skips_frame = False
        """Whether the last frame was left out."""

    @property
    def opening(self) -> Opening | None:
        """How the text in sight begins, once it has."""
        return self.generation.opening if self.generation is not None else None

    @property
    def loaded(self) -> LoadedModel | None:
        """The model of the text in sight, once that has begun."""
        return self.opening.loaded if self.opening is not None else None

    @property
    def branch(self) -> int:
        """The number of the branch in sight."""
        return self.generation.branch if self.generation is not None else 0

    @property
    def shown(self) -> int:
        """How many of its characters are shown: its last position."""
        return self.generation.shown if self.generation is not None else 0

    @property
    def tape(self) -> Tape | None:
        """The tape of the text in sight, once that has begun."""
        return self.generation.tape if self.generation is not None else None

    @property
    def tree(self) -> Tree | None:
        """All branches of the text in sight, once that has begun."""
        return self.tape.tree if self.tape is not None else None

    @property
    def is_loading(self) -> bool:
        """Whether a model is being loaded, or reads what the text begins with."""
        generation = self.generation
        return generation is not None and generation.is_active and generation.tape is None

    def stream(self, is_on: bool) -> None:
        """Look for new characters, or no more."""
        self.view.streaming = is_on
        if self._frames is None:
            self._frames = self.view.set_interval(FRAME, self._draw_frame, pause=True)
        (self._frames.resume if is_on else self._frames.pause)()

    def stop(self) -> None:
        """Generate no more; the text stays."""
        if self.generation is not None and self.generation.is_active:
            self.generation.stop()

    def resume(self) -> bool:
        """Continue at the end of the branch in sight; False if there is nothing to continue."""
        if self.generation is None or not self.generation.resume():
            return False
        self.stream(True)
        return True

    def branch_off(self, fork: Fork) -> None:
        """Continue from any place of the tape; what is being generated stops and stays on it."""
        if self.generation is not None and self.generation.tape is not None:
            self.generation.branch_off(fork)
            self.stream(True)

    def replace(self, generation: GenerationThread) -> None:
        """Take another text, whose tape may not be there yet."""
        self.generation, self._has_begun = generation, False
        self.cursor.replaced()

    def begin_tape(self) -> None:
        """Let the characters of `generation` follow what is shown now."""
        self._origin, self._has_begun = self.view.length, True
        self.cursor.begun()

    def restore(self, generation: GenerationThread) -> None:
        """Return to the text that is still what is shown."""
        self.generation, self._has_begun = generation, True
        self.cursor.begun()
        self.cursor.grown(0)

    def draw_new(self) -> None:
        """Append what came since the last time."""
        before = self.shown
        if self.generation is None or not self._has_begun:
            return  # they would follow the text before
        if new := self.generation.take():
            self.view.append(new, "generated")
        self.cursor.grown(before)

    def show_branch(self, number: int) -> None:
        """Show another branch, by its number, from where it parts from the one in sight."""
        if self.generation is None or self.tree is None or number == self.branch:
            return
        shared = min(self.tree.split_position(self.branch, number), self.shown)
        if self.place_at(shared) is None:  # what both begin with was dropped long ago
            self.view.clear()
            self._origin = -shared
        self.generation.branch, self.generation.shown = number, shared
        self.view.replace_end(self._origin + shared, self.generation.take())
        self.cursor.switched()

    def follow_branch(self, number: int) -> None:
        """Show a branch, by its number, that is being continued."""
        self.show_branch(number)
        self.cursor.continued()

    def place_at(self, position: int) -> Place | None:
        """Where a character stands, as drawn; None if its row was dropped."""
        source = self._origin + position
        return place_of(self.view.wrapped, source) if source >= 0 else None

    def position_at(self, place: Place) -> int:
        """The character at a place as drawn, or the nearest of the branch in sight."""
        return min(max(source_at(self.view.wrapped, place) - self._origin, 0), self.shown)

    def positions_in_row(self, row: int) -> Iterator[tuple[int, int, int]]:
        """The characters of the branch in sight that stand in a row.

        Yields:
            The position of each, its first sign in the row as drawn and the one after its last. A
            line feed takes one sign behind the row.
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
        """The characters of the branch in sight from one position to another."""
        return "" if self.tape is None else self.tape.text(self.branch, start, stop)

    def _draw_frame(self) -> None:
        """Draw what came since the last frame, or leave it to the next one."""
        speed = self._settings.speed
        self._skips_frame = not self._skips_frame and (speed is None or speed > _READABLE)
        if not self._skips_frame:
            self.draw_new()


class TapeCursor(TextLayer):
    """Names a character of the tape while the user goes back over it; follows the text.

    While it is there, the characters at which the tape forks are marked.
    """

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
        """The forks of the row, and the cursor, if it is there; behind the text at its end."""
        text = self.text
        if self._at is None or text.tree is None:
            return
        forks, position = {*text.tree.fork_positions(text.branch)}, self._at[1]
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
        words = [*re.finditer(r"\S+", self.text.spelled(first, position))]
        return first + (words[-1].start() if words else 0)

    def _word_after(self, position: int) -> int:
        text = self.text.spelled(position, min(position + _LONGEST_WORD, self.text.shown))
        found = re.match(r"\S*\s+", text)
        return position + (found.end() if found else len(text))
