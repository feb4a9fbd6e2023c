"""What becomes of the branches of a tape: a list, names, comparison, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui_charrnn.errors import DataError
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import TapeRequested
from tui_charrnn.tui.tape.walk import TapeWalk
from tui_charrnn.viewing.branches import continuations, forks_on

if TYPE_CHECKING:
    from tui_charrnn.tui.tape.branches import Choice


class TapeKeeping(TapeWalk):
    """More actions of a widget that goes over the tape of a text.

    Screens are imported when they are asked for, like all that only some need.
    """

    if TYPE_CHECKING:  # what the widget has

        def redraw(self) -> None:
            """Show what is known of the place of the cursor."""

    def tell_keys(self) -> None:
        """Say which keys there are, in a sentence."""
        take, again, leave = map(key_label, ("tape.take", "tape.again", "text.stop"))
        self.tell(
            f"Arrows go back, {take} take another character, {again} redraws, {leave} leaves."
        )

    def action_list(self) -> None:
        """List all branches."""
        from tui_charrnn.tui.tape.branches import BranchesScreen  # noqa: PLC0415 - as said

        generation, tree = self.text.generation, self.text.tape_tree
        if generation is None or generation.opening is None or tree is None:
            return

        def act(choice: Choice | None) -> None:
            self.redraw()  # there may be other names now
            if choice is None:
                return
            if choice.compares:
                self._compare(self.text.branch, choice.number)
            else:
                self.visit(choice.number, tree.branches[choice.number].start)

        screen = BranchesScreen(tree, generation.opening.vocabulary, self.text.branch)
        self.app.push_screen(screen, act)

    def action_name(self) -> None:
        """Give the branch in sight a name."""
        from tui_charrnn.tui.tape.branches import ask_for_name  # noqa: PLC0415 - as said

        tree, number = self.text.tape_tree, self.text.branch
        if tree is not None:
            ask_for_name(self.app, tree.branches[number], self.redraw)

    def action_compare(self) -> None:
        """Compare the branch in sight with the next one at the nearest fork."""
        at, tree = self.text.at, self.text.tape_tree
        forks = forks_on(tree, at[0]) if tree is not None and at is not None else []
        if at is None or tree is None or not forks:
            self.tell("There is one branch; nothing to compare it with yet.")
            return
        position = max((fork for fork in forks if fork <= at[1]), default=forks[0])
        numbers = list(continuations(tree, at[0], position))
        now = numbers.index(at[0]) if at[0] in numbers else -1
        self._compare(at[0], numbers[(now + 1) % len(numbers)])

    def action_type(self) -> None:
        """Ask for characters that are to come at the cursor."""
        from tui_charrnn.tui.dialogs.ask_text import AskTextScreen  # noqa: PLC0415 - as said

        at, generation = self.text.at, self.text.generation
        if (
            at is None
            or generation is None
            or generation.tape is None
            or generation.opening is None
        ):
            return
        vocabulary = generation.opening.vocabulary
        never = (
            generation.tape.stream.model.vocabulary.unknown_symbol
        )  # it is read, and never comes

        def problem(typed: str) -> str:
            strange = (sign for sign in typed if sign not in vocabulary or sign == never)
            unknown = next(strange, None)
            if not typed:
                return "Type one character at least."
            return f"The model has never seen {unknown}." if unknown is not None else ""

        def take(typed: str | None) -> None:
            if typed:
                self.take(at[1], tuple(map(vocabulary.index, typed)))

        question = "What comes at the cursor; the model goes on from it."
        self.app.push_screen(AskTextScreen("Type", question, "", problem), take)

    def action_save(self) -> None:
        """Write the tape into a file, in a thread."""
        from tui_charrnn.tui.tape.files import save_tape  # noqa: PLC0415 - as said
        from tui_charrnn.tui.text.saving import texts_folder  # noqa: PLC0415 - as said

        generation = self.text.generation
        if generation is None or generation.tape is None or generation.opening is None:
            return
        tape, opening = generation.tape, generation.opening

        def work(_: BackgroundTask) -> None:
            try:
                path = save_tape(texts_folder(), tape, opening)
            except OSError as error:
                reason = error.strerror or str(error)
                self.tell(f"The tape could not be saved: {reason}.", is_problem=True)
            else:
                self.tell(f"Saved the tape, {_branches(len(tape.tree.branches))}, to {path}")

        BackgroundTask("tape-file", work)

    def action_open(self) -> None:
        """Ask for the file of a tape, and open it."""
        from tui_charrnn.paths import find_file  # noqa: PLC0415 - as said
        from tui_charrnn.tui.dialogs.ask_text import AskTextScreen  # noqa: PLC0415 - as said
        from tui_charrnn.tui.tape.files import newest_tape  # noqa: PLC0415 - as said
        from tui_charrnn.tui.text.saving import texts_folder  # noqa: PLC0415 - as said

        folder = texts_folder()

        def find(typed: str) -> str:
            path = find_file(typed, "The tape") if typed else newest_tape(folder)
            if path is None:
                raise DataError(f"No tape was saved in {folder} yet.")
            return str(path)

        def open_file(path: str | None) -> None:
            if path:
                self.post_message(TapeRequested(Path(path)))

        question = "The file of a tape; an empty line takes the one that was saved last."
        screen = AskTextScreen("Open a tape", question, "", find=find)
        self.app.push_screen(screen, open_file)

    def _compare(self, one: int, other: int) -> None:
        from tui_charrnn.tui.tape.comparison import ComparisonScreen  # noqa: PLC0415 - as said

        generation, tree = self.text.generation, self.text.tape_tree
        if generation is None or generation.opening is None or tree is None:
            return
        self.app.push_screen(ComparisonScreen(tree, generation.opening.vocabulary, (one, other)))


def _branches(count: int) -> str:
    return "one branch" if count == 1 else f"{count} branches"
