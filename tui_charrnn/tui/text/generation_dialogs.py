"""Dialogs for what generates: the list of models, and one row per sampling setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui_charrnn.config import FILTERS, RULES, SamplingConfig
from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.model_lookup import OfferedModel, find_model, offered_models
from tui_charrnn.preferences import Preferences, parse_value
from tui_charrnn.safe_text import safe_line
from tui_charrnn.settings import SettingError, format_value
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import AskTextScreen, Dialog, LookupDialog, MessageLine, SafeInput
from tui_charrnn.tui.session import DEFAULT_LENGTH, GenerationSettings, Session, WeightsSource
from tui_charrnn.tui.text.seed_input import unknown_in
from tui_charrnn.viewing.formatting import fitted, format_model_loss, format_shape

_NAME_WIDTH: Final = 25
"""Cells of a name; longer names are cut."""
_LIST_KEYS: Final = {
    "up": "cursor_up",
    "down": "cursor_down",
    "pageup": "page_up",
    "pagedown": "page_down",
}
"""Keys that move the list's cursor while the input has the focus."""


class ModelChoice(NamedTuple):
    """Which weights to generate with."""

    source: WeightsSource
    model: str | None = None
    """For `WeightsSource.DEFAULT`, the argument of `find_model`; None is the default model."""


class _Row(NamedTuple):
    choice: ModelChoice
    name: str
    remark: str


class ModelScreen(LookupDialog[ModelChoice]):
    """Lists models, filtered by the typed text; returns the chosen one, None after Esc.

    The typed text may also name a run, a checkpoint or a file that is not in the list.
    """

    DEFAULT_CSS = """
    ModelScreen {
        & #models {
            padding: 0 1;
            width: 76;
            height: auto;
        }
        & OptionList {
            height: auto;
            max-height: 14;
            padding: 0;
            border: none;
            background: $surface;
            scrollbar-size-vertical: 1;
        }
    }
    """

    field = query_one(SafeInput)
    models = query_one(OptionList)
    problem = query_one(MessageLine)

    def __init__(self, session: Session) -> None:
        """List the models of a session, with the cursor on the current one."""
        super().__init__()
        self._folder = session.runs_folder
        self._now = ModelChoice(session.next_source, session.model)
        self._rows: list[_Row] = []
        if session.view is not None:
            self._rows = [
                _Row(ModelChoice(source, session.model), tr(source.value), session.view.run.name)
                for source in (WeightsSource.NEWEST, WeightsSource.BEST)
            ]
        self._shown: list[_Row] = []
        """The listed rows, which match the typed text."""
        self._pointed: _Row | None = None
        """The row to which the user has moved the cursor."""

    def compose(self) -> ComposeResult:
        """Yield the input, the list and the error line."""
        with Vertical(id="models", classes="box") as box:
            box.border_title = Content(tr("Model to generate with"))
            box.border_subtitle = Content(tr("Enter accepts · Esc cancels"))
            yield SafeInput(placeholder=tr("Part of a name, or the path of a file"), compact=True)
            models = OptionList(markup=False)
            models.can_focus = False
            yield models
            yield MessageLine(id="model-problem")

    def on_mount(self) -> None:
        """List the models in a thread: the runs folder may be on a slow disk."""
        self.field.focus()
        self._show_rows()

        def read(_: BackgroundTask) -> None:
            offered: list[OfferedModel] = []
            problem = ""
            try:
                offered.extend(offered_models(self._folder))
            except CharRNNError as error:
                problem = str(error)
            self.call_later(self._take_offered, offered, problem)

        BackgroundTask("models", read)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter the list; if nothing matches, look the text up as a name or path."""
        event.stop()
        self._pointed = None
        self.problem.show("")
        self._show_rows()
        self.settle(None)
        if not self.models.option_count and event.value.strip():
            self.look_up(event.value.strip())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the model under the cursor, else look the typed name or path up."""
        event.stop()
        if (place := self.models.highlighted) is not None:
            self.dismiss(self._shown[place].choice)
        elif event.value.strip():
            self.look_up(event.value.strip())
            self.submit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the selected model."""
        event.stop()
        self.dismiss(self._shown[event.option_index].choice)

    def on_key(self, event: events.Key) -> None:
        """Move the list's cursor."""
        if action := _LIST_KEYS.get(event.key):
            event.stop()
            getattr(self.models, f"action_{action}")()
            if (place := self.models.highlighted) is not None:
                self._pointed = self._shown[place]

    def _take_offered(self, offered: list[OfferedModel], problem: str) -> None:
        self._rows += [
            _Row(ModelChoice(WeightsSource.DEFAULT, model.name), model.name, _remark(model))
            for model in offered
        ]
        known = {row.choice.model for row in self._rows}
        if self._now.model is not None and self._now.model not in known:
            chosen = ModelChoice(WeightsSource.DEFAULT, self._now.model)
            self._rows.append(_Row(chosen, Path(self._now.model).name, self._now.model))
        self.problem.show(problem, is_problem=True)
        self._show_rows()

    def _show_rows(self) -> None:
        """List the matching models, with the cursor where the user put it or on the current one."""
        typed = self.field.value.strip().casefold()
        self._shown = [row for row in self._rows if typed in row.name.casefold()]
        self.models.set_options(map(_option, self._shown))
        # without a model's name, the first one, which is the default
        now = [{row.choice, row.choice._replace(model=None)} for row in self._shown]
        places = [place for place, choices in enumerate(now) if self._now in choices]
        if self._pointed in self._shown:
            places = [self._shown.index(self._pointed)]
        self.models.highlighted = places[0] if places else 0 if self._shown else None

    def find(self, typed: str) -> ModelChoice:
        """Return the choice of a model by its name or path."""
        find_model(typed, self._folder)
        return ModelChoice(WeightsSource.DEFAULT, typed)

    def show_found(self, found: ModelChoice | CharRNNError) -> None:
        """Show the error, if there is one."""
        if isinstance(found, CharRNNError):
            self.problem.show(str(found), is_problem=True)


