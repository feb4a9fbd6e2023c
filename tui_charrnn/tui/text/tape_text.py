"""Writes what a generation thread gives into a view: the branch of the tape that is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from tui_charrnn.tui.text.wrapped_text import Place, place_of, source_at, sources_in_row
from tui_charrnn.viewing.branches import parting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.timer import Timer

    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.tui.session import GenerationSettings
    from tui_charrnn.tui.text.generation_thread import Fork, GenerationThread
    from tui_charrnn.tui.text.tape_start import Opening
    from tui_charrnn.tui.text.text_view import TextView

FRAME: Final = 1 / 20  # seconds between two looks at what has been generated
_READABLE: Final = 500
"""Characters a second; of what comes faster, every other frame is drawn, for half the cost."""


class TapeObserver(Protocol):
    """What follows the branch in sight."""

    def replaced(self) -> None:
        """Another text takes the place of the one in sight; its tape is not there yet."""

    def begun(self) -> None:
        """The characters of a tape follow what is shown now."""

    def grown(self, before: int) -> None:
        """Characters were added at the end; before, there were so many."""

    def switched(self) -> None:
        """Another branch of the tape is in sight."""

    def continued(self) -> None:
        """A branch is being continued from the cursor or from its end."""


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
        self.observers: list[TapeObserver] = []
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
    def branch(self) -> int:
        """The number of the branch in sight."""
        return self.generation.branch if self.generation is not None else 0

    @property
    def shown(self) -> int:
        """How many of its characters are shown: its last position."""
        return self.generation.shown if self.generation is not None else 0

    @property
    def tree(self) -> Tree | None:
        """All branches of the text, once it has begun."""
        tape = self.generation.tape if self.generation is not None else None
        return tape.tree if tape is not None else None

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
        for observer in self.observers:
            observer.replaced()

    def begin_tape(self) -> None:
        """Let the characters of `generation` follow what is shown now."""
        self._origin = self.view.length
        self._begun()

    def restore(self, generation: GenerationThread) -> None:
        """Return to the text that is still what is shown."""
        self.generation = generation
        self._begun()
        self._grown(0)

    def draw_new(self) -> None:
        """Append what came since the last time."""
        before = self.shown
        if self.generation is None or not self._has_begun:
            return  # they would follow the text before
        if new := self.generation.take():
            self.view.append(new, "generated")
        self._grown(before)

    def show_branch(self, number: int) -> None:
        """Show another branch, by its number, from where it parts from the one in sight."""
        if self.generation is None or self.tree is None or number == self.branch:
            return
        shared = min(parting(self.tree, self.branch, number), self.shown)
        if self.place_at(shared) is None:  # what both begin with was dropped long ago
            self.view.clear()
            self._origin = -shared
        self.generation.look_at(number, shared)
        self.view.replace_end(self._origin + shared, self.generation.take())
        for observer in self.observers:
            observer.switched()

    def follow_branch(self, number: int) -> None:
        """Show a branch, by its number, that is being continued."""
        self.show_branch(number)
        for observer in self.observers:
            observer.continued()

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
        if self.tree is None or self.opening is None:
            return ""
        return self.tree.spell(self.opening.vocabulary, self.branch, start, stop)

    def _draw_frame(self) -> None:
        """Draw what came since the last frame, or leave it to the next one."""
        speed = self._settings.speed
        self._skips_frame = not self._skips_frame and (speed is None or speed > _READABLE)
        if not self._skips_frame:
            self.draw_new()

    def _begun(self) -> None:
        self._has_begun = True
        for observer in self.observers:
            observer.begun()

    def _grown(self, before: int) -> None:
        for observer in self.observers:
            observer.grown(before)
