"""All fields of the form as one widget: it shows values and returns what the user typed."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.model_lookup import OfferedModel, find_model, offered_models
from tui_charrnn.model.header import ModelFacts, read_facts
from tui_charrnn.presets import PRESETS, StartingPoint, find_preset
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.corpus_field import (
    PAUSE,
    CorpusField,
    PathField,
    PathInput,
    clean_path,
)
from tui_charrnn.tui.new_run.corpus_summary import FormFacts
from tui_charrnn.tui.new_run.estimate import PresetField
from tui_charrnn.tui.new_run.fields import FormInput, FormRow, FormSelect, FormSettings, show_text
from tui_charrnn.tui.new_run.form_values import (
    DEFAULT_PRESET,
    FormValues,
    NewRun,
    StartChoice,
    format_length,
    labelled,
    read_seeds,
    write_seeds,
)
from tui_charrnn.viewing.formatting import format_model_loss, format_shape

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
        offered: list[OfferedModel] = []
        with suppress(CharRNNError):  # the list of runs shows an unreadable folder
            offered.extend(offered_models(self._runs_folder))
        choices = {model.name: _choice_of(model.name, model.facts) for model in offered}
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


class FormFooter(Vertical):
    """Shows the problem, the advice and the buttons; does not scroll with the fields."""

    DEFAULT_CSS = """
    FormFooter {
        height: auto;
        #form-advice { height: 2; margin-top: 1; color: $text-muted; }
        #form-problem { height: auto; display: none; color: $text-error; }
        #form-actions { height: 1; Button { margin-right: 2; } }
        #form-progress { width: 1fr; height: 1; color: $text-muted; text-wrap: nowrap; }
    }
    """

    _advice = query_one("#form-advice", Static)
    _button = query_one("#start", Button)
    _problem = query_one("#form-problem", Static)
    _progress = query_one("#form-progress", Static)

    def compose(self) -> ComposeResult:
        """Yield the problem, the advice and the buttons."""
        yield Static("", id="form-problem", markup=False)
        yield Static("", id="form-advice", markup=False)
        with Horizontal(id="form-actions"):
            yield Button(tr("Start training"), id="start", variant="primary", compact=True)
            yield Button(tr("Cancel"), id="cancel", compact=True)
            yield Static("", id="form-progress", markup=False)

    @property
    def is_busy(self) -> bool:
        """Whether a task runs, so that no run can be started."""
        return self._button.disabled

    def show_advice(self, advice: str) -> None:
        """Show the advice on the focused field."""
        show_text(self._advice, safe_line(advice))

    def show_problem(self, problem: str) -> None:
        """Show a problem that belongs to no field; an empty text hides it."""
        show_text(self._problem, f"✗ {safe_line(problem)}" if problem else "")
        self._problem.display = bool(problem)

    def show_progress(self, progress: str) -> None:
        """Show the progress of a task and disable the start button; an empty text enables it."""
        self._button.disabled = bool(progress)
        show_text(self._progress, safe_line(progress))


class FormBody(Vertical):
    """The fields: corpus, preset, starting model, length, seeds, name and all settings."""

    DEFAULT_CSS = """
    FormBody {
        height: 1fr;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        #form-main { height: auto; scrollbar-size-vertical: 1; }
        PresetField, #form-rest { margin-top: 1; height: auto; }
        FormSettings { margin-top: 1; scrollbar-size-vertical: 1; }
    }
    """

    class Changed(Message):
        """The typed values, or the facts of the corpus or model, have changed."""

    def __init__(self, runs_folder: Path) -> None:
        """Show the default values."""
        super().__init__()
        preset = PRESETS[DEFAULT_PRESET]
        self.corpus = CorpusField()
        self.start = StartField(runs_folder)
        self.preset = PresetField()
        self.settings = FormSettings(preset)
        self._length = FormInput(id="length")
        self._seeds = FormInput(placeholder=tr("the beginning of the text"), id="seeds")
        self._run_name = FormInput(placeholder=tr("chosen for you"), id="name")
        self._training = preset.training
        """The newest valid settings, which the facts of the corpus depend on."""
        self._is_notifying = False
        self._follows_focus = True
        """Whether to keep the focused field visible; False after the mouse scrolled."""

    def compose(self) -> ComposeResult:
        """Yield the main fields, then all settings."""
        with Vertical(id="form-main"):
            yield self.corpus
            yield self.preset
            with Vertical(id="form-rest"):
                yield self.start
                advice = tr(
                    "About how long: a time like 90s, 5m or 1h30m, to which the steps are "
                    "adjusted, or 10 epochs, or 2000 steps. max time, below, saves and ends it "
                    "in any case."
                )
                yield FormRow(tr("How long"), self._length, key="length", advice=advice)
                advice = tr(
                    "Continued at every evaluation. Separate several with |; spaces count, \\n "
                    "is a line feed, none samples nothing."
                )
                yield FormRow(tr("Seeds"), self._seeds, key="seeds", advice=advice)
                advice = tr(
                    "The name of the run's folder. Without one it is the time and the text."
                )
                yield FormRow(tr("Name"), self._run_name, key="name", advice=advice)
        yield self.settings

    def on_resize(self) -> None:
        """Open the settings if they have their own column."""
        if self.screen.has_class("-two-columns"):
            self.settings.open()
        self.watch_virtual_size()

    def watch_virtual_size(self) -> None:
        """Keep the focused field visible when the content grows."""
        focused = self.screen.focused
        if self._follows_focus and focused is not None and self in focused.ancestors:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def on_descendant_focus(self) -> None:
        """Keep the focused field visible again."""
        self._follows_focus = True

    def on_mouse_scroll_down(self) -> None:
        """Keep the scroll position that the user chose."""
        self._follows_focus = False

    on_mouse_scroll_up = on_mouse_scroll_down

    @property
    def values(self) -> FormValues:
        """The typed values."""
        return FormValues(
            corpus=self.corpus.choice,
            start=self.start.choice,
            preset=self.preset.preset.name,
            length=self._length.value,
            seeds=read_seeds(self._seeds.value),
            name=self._run_name.value,
            settings=self.settings.typed,
        )

    def restore(self, values: FormValues) -> None:
        """Show values in the fields."""
        self.preset.restore(values.preset)
        self.start.restore(values.start)
        preset = values.start.adapt(self.preset.preset)
        self.settings.restore(values.settings, preset)
        self._length.placeholder = format_length(preset.training)
        self._length.show(values.length)
        self._seeds.show(write_seeds(values.seeds))
        self._run_name.show(values.name)
        self.corpus.restore(values.corpus)

    def show(
        self,
        new: NewRun | None,
        problems: Mapping[str, str],
        *,
        is_busy: bool,
        edited: Widget | None = None,
    ) -> None:
        """Show the facts and estimates of the typed values, and each problem at its field.

        Args:
            new: The checked values; None if there are problems.
            problems: The problems by key of the field.
            is_busy: Whether another training runs here.
            edited: The row with the focus. A new problem there is not shown until the user
                leaves it, except for the name, where any beginning of a valid name is valid.
        """
        if new is not None:
            self._training = new.training
            self.preset.show(new, self.corpus.facts_view.facts, is_busy=is_busy)
        for row in self.query(FormRow):
            if row.key in {"catalogue", "corpus", "encoding"}:
                continue  # `CorpusField.show` shows it
            if row is not edited or row.has_problem or row.key == "name":
                problem = problems.get(row.key, "")
                row.show_problem(labelled(problem) if problem else "")
        self.corpus.show(self._training, problems.get("corpus", ""))

    def focus_problem(self, problems: Mapping[str, str]) -> None:
        """Give the focus to the first field with a problem."""
        if problems.keys() & {*ModelConfig.bounds(), *TrainingConfig.bounds()}:
            self.settings.open()

        def go() -> None:
            rows = [row for row in self.query(FormRow) if row.has_problem]
            if rows:
                rows[0].focus_field()

        self.call_after_refresh(go)

    @on(Select.Changed, "#preset")
    @on(Select.Changed, "#start-from")
    @on(StartField.Updated)
    def _follow_preset(self) -> None:
        preset = self.start.choice.adapt(self.preset.preset)
        self._length.placeholder = format_length(preset.training)
        self.settings.follow(preset)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(FormFacts.Updated)
    @on(PathInput.OfferChanged)
    @on(StartField.Updated)
    def post_change(self, event: Message) -> None:
        """Post `Changed`, once for several changes."""
        event.stop()
        if not self._is_notifying:
            self._is_notifying = True
            self.post_message(self.Changed())

    def on_form_body_changed(self) -> None:
        """Allow the next `Changed`."""
        self._is_notifying = False
