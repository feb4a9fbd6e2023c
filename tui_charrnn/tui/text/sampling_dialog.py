"""The sampling dialog: one row per setting, applied as it is typed; the text stays visible."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Button, Input, Static

from tui_charrnn.model_config import FILTERS, RULES, SamplingConfig
from tui_charrnn.preferences import Preferences, format_value, parse_value
from tui_charrnn.settings import SettingError
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import AskTextScreen, Dialog, MessageLine, SafeInput
from tui_charrnn.tui.session import DEFAULT_LENGTH, GenerationSettings
from tui_charrnn.tui.text.seed_input import unknown_in

NAMES: Final = (*SamplingConfig.bounds(), "length")
"""The settings, in the order of the rows."""
LABELS: Final = {**FILTERS, "rng_seed": "RNG seed"}
_NEXT_TEXT: Final = frozenset({"length", "rng_seed"})
"""Settings that apply from the next text on."""


def _label_of(name: str) -> str:
    return tr(LABELS.get(name, name.replace("_", " ")))


def ask_for_acrostic(
    settings: GenerationSettings, vocabulary: str | None, begin: Callable[[], object]
) -> tuple[AskTextScreen, Callable[[str | None], None]]:
    """Return a dialog that asks for an acrostic, and the callback for its result.

    Args:
        settings: The settings to change.
        vocabulary: The model's characters; None if no model is loaded.
        begin: Starts a new text; called after the change.
    """

    def problem(typed: str) -> str:
        composed = unicodedata.normalize("NFC", typed)
        unknown = "" if vocabulary is None else "".join(unknown_in(composed, frozenset(vocabulary)))
        return tr("The model cannot generate {characters}.", characters=unknown) if unknown else ""

    def take(typed: str | None) -> None:
        if typed is not None:
            settings.sampling = replace(settings.sampling, acrostic=typed or None)
            begin()

    question = tr("Each line begins with one of these characters. An empty line removes the rule.")
    shown = settings.sampling.acrostic or ""
    return AskTextScreen(tr("Acrostic"), question, shown, problem), take


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
        """Show the settings.

        Args:
            settings: The settings to change.
            rng_seed: The RNG seed of the displayed text; None without a text.
            problem: Returns why the model ignores the sampling rules; empty if it does not.
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
        return f"{value:g}" if isinstance(value, float) else format_value(name, value)

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
