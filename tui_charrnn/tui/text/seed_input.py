"""The seed input, and the file of earlier seeds."""

import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import TextArea

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError, reason_of
from tui_charrnn.folders import state_folder
from tui_charrnn.hangul import compose_typed, spelled_in
from tui_charrnn.paths import open_file
from tui_charrnn.safe_text import safe_line, safe_text, with_few_marks
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.textual_patches import Edit, EditResult, KeysInOrder, forward_key
from tui_charrnn.tui.theme.themed_app import KeepsText

KEPT: Final = 200
"""Number of seeds that the file keeps."""
LONGEST_SEED: Final = 10_000
"""Most characters of a seed: a model reads them in seconds, and they fit in one argument."""
_FILE: Final = "seeds.jsonl"
_MOST_LINES: Final = 2 * KEPT
_MOST_BYTES: Final = 8_000_000
"""Most bytes read of the file, which another program may have made longer."""
_LINE_END: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def unknown_in(text: str, vocabulary: frozenset[str]) -> list[str]:
    """Return the characters of a text that are not in the vocabulary, each once, in order.

    A model reads composed text (NFC), but a keyboard may send a Hangul syllable or an accented
    letter in parts: parts are known if their composition is, and the reverse.
    """
    composed = unicodedata.normalize("NFC", text)
    return [each for each in dict.fromkeys(composed) if not spelled_in(vocabulary, each)]


def unknown_spans(line: str, vocabulary: frozenset[str]) -> list[tuple[int, int]]:
    """Return start and end, in a line as typed, of each character outside the vocabulary."""
    return [
        (start, start + len(parts))
        for start, parts in _compositions(line)
        if not all(spelled_in(vocabulary, each) for each in unicodedata.normalize("NFC", parts))
    ]


def shown_line(line: str) -> str:
    """Make a line safe for the terminal, with the same number of characters.

    A text field counts characters, so unlike in `safe_text` each unsafe one becomes exactly one.
    """
    if line.isascii() and line.isprintable():
        return line
    signs = map(safe_text, line)
    shown = "".join(sign if len(sign) == 1 else "\N{REPLACEMENT CHARACTER}" for sign in signs)
    return with_few_marks(shown, "\N{ZERO WIDTH NON-JOINER}")  # zero cells, like a mark


