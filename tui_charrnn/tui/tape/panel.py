"""Below a text, while one goes back over it: what else could have come, and the tape's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import active_keys
from tui_charrnn.tui.tape.keeping import TapeKeeping
from tui_charrnn.tui.text.alternative_rows import (
    AlternativeRow,
    chosen_rows,
    drawn_rows,
)
from tui_charrnn.tui.text.spoken_text import SpokenText
from tui_charrnn.viewing.branches import continuations
from tui_charrnn.viewing.moment_words import moment_words

if TYPE_CHECKING:
    from tui_charrnn.generation.tape import Alternative, TapePosition

_HEAD: Final = 1  # rows above the first alternative
_NOTHING: Final = "There is no text yet to go back over."


class AlternativesRead(Message):
    """It is known what could come at a place."""

    def __init__(self, branch: int, moment: TapePosition, alternatives: list[Alternative]) -> None:
        self.at = branch, moment.position
        self.moment = moment
        self.alternatives = alternatives
        super().__init__()


class TapePanel(TapeKeeping, Static, can_focus=True):
    """Shows the place of the cursor on the tape of a text, and acts on the keys that move it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("tape"),
        # as in all that scrolls
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
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        text-wrap: nowrap;
        &:focus { border: round $primary; }
    }
    """

    def __init__(self, text: SpokenText) -> None:
        super().__init__(id="tape-panel", markup=False)
        self.text = text
        self.visited = []
        self._generation = text.generation
        """Whose tape was visited."""
        self.read: AlternativesRead | None = None
        """What was known last."""
        self._page = 0
        """Which page of the alternatives."""
        self._wanted: tuple[int, tuple[int, int]] | None = None
        """Which row is to be taken, once it is known what could come at a place."""
        self._latest = LatestTask("tape-moment")

    @property
    def rows(self) -> list[AlternativeRow]:
        """The alternatives that are shown."""
        read, tree = self.read, self.text.tape_tree
        if read is None or tree is None:
            return []
        came = continuations(tree, *read.at)
        names = {
            index: f"branch {safe_line(tree.branches[number].name)}"
            for number, index in came.items()
            if len(came) > 1
        }
        count = max(self.size.height - _HEAD, 1)
        pages = -(-len(read.alternatives) // count)
        first = self._page % pages * count
        return chosen_rows(read.alternatives, read.moment.chosen, names, first, count)

    def on_mount(self) -> None:
        """Follow the cursor."""
        self.watch(self.text, "at", self._look)
        self.watch(self.text, "last", self._show_place)

    def on_resize(self) -> None:
        """Show as many alternatives as there is room for."""
        self.redraw()

    def on_key(self, event: events.Key) -> None:
        """Take an alternative by its digit."""
        digits = next(key.keys for key in active_keys() if key.id == "tape.take").split(",")
        if event.key in digits:
            event.stop()
            event.prevent_default()
            self.action_take(digits.index(event.key))

    def on_click(self, event: events.Click) -> None:
        """Take the alternative that the mouse points at."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y >= _HEAD:
            self.action_take(offset.y - _HEAD)

    def on_alternatives_read(self, event: AlternativesRead) -> None:
        """Show what could come where the cursor is, and take what is waited for."""
        event.stop()
        if event.at != self.text.at:
            return
        self.read = event
        self.redraw()
        wanted, self._wanted = self._wanted, None
        if wanted is not None and wanted[1] == event.at:
            self.action_take(wanted[0])

    def action_take(self, row: int = 0) -> None:
        """Let another character come here, and go on from it; one that came before is gone to."""
        read, at = self.read, self.text.at
        follows = self.text.streaming and at == (self.text.branch, self.text.shown)
        if at is None or read is None or (read.at != at and not follows):
            self._wanted = (row, at) if at is not None else None
            return
        rows = self.rows
        if row < len(rows):
            self.take(read.at[1], (rows[row].alternative.index,))

    def action_turn_page(self) -> None:
        """Show less likely characters; after the last ones the likeliest again."""
        self._page += 1
        self.redraw()

    def _look(self, at: tuple[int, int] | None) -> None:
        generation, self._page = self.text.generation, 0
        if generation is not self._generation:
            self._generation = generation
            self.visited.clear()
        if at is None or generation is None or generation.tape is None:
            self._latest.cancel()
            self.read = None
            self.redraw()
            return
        vocabulary = generation.tape.stream.model.vocabulary.characters

        def work(task: BackgroundTask) -> None:
            try:
                moment = generation.moment(*at)
            except CharRNNError:  # scores that are no numbers; the speech has said so itself
                return
            if moment is not None and not task.is_cancelled:
                self.post_message(AlternativesRead(at[0], moment, moment.alternatives(vocabulary)))

        self._latest.start(work)

    def redraw(self) -> None:
        """Show what is known of the place of the cursor."""
        self._show_place()
        read = self.read
        if self.text.tape_tree is None:
            self.border_subtitle = Content("")
            self.update(_NOTHING)
            return
        width, is_ascii = self.size.width, bool(getattr(self.app, "is_ascii", False))
        lines = drawn_rows(self.rows, width, is_ascii=is_ascii)
        self.update(Content("\n").join(lines))
        if read is not None:
            self.border_subtitle = Content(moment_words(read.moment, read.alternatives))

    def _show_place(self) -> None:
        """Say above the alternatives where the cursor is."""
        at, tree = self.text.at, self.text.tape_tree
        if at is None or tree is None:
            self.border_title = Content("Tape")
            return
        name, many = safe_line(tree.branches[at[0]].name), len(tree.branches)
        more = f" · {many} branches" if many > 1 else ""
        place = "the end" if at[1] >= self.text.shown else f"character {at[1] + 1:,}"
        place = f"{place} of {self.text.shown:,}"
        self.border_title = Content(f"Tape · branch {name} · {place}{more}")
