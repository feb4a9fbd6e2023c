"""The tape panel below a text: the candidate characters at the cursor, and the tape's keys."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, cast, get_args

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError, DataError
from tui_charrnn.generation.tape import Alternative, TapePosition
from tui_charrnn.hangul import continued
from tui_charrnn.paths import find_file
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.keys.keymap import bindings_of, keys_of, tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.tape.branches import BranchesScreen, Choice, ComparisonScreen, ask_for_name
from tui_charrnn.tui.text.alternative_rows import AlternativeRow, draw_rows, page_rows
from tui_charrnn.tui.text.generation_thread import Fork
from tui_charrnn.tui.text.saving import (
    newest_tape,
    save_in_background,
    tape_content,
    texts_folder,
)
from tui_charrnn.tui.text.tape_text import Step, TapeText
from tui_charrnn.viewing.formatting import format_choice

_HEAD: Final = 1  # rows above the first alternative


class KnownPlace(NamedTuple):
    """The candidate characters at a position of the tape."""

    at: tuple[int, int]
    """Branch and position."""
    position: TapePosition
    alternatives: list[Alternative]
    """The likeliest first."""


class TapePanel(Static, can_focus=True):
    """Shows the candidates at the tape cursor, and handles the keys of the tape.

    They move the cursor, switch branches and start new ones; places that were left can be
    returned to.
    """

    OWNER: Final = "tape"
    DEFAULT_CLASSES = "framed"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(OWNER),
        # as in every scrolling widget
        Binding("pageup", "step('pageup')", show=False),
        Binding("pagedown", "step('pagedown')", show=False),
    ]
    DEFAULT_CSS = """
    TapePanel {
        display: none;
        height: 45%;
        min-height: 5;
        max-height: 12;
        padding: 0 1;
        text-wrap: nowrap;
    }
    """

    def __init__(self, text: TapeText, open_tape: Callable[[Path], object]) -> None:
        """Follow the cursor of a text; `open_tape` opens a tape file."""
        super().__init__(markup=False)
        self.text = text
        self.cursor = text.cursor
        self.known: KnownPlace | None = None
        """The candidates that were read last."""
        self._open = open_tape
        self._page = 0
        """Page of the alternatives."""
        self._wanted: tuple[int, tuple[int, int]] | None = None
        """The row to take, and the place whose candidates must be read first."""
        self._latest = LatestTask("tape-position")
        self._visited: list[tuple[int, int]] = []
        """Branches and positions that were left, the newest last."""

    @property
    def rows(self) -> list[AlternativeRow]:
        """The displayed alternatives."""
        known, tree = self.known, self.text.tree
        if known is None or tree is None:
            return []
        continuations = tree.continuations(*known.at)
        names = {
            index: tr("branch {name}", name=safe_line(tree.branches[number].name))
            for number, index in continuations.items()
            if len(continuations) > 1
        }
        count = max(self.size.height - _HEAD, 1)
        pages = -(-len(known.alternatives) // count)
        first = self._page % pages * count
        opening, position = self.text.opening, known.at[1]
        # the jamo before the position, which its character may complete to a syllable
        before = self.text.spelled(max(position - 2, 0), position)
        if opening is not None and position < 2:
            before = opening.tape.seed_text[-2:] + before
        composed = [
            replace(each, character=continued(before, each.character))
            for each in known.alternatives
        ]
        return page_rows(composed, known.position.chosen, names, first, count)

    def on_mount(self) -> None:
        """Follow the cursor."""
        self.text.begun.connect(self._visited.clear)
        self.text.begun.connect(self._read_candidates)
        self.cursor.moved.connect(self._read_candidates)
        self.cursor.length_changed.connect(self._show_place)
        self._read_candidates()

    def on_resize(self) -> None:
        """Show as many alternatives as there is room for."""
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        """Choose an alternative by its digit."""
        digits = keys_of("tape.take")
        if event.key in digits:
            event.stop()
            event.prevent_default()
            self.action_take(digits.index(event.key))

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked alternative."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y >= _HEAD:
            self.action_take(offset.y - _HEAD)

    def action_step(self, step: str) -> None:
        """Move the cursor."""
        if self.cursor.at is not None and step in get_args(Step):
            self.cursor.point(self.cursor.target(self.cursor.at[1], cast("Step", step)))

    def action_again(self) -> None:
        """Sample again from the cursor, with new random numbers; at the end, just continue."""
        at = self.cursor.at
        if at is not None and at[1] < self.text.shown:
            self._remember_place()
            self.text.branch_off(Fork(*at, is_redrawn=True))
        elif at is not None:
            self.text.resume()

    def action_play(self) -> None:
        """Stop generating, or continue at the end of the displayed branch."""
        if self.text.view.streaming:
            self.text.generation.stop()
        else:
            self.text.resume()

    def action_walk(self, by: int) -> None:
        """Go to the next branch (1) or the previous one (-1) of the nearest fork before the cursor.

        Without a fork before the cursor, use the first one after it.
        """
        found = self.cursor.nearest_fork()
        if found is None:
            self._show_note(tr_keys("This text has one branch; {tape.take} begins another one."))
            return
        position, numbers, now = found
        self._visit(numbers[(max(now, 0) + by) % len(numbers)], position)

    def action_fork(self, by: int) -> None:
        """Go to the next fork (1) or the previous one (-1) of the displayed branch."""
        at, tree = self.cursor.at, self.text.tree
        if at is None or tree is None:
            return
        forks = [fork for fork in tree.fork_positions(at[0]) if (fork - at[1]) * by > 0]
        if forks:
            self.cursor.point(forks[0] if by > 0 else forks[-1])
        elif by > 0:
            self._show_note(tr("There is no fork after this position."))
        else:
            self._show_note(tr("There is no fork before this position."))

    def action_undo(self) -> None:
        """Return to the branch and position that were left last; nothing is deleted."""
        if self._visited:
            self._show(*self._visited.pop())
        else:
            self._show_note(tr("There is nothing to go back to."))

    def action_list(self) -> None:
        """List all branches."""
        tape = self.text.tape
        if tape is None:
            return

        def act(choice: Choice | None) -> None:
            self.redraw()  # branches may have been renamed
            if choice is None:
                return
            if choice.compares:
                self._compare(self.text.branch, choice.number)
            else:
                self._visit(choice.number, tape.tree.branches[choice.number].start)

        self.app.push_screen(BranchesScreen(tape, self.text.branch), act)

    def action_name(self) -> None:
        """Ask for a name of the displayed branch."""
        tree, number = self.text.tree, self.text.branch
        if tree is not None:
            ask_for_name(self.app, tree.branches[number], self.redraw)

    def action_compare(self) -> None:
        """Compare the displayed branch with the next one at the nearest fork."""
        found = self.cursor.nearest_fork()
        if found is None:
            self._show_note(tr("There is only one branch, so there is nothing to compare."))
            return
        _, numbers, now = found
        self._compare(self.text.branch, numbers[(now + 1) % len(numbers)])

    def action_take(self, row: int = 0) -> None:
        """Continue with another character at the cursor; go to the branch that already has it."""
        known, at = self.known, self.cursor.at
        follows = self.text.view.streaming and at == (self.text.branch, self.text.shown)
        if at is None or known is None or (known.at != at and not follows):
            self._wanted = (row, at) if at is not None else None
            return
        rows = self.rows
        if row < len(rows):
            self._continue_with(known.at[1], (rows[row].alternative.index,))

    def action_turn_page(self) -> None:
        """Show the next page of less likely characters; after the last, the first again."""
        self._page += 1
        self.redraw()

    def action_type(self) -> None:
        """Ask for characters to insert at the cursor, and continue after them."""
        at, loaded = self.cursor.at, self.text.loaded
        if at is None or loaded is None:
            return
        vocabulary = loaded.model.vocabulary

        def problem(typed: str) -> str:
            if not typed:
                return tr("Type at least one character.")
            composed = unicodedata.normalize("NFC", typed)
            known = vocabulary.spell(composed).is_known
            if known.all():
                return ""
            unknown = composed[known.argmin()]
            return tr("The model has never seen {character}.", character=unknown)

        def take(typed: str) -> None:
            spelled = vocabulary.spell(unicodedata.normalize("NFC", typed))
            self._continue_with(at[1], tuple(spelled.indices.tolist()))

        question = tr("Text at the cursor; the model continues from it.")
        AskTextScreen(tr("Type"), question, "", problem).open(self.app, take)

    def action_save(self) -> None:
        """Save the tape to a file, in a thread."""
        opening = self.text.opening
        if opening is None:
            return

        def saved(path: object) -> str:
            count = len(opening.tape.tree.branches)
            branches = tr("one branch") if count == 1 else tr("{count} branches", count=count)
            return tr("Saved the tape, {branches}, to {path}", branches=branches, path=path)

        save_in_background(
            "tape",
            lambda: {".json": tape_content(opening)},
            saved,
            lambda reason: tr("The tape could not be saved: {reason}.", reason=reason),
            self.post_message,
        )

    def action_open(self) -> None:
        """Ask for a tape file and open it."""

        def find(typed: str) -> str:
            path = find_file(typed, tr("The tape")) if typed else newest_tape()
            if path is None:
                raise DataError("No tape was saved in {folder} yet.", folder=texts_folder())
            return str(path)

        question = tr("The file of a tape; an empty line uses the one that was saved last.")
        screen = AskTextScreen(tr("Open a tape"), question, "", find=find)
        screen.open(self.app, lambda path: self._open(Path(path)))

    def _show_note(self, sentence: str) -> None:
        self.post_message(NoteWritten(sentence))

    def _compare(self, one: int, other: int) -> None:
        if self.text.tape is not None:
            self.app.push_screen(ComparisonScreen(self.text.tape, (one, other)))

    def _continue_with(self, position: int, indices: tuple[int, ...]) -> None:
        """Continue with characters at a position; go to a branch that already has them."""
        at, tree = self.cursor.at, self.text.tree
        if at is None or tree is None:
            return
        branches = {index: number for number, index in tree.continuations(at[0], position).items()}
        known = branches.get(indices[0]) if len(indices) == 1 else None
        if known == at[0]:
            self.cursor.point(position + 1)
            self._show_note(tr("This text is already here; moved to the next character."))
        elif known is not None:
            self._visit(known, position)
        else:
            self._remember_place()
            self.text.branch_off(Fork(at[0], position, indices))

    def _visit(self, number: int, position: int) -> None:
        """Go to a branch, and remember the place that is left."""
        self._remember_place()
        self._show(number, position)

    def _show(self, number: int, position: int) -> None:
        tree = self.text.tree
        if tree is None:
            return
        if number != self.text.branch:
            self.text.generation.stop()
        self.text.show_branch(number)
        self.cursor.point(min(position, self.text.shown))
        branch = tree.branches[number]
        self._show_note(
            tr_keys(
                "Branch {name}, {count:,} characters; {tape.play} continues it.",
                name=safe_line(branch.name),
                count=branch.length,
            )
        )

    def _remember_place(self) -> None:
        if self.cursor.at is not None:
            self._visited.append(self.cursor.at)

    def _read_candidates(self) -> None:
        """Read the candidates at the cursor, in a thread."""
        at, generation, self._page = self.cursor.at, self.text.generation, 0
        if at is None or generation.opening is None:
            self._latest.cancel()
            self.known = None
            self.redraw()
            return
        vocabulary = generation.opening.loaded.model.vocabulary

        def work(task: BackgroundTask) -> None:
            try:
                found = generation.read_position(*at)
            except CharRNNError:  # logits that are not finite; the generating thread reports it
                return
            if found is not None:
                known = KnownPlace(at, found, found.alternatives(vocabulary))
                task.deliver(self.call_later, self._show_candidates, known)

        self._latest.start(work)

    def _show_candidates(self, known: KnownPlace) -> None:
        """Show the candidates at the cursor, and take the row that waits for them."""
        if known.at != self.cursor.at:
            return
        self.known = known
        self.redraw()
        wanted, self._wanted = self._wanted, None
        if wanted is not None and wanted[1] == known.at:
            self.action_take(wanted[0])

    def redraw(self) -> None:
        """Show the place of the cursor and its candidates."""
        self._show_place()
        known = self.known
        if self.text.tree is None:
            self.border_subtitle = Content("")
            self.update(tr("There is no text to review yet: type a seed and press Enter."))
            return
        width, is_ascii = self.size.width, bool(getattr(self.app, "is_ascii", False))
        lines = draw_rows(self.rows, width, is_ascii=is_ascii)
        self.update(Content("\n").join(lines))
        if known is not None:
            self.border_subtitle = Content(format_choice(known.position, known.alternatives))

    def _show_place(self) -> None:
        """Show branch and position of the cursor in the title."""
        at, tree = self.cursor.at, self.text.tree
        if at is None or tree is None:
            self.border_title = Content(tr("Tape"))
            return
        name, shown = safe_line(tree.branches[at[0]].name), self.text.shown
        if at[1] >= shown:
            place = tr("the end of {count:,}", count=shown)
        else:
            is_jamo = self.text.opening is not None and self.text.opening.is_jamo
            place = tr(
                "jamo {number:,} of {count:,}" if is_jamo else "character {number:,} of {count:,}",
                number=at[1] + 1,
                count=shown,
            )
        parts = [tr("Tape"), tr("branch {name}", name=name), place]
        if (count := len(tree.branches)) > 1:
            parts.append(tr("{count} branches", count=count))
        self.border_title = Content(" · ".join(parts))