def _compositions(line: str) -> Iterator[tuple[int, str]]:
    """Yield start and text of each character of a line, with its combining parts."""
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
    """A text field of one to four rows with a history; Enter submits.

    A submitted text stays, selected: Enter submits it again, typing replaces it. Seeds are saved in
    a file; if that fails, the field still works.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter,alt+enter", "insert_newline", "New line", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"seed-input--unknown"}
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
    """The model's characters; others are struck out. None accepts all characters."""

    @dataclass
    class Submitted(Message):
        """The user pressed Enter."""

        text: str

    def __init__(
        self,
        *,
        placeholder: str = "",
        longest: int = LONGEST_SEED,
        keeps_end: bool = True,
        remembers: bool = False,
    ) -> None:
        """Start empty; with `remembers`, submitted seeds are saved for later sessions.

        A text of more than `longest` characters loses its beginning, because the state of a model
        depends most on the end; without `keeps_end` it loses its end.
        """
        super().__init__(placeholder=Content(placeholder), highlight_cursor_line=False)
        self.set_reactive(TextArea.cursor_blink, False)
        self.set_reactive(TextArea.match_cursor_bracket, False)
        self.submitted_seeds: list[str] = []
        """Submitted seeds, the oldest first, without consecutive duplicates."""
        self._recalled: int | None = None
        """Index of the recalled seed; None while the user's own text is shown."""
        self._draft = ""
        self._longest, self._keeps_end = longest, keeps_end
        self._history = SeedHistory(state_folder() / _FILE) if remembers else None
        self._has_warned = False

    def on_mount(self) -> None:
        """Read the seeds of earlier sessions, after the first frame."""
        if (history := self._history) is not None:
            self.call_after_refresh(
                self._access_file, lambda: self.call_later(self.put_before, history.read())
            )

    def get_line(self, line_index: int) -> Text:
        """Return a line as shown: safe, with unknown characters struck out."""
        shown, unknown = _shown_and_unknown(self.document.get_line(line_index), self.vocabulary)
        line = Text(shown, end="", no_wrap=True)
        style = self.get_component_rich_style("seed-input--unknown", partial=True)
        for start, end in unknown:
            line.stylize(style, start, end)
        return line

    def watch_vocabulary(self) -> None:
        """Redraw the text for another model."""
        self.notify_style_update()  # clears TextArea's cache of drawn lines
        self.refresh()

    async def on_key(self, event: events.Key) -> None:
        """Submit on Enter; forward keys that belong to another focused field."""
        if self.screen.focused is not self:
            forward_key(self, event)
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_submit()

    def edit(self, edit: Edit) -> EditResult:
        """Edit, compose jamo into syllables, and cut text that is too long at one end."""
        if not edit.text.isascii():
            row, column = edit.top
            taken, edit.text = compose_typed(self.document.get_line(row)[:column], edit.text)
            edit.from_location, edit.to_location = (row, column - taken), edit.bottom
        beyond = len(edit.text) - self._longest
        if beyond > 0:  # before it is inserted: wrapping it would be slow
            edit.text = edit.text[beyond:] if self._keeps_end else edit.text[: self._longest]
        result = super().edit(edit)
        lost = max(len(self.text) - self._longest, 0)
        if lost:
            before = self.text[: lost if self._keeps_end else self._longest]
            border = before.count("\n"), len(before) - before.rfind("\n") - 1
            ends = ((0, 0), border) if self._keeps_end else (border, self.document.end)
            super().edit(Edit("", *ends, maintain_selection_offset=True))
            result = replace(result, end_location=self.cursor_location)
        if (lost or beyond > 0) and self._keeps_end:
            self._warn_cut(lost + max(beyond, 0))
        return result

    def open_file(self, path: Path) -> None:
        """Read the end of a file in a thread, and submit it."""

        def read(_: BackgroundTask) -> None:
            try:
                text, lost = lazy.end_of_file(path, self._longest)
            except CharRNNError as error:
                self.post_message(NoteWritten(str(error), is_problem=True))
            else:
                self.call_later(submit, text, lost)

        def submit(text: str, lost: int) -> None:
            self.load_text(text)
            self.action_submit()
            if lost:
                self.call_after_refresh(self._warn_cut, lost)

        BackgroundTask("seed-file", read)

    def put_before(self, seeds: list[str]) -> None:
        """Insert the seeds of earlier sessions before those of this one."""
        self.submitted_seeds[:0] = seeds
        if self._recalled is not None:
            self._recalled += len(seeds)

    def action_submit(self) -> None:
        """Post the text and add it to the history."""
        history, seed = self._history, self.text
        if seed and seed not in self.submitted_seeds[-1:]:
            self.submitted_seeds.append(seed)
            if history is not None:
                self._access_file(lambda: history.add(seed))
        self._recalled = None
        self.select_all()
        self.post_message(self.Submitted(seed))

    def action_insert_newline(self) -> None:
        """Insert a line feed."""
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up a row; above the first row, recall an older seed."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        else:
            self._recall(-1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down a row; below the last row, recall a newer seed, then the user's own text."""
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

    def _access_file(self, access: Callable[[], object]) -> None:
        """Read or write the file of seeds, in a thread."""

        def work(_: BackgroundTask) -> None:
            try:
                access()
            except OSError as error:
                self.call_later(self._warn_not_saved, error)

        BackgroundTask("seed-history", work)

    def _warn_not_saved(self, error: OSError) -> None:
        """Warn once that seeds are not saved; as a toast, because notes replace each other."""
        if not self._has_warned:
            self._has_warned = True
            reason = f"{reason_of(error)} ({error.filename})"
            sentence = tr("Seeds are remembered only until you quit: {reason}.", reason=reason)
            self.notify(safe_line(sentence), severity="warning", markup=False)

    def _warn_cut(self, count: int) -> None:
        """Warn that the beginning of the seed was cut."""
        sentence = tr(
            "The seed is the last {count:,} characters, which the state depends on; {lost:,} "
            "before them were left out.",
            count=self._longest,
            lost=count,
        )
        self.post_message(NoteWritten(sentence, is_problem=True))


@lru_cache(maxsize=8)
def _shown_and_unknown(
    line: str, vocabulary: frozenset[str] | None
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a line as shown and its unknown spans; cached for the rows of a long line."""
    unknown = () if vocabulary is None else tuple(unknown_spans(line, vocabulary))
    return shown_line(line), unknown


class SeedHistory:
    """A file of seeds, the oldest first; operations may raise OSError and never lose seeds.

    It has one JSON string per line; only the user may read it.
    """

    def __init__(self, path: Path) -> None:
        """Set the path; file and folder are created with the first seed."""
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> list[str]:
        """Return the newest seeds, the oldest first; ignores invalid lines."""
        return _newest(self._lines())

    def add(self, seed: str) -> None:
        """Append a seed; rewrite the file once it has more than `_MOST_LINES` lines."""
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            flags |= os.O_NOFOLLOW | os.O_NONBLOCK
            # a single append: two apps do not interleave their lines
            with os.fdopen(os.open(self._path, flags, 0o600), "wb") as file:
                file.write(_line_of(seed[-LONGEST_SEED:]))
            lines = self._lines()
            if len(lines) > _MOST_LINES:
                lazy.replace_file(self._path, map(_line_of, _newest(lines)), mode=0o600)

    def _lines(self) -> list[bytes]:
        try:
            with open_file(self._path) as file:
                file.seek(max(file.seek(0, os.SEEK_END) - _MOST_BYTES, 0))
                return file.read(_MOST_BYTES).split(b"\n")
        except FileNotFoundError:
            return []


def _line_of(seed: str) -> bytes:
    return lazy.dumps(seed).encode() + b"\n"


def _newest(lines: Iterable[bytes]) -> list[str]:
    """Return the last seeds of a file, without consecutive duplicates."""
    seeds: list[str] = []
    for line in lines:
        try:
            seed = lazy.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(seed, str) and seed and len(seed) <= LONGEST_SEED:
            seed = _LINE_END.sub("\n", seed)
            if seed not in seeds[-1:]:
                seeds.append(seed)
    return seeds[-KEPT:]
