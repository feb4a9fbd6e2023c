"""The fields for the text: one of the list or one of the user's, and what is in it."""

import dataclasses
from collections.abc import Iterable
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input, Select

from tui_charrnn.config import TrainingConfig
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.source_reading import Reading
from tui_charrnn.tui.new_run.corpus_facts_view import FormFacts
from tui_charrnn.tui.new_run.corpus_summary import form_sentence
from tui_charrnn.tui.new_run.fields import FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import CorpusChoice, listed_corpus
from tui_charrnn.tui.new_run.path_field import PathField, PathInput
from tui_charrnn.tui.new_run.typed_path import clean_path

OWN: Final = "own:"
KEPT: Final = "kept:"
"""Values of the list that are no names of the catalogue."""
PAUSE: Final = 0.25
"""Seconds that a choice has to stand before it is looked into: a path is still being typed."""
ENCODINGS: Final = (
    "utf-8",
    "utf-16",
    "cp1252",
    "latin-1",
    "cp949",
    "euc-jp",
    "shift_jis",
    "gb18030",
    "big5",
    "koi8-r",
    "cp1251",
)
_LIST_ADVICE: Final = "Enter or Space opens the list. A path of yours goes before it."
_PATH_ADVICE: Final = (
    "Tab or → takes what is offered, ↓ turns to the next, Esc closes the list. Folders, ~ and "
    "*.txt work; files can be dropped here."
)
_ENCODING_ADVICE: Final = "How the bytes of the file become characters."


class CorpusField(Vertical):
    """Takes a choice, looks into it in a thread, and says what is there."""

    DEFAULT_CSS = "CorpusField { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        entries = load_catalogue().items()
        options = [(f"{name} · {entry.title}", name) for name, entry in entries]
        self._list_options = [("a text of yours", OWN), *options]
        self._last_listed = options[0][1]
        self._kept: CorpusChoice | None = None
        """A choice that cannot be typed as one path, such as several files."""
        self._reading = Reading()
        """How the path is read, but for its encoding."""
        self.found = FormFacts()
        """Looks into what is chosen."""
        self._list = FormSelect(self._list_options, value=self._last_listed, id="catalogue")
        self._path = PathField(placeholder="path of a text file or folder", id="corpus")
        self._encoding = FormSelect(_same(ENCODINGS), value=ENCODINGS[0], id="encoding")
        self._list_row = FormRow("Text", self._list, key="catalogue", advice=_LIST_ADVICE)
        self._path_row = FormRow("or yours", self._path, key="corpus", advice=_PATH_ADVICE)
        self._encoding_row = FormRow(
            "Encoding", self._encoding, key="encoding", advice=_ENCODING_ADVICE
        )

    def compose(self) -> ComposeResult:
        """The list, the path, its encoding, and what is known."""
        yield self._list_row
        yield self._path_row
        yield self._encoding_row
        yield self.found

    @property
    def path(self) -> PathInput:
        """Where a path is typed."""
        return self._path.input

    @property
    def choice(self) -> CorpusChoice:
        """What is chosen now."""
        if self._list.chosen == KEPT and self._kept is not None:
            return self._kept
        if self._list.chosen != OWN:
            return listed_corpus(self._list.chosen)
        path = clean_path(self.path.value)
        reading = dataclasses.replace(self._reading, encoding=self._encoding.chosen)
        return CorpusChoice((path,) if path else (), reading=reading)

    def restore(self, choice: CorpusChoice) -> None:
        """Fill the fields in."""
        name = choice.catalogue_name
        if name is not None and any(name == value for _, value in self._list_options):
            self._list.show(name)
            self.path.show("")
        elif len(choice.arguments) == 1 and not choice.label:
            self._reading = choice.reading
            encodings = dict.fromkeys([*ENCODINGS, choice.reading.encoding])
            self._encoding.offer(_same(encodings), choice.reading.encoding)
            self._list.show(OWN)
            self.path.show(choice.arguments[0])
        elif choice.arguments:
            self._kept = choice
            label = choice.label or f"{len(choice.arguments)} texts"
            self._list.offer([*self._list_options, (label, KEPT)], KEPT)
            self.path.show("")
        self.look()

    def look(self) -> None:
        """Look into the choice, if it has changed."""
        is_own = self._list.chosen == OWN
        self._encoding_row.display = is_own
        self.found.look(self.choice, PAUSE if is_own else 0.0)

    def show(self, training: TrainingConfig, problem: str) -> None:
        """Say what is known, and what is wrong.

        Args:
            training: Settings that tell how the text is split.
            problem: What is wrong with the choice whatever its text is; may be empty.
        """
        found = self.found.show(training)
        self.tell(form_sentence(problem or found))

    def tell(self, problem: str) -> None:
        """Say what is wrong with the text."""
        is_own = self._list.chosen == OWN
        self._path_row.tell(problem if is_own else "")
        self._list_row.tell("" if is_own else problem)

    @on(Select.Changed, "#catalogue")
    def choose_listed(self, event: Select.Changed) -> None:
        """Take a text of the list in the place of a path, or wait for a path."""
        event.stop()
        if self._list.chosen == OWN:
            self.path.focus()
        else:
            self.path.show("")
            if self._list.chosen != KEPT:
                self._last_listed = self._list.chosen
        self.look()

    @on(Input.Changed, "#corpus")
    def choose_path(self, event: Input.Changed) -> None:
        """Take a path in the place of the list; without one, the list counts again."""
        event.stop()
        self._list.show(OWN if event.value.strip() else self._last_listed)
        self.look()

    @on(Select.Changed, "#encoding")
    def choose_encoding(self, event: Select.Changed) -> None:
        """Read the path in another way."""
        event.stop()
        self.look()

    def on_path_input_dropped(self, event: PathInput.Dropped) -> None:
        """Take several files at once."""
        event.stop()
        self.restore(CorpusChoice(event.paths, f"{len(event.paths)} files that were dropped"))


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
