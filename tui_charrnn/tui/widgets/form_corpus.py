"""The fields for the text: one of the list or one of the user's, and what is in it."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Select, Static

from tui_charrnn.config import TrainingConfig
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.pieces import Reading
from tui_charrnn.tui.corpus_facts import CorpusFacts, look_into
from tui_charrnn.tui.corpus_words import fact_lines, form_sentence, shortness
from tui_charrnn.tui.errand import Errand, Errands
from tui_charrnn.tui.form_values import CorpusChoice, listed_corpus
from tui_charrnn.tui.typed_path import clean_path
from tui_charrnn.tui.widgets.form_fields import FormRow, FormSelect
from tui_charrnn.tui.widgets.form_path import PathField, PathInput

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
_PATH_ADVICE: Final = (
    "Tab or → takes what is offered, ↓ turns to the next. A folder, ~ and *.txt work; "
    "files can be dropped here."
)


class CorpusField(Vertical):
    """Takes a choice, looks into it in a thread, and says what is there."""

    DEFAULT_CSS = """
    CorpusField { height: auto; }
    #corpus-facts { margin-left: 11; color: $text-muted; }
    """

    @dataclass
    class Learned(Message):
        """The choice is another one, or more is known of it."""

        facts: CorpusFacts

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
        self._facts = CorpusFacts(CorpusChoice(()))
        self._errands = Errands("corpus-facts")
        self._list = FormSelect(self._list_options, value=self._last_listed, id="catalogue")
        self._path = PathField(placeholder="path of a text file or folder", id="corpus")
        self._encoding = FormSelect(_same(ENCODINGS), value=ENCODINGS[0], id="encoding")
        self._path_row = FormRow("or yours", self._path, key="corpus", advice=_PATH_ADVICE)
        self._encoding_row = FormRow("Encoding", self._encoding, key="encoding")

    def compose(self) -> ComposeResult:
        """The list, the path, its encoding, and what is known."""
        yield FormRow("Text", self._list, key="catalogue")
        yield self._path_row
        yield self._encoding_row
        yield Static("", id="corpus-facts", markup=False)

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
        self.look()

    def look(self) -> None:
        """Look into the choice, if it has changed."""
        choice = self.choice
        self._encoding_row.display = self._list.chosen == OWN
        if choice == self._facts.choice:
            return
        self._facts = CorpusFacts(choice)
        self.post_message(self.Learned(self._facts))
        self._errands.give_up()
        if choice.arguments:
            pause = PAUSE if self._list.chosen == OWN else 0.0
            self._errands.send(lambda errand: self._look_into(choice, pause, errand))

    def show(self, facts: CorpusFacts, training: TrainingConfig | None) -> None:
        """Say what is known.

        Args:
            facts: What that is.
            training: Settings that tell how the text is split; None while they are wrong.
        """
        lines = fact_lines(facts, training) if training else []
        self.query_one("#corpus-facts", Static).update("\n".join(lines))
        problem = facts.problem or (shortness(facts, training) if training else "")
        self.tell(form_sentence(problem))

    def tell(self, problem: str) -> None:
        """Say what is wrong with the text."""
        is_own = self._list.chosen == OWN
        self._path_row.tell(problem if is_own else "")
        self.query_one(FormRow).tell("" if is_own else problem)

    def stop(self) -> None:
        """Look no more."""
        self._errands.give_up()

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
        self.path.show("")
        self.restore(CorpusChoice(event.paths, f"{len(event.paths)} files that were dropped"))

    def _look_into(self, choice: CorpusChoice, pause: float, errand: Errand) -> None:
        """Runs in a thread."""
        errand.wait(pause)
        look_into(choice, lambda facts: self.post_message(self.Learned(facts)), errand)

    def on_corpus_field_learned(self, event: Learned) -> None:
        """Keep what is known of the choice; of another choice nobody wants to know."""
        if event.facts.choice == self.choice:
            self._facts = event.facts
        else:
            event.stop()


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
