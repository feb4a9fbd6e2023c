"""Where the user types the text that the model continues."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import TextArea

from tui_charrnn.hangul import typed_on
from tui_charrnn.safe_text import safe_text, with_few_marks
from tui_charrnn.text.decoding import spelled_in
from tui_charrnn.tui.text.seed_history import LONGEST_SEED
from tui_charrnn.tui.textual_patches import Edit, EditResult, KeysInOrder
from tui_charrnn.tui.theme.themed_app import KeepsText


def unknown_in(text: str, vocabulary: frozenset[str]) -> list[str]:
    """The characters of a text that are not in the vocabulary, each once, in order.

    A model reads text in composed form (NFC), while a keyboard may send a Hangul syllable or an
    accented letter in parts; the parts are known if what they compose is, or the other way round.
    """
    composed = unicodedata.normalize("NFC", text)
    return [each for each in dict.fromkeys(composed) if not spelled_in(vocabulary, each)]


def unknown_spans(line: str, vocabulary: frozenset[str]) -> list[tuple[int, int]]:
    """Where in a line the characters are that are not in the vocabulary.

    Returns:
        The start and the end of each, as indices of `line` as it was typed.
    """
    return [
        (start, start + len(parts))
        for start, parts in _compositions(line)
        if not all(spelled_in(vocabulary, each) for each in unicodedata.normalize("NFC", parts))
    ]


def shown_line(line: str) -> str:
    """A line made safe for the terminal, character for character.

    A text field counts in characters, so a character that is not shown as it is becomes exactly one
    other, unlike in `safe_text`.
    """
    if line.isascii() and line.isprintable():
        return line
    signs = map(safe_text, line)
    shown = "".join(sign if len(sign) == 1 else "\N{REPLACEMENT CHARACTER}" for sign in signs)
    return with_few_marks(shown, "\N{ZERO WIDTH NON-JOINER}")  # as wide as a mark


def _compositions(line: str) -> Iterator[tuple[int, str]]:
    """The characters of a line, those that belong together as one."""
    if unicodedata.is_normalized("NFC", line) and not any(map(unicodedata.combining, line)):
        yield from enumerate(line)
        return
    start, parts = 0, ""
    for index, character in enumerate(line):
        if parts and not _belongs_to(parts, character):
            yield start, parts
            start, parts = index, ""
        parts += character
    if parts:
        yield start, parts


def _belongs_to(parts: str, character: str) -> bool:
    if unicodedata.combining(character):
        return True
    apart = unicodedata.normalize("NFC", parts) + unicodedata.normalize("NFC", character)
    return unicodedata.normalize("NFC", parts + character) != apart


class SeedInput(KeepsText, TextArea, KeysInOrder):
    """A text field of one to four rows that submits on Enter and remembers what it submitted.

    After a submission the text stays and is selected: Enter submits it again, typing replaces it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter,alt+enter", "insert_newline", "New line", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"seed-input--unknown"}
    LONGEST: ClassVar[int] = LONGEST_SEED
    """Characters that the field takes."""
    DEFAULT_CSS = """
    SeedInput {
        height: auto;
        min-height: 3;
        max-height: 6;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        scrollbar-background-hover: $surface;
        scrollbar-background-active: $surface;
        & .seed-input--unknown { color: $skipped-text; text-style: strike; }
    }
    """

    vocabulary: var[frozenset[str] | None] = var(None, init=False)
    """The characters that the model knows; others are struck out. None accepts everything."""

    class Submitted(Message):
        """The reader pressed Enter."""

        def __init__(self, seed_input: "SeedInput", text: str) -> None:
            self.seed_input = seed_input
            self.text = text
            super().__init__()

        @property
        def control(self) -> "SeedInput":
            """The field that was submitted."""
            return self.seed_input

    class Shortened(Message):
        """What was typed or pasted is longer than what there is room for: its end is kept."""

        def __init__(self, seed_input: "SeedInput", longest: int, lost: int) -> None:
            self.seed_input = seed_input
            self.longest = longest
            """Characters that the field takes."""
            self.lost = lost
            """Characters that were left out."""
            super().__init__()

        @property
        def control(self) -> "SeedInput":
            """The field that is full."""
            return self.seed_input

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """Start with a text.

        Args:
            text: What stands in the field at first.
            placeholder: What an empty field shows.
            name: The name of the widget.
            id: The id of the widget.
            classes: The CSS classes of the widget.
        """
        super().__init__(
            text,
            placeholder=Content(placeholder),
            highlight_cursor_line=False,
            name=name,
            id=id,
            classes=classes,
        )
        self.set_reactive(TextArea.cursor_blink, False)
        self.set_reactive(TextArea.match_cursor_bracket, False)
        self.submitted_seeds: list[str] = []
        """What was submitted, oldest first, without repetitions in a row."""
        self._recalled: int | None = None
        """Index of the recalled seed, or None while the reader's own text is shown."""
        self._draft = ""

    @property
    def unknown_characters(self) -> list[str]:
        """The characters that the model does not know, each once, in the order of the text."""
        return [] if self.vocabulary is None else unknown_in(self.text, self.vocabulary)

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown: safe, with what the model does not know struck out.

        Args:
            line_index: Which line of the text.
        """
        shown, unknown = _look_of(self.document.get_line(line_index), self.vocabulary)
        line = Text(shown, end="", no_wrap=True)
        style = self.get_component_rich_style("seed-input--unknown", partial=True)
        for start, end in unknown:
            line.stylize(style, start, end)
        return line

    def watch_vocabulary(self) -> None:
        """Draw the text again, for another model."""
        self.notify_style_update()  # what TextArea drops its drawn lines on
        self.refresh()

    async def on_key(self, event: events.Key) -> None:
        """Submit on Enter, which would insert a line feed."""
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_submit()

    def edit(self, edit: Edit) -> EditResult:
        """Edit, and keep the end of what is then too long: a model's state depends on that.

        What comes in parts, as jamo by jamo, is put together.
        """
        if not edit.text.isascii():
            row, column = edit.top
            taken, edit.text = typed_on(self.document.get_line(row)[:column], edit.text)
            edit.from_location, edit.to_location = (row, column - taken), edit.bottom
        beyond = len(edit.text) - self.LONGEST
        if beyond > 0:  # not even once into the field: it would be wrapped
            edit.text = edit.text[beyond:]
        result = super().edit(edit)
        lost = max(len(self.text) - self.LONGEST, 0)
        if lost:
            before = self.text[:lost]
            end = before.count("\n"), lost - before.rfind("\n") - 1
            super().edit(Edit("", (0, 0), end, maintain_selection_offset=True))
            result = replace(result, end_location=self.cursor_location)
        if lost or beyond > 0:
            self.post_message(self.Shortened(self, self.LONGEST, lost + max(beyond, 0)))
        return result

    def put_before(self, seeds: list[str]) -> None:
        """Let older seeds be recalled before those that were submitted here."""
        self.submitted_seeds[:0] = seeds
        if self._recalled is not None:
            self._recalled += len(seeds)

    def action_submit(self) -> None:
        """Post the text, and remember it."""
        if self.text and self.text not in self.submitted_seeds[-1:]:
            self.submitted_seeds.append(self.text)
        self._recalled = None
        self.select_all()
        self.post_message(self.Submitted(self, self.text))

    def action_insert_newline(self) -> None:
        """Begin another line."""
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up a row; above the first row, recall an older seed."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        else:
            self._recall(-1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down a row; below the last row, recall a newer seed, then the reader's own text."""
        if select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        else:
            self._recall(+1)

    def _recall(self, direction: int) -> None:
        """Show an older (-1) or newer (+1) seed."""
        count = len(self.submitted_seeds)
        current = count if self._recalled is None else self._recalled
        target = current + direction
        if not 0 <= target <= count:
            return
        if current == count:
            self._draft = self.text
        self._recalled = None if target == count else target
        self.load_text(self._draft if target == count else self.submitted_seeds[target])
        self.move_cursor(self.document.end)


@lru_cache(maxsize=8)
def _look_of(
    line: str, vocabulary: frozenset[str] | None
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A line as it is shown, and where it is unknown; every row of a long line asks for it."""
    unknown = () if vocabulary is None else tuple(unknown_spans(line, vocabulary))
    return shown_line(line), unknown
