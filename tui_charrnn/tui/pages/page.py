"""The base of the pages (a frame with a picture, a line for notes, the keys), and their tour."""

from __future__ import annotations

import itertools
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, TypeVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui_charrnn.errors import CharRNNError
from tui_charrnn.translation import chosen_language, tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.chrome import KeyRow
from tui_charrnn.tui.dialogs import Dialog, MessageLine
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.tui.keys.table import Owner
    from tui_charrnn.tui.session import Session
    from tui_charrnn.tui.text.model_loader import LoadedModel, ModelLoader, ModelRequest
    from tui_charrnn.tui.text.tape_text import TapeText

_Result = TypeVar("_Result")


class LessonText(NamedTuple):
    """A lesson in one language; `{id}` stands for the key of that id."""

    title: str
    sentences: str
    """Three of them."""
    tries: Sequence[str]
    """Two things to try."""
    look: str
    """What to look for."""


class Lesson(NamedTuple):
    """One page of the tour."""

    page: str
    """The page of the app that shows the live picture."""
    command: str
    """The shell command that shows the same, without the program's name."""
    texts: Mapping[str, LessonText]
    """By language."""


def _read() -> tuple[tuple[Lesson, ...], Mapping[str, Mapping[str, str]]]:
    document = tomllib.loads(Path(__file__).with_name("lessons.toml").read_text(encoding="utf-8"))
    lessons = tuple(
        Lesson(
            each["page"],
            each["command"],
            {language: LessonText(**text) for language, text in each["texts"].items()},
        )
        for each in document["lessons"]
    )
    return lessons, document["head"]


LESSONS, HEAD = _read()
"""The lessons, in the order of the tutorial that this project began from; by language, the
introduction and the labels of the parts of a lesson."""


def lesson_title(number: int, language: str) -> str:
    """The heading of a lesson: its number (from 0), its title and the current keys."""
    title = f"{number + 1}/{len(LESSONS)} {LESSONS[number].texts[language].title}"
    return tr_keys(f"{title} · {HEAD[language]['keys']}")


def lesson_rows(number: int, language: str) -> str:
    """A lesson as lines for the app, with the current keys."""
    text, words = LESSONS[number].texts[language], HEAD[language]
    tries = [f"{words['try']} {each}" for each in text.tries]
    return tr_keys("\n".join([text.sentences, *tries, f"{words['look']} {text.look}"]))


class Picture(Static):
    """Text rows that are redrawn to fit when the size changes."""

    DEFAULT_CSS = "Picture { height: 1fr; text-wrap: nowrap; }"

    def __init__(self, rows: Callable[[int, int], Sequence[str | Content]]) -> None:
        """Show what `rows` returns for a width and a height in cells; it must be safe to show."""
        super().__init__("", markup=False)
        self._rows = rows

    def draw(self) -> None:
        """Redraw the rows if they have changed."""
        size = self.size
        if size.width and size.height:
            rows = self._rows(size.width, size.height)[: size.height]
            contents = [row if isinstance(row, Content) else Content(row) for row in rows]
            drawn = Content("\n").join(contents)
            if not (isinstance(self.content, Content) and drawn.is_same(self.content)):
                self.update(drawn, layout=False)  # the size never depends on the content

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self.draw()


_CURVES: Final = ("$primary", "$warning", "$success", "$error", "$secondary", "$accent")
"""Colors of the curves of a picture, in order."""


def colored(row: str, signs: str) -> Content:
    """Color a row of a picture: each sign, which marks one curve, gets the color of that curve.

    Args:
        row: Safe to show.
        signs: One character for each curve, in order.
    """
    pieces: list[str | tuple[str, str]] = []
    for sign, group in itertools.groupby(row, key=lambda sign: sign if sign in signs else ""):
        text = "".join(group)
        pieces.append((text, _CURVES[signs.index(sign) % len(_CURVES)]) if sign else text)
    return Content.assemble(*pieces)


