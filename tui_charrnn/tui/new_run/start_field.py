"""The field for the model that a run starts from: new weights, a model of the list, or a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Select

from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.sources import find_model, offered_models
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.presets import StartingPoint, find_preset
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.corpus_field import PAUSE, PathField, clean_path
from tui_charrnn.tui.new_run.fields import FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import DEFAULT_PRESET, StartChoice

_NEW: Final = ""
_FILE: Final = "file:"
"""Values of the list that are no names of models."""


class StartField(Vertical):
    """Takes a model, and reads in a thread what it is."""

    DEFAULT_CSS = "StartField { height: auto; }"

    @dataclass
    class Learned(Message):
        """More is known of the models."""

        listed: Sequence[tuple[str, StartChoice]]
        """Names and choices, in the order of the list; none where a file was read."""
        file: StartChoice | None = None

    def __init__(self, runs_folder: Path) -> None:
        """Offer new weights.

        Args:
            runs_folder: Where runs are looked up.
        """
        super().__init__()
        self._runs_folder = runs_folder
        self._listed: dict[str, StartChoice] | None = None
        """The models of the list, by name; None as long as they are not known."""
        self._file = StartChoice()
        self._wanted = ""
        """What was restored before the list was known."""
        self._latest = LatestTask("starting-model")
        self._list = FormSelect(self._options(), value=_NEW, id="start-from")
        self._path = PathField(placeholder=tr("path of a model file"), id="start-path")
        advice = tr(
            "A model to start from lends its weights, its network and its units; characters that "
            "it lacks are added, and the learning rate is lower."
        )
        self._row = FormRow(tr("Start from"), self._list, key="start", advice=advice)
        advice = tr("A model file, a run or a checkpoint. Tab or Right takes what is offered.")
        self._path_row = FormRow("", self._path, key="", advice=advice)
        self._path_row.display = False

    def compose(self) -> ComposeResult:
        """The list, and the path where a file is chosen."""
        yield self._row
        yield self._path_row

    def on_mount(self) -> None:
        """List the models."""
        BackgroundTask("starting-models", self._list_models)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._latest.cancel()

    @property
    def choice(self) -> StartChoice:
        """What is chosen now."""
        if self._wanted:
            return _being_read(self._wanted)
        if self._list.chosen != _FILE:
            return (self._listed or {}).get(self._list.chosen, StartChoice())
        path = clean_path(self._path.input.value)
        if not path:
            return StartChoice(_FILE, problem=tr("Name a model file, or choose from the list."))
        return self._file if self._file.argument == path else _being_read(path)

    def restore(self, choice: StartChoice) -> None:
        """Fill the fields in."""
        self._wanted = choice.argument
        self._settle()

    def _settle(self) -> None:
        """Choose what was restored, once the list is known."""
        if self._wanted and self._listed is None:
            return
        value, self._wanted = self._wanted, ""
        is_file = bool(value) and value not in (self._listed or {})
        self._list.offer(self._options(), _FILE if is_file else value)
        self._path.input.show(value if is_file and value != _FILE else "")
        self._look()

    def _look(self) -> None:
        """Read the file that is named; its problem is shown where it is named."""
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
        task.check()
        self.post_message(self.Learned((), found))

    def _list_models(self, task: BackgroundTask) -> None:
        try:
            offered = list(offered_models(self._runs_folder))
        except CharRNNError:  # the list of runs shows it
            offered = []
        task.check()
        choices = [(model.name, _choice_of(model.name, model.facts)) for model in offered]
        self.post_message(self.Learned(choices))

    def _options(self) -> list[tuple[str, str]]:
        listed = [(choice.label, name) for name, choice in (self._listed or {}).items()]
        return [(tr("new weights"), _NEW), *listed, (tr("a model file of yours"), _FILE)]

    def on_start_field_learned(self, event: Learned) -> None:
        """Take what was read; the form takes the message too."""
        if event.file is not None:
            self._file = event.file
            return
        self._listed = dict(event.listed)
        if self._wanted:
            self._settle()
        else:
            self._list.offer(self._options(), self._list.chosen)

    @on(Select.Changed, "#start-from")
    def choose(self) -> None:
        """Take a model of the list, or wait for a path."""
        self._look()
        if self._list.chosen == _FILE:
            self._path.input.focus()

    @on(Input.Changed, "#start-path")
    def choose_path(self) -> None:
        """Read what is named now."""
        self._look()


def _being_read(argument: str) -> StartChoice:
    return StartChoice(argument, problem=tr("The model is being read."))


def _choice_of(argument: str, facts: ModelFacts) -> StartChoice:
    header = facts.header
    if header is None:
        return StartChoice(argument, problem=facts.problem or "", label=argument)
    config, loss = header.config, "" if facts.loss is None else f", {facts.loss:.2f} nats"
    label = f"{argument} · {config.layer_count}x{config.hidden_size} {config.cell_name}{loss}"
    units = str(header.corpus.get("units", "characters"))
    records = str(header.corpus.get("records", "none"))
    point = StartingPoint(Path(argument).name, config, units, records)
    try:
        known = Vocabulary(header.vocabulary, header.unknown_symbol, header.end_symbol)
        point.adapt(find_preset(DEFAULT_PRESET))  # refuses what this version does not know
    except CharRNNError as error:
        return StartChoice(argument, problem=str(error), label=argument)
    return StartChoice(argument, point, known, label=label)
