"""The fields that choose the corpus: a catalogue text or a path with completion, and its facts."""

import dataclasses
import os
import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from rich.cells import cell_len
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestionReady
from textual.widgets import Input, OptionList, Select

from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.paths import parse_path
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.corpus import Reading
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.corpus_summary import FormFacts
from tui_charrnn.tui.new_run.fields import FormInput, FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import CorpusChoice, listed_corpus
from tui_charrnn.viewing.formatting import counted, format_size

_MOST_ENTRIES: Final = 20_000
"""Most entries of a folder that are read."""
_TIME_LIMIT: Final = 2.0
"""Seconds after which the search ends with the completions found so far."""
_MOST_CANDIDATES: Final = 50
"""Most candidates that are offered."""
_NEXT_PATH: Final = re.compile(r"\s+(?=/|~/|file://)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion of a typed path."""

    path: str
    """The completed value of the field; a folder ends with a slash."""
    name: str
    """The last part of the path, including the slash of a folder."""
    size: int | None
    """Size of a file in bytes; None for a folder."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The completions of a typed path."""

    typed: str
    candidates: tuple[Candidate, ...] = ()
    """Folders and files, sorted by name."""
    is_file: bool = False
    """Whether the typed path is an existing file."""


def complete_path(typed: str, check_cancelled: Callable[[], None]) -> Completion:
    """Find the completions of a typed path: folders and regular files, never devices or pipes.

    Hidden entries are offered once a dot is typed; names with control characters never are.
    No file is opened. `check_cancelled` is called for every entry.
    """
    start, slash, prefix = typed.rpartition("/")
    if not slash and not typed.startswith("~"):
        folder = Path()
    elif not slash:
        return Completion(typed)  # `~name`: other users' home folders are not listed
    else:
        try:
            folder = parse_path(start + slash, "The folder")
        except ConfigError:  # `~name` of an unknown user
            return Completion(typed)
    found, is_file = [], False
    for entry in _entries(folder, prefix, check_cancelled):
        is_folder, size = _kind(entry)
        if is_folder is None:
            continue
        name = _composed(entry.name)
        if name == _composed(prefix) and not is_folder:
            is_file = True
            continue
        name += "/" if is_folder else ""
        found.append(Candidate(start + slash + name, name, size))
    found.sort(key=lambda candidate: (candidate.name.casefold(), candidate.name))
    return Completion(typed, tuple(found[:_MOST_CANDIDATES]), is_file)


def _entries(
    folder: Path, prefix: str, check_cancelled: Callable[[], None]
) -> Iterable["os.DirEntry[str]"]:
    deadline = time.monotonic() + _TIME_LIMIT
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                check_cancelled()
                if number >= _MOST_ENTRIES or time.monotonic() > deadline:
                    return
                is_hidden = entry.name.startswith(".") and not prefix.startswith(".")
                name = _composed(entry.name)
                is_safe = safe_line(name) == name
                if name.startswith(_composed(prefix)) and not is_hidden and is_safe:
                    yield entry
    except (OSError, ValueError):
        return  # the folder is missing or not readable


def _composed(name: str) -> str:
    """A name as it is typed; macOS writes Hangul and accents in parts."""
    return normalize("NFC", name)


def _kind(entry: "os.DirEntry[str]") -> tuple[bool | None, int | None]:
    """Return whether an entry is a folder, and the size of a file; None for any other kind."""
    try:
        if entry.is_dir():
            return True, None
        return (False, entry.stat().st_size) if entry.is_file() else (None, None)
    except OSError:  # e.g. a broken link
        return None, None


def dropped_paths(pasted: str) -> tuple[str, ...]:
    """Parse the text that a terminal pastes when files are dropped on it.

    Accepts one or more paths that are quoted, escaped by backslashes, `file://` URLs or plain,
    separated by spaces or line ends.

    Returns:
        Paths that are absolute or begin with `~`; an empty tuple if the text is anything else.
    """
    words = [word for line in pasted.strip().splitlines() for word in _words(line.strip())]
    paths = [unquote(urlsplit(word).path) if word.startswith("file://") else word for word in words]
    return tuple(paths) if all(path.startswith(("/", "~")) for path in paths) else ()


def clean_path(typed: str) -> str:
    """Return a typed path without surrounding quotes; a `file://` URL becomes its path."""
    text = typed.strip()
    paths = dropped_paths(text) if text.startswith(("'", '"', "file://")) else ()
    return paths[0] if len(paths) == 1 else text


def _words(line: str) -> list[str]:
    """Split a line into paths, without their quotes and backslashes."""
    if line.startswith(("'", '"')) or "\\" in line:
        try:
            return shlex.split(line)
        except ValueError:  # a quote that is not closed
            return [""]
    return _NEXT_PATH.split(line)


class PathInput(FormInput):
    """An input for a path; shows in gray the completion that Tab or Right accepts."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept", "Accept the completion, or the next field", show=False),
        Binding("down", "turn(1)", "The next completion, or the next field", show=False),
        Binding("up", "turn(-1)", "The completion before, or the field before", show=False),
        Binding("escape", "close_list", "Close the list of completions", show=False),
    ]

    class OfferChanged(Message):
        """The candidates or the highlighted candidate have changed."""

    @dataclass
    class Dropped(Message):
        """Several files were dropped together."""

        paths: tuple[str, ...]

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self.candidates: tuple[Candidate, ...] = ()
        """Completions of the current value."""
        self.highlighted: int | None = None
        """Index of the candidate that the user selected; None if none is."""
        self._is_file = False
        self._latest = LatestTask("path-completion")

    @property
    def offered(self) -> Candidate | None:
        """The candidate that Tab accepts; None if the value is a file and none is highlighted."""
        if self.highlighted is not None:
            return self.candidates[self.highlighted]
        return self.candidates[0] if self.candidates and not self._is_file else None

    @property
    def is_partial(self) -> bool:
        """Whether the value is only the beginning of the last name of each candidate."""
        whole = {self.value, f"{self.value}/"}
        is_whole = self.value.endswith("/") or any(each.path in whole for each in self.candidates)
        return bool(self.candidates) and not is_whole

    def accept(self, candidate: Candidate) -> None:
        """Replace the value by a candidate."""
        self.value = candidate.path
        self.cursor_position = len(self.value)

    def on_input_changed(self) -> None:
        """Find the completions of the new value in a thread."""
        self._offer(())
        self._latest.cancel()
        typed = self.value

        def find(task: BackgroundTask) -> None:
            task.deliver(self.call_later, self._show_completion, complete_path(typed, task.check))

        if typed:
            self._latest.start(find)

    def _show_completion(self, completion: Completion) -> None:
        """Offer the candidates, unless the value has changed or the focus is elsewhere."""
        if completion.typed == self.value and self.has_focus:
            self._is_file = completion.is_file
            self._offer(completion.candidates)

    def on_blur(self) -> None:
        """Close the list of completions."""
        self._offer(())

    def on_unmount(self) -> None:
        """Cancel the search."""
        self._latest.cancel()

    def on_paste(self, event: events.Paste) -> None:
        """Take the paths of files that are dropped on the terminal."""
        paths = dropped_paths(event.text)
        if paths:
            event.stop()
            event.prevent_default()
        if len(paths) > 1:
            self.post_message(self.Dropped(paths))
        elif paths:
            self.value = paths[0]
            self.cursor_position = len(self.value)

    def action_accept(self) -> None:
        """Accept the offered candidate; without one, move to the next field."""
        if self.offered is None or not self.cursor_at_end:
            self.screen.focus_next()
        else:
            self.accept(self.offered)

    def action_turn(self, direction: int) -> None:
        """Highlight the next or previous candidate; without candidates, move to another field."""
        if not self.candidates:
            (self.screen.focus_next if direction > 0 else self.screen.focus_previous)()
            return
        before_first = -1 if direction > 0 else 0
        place = before_first if self.highlighted is None else self.highlighted
        self._offer(self.candidates, (place + direction) % len(self.candidates))

    def action_close_list(self) -> None:
        """Close the list of completions; if it is closed already, the form handles the key.

        Raises:
            SkipAction: If the list is closed.
        """
        if not self.candidates:
            raise SkipAction
        self._offer(())

    async def action_submit(self) -> None:
        """Accept the highlighted candidate; without one, submit the value."""
        if self.highlighted is not None:
            self.accept(self.candidates[self.highlighted])
        else:
            self._offer(())
            await super().action_submit()

    def _offer(self, candidates: tuple[Candidate, ...], highlighted: int | None = None) -> None:
        if (candidates, highlighted) == (self.candidates, self.highlighted):
            return
        self.candidates, self.highlighted = candidates, highlighted
        suggestion = self.offered.path if self.offered else ""
        self.post_message(SuggestionReady(self.value, suggestion))
        self.post_message(self.OfferChanged())


class PathField(Vertical):
    """A path input with its completions below."""

    DEFAULT_CSS = """
    PathField {
        height: auto;
        width: 1fr;
        OptionList {  /* takes rows of its own, so it hides nothing below */
            display: none;
            height: auto;
            max-height: 8;
            padding: 0 1;
            background: $background;
            border: round $primary;
        }
        &.-offering OptionList { display: block; }
    }
    """

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__()
        self.input = PathInput(placeholder=placeholder, id=id)
        self._list = OptionList(compact=True, markup=False)
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        """Yield the input and the list of candidates."""
        yield self.input
        yield self._list

    @on(PathInput.OfferChanged)
    def show_candidates(self) -> None:
        """List the candidates and mark the highlighted one."""
        candidates = self.input.candidates
        self.set_class(bool(candidates), "-offering")
        if len(candidates) != self._list.option_count or self.input.highlighted is None:
            self._list.clear_options()
            self._list.add_options(_row(candidate) for candidate in candidates)
        self._list.highlighted = self.input.highlighted

    @on(OptionList.OptionSelected)
    def accept(self, event: OptionList.OptionSelected) -> None:
        """Accept the clicked candidate."""
        event.stop()
        if event.option_index < len(self.input.candidates):
            self.input.accept(self.input.candidates[event.option_index])
        self.input.focus()


def _row(candidate: Candidate) -> Content:
    size = "" if candidate.size is None else format_size(candidate.size)
    gap = " " * (2 + max(0, 28 - cell_len(candidate.name)))
    return Content.assemble(candidate.name, (gap + size, "dim"))


OWN: Final = "own:"
KEPT: Final = "kept:"
"""Values of the list besides the names of the catalogue."""
PAUSE: Final = 0.25
"""Seconds to wait for further typing before a path is read."""
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


class CorpusField(Vertical):
    """Chooses a corpus, surveys it in a thread, and shows its facts."""

    DEFAULT_CSS = "CorpusField { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        entries = load_catalogue().items()
        options = [(f"{name} · {tr(entry.title)}", name) for name, entry in entries]
        self._list_options = [(tr("a text of yours"), OWN), *options]
        self._last_listed = options[0][1]
        self._kept: CorpusChoice | None = None
        """A choice that is not one path, e.g. several files."""
        self._reading = Reading()
        """Options for reading the path, except the encoding; units and records are of any text."""
        self.facts_view = FormFacts()
        """Surveys the choice and shows its facts."""
        self._list = FormSelect(self._list_options, value=self._last_listed, id="catalogue")
        field = PathField(placeholder=tr("path of a text file or folder"), id="corpus")
        self.path = field.input
        self._encoding = FormSelect(_same(ENCODINGS), value=ENCODINGS[0], id="encoding")
        advice = tr("Enter or Space opens the list. A typed path takes precedence.")
        self._list_row = FormRow(tr("Text"), self._list, key="catalogue", advice=advice)
        advice = tr(
            "Tab or Right accepts the completion, Down selects the next, Esc closes the list. "
            "Folders, ~ and *.txt work; files can be dropped or pasted here."
        )
        self._path_row = FormRow(tr("or yours"), field, key="corpus", advice=advice)
        advice = tr("How the bytes of the file become characters.")
        self._encoding_row = FormRow(tr("Encoding"), self._encoding, key="encoding", advice=advice)

    def compose(self) -> ComposeResult:
        """Yield the list, the path, its encoding and the facts."""
        yield self._list_row
        yield self._path_row
        yield self._encoding_row
        yield self.facts_view

    @property
    def choice(self) -> CorpusChoice:
        """The current choice."""
        chosen, shared = self._chosen(), self._reading
        reading = dataclasses.replace(chosen.reading, units=shared.units, records=shared.records)
        return dataclasses.replace(chosen, reading=reading)

    def _chosen(self) -> CorpusChoice:
        if self._list.chosen == KEPT and self._kept is not None:
            return self._kept
        if self._list.chosen != OWN:
            return listed_corpus(self._list.chosen)
        path = clean_path(self.path.value)
        reading = dataclasses.replace(self._reading, encoding=self._encoding.chosen)
        return CorpusChoice((path,) if path else (), reading=reading)

    def restore(self, choice: CorpusChoice) -> None:
        """Show a choice in the fields."""
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
            label = choice.label or counted(len(choice.arguments), "text")
            self._list.offer([*self._list_options, (label, KEPT)], KEPT)
            self.path.show("")
        self.survey()

    def survey(self) -> None:
        """Survey the choice if it has changed."""
        is_own = self._list.chosen == OWN
        self._encoding_row.display = is_own
        self.facts_view.survey(self.choice, PAUSE if is_own else 0.0)

    def show(self, training: TrainingConfig, problem: str) -> None:
        """Show the facts of the choice, and a problem with the choice or its text."""
        reading = dataclasses.replace(self._reading, units=training.units, records=training.records)
        if reading != self._reading:
            self._reading = reading
            self.survey()
        fact_problem, is_own = self.facts_view.show(training), self._list.chosen == OWN
        problem = "" if self.path.is_partial else problem or fact_problem
        self._path_row.show_problem(problem if is_own else "")
        self._list_row.show_problem("" if is_own else problem)

    @on(Select.Changed, "#catalogue")
    def choose_listed(self, event: Select.Changed) -> None:
        """Use the selected text instead of a path, or move to the path field."""
        event.stop()
        if self._list.chosen == OWN:
            self.path.focus()
        else:
            self.path.show("")
            if self._list.chosen != KEPT:
                self._last_listed = self._list.chosen
        self.survey()

    @on(Input.Changed, "#corpus")
    def choose_path(self, event: Input.Changed) -> None:
        """Use the path instead of the list; if it is empty, use the list again."""
        event.stop()
        self._list.show(OWN if event.value.strip() else self._last_listed)
        self.survey()

    @on(Select.Changed, "#encoding")
    def choose_encoding(self, event: Select.Changed) -> None:
        """Survey the path with the selected encoding."""
        event.stop()
        self.survey()

    def on_path_input_dropped(self, event: PathInput.Dropped) -> None:
        """Use several dropped files as the corpus."""
        event.stop()
        self.restore(CorpusChoice(event.paths, counted(len(event.paths), "file")))


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
