"""The fields for the text: one of the list or one of the user's, and what is in it."""

import dataclasses
import os
import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final
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
"""Entries of a folder that are looked at, at most."""
_TIME_LIMIT: Final = 2.0
"""Seconds after which what was found so far has to do."""
_MOST_CANDIDATES: Final = 50
"""Candidates that are offered, at most."""
_NEXT_PATH: Final = re.compile(r"\s+(?=/|~/|file://)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion of a typed path."""

    path: str
    """All that would stand in the field; a folder ends with a slash."""
    name: str
    """Its last part, a slash included."""
    size: int | None
    """Bytes of a file; None of a folder."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The completions of a typed path."""

    typed: str
    candidates: tuple[Candidate, ...] = ()
    """Folders and text files alike, in the order of their names."""
    is_there: bool = False
    """Whether what is typed names a file already."""


def complete_path(typed: str, check_cancelled: Callable[[], None]) -> Completion:
    """Find the completions of a typed path: folders and regular files, never devices or pipes.

    Hidden entries are offered once a dot is typed, and none whose names a terminal would not
    survive. Nothing is opened. `check_cancelled` is called for every entry.
    """
    start, slash, beginning = typed.rpartition("/")
    if not slash and not typed.startswith("~"):
        folder = Path()
    elif not slash:
        return Completion(typed)  # `~name`: other people's homes are not listed
    else:
        try:
            folder = parse_path(start + slash, "The folder")
        except ConfigError:  # `~name` without such a user
            return Completion(typed)
    found, is_there = [], False
    for entry in _entries(folder, beginning, check_cancelled):
        is_folder, size = _kind(entry)
        if is_folder is None:
            continue
        if entry.name == beginning and not is_folder:
            is_there = True
            continue
        name = f"{entry.name}/" if is_folder else entry.name
        found.append(Candidate(start + slash + name, name, size))
    found.sort(key=lambda candidate: (candidate.name.casefold(), candidate.name))
    return Completion(typed, tuple(found[:_MOST_CANDIDATES]), is_there)


def _entries(
    folder: Path, beginning: str, check_cancelled: Callable[[], None]
) -> Iterable["os.DirEntry[str]"]:
    deadline = time.monotonic() + _TIME_LIMIT
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                check_cancelled()
                if number >= _MOST_ENTRIES or time.monotonic() > deadline:
                    return
                is_hidden = entry.name.startswith(".") and not beginning.startswith(".")
                is_safe = safe_line(entry.name) == entry.name
                if entry.name.startswith(beginning) and not is_hidden and is_safe:
                    yield entry
    except (OSError, ValueError):
        return  # no such folder, or none that may be read: nothing to offer


def _kind(entry: "os.DirEntry[str]") -> tuple[bool | None, int | None]:
    """Whether an entry is a folder, and the bytes of a file; None of anything else."""
    try:
        if entry.is_dir():
            return True, None
        return (False, entry.stat().st_size) if entry.is_file() else (None, None)
    except OSError:  # a link to nowhere
        return None, None


def dropped_paths(pasted: str) -> tuple[str, ...]:
    """The paths of what was pasted, if it is what a terminal pastes for files that are dropped.

    In quotes, with backslashes before spaces, as `file://` addresses, or plain; one or several,
    with spaces or line ends between.

    Returns:
        Absolute paths, or such that begin with `~`; none if it is anything else.
    """
    words = [word for line in pasted.strip().splitlines() for word in _words(line.strip())]
    paths = [unquote(urlsplit(word).path) if word.startswith("file://") else word for word in words]
    return tuple(paths) if all(path.startswith(("/", "~")) for path in paths) else ()


def clean_path(typed: str) -> str:
    """A typed path without quotes around it, and a `file://` address as the path."""
    text = typed.strip()
    paths = dropped_paths(text) if text.startswith(("'", '"', "file://")) else ()
    return paths[0] if len(paths) == 1 else text


def _words(line: str) -> list[str]:
    """The paths of a line as they stand there, quotes and backslashes taken off."""
    if line.startswith(("'", '"')) or "\\" in line:
        try:
            return shlex.split(line)
        except ValueError:  # a quote that is not closed
            return [""]
    return _NEXT_PATH.split(line)


class PathInput(FormInput):
    """A path; gray behind the cursor is what Tab or Right would add."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept", "Accept the completion, or the next field", show=False),
        Binding("down", "turn(1)", "The next completion, or the next field", show=False),
        Binding("up", "turn(-1)", "The completion before, or the field before", show=False),
        Binding("escape", "close_list", "Close the list of completions", show=False),
    ]

    class OfferChanged(Message):
        """There are other candidates, or the user turned to another one."""

    @dataclass
    class Dropped(Message):
        """Several files were dropped at once."""

        paths: tuple[str, ...]

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id)
        self.candidates: tuple[Candidate, ...] = ()
        """Completions of what the field has now."""
        self.highlighted: int | None = None
        """The candidate that the user turned to."""
        self._is_there = False
        self._latest = LatestTask("path-completion")

    @property
    def offered(self) -> Candidate | None:
        """What Tab would accept: nothing where the field names a file already, unasked."""
        if self.highlighted is not None:
            return self.candidates[self.highlighted]
        return self.candidates[0] if self.candidates and not self._is_there else None

    def accept(self, candidate: Candidate) -> None:
        """Take a candidate."""
        self.value = candidate.path
        self.cursor_position = len(self.value)

    def on_input_changed(self) -> None:
        """Find, in a thread, the completions of the new value."""
        self._offer(())
        self._latest.cancel()
        typed = self.value

        def look(task: BackgroundTask) -> None:
            completion = complete_path(typed, task.check)
            task.check()
            self.call_later(self._take, completion)

        if typed:
            self._latest.start(look)

    def _take(self, completion: Completion) -> None:
        """Offer what was found, if it is still what was asked."""
        if completion.typed == self.value and self.has_focus:
            self._is_there = completion.is_there
            self._offer(completion.candidates)

    def on_blur(self) -> None:
        """Offer nothing while the user is elsewhere."""
        self._offer(())

    def on_unmount(self) -> None:
        """Look no more."""
        self._latest.cancel()

    def on_paste(self, event: events.Paste) -> None:
        """Understand what a terminal pastes for files that are dropped on it."""
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
        """Take what is offered; where nothing is, move to the next field."""
        if self.offered is None or not self.cursor_at_end:
            self.screen.focus_next()
        else:
            self.accept(self.offered)

    def action_turn(self, direction: int) -> None:
        """Turn to the next candidate, or the one before; without any, go to another field."""
        if not self.candidates:
            (self.screen.focus_next if direction > 0 else self.screen.focus_previous)()
            return
        before_first = -1 if direction > 0 else 0
        place = before_first if self.highlighted is None else self.highlighted
        self._offer(self.candidates, (place + direction) % len(self.candidates))

    def action_close_list(self) -> None:
        """Offer nothing any more; where nothing is offered, the key is for the form.

        Raises:
            SkipAction: If nothing is offered.
        """
        if not self.candidates:
            raise SkipAction
        self._offer(())

    async def action_submit(self) -> None:
        """Take the candidate that the user turned to; else what stands in the field is meant."""
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
    """The path, and its completions below it."""

    DEFAULT_CSS = """
    PathField {
        height: auto;
        width: 1fr;
        OptionList {  /* in its own rows: what comes below moves on, and is not hidden */
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
        """The path above its candidates."""
        yield self.input
        yield self._list

    @on(PathInput.OfferChanged)
    def show_candidates(self, event: PathInput.OfferChanged) -> None:
        """List them, with the one marked that the user turned to."""
        event.stop()
        candidates = self.input.candidates
        self.set_class(bool(candidates), "-offering")
        if len(candidates) != self._list.option_count or self.input.highlighted is None:
            self._list.clear_options()
            self._list.add_options(_row(candidate) for candidate in candidates)
        self._list.highlighted = self.input.highlighted

    @on(OptionList.OptionSelected)
    def accept(self, event: OptionList.OptionSelected) -> None:
        """Take the candidate that was clicked."""
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


class CorpusField(Vertical):
    """Takes a choice, looks into it in a thread, and shows what is there."""

    DEFAULT_CSS = "CorpusField { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        entries = load_catalogue().items()
        options = [(f"{name} · {tr(entry.title)}", name) for name, entry in entries]
        self._list_options = [(tr("a text of yours"), OWN), *options]
        self._last_listed = options[0][1]
        self._kept: CorpusChoice | None = None
        """A choice that cannot be typed as one path, such as several files."""
        self._reading = Reading()
        """How the path is read, but for its encoding, units and records."""
        self._cut = self._reading.units, self._reading.records
        self.found = FormFacts()
        """Looks into what is chosen."""
        self._list = FormSelect(self._list_options, value=self._last_listed, id="catalogue")
        field = PathField(placeholder=tr("path of a text file or folder"), id="corpus")
        self.path = field.input
        self._encoding = FormSelect(_same(ENCODINGS), value=ENCODINGS[0], id="encoding")
        advice = tr("Enter or Space opens the list. A path of yours goes before it.")
        self._list_row = FormRow(tr("Text"), self._list, key="catalogue", advice=advice)
        advice = tr(
            "Tab or Right takes what is offered, Down turns to the next, Esc closes the list. "
            "Folders, ~ and *.txt work; files can be dropped or pasted here."
        )
        self._path_row = FormRow(tr("or yours"), field, key="corpus", advice=advice)
        advice = tr("How the bytes of the file become characters.")
        self._encoding_row = FormRow(tr("Encoding"), self._encoding, key="encoding", advice=advice)

    def compose(self) -> ComposeResult:
        """The list, the path, its encoding, and what is known."""
        yield self._list_row
        yield self._path_row
        yield self._encoding_row
        yield self.found

    @property
    def choice(self) -> CorpusChoice:
        """What is chosen now."""
        chosen, (units, records) = self._chosen(), self._cut
        reading = dataclasses.replace(chosen.reading, units=units, records=records)
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
            label = choice.label or counted(len(choice.arguments), "text")
            self._list.offer([*self._list_options, (label, KEPT)], KEPT)
            self.path.show("")
        self.look()

    def look(self) -> None:
        """Look into the choice, if it has changed."""
        is_own = self._list.chosen == OWN
        self._encoding_row.display = is_own
        self.found.look(self.choice, PAUSE if is_own else 0.0)

    def show(self, training: TrainingConfig, problem: str) -> None:
        """Show what is known, and what is wrong, with the choice or with its text."""
        cut = training.units, training.records
        if cut != self._cut:
            self._cut = cut
            self.look()
        found, is_own = self.found.show(training), self._list.chosen == OWN
        problem = problem or found
        self._path_row.show_problem(problem if is_own else "")
        self._list_row.show_problem("" if is_own else problem)

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
        self.restore(CorpusChoice(event.paths, counted(len(event.paths), "file")))


def _same(values: Iterable[str]) -> list[tuple[str, str]]:
    return [(value, value) for value in values]
