"""A page over the main screen: a frame with a picture, a line of notes, the keys that act in it."""

from __future__ import annotations

import contextvars
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import chosen_language, tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.chrome import KeyRow
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.keys.keymap import active_keys, bindings_of, key_label
from tui_charrnn.viewing.lessons import LESSONS

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.tui.keys.table import Owner
    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
    from tui_charrnn.tui.text.tape_text import TapeText

_Result = TypeVar("_Result")


class Picture(Static):
    """Rows that are drawn again whenever there is another width for them."""

    DEFAULT_CSS = "Picture { height: 1fr; text-wrap: nowrap; }"

    def __init__(self, rows: Callable[[int, int], Sequence[str | Content]]) -> None:
        """Draw the rows, safe to show, that are made for a number of columns and of rows."""
        super().__init__("", markup=False)
        self._rows = rows

    def draw(self) -> None:
        """Draw the rows anew."""
        size = self.size
        if size.width and size.height:
            rows = self._rows(size.width, size.height)[: size.height]
            contents = [row if isinstance(row, Content) else Content(row) for row in rows]
            drawn = Content("\n").join(contents)
            if not (isinstance(self.content, Content) and drawn.is_same(self.content)):
                self.update(drawn, layout=False)  # it has as much room whatever it shows

    def on_resize(self) -> None:
        """Fit into the room that there is."""
        self.draw()


_CURVES: Final = ("$primary", "$warning", "$success", "$error", "$secondary", "$accent")
"""Colors of the curves of a picture, in their order."""


def colored(row: str, signs: str) -> Content:
    """A row of a picture whose curves differ by their signs, each in a color of its own.

    Args:
        row: Safe to show.
        signs: Of the curves, in their order.
    """
    pieces: list[str | tuple[str, str]] = []
    for sign, group in itertools.groupby(row, key=lambda sign: sign if sign in signs else ""):
        text = "".join(group)
        pieces.append((text, _CURVES[signs.index(sign) % len(_CURVES)]) if sign else text)
    return Content.assemble(*pieces)


class Page(Dialog[None]):
    """Shows a picture until it is left by Esc; what it shows is computed in threads."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        *bindings_of("learn"),
    ]
    DEFAULT_CSS = """
    Page {
        background: $background;
        & #lesson { height: auto; max-height: 50%; color: $text-muted; padding-bottom: 1; }
        &.-lesson.-flat .aside, &.-lesson.-low .aside, &.-lesson.-medium .aside { display: none; }
        & #page {
            height: 1fr;
            padding: 0 1;
            border: round $primary;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
        }
        & #page-note { height: auto; max-height: 3; padding: 0 2; color: $text-muted; }
        & #page-note.-problem { color: $text-warning; }
        & Input { border: round $foreground 25%; border-title-color: $text-muted; height: 3; }
        & Input:focus { border: round $primary; }
    }
    """

    def __init__(self, context: PageContext, owner: Owner, title: str) -> None:
        """Show nothing yet."""
        super().__init__()
        self.context = context
        self.OWNER = owner
        self._title = title
        self.picture = Picture(self.rows)
        self.lesson = ""
        """The text of the guided tour, above the picture; empty outside of the tour."""
        self.turned = 0
        """By how many pages the tour is turned when this one is left; 0 ends it."""
        self._tasks = LatestTask(owner)
        self._lock = threading.Lock()

    def show_lesson(self, number: int) -> None:
        """Make this a page of the guided tour; to be called before it is opened."""
        lesson, language = LESSONS[number], chosen_language()
        self.lesson = lesson.rows(language, key_label)
        self._title = lesson.title(number, language, key_label)
        self.add_class("-lesson")

    def compose(self) -> ComposeResult:
        """The frame with what is in it, the note, the keys."""
        with Vertical(id="page") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content(tr("Esc leaves"))
            if self.lesson:
                yield Static(self.lesson, id="lesson", markup=False)
            yield from self.compose_page()
        yield Static("", id="page-note", markup=False)
        yield KeyRow()

    def compose_page(self) -> ComposeResult:
        """What is in the frame."""
        yield self.picture

    def rows(self, width: int, height: int) -> Sequence[str | Content]:
        """The rows of the picture, safe to show; those that have no room are cut off."""
        raise NotImplementedError

    def set_foot(self, foot: str) -> None:
        """Show something in the frame below the picture.

        Args:
            foot: Safe to show.
        """
        self.query_one("#page").border_subtitle = Content(foot)

    def on_mount(self) -> None:
        """Show the keys; a cursor that blinks would draw the picture again."""
        for field in self.query(Input):
            field.cursor_blink = False
        others = {key.id for key in active_keys() if key.owner != self.OWNER}
        self.query_one(KeyRow).show(others, self.OWNER)

    def on_unmount(self) -> None:
        """Let the thread end."""
        self._tasks.cancel()

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Show a sentence in the line above the keys."""
        note = self.query_one("#page-note", Static)
        note.update(safe_line(sentence))
        note.set_class(is_problem, "-problem")

    def compute(
        self,
        work: Callable[[BackgroundTask], Iterator[_Result]],
        show: Callable[[_Result], object],
    ) -> None:
        """Compute something in a thread, in the place of what is computed there now.

        The work yields results, each of which is shown on the screen's side if it is wanted still.
        """
        context = contextvars.copy_context()  # of the app, whose keys sentences name

        def run(task: BackgroundTask) -> None:
            def take(show: Callable[[], object]) -> None:
                if not task.is_cancelled:  # it is still wanted
                    show()

            with self._lock:
                task.check()
                try:
                    for result in work(task):
                        self.call_later(take, partial(show, result))
                        task.check()
                except CharRNNError as error:
                    told = partial(self.tell, str(error), is_problem=True)
                    self.call_later(take, told)

        self._tasks.start(lambda task: context.run(run, task))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is of use: those of the tour are so only in it."""
        if action in {"turn_lesson", "hide_lesson"}:
            return bool(self.lesson)
        return super().check_action(action, parameters)

    def action_turn_lesson(self, by: int) -> None:
        """Go on to another page of the tour."""
        self.turned = by
        self.dismiss(None)

    def action_hide_lesson(self) -> None:
        """Hide the text of the tour, or show it again."""
        self.toggle_class("-lesson")
        self.query_one("#lesson").display = self.has_class("-lesson")

    def action_leave(self) -> None:
        """Close the page."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page is opened with."""

    session: Session
    load: Callable[[Wait], LoadedModel]
    """Loads the model whose turn it is to generate; called in a thread."""
    load_newest: Callable[[Wait], LoadedModel]
    """Likewise, but of a run that trains its newest weights."""
    text: TapeText
    """The text in sight, with its tape."""
    at: tuple[int, int] | None
    """Branch and position of the cursor on the tape; None if there is none."""
    show_settings: Callable[[], object]
    """Called once the settings of the text were changed."""
    seed_text: str
    """What stands in the seed box."""