class Page(Dialog[int]):
    """Shows a picture, which is computed in a thread, until Esc closes it.

    Returns how many pages the guided tour moves on; None ends the tour.
    """

    OWNER: ClassVar[Owner]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("learn")]
    DEFAULT_CSS = """
    Page {
        background: $background;
        & #lesson { height: auto; max-height: 50%; color: $text-muted; padding-bottom: 1; }
        &.-lesson.-flat .aside, &.-lesson.-low .aside, &.-lesson.-medium .aside { display: none; }
        & #page { height: 1fr; padding: 0 1; background: $background; }
        & #page-note { max-height: 3; padding: 0 2; }
        & Input { border: round $foreground 25%; border-title-color: $text-muted; height: 3; }
        & Input:focus { border: round $primary; }
    }
    """

    def __init__(self, context: PageContext, title: str) -> None:
        super().__init__()
        self.context = context
        self._title = title
        self.picture = Picture(self.rows)
        self.lesson = ""
        """The text of the guided tour above the picture; empty outside the tour."""
        self._tasks = LatestTask(self.OWNER)
        self._lock = threading.Lock()

    def show_lesson(self, number: int) -> None:
        """Make this a page of the guided tour; call it before the page is opened."""
        language = chosen_language()
        self._title = lesson_title(number, language)
        self.lesson = lesson_rows(number, language)
        self.add_class("-lesson")

    def compose(self) -> ComposeResult:
        """Yield the frame, the note line and the keys."""
        with Vertical(id="page", classes="box") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content(tr("Esc leaves"))
            if self.lesson:
                yield Static(self.lesson, id="lesson", markup=False)
            yield from self.compose_page()
        yield MessageLine(id="page-note")
        yield KeyRow(self.OWNER)

    def compose_page(self) -> ComposeResult:
        """Yield the content of the frame."""
        yield self.picture

    def rows(self, width: int, height: int) -> Sequence[str | Content]:
        """Return the rows of the picture, safe to show; rows beyond the height are cut off."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        """Cancel the background task."""
        self._tasks.cancel()

    def show_note(self, sentence: str, *, is_problem: bool = False) -> None:
        """Show a note in the line above the keys."""
        self.query_one(MessageLine).show(sentence, is_problem=is_problem)

    def compute(
        self,
        work: Callable[[BackgroundTask], Iterator[_Result]],
        show: Callable[[_Result], object],
    ) -> None:
        """Run work in a thread; cancels the work that runs there.

        `work` yields results; `show` is called with each on the screen's thread unless cancelled.
        """

        def run(task: BackgroundTask) -> None:
            with self._lock:
                task.check()
                try:
                    for result in work(task):
                        task.deliver(self.call_later, show, result)
                except CharRNNError as error:
                    show_problem = partial(self.show_note, str(error), is_problem=True)
                    task.deliver(self.call_later, show_problem)

        self._tasks.start(run)

    def load(self, task: BackgroundTask) -> LoadedModel:
        """Load the chosen model; for the work of `compute`."""
        return self.context.loader.load(self.context.request, task.is_cancelled_after)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action is available; those of the tour are only inside it."""
        if action in {"turn_lesson", "hide_lesson"}:
            return bool(self.lesson)
        return super().check_action(action, parameters)

    def action_turn_lesson(self, by: int) -> None:
        """Close this page and move on `by` pages in the tour."""
        self.dismiss(by)

    def action_hide_lesson(self) -> None:
        """Hide the text of the tour, or show it again."""
        self.toggle_class("-lesson")
        self.query_one("#lesson").display = self.has_class("-lesson")


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page is opened with."""

    session: Session
    loader: ModelLoader
    request: ModelRequest
    """The model that was chosen when the page was opened."""
    text: TapeText
    """The visible text and its tape."""
    at: tuple[int, int] | None
    """Branch and position of the cursor on the tape; None without a cursor."""
    seed_text: str
    """The text in the seed box."""
