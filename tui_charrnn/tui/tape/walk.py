"""Going from branch to branch of a tape, and beginning new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.tape.cursor import Step
from tui_charrnn.tui.text.generation_thread import Fork
from tui_charrnn.viewing.branches import continuations, forks_on

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message

    from tui_charrnn.tui.text.spoken_text import SpokenText


class TapeWalk:
    """The actions of a widget that goes over the tape of a text."""

    text: SpokenText
    """Whose tape it is."""
    visited: list[tuple[int, int]]
    """Branches and positions that were left, the newest last."""

    if TYPE_CHECKING:  # what the widget has
        app: App[object]

        def post_message(self, message: Message) -> bool:
            """Tell the screen."""

    def action_step(self, step: str) -> None:
        """Move the cursor."""
        if self.text.at is not None and step in get_args(Step):
            self.text.point(self.text.stepped(self.text.at[1], cast("Step", step)))

    def action_again(self) -> None:
        """Go on from the cursor with other random numbers; at the end, just go on."""
        at = self.text.at
        if at is not None and at[1] < self.text.shown:
            self._leave()
            self.text.branch_off(Fork(*at, is_redrawn=True))
        elif at is not None:
            self.text.go_on()

    def action_play(self) -> None:
        """Stop the text, or go on at the end of what is in sight."""
        if self.text.streaming:
            self.text.stop()
        else:
            self.text.go_on()

    def action_walk(self, by: int) -> None:
        """Go to the next branch (1) or the one before (-1), at the nearest fork before the cursor.

        Without one before it, the first fork behind it counts.
        """
        at, tree = self.text.at, self.text.tape_tree
        forks = forks_on(tree, at[0]) if tree is not None and at is not None else []
        if at is None or tree is None or not forks:
            self.tell(f"This text has one branch; {key_label('tape.take')} begins another one.")
            return
        position = max((fork for fork in forks if fork <= at[1]), default=forks[0])
        numbers = list(continuations(tree, at[0], position))
        now = numbers.index(at[0]) if at[0] in numbers else 0
        self.visit(numbers[(now + by) % len(numbers)], position)

    def action_fork(self, by: int) -> None:
        """Go to the next place (1) at which the text forks, or to the one before (-1)."""
        at, tree = self.text.at, self.text.tape_tree
        if at is None or tree is None:
            return
        forks = forks_on(tree, at[0])
        found = (
            min((fork for fork in forks if fork > at[1]), default=None)
            if by > 0
            else max((fork for fork in forks if fork < at[1]), default=None)
        )
        if found is None:
            self.tell("There is no fork further on." if by > 0 else "There is no fork before.")
        else:
            self.text.point(found)

    def action_undo(self) -> None:
        """Go back to the branch and the place that were left last; nothing is taken away."""
        if not self.visited:
            self.tell("There is nothing to go back to.")
            return
        number, position = self.visited.pop()
        self._show(number, position)

    def take(self, position: int, indices: tuple[int, ...]) -> None:
        """Let certain characters come at a position; go to a branch that has them already.

        Args:
            position: Of the first.
            indices: Their numbers in the vocabulary, one at least.
        """
        at, tree = self.text.at, self.text.tape_tree
        if at is None or tree is None:
            return
        came = {index: number for number, index in continuations(tree, at[0], position).items()}
        known = came.get(indices[0]) if len(indices) == 1 else None
        if known == at[0]:
            self.text.point(position + 1)
            self.tell("This is what came here; the next character.")
        elif known is not None:
            self.visit(known, position)
        else:
            self._leave()
            self.text.branch_off(Fork(at[0], position, indices))

    def visit(self, number: int, position: int) -> None:
        """Go to a branch, and remember from where."""
        self._leave()
        self._show(number, position)

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Have something said about the text."""
        self.post_message(NoteWritten(sentence, is_problem=is_problem))

    def _show(self, number: int, position: int) -> None:
        tree = self.text.tape_tree
        if tree is None:
            return
        if number != self.text.branch:
            self.text.stop()
        self.text.show_branch(number)
        self.text.point(min(position, self.text.shown))
        branch = tree.branches[number]
        self.tell(
            f"Branch {safe_line(branch.name)}, {branch.length:,} characters; "
            f"{key_label('tape.play')} goes on with it."
        )

    def _leave(self) -> None:
        if self.text.at is not None:
            self.visited.append(self.text.at)
