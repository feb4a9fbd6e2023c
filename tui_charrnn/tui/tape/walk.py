"""Goes from branch to branch of a tape, and begins new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.text.generation_thread import Fork
from tui_charrnn.viewing.branches import continuations, forks_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.tui.tape.cursor import TapeCursor


class TapeWalk:
    """Moves the cursor over the branches of a tape, and remembers where it was."""

    def __init__(self, cursor: TapeCursor, tell: Callable[[str], object]) -> None:
        """Start without a history.

        Args:
            cursor: Is moved.
            tell: Shows a sentence about the text.
        """
        self.cursor = cursor
        self.text = cursor.text
        self._tell = tell
        self._generation = cursor.text.generation
        """Whose tape was visited."""
        self._visited: list[tuple[int, int]] = []
        """Branches and positions that were left, the newest last."""

    def redraw(self) -> None:
        """Continue from the cursor with other random numbers; at the end, just continue."""
        at = self.cursor.at
        if at is not None and at[1] < self.text.shown:
            self._leave()
            self.text.branch_off(Fork(*at, is_redrawn=True))
        elif at is not None:
            self.text.resume()

    def to_branch(self, by: int) -> None:
        """Go to the next branch (1) or the one before (-1), at the nearest fork before the cursor.

        Without one before it, the first fork behind it counts.
        """
        found = self.nearest_fork()
        if found is None:
            key = key_label("tape.take")
            self._tell(tr("This text has one branch; {key} begins another one.", key=key))
            return
        position, numbers, now = found
        self.visit(numbers[(max(now, 0) + by) % len(numbers)], position)

    def to_fork(self, by: int) -> None:
        """Go to the next place (1) at which the text forks, or to the one before (-1)."""
        at, tree = self.cursor.at, self.text.tree
        if at is None or tree is None:
            return
        forks = forks_on(tree, at[0])
        found = (
            min((fork for fork in forks if fork > at[1]), default=None)
            if by > 0
            else max((fork for fork in forks if fork < at[1]), default=None)
        )
        if found is None:
            self._tell(tr("There is no fork further on." if by > 0 else "There is no fork before."))
        else:
            self.cursor.point(found)

    def undo(self) -> None:
        """Go back to the branch and the place that were left last; nothing is taken away."""
        if not self._visited:
            self._tell(tr("There is nothing to go back to."))
            return
        self._show(*self._visited.pop())

    def forget(self) -> None:
        """Remember nothing of the tape of another text."""
        if self.text.generation is not self._generation:
            self._generation = self.text.generation
            self._visited.clear()

    def nearest_fork(self) -> tuple[int, list[int], int] | None:
        """The nearest fork before the cursor, or else the first behind it; None without one.

        Returns:
            Its position, the numbers of its branches, and which of them is in sight (-1: none).
        """
        at, tree = self.cursor.at, self.text.tree
        forks = forks_on(tree, at[0]) if tree is not None and at is not None else []
        if at is None or tree is None or not forks:
            return None
        position = max((fork for fork in forks if fork <= at[1]), default=forks[0])
        numbers = list(continuations(tree, at[0], position))
        return position, numbers, numbers.index(at[0]) if at[0] in numbers else -1

    def take(self, position: int, indices: tuple[int, ...]) -> None:
        """Let certain characters come at a position; go to a branch that has them already.

        Args:
            position: Of the first.
            indices: Their numbers in the vocabulary, one at least.
        """
        at, tree = self.cursor.at, self.text.tree
        if at is None or tree is None:
            return
        came = {index: number for number, index in continuations(tree, at[0], position).items()}
        known = came.get(indices[0]) if len(indices) == 1 else None
        if known == at[0]:
            self.cursor.point(position + 1)
            self._tell(tr("This is what came here; the next character."))
        elif known is not None:
            self.visit(known, position)
        else:
            self._leave()
            self.text.branch_off(Fork(at[0], position, indices))

    def visit(self, number: int, position: int) -> None:
        """Go to a branch, and remember from where."""
        self._leave()
        self._show(number, position)

    def _show(self, number: int, position: int) -> None:
        tree = self.text.tree
        if tree is None:
            return
        if number != self.text.branch:
            self.text.stop()
        self.text.show_branch(number)
        self.cursor.point(min(position, self.text.shown))
        branch = tree.branches[number]
        self._tell(
            tr(
                "Branch {name}, {count:,} characters; {key} goes on with it.",
                name=safe_line(branch.name),
                count=branch.length,
                key=key_label("tape.play"),
            )
        )

    def _leave(self) -> None:
        if self.cursor.at is not None:
            self._visited.append(self.cursor.at)
