"""What was said so far, as a screen sees it: a tape, and which of its continuations is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.tui.text.generation_result import GenerationResult, result_of, spelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.generation.tape import Tape, TapePosition
    from tui_charrnn.tui.text.generation_result import Opening


class TapeView:
    """A tape that another thread may be writing, and one continuation of it that is in sight."""

    def __init__(self) -> None:
        """Have no tape yet."""
        self.tape: Tape | None = None
        """All that was said; its stream belongs to the thread that speaks."""
        self.opening: Opening | None = None
        """How it began."""
        self.branch = 0
        """The number of the continuation that is in sight."""
        self.shown = 0
        """How many of its characters were taken."""
        self._lookers = 0
        """How many look at a moment now."""
        self.listener: Callable[[Tape], object] = _pass_by
        """Hears of every character just after it was said, in the thread that says it."""

    def remove_listener(self) -> None:
        """Have nobody listen any more."""
        self.listener = _pass_by

    @property
    def length(self) -> int:
        """Characters of the continuation in sight, taken or not."""
        return 0 if self.tape is None else self.tape.tree.branches[self.branch].length

    def look_at(self, number: int, shown: int) -> None:
        """Have another continuation in sight.

        Args:
            number: Its branch.
            shown: How many of its characters need not be taken.
        """
        self.branch, self.shown = number, shown

    def take(self) -> str:
        """The characters of the continuation in sight that are new since the last call."""
        if self.tape is None or self.opening is None:
            return ""
        start, self.shown = self.shown, self.length
        return spelled(self.tape.tree, self.opening.vocabulary, self.branch, start, self.shown)

    def result(self) -> GenerationResult | None:
        """All that was taken of the continuation in sight; None before it began."""
        if self.tape is None or self.opening is None:
            return None
        return result_of(self.opening, self.tape.tree, self.branch, self.shown)

    def moment(self, number: int, position: int) -> TapePosition | None:
        """What was known at a place; None if there is no such place.

        To be called in a thread that may wait. The one that speaks makes way meanwhile: whoever
        waits for a lock may wait long while another thread takes it again and again.

        Args:
            number: A branch.
            position: How many characters come before.
        """
        if self.tape is None:
            return None
        self._lookers += 1
        try:
            return self.tape.moment(position, number)
        except IndexError:
            return None
        finally:
            self._lookers -= 1


def _pass_by(_: Tape) -> None:
    """Heed no character."""
