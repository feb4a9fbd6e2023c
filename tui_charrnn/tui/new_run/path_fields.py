"""The fields for a path: completion, dropped files, and the model that a run starts from."""

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.model_lookup import find_model, offered_models
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.paths import parse_path
from tui_charrnn.presets import StartingPoint, find_preset
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.fields import FormInput, FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import DEFAULT_PRESET, StartChoice
from tui_charrnn.viewing.formatting import format_model_loss, format_shape, format_size

_MOST_ENTRIES: Final = 20_000
"""Most entries of a folder that are read."""
_TIME_LIMIT: Final = 2.0
"""Seconds after which the search ends with the completions found so far."""
_MOST_CANDIDATES: Final = 50
"""Most candidates that are offered."""
_composed: Final = partial(normalize, "NFC")
"""Names as they are typed; macOS writes Hangul and accents in parts."""
_BEGINNINGS: Final = ("/", "~", "./", "../")
"""How a path begins that is recognized in pasted text."""
_NEXT_PATH: Final = re.compile(r"\s+(?=\.{0,2}/|~/|file://)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion of a typed path."""

    path: str
    """The completed value of the field; a folder ends with a slash."""
    name: str
    """The last part of the path, including the slash of a folder."""
    size: int | None
    """Size of a file in bytes; None for a folder."""


def complete_path(
    typed: str, check_cancelled: Callable[[], None]
) -> tuple[tuple[Candidate, ...], bool]:
    """Find the completions of a typed path: folders and regular files, never devices or pipes.

    Hidden entries are offered once a dot is typed; names with control characters never are.
    No file is opened. `check_cancelled` is called for every entry.

    Returns:
        Folders and files, sorted by name, and whether the typed path is an existing file.
    """
    start, slash, prefix = typed.rpartition("/")
    if not slash and not typed.startswith("~"):
        folder = Path()
    elif not slash:
        return (), False  # `~name`: other users' home folders are not listed
    else:
        try:
            folder = parse_path(start + slash, "The folder")
        except ConfigError:  # `~name` of an unknown user
            return (), False
    name = _composed(prefix)
    found = [_candidate(entry, start + slash) for entry in _entries(folder, name, check_cancelled)]
    offered = [each for each in found if each is not None and each.name != name]
    offered.sort(key=lambda each: (each.name.casefold(), each.name))
    is_file = any(each is not None and each.name == name for each in found)
    return tuple(offered[:_MOST_CANDIDATES]), is_file


def _candidate(entry: "os.DirEntry[str]", before: str) -> Candidate | None:
    name = _composed(entry.name)
    try:
        if entry.is_dir():
            return Candidate(f"{before}{name}/", f"{name}/", None)
        return Candidate(before + name, name, entry.stat().st_size) if entry.is_file() else None
    except OSError:  # e.g. a broken link
        return None


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
                if name.startswith(prefix) and not is_hidden and is_safe:
                    yield entry
    except (OSError, ValueError):
        return  # the folder is missing or not readable


def dropped_paths(pasted: str) -> tuple[str, ...]:
    """Parse paths that are pasted, as a terminal does when files are dropped on it.

    Accepts one or more paths that are quoted, escaped by backslashes, `file://` URLs or plain,
    separated by spaces or line ends.

    Returns:
        Paths that begin with `/`, `~`, `./` or `../`; an empty tuple if the text is anything else.
    """
    words = [word for line in pasted.strip().splitlines() for word in _words(line.strip())]
    paths = [unquote(urlsplit(word).path) if word.startswith("file://") else word for word in words]
    return tuple(paths) if all(path.startswith(_BEGINNINGS) for path in paths) else ()


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
        Binding("up", "turn(-1)", "The previous completion, or the previous field", show=False),
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

    def show(self, value: str) -> None:
        """Set the value without posting a change, selected: what is typed next replaces it."""
        super().show(value)
        self.select_all()

    def accept(self, path: str) -> None:
        """Replace the value by the path of a candidate, or by a pasted one."""
        self.value = path
        self.cursor_position = len(self.value)

    def on_input_changed(self) -> None:
        """Find the completions of the new value in a thread."""
        self._offer(())
        self._latest.cancel()
        typed = self.value

        def find(task: BackgroundTask) -> None:
            found = complete_path(typed, task.check)
            task.deliver(self.call_later, self._show_completion, typed, *found)

        if typed:
            self._latest.start(find)

    def _show_completion(
        self, typed: str, candidates: tuple[Candidate, ...], is_file: bool
    ) -> None:
        """Offer the candidates, unless the value has changed or the focus is elsewhere."""
        if typed == self.value and self.has_focus:
            self._is_file = is_file
            self._offer(candidates)

    def on_blur(self) -> None:
        """Close the list of completions."""
        self._offer(())

    def on_unmount(self) -> None:
        """Cancel the search."""
        self._latest.cancel()

    def on_paste(self, event: events.Paste) -> None:
        """Replace the value by a pasted path, as of a file that is dropped on the terminal."""
        paths = dropped_paths(event.text)
        if paths:
            event.stop()
            event.prevent_default()
        if len(paths) > 1:
            self.post_message(self.Dropped(paths))
        elif paths:
            self.accept(paths[0])

    def action_accept(self) -> None:
        """Accept the offered candidate; without one, move to the next field."""
        if self.offered is None or not self.cursor_at_end:
            self.screen.focus_next()
        else:
            self.accept(self.offered.path)

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
            self.accept(self.candidates[self.highlighted].path)
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
            self.input.accept(self.input.candidates[event.option_index].path)
        self.input.focus()


def _row(candidate: Candidate) -> Content:
    size = "" if candidate.size is None else format_size(candidate.size)
    gap = " " * (2 + max(0, 28 - cell_len(candidate.name)))
    return Content.assemble(candidate.name, (gap + size, "dim"))


PAUSE: Final = 0.25
"""Seconds to wait for further typing before a path is read."""
_NEW: Final = ""
_FILE: Final = "file:"
"""Values of the list besides the names of models."""


class StartField(Vertical):
    """Chooses the model to start from, and reads its header in a thread."""

    DEFAULT_CSS = "StartField { height: auto; }"

    class Updated(Message):
        """The listed models or the facts of the chosen one have changed."""

    def __init__(self, runs_folder: Path) -> None:
        """Offer new weights until the models of the folder are listed."""
        super().__init__()
        self._runs_folder = runs_folder
        self._listed: dict[str, StartChoice] | None = None
        """The listed models by name; None until they are read."""
        self._file = StartChoice()
        self._pending = ""
        """The argument to restore once the models are listed."""
        self._latest = LatestTask("starting-model")
        self._list = FormSelect(self._options(), value=_NEW, id="start-from")
        self._path = PathField(placeholder=tr("path of a model file"), id="start-path")
        advice = tr(
            "The run starts with this model's weights, network and units; characters that it lacks "
            "are added, and the learning rate is lower."
        )
        self._row = FormRow(tr("Start from"), self._list, key="start", advice=advice)
        advice = tr("A model file, a run or a checkpoint. Tab or Right accepts the completion.")
        self._path_row = FormRow("", self._path, key="", advice=advice)
        self._path_row.display = False

    def compose(self) -> ComposeResult:
        """Yield the list and the path of a model file."""
        yield self._row
        yield self._path_row

    def on_mount(self) -> None:
        """List the models in a thread."""
        BackgroundTask("starting-models", self._list_models)

    def on_unmount(self) -> None:
        """Cancel reading."""
        self._latest.cancel()

    @property
    def choice(self) -> StartChoice:
        """The current choice."""
        if self._pending:
            return _being_read(self._pending)
        if self._list.chosen != _FILE:
            return (self._listed or {}).get(self._list.chosen, StartChoice())
        path = clean_path(self._path.input.value)
        if not path:
            return StartChoice(_FILE, problem=tr("Name a model file, or choose from the list."))
        return self._file if self._file.argument == path else _being_read(path)

    def restore(self, choice: StartChoice) -> None:
        """Show a choice in the fields."""
        self._pending = choice.argument
        self._restore_pending()

    def _restore_pending(self) -> None:
        """Select the restored model, once the models are listed."""
        if self._pending and self._listed is None:
            return
        value, self._pending = self._pending, ""
        is_file = bool(value) and value not in (self._listed or {})
        self._list.offer(self._options(), _FILE if is_file else value)
        self._path.input.show(value if is_file and value != _FILE else "")
        self._look()

    def _look(self) -> None:
        """Read the chosen model file, and show its problem at the path."""
        is_file, choice = self._list.chosen == _FILE, self.choice
        self._path_row.display = is_file
        self._row.key, self._path_row.key = ("", "start") if is_file else ("start", "")
        self._latest.cancel()
        if is_file and choice.argument not in {_FILE, self._file.argument}:
            self._latest.start(lambda task: self._read(choice.argument, task))

    def _read(self, argument: str, task: BackgroundTask) -> None:
        task.wait(PAUSE)
        try:
            found = _choice_of(argument, read_facts(find_model(argument, self._runs_folder)))
        except CharRNNError as error:
            found = StartChoice(argument, problem=str(error))
        task.deliver(self.call_later, self._set_file, found)

    def _list_models(self, task: BackgroundTask) -> None:
        choices = {}
        with suppress(CharRNNError):  # the list of runs shows an unreadable folder
            for model in offered_models(self._runs_folder):
                choices[model.name] = _choice_of(model.name, model.facts)
        task.deliver(self.call_later, self._set_listed, choices)

    def _options(self) -> list[tuple[str, str]]:
        listed = [(choice.label, name) for name, choice in (self._listed or {}).items()]
        return [(tr("new weights"), _NEW), *listed, (tr("a model file of yours"), _FILE)]

    def _set_file(self, found: StartChoice) -> None:
        self._file = found
        self.post_message(self.Updated())

    def _set_listed(self, listed: dict[str, StartChoice]) -> None:
        self._listed = listed
        if self._pending:
            self._restore_pending()
        else:
            self._list.offer(self._options(), self._list.chosen)
        self.post_message(self.Updated())

    @on(Select.Changed, "#start-from")
    def choose(self) -> None:
        """Use the selected model, or move to the path field."""
        self._look()
        if self._list.chosen == _FILE:
            self._path.input.focus()

    def on_path_input_dropped(self, event: PathInput.Dropped) -> None:
        """Use the first of several dropped files, and say so."""
        event.stop()
        self._path.input.value = event.paths[0]
        message = tr("A run starts from one model: the first of the files is used.")
        self.notify(message, severity="warning", markup=False)

    @on(Input.Changed, "#start-path")
    def choose_path(self) -> None:
        """Read the model file at the new path."""
        self._look()


def _being_read(argument: str) -> StartChoice:
    return StartChoice(argument, problem=tr("The model is being read."))


def _choice_of(argument: str, facts: ModelFacts) -> StartChoice:
    header = facts.header
    if header is None:
        return StartChoice(argument, problem=facts.problem or "", label=argument)
    config = header.config
    label = f"{argument} · {format_shape(config)}"
    if facts.loss is not None:
        label += f", {format_model_loss(facts.loss, facts.units)}"
    records = str(header.corpus.get("records", "none"))
    point = StartingPoint(Path(argument).name, config, facts.units, records)
    try:
        known = Vocabulary(header.vocabulary, header.unknown_symbol, header.end_symbol)
        point.adapt(
            find_preset(DEFAULT_PRESET)
        )  # raises for values that this version does not know
    except CharRNNError as error:
        return StartChoice(argument, problem=str(error), label=argument)
    return StartChoice(argument, point, known, label=label)