def _remark(model: OfferedModel) -> str:
    """Return origin, shape and loss of a model, or why it cannot be read."""
    header, loss = model.facts.header, model.facts.loss
    if header is None:
        return model.facts.problem or ""
    words = [tr("bundled") if model.origin == "bundled" else tr("a run")]
    words.append(format_shape(header.config))
    if loss is not None:
        words.append(format_model_loss(loss, model.facts.units))
    return " · ".join(words)


def _option(row: _Row) -> Option:
    name = fitted(safe_line(row.name), _NAME_WIDTH)
    return Option(Content.assemble(name, " ", (safe_line(row.remark), "dim")))


NAMES: Final = (*SamplingConfig.bounds(), "length")
"""The settings, in the order of the rows."""
LABELS: Final = {**FILTERS, "rng_seed": "RNG seed"}
_NEXT_TEXT: Final = frozenset({"length", "rng_seed"})
"""Settings that apply from the next text on."""


def _label_of(name: str) -> str:
    return tr(LABELS.get(name, name.replace("_", " ")))


def ask_for_acrostic(
    app: App[object],
    settings: GenerationSettings,
    vocabulary: str | None,
    begin: Callable[[], object],
) -> None:
    """Ask for an acrostic; then `begin` starts a new text.

    Without a model, any character is accepted.
    """

    def problem(typed: str) -> str:
        unknown = "" if vocabulary is None else "".join(unknown_in(typed, frozenset(vocabulary)))
        return tr("The model cannot generate {characters}.", characters=unknown) if unknown else ""

    def take(typed: str) -> None:
        settings.sampling = replace(settings.sampling, acrostic=typed or None)
        begin()

    question = tr("Each line begins with one of these characters. An empty line removes the rule.")
    shown = settings.sampling.acrostic or ""
    AskTextScreen(tr("Acrostic"), question, shown, problem).open(app, take)


