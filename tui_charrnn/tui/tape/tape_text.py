"""Streamed text that is one continuation on a tape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui_charrnn.tui.text.marked_text import MarkedText
from tui_charrnn.tui.text.text_places import Place, place_of, source_at, sources_in_row

if TYPE_CHECKING:
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.tui.text.generation_thread import Fork, GenerationThread


class TapeText(MarkedText):
    """Shows the continuation of `generation` that is in sight, below all that was said before it.

    A position counts the characters that were generated since the seed text, see `Tree`; together
    with `branch` it names a character of the tape. What colors or explains single characters asks
    `positions_in_row` for those of a row, and lays its looks over them in `_overlays`.
    """

    generation: GenerationThread | None = None
    """The text that is being said, or was said last."""
    _origin = 0
    """The number of the first generated character among all that were ever shown here."""

    @property
    def branch(self) -> int:
        """The number of the continuation in sight."""
        return self.generation.branch if self.generation is not None else 0

    @property
    def shown(self) -> int:
        """How many of its characters are shown: its last position."""
        return self.generation.shown if self.generation is not None else 0

    @property
    def tape_tree(self) -> Tree | None:
        """All continuations of the text, once it has begun."""
        tape = self.generation.tape if self.generation is not None else None
        return tape.tree if tape is not None else None

    def stop(self) -> None:
        """Say no more; the text stays."""
        if self.generation is not None and self.generation.is_active:
            self.generation.stop()

    def go_on(self) -> bool:
        """Continue at the end of what is in sight; False if there is nothing to continue."""
        if self.generation is None or not self.generation.go_on():
            return False
        self.streaming = True
        return True

    def branch_off(self, fork: Fork) -> None:
        """Go on from any place of the tape; what was being said is broken off and stays on it."""
        if self.generation is not None and self.generation.tape is not None:
            self.generation.branch_off(fork)
            self.streaming = True

    def begin_tape(self) -> None:
        """Let the characters of `generation` follow what is shown now."""
        self._origin = self.length

    def draw_new(self) -> None:
        """Append what came since the last time."""
        if self.generation is not None and (said := self.generation.take()):
            self.append(said, "generated")

    def show_branch(self, number: int) -> None:
        """Have another continuation in sight, from where it parts from the one that was.

        Args:
            number: Its branch.
        """
        if self.generation is None or self.tape_tree is None or number == self.branch:
            return
        # deferred: needed by those who branch off only
        from tui_charrnn.viewing.branches import parting  # noqa: PLC0415 - as said

        shared = min(parting(self.tape_tree, self.branch, number), self.shown)
        if self.place_at(shared) is None:  # what both begin with was dropped long ago
            self.clear()
            self._origin = -shared
        self.generation.look_at(number, shared)
        self.replace_end(self._origin + shared, self.generation.take())

    def place_at(self, position: int) -> Place | None:
        """Where a character stands, as drawn; None if its row was dropped."""
        source = self._origin + position
        return place_of(self._wrapped, source) if source >= 0 else None

    def position_at(self, place: Place) -> int:
        """The character at a place as drawn, or the nearest of the continuation in sight."""
        return min(max(source_at(self._wrapped, place) - self._origin, 0), self.shown)

    def positions_in_row(self, number: int) -> Iterator[tuple[int, int, int]]:
        """The characters of the continuation in sight that stand in a row.

        Args:
            number: The number of the row.

        Yields:
            The position of each, its first sign in the row as drawn and the one after its last. A
            line feed takes one sign behind the row.
        """
        for source in sources_in_row(self._wrapped, number):
            start = place_of(self._wrapped, source)
            if start is None or source < self._origin:
                continue
            end = place_of(self._wrapped, source + 1)
            behind = max(len(self._wrapped.shown(number).text), start[1] + 1)
            stop = end[1] if end is not None and end[0] == number else behind
            yield source - self._origin, start[1], stop