class SamplingScreen(Dialog[None]):
    """One row per setting: a valid value applies as it is typed; Esc restores all values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "take_back", "Back", show=False),
        # the key that opened it, which the user may have remapped
        Binding("f12,alt+s", "dismiss", "Close", show=False, id="text.sampling"),
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    SamplingScreen {
        & #sampling {
            width: 46;
            height: auto;
            overflow-y: auto;
            padding: 0 1;
        }
        & Grid {
            grid-size: 2;
            grid-columns: 20 1fr;
            grid-rows: 1;
            height: auto;
        }
        & Grid > Static { color: $text-muted; }
        & Button { width: 100%; text-align: left; content-align: left middle; }
        & MessageLine { height: 3; }
    }
    """

    words = query_one(MessageLine)

    def __init__(
        self,
        settings: GenerationSettings,
        rng_seed: int | None = None,
        problem: Callable[[], str] = str,
    ) -> None:
        """Show the settings, and the RNG seed of the displayed text, if there is one.

        `problem` returns why the model ignores the sampling rules; empty if it does not.
        """
        super().__init__()
        self._settings = settings
        self._rng_seed = rng_seed
        self._problem = problem
        self._before = settings.sampling, settings.length

    def compose(self) -> ComposeResult:
        """Yield one row per setting, the help for the focused row, and two buttons."""
        with Vertical(id="sampling", classes="box") as box:
            box.border_title = Content(tr("Sampling"))
            box.border_subtitle = Content(tr("Enter applies · Esc restores"))
            with Grid():
                for name in NAMES:
                    yield Static(_label_of(name), markup=False)
                    yield SafeInput(self._shown(name), id=name, compact=True, select_on_focus=True)
            yield MessageLine(id="sampling-words")
            if self._rng_seed is not None:
                label = tr("Same numbers again: RNG {seed}", seed=self._rng_seed)
                yield Button(Content(label), id="again", compact=True)
            yield Button(Content(tr("Restore all defaults")), id="defaults", compact=True)

    @on(events.DescendantFocus)
    def explain(self) -> None:
        """Show the help for the focused row, or its error."""
        field = self.focused
        if isinstance(field, SafeInput) and field.id:
            self._take(field.id, field.value)

    @on(Input.Changed)
    def take(self, event: Input.Changed) -> None:
        """Apply the typed value if it is valid."""
        event.stop()
        if event.input.id and event.input.has_focus:
            self._take(event.input.id, event.value)

    @on(Input.Submitted)
    def close(self, event: Input.Submitted) -> None:
        """Close and keep the values."""
        event.stop()
        self.dismiss()

    @on(Button.Pressed, "#again")
    def draw_again(self, event: Button.Pressed) -> None:
        """Use the RNG seed of this text for the next ones."""
        event.stop()
        self.query_one("#rng_seed", SafeInput).value = str(self._rng_seed)
        self._take("rng_seed", str(self._rng_seed))

    @on(Button.Pressed, "#defaults")
    def set_defaults(self, event: Button.Pressed) -> None:
        """Reset every setting to its default."""
        event.stop()
        self._set(SamplingConfig(), DEFAULT_LENGTH)
        for name in NAMES:
            self.query_one(f"#{name}", SafeInput).value = self._shown(name)
        self.words.show(tr("Defaults restored."))

    def action_take_back(self) -> None:
        """Restore the previous values and close."""
        self._set(*self._before)
        self.dismiss()

    def _shown(self, name: str) -> str:
        """Return the value of a setting as text."""
        settings = self._settings
        value = settings.length if name == "length" else getattr(settings.sampling, name)
        return f"{value:g}" if isinstance(value, float) else format_value(value)

    def _take(self, name: str, typed: str) -> None:
        """Apply one setting, or show why its value is invalid."""
        settings, sampling = self._settings, self._settings.sampling
        bounds = (Preferences if name == "length" else SamplingConfig).bounds()[name]
        typed = "none" if bounds.optional and not typed else typed
        try:
            if name == "length":
                self._set(sampling, parse_value(name, typed) or DEFAULT_LENGTH)
            else:
                value = SamplingConfig.parse(name, typed)
                self._set(replace(sampling, **{name: value}), settings.length)
        except SettingError as error:
            problems = (each._replace(name=_label_of(each.name)) for each in error.problems)
            self.words.show(" ".join(map(str, problems)), is_problem=True)
            return
        if name in RULES and (ignored := self._problem()):
            self.words.show(ignored, is_problem=True)
            return
        now = tr("Now {value}; {allowed}.", value=self._shown(name), allowed=bounds.allowed())
        when = [tr("From the next text on.")] if name in _NEXT_TEXT else []
        self.words.show(" ".join([tr(bounds.sentence), now, *when]))

    def _set(self, sampling: SamplingConfig, length: int) -> None:
        settings = self._settings
        if (settings.sampling, settings.length) != (sampling, length):
            settings.sampling, settings.length = sampling, length
