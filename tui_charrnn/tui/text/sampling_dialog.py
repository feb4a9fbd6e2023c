"""Every setting of sampling in one dialog, which leaves the text in sight: each acts at once."""

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

from tui_charrnn.errors import ConfigError
from tui_charrnn.preferences import Preferences, format_value, parse_value
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import AskTextScreen, Dialog, SafeInput
from tui_charrnn.tui.session import DEFAULT_LENGTH, GenerationSettings
from tui_charrnn.tui.text.seed_input import unknown_in

NAMES: Final = (*SamplingConfig.bounds(), "length")
"""The settings, in the order of the rows."""
LABELS: Final = {"top_k": "top-k", "top_p": "top-p", "min_p": "min-p", "rng_seed": "RNG seed"}
_RULES: Final = frozenset({"allow", "forbid", "line_starts", "acrostic"})
_NEXT_TEXT: Final = frozenset({"length", "rng_seed"})
"""Settings that a text which streams keeps as they were when it began."""


def ask_for_acrostic(
    settings: GenerationSettings, vocabulary: str | None, begin: Callable[[], object]
) -> tuple[AskTextScreen, Callable[[str | None], None]]:
    """A question for the characters that lines begin with, and what takes its answer.

    Args:
        settings: Of the text.
        vocabulary: What the model knows; None if that is not known yet.
        begin: Called once they are other ones: generates a text.
    """

    def problem(typed: str) -> str:
        composed = unicodedata.normalize("NFC", typed)
        strange = "" if vocabulary is None else "".join(unknown_in(composed, frozenset(vocabulary)))
        return tr("The model cannot write {characters}.", characters=strange) if strange else ""

    def take(typed: str | None) -> None:
        if typed is not None:
            settings.sampling = replace(settings.sampling, acrostic=typed or None)
            begin()

    question = tr("Each line begins with one of these characters. An empty line ends that.")
    shown = settings.sampling.acrostic or ""
    return AskTextScreen(tr("Acrostic"), question, shown, problem), take


class SamplingScreen(Dialog[None]):
    """A row a setting: what is typed acts as soon as it is allowed; Esc takes all of it back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "take_back", "Back", show=False),
        # the key that opened it, whichever a user gave it
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
            scrollbar-size-vertical: 1;
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
        & #sampling-words { height: 3; color: $text-muted; }
        & #sampling-words.-problem { color: $text-error; }
    }
    """

    words = query_one("#sampling-words", Static)

    def __init__(
        self,
        settings: GenerationSettings,
        changed: Callable[[], object],
        rng_seed: int | None = None,
        problem: Callable[[], str] = str,
    ) -> None:
        """Offer the settings.

        Args:
            settings: Of the text; changed as one types.
            changed: Called after each change.
            rng_seed: With which the text in sight began; None if there is none.
            problem: Returns why the model in sight ignores what was set; empty if it does not.
        """
        super().__init__()
        self._settings = settings
        self._changed = changed
        self._rng_seed = rng_seed
        self._problem = problem
        self._before = settings.sampling, settings.length

    def compose(self) -> ComposeResult:
        """A row a setting, what the row in focus means, and two shortcuts."""
        with Vertical(id="sampling", classes="box") as box:
            box.border_title = Content(tr("Sampling"))
            box.border_subtitle = Content(tr("Enter keeps · Esc takes back"))
            with Grid():
                for name in NAMES:
                    yield Static(tr(LABELS.get(name, name.replace("_", " "))), markup=False)
                    yield SafeInput(self._shown(name), id=name, compact=True, select_on_focus=True)
            yield Static("", id="sampling-words", markup=False)
            if self._rng_seed is not None:
                label = tr("Same numbers again: RNG {seed}", seed=self._rng_seed)
                yield Button(Content(label), id="again", compact=True)
            yield Button(Content(tr("All as they come (defaults)")), id="defaults", compact=True)

    def on_mount(self) -> None:
        """Let no cursor blink: a screen at rest draws nothing."""
        for field in self.query(SafeInput):
            field.cursor_blink = False

    @on(events.DescendantFocus)
    def explain(self) -> None:
        """Say what the row in focus means, and what is wrong with it."""
        field = self.focused
        if isinstance(field, SafeInput) and field.id:
            self._take(field.id, field.value)

    @on(Input.Changed)
    def take(self, event: Input.Changed) -> None:
        """Let what was typed hold from now on, if it is allowed."""
        event.stop()
        if event.input.id and event.input.has_focus:
            self._take(event.input.id, event.value)

    @on(Input.Submitted)
    def close(self, event: Input.Submitted) -> None:
        """Keep all that is allowed."""
        event.stop()
        self.dismiss()

    @on(Button.Pressed, "#again")
    def draw_again(self, event: Button.Pressed) -> None:
        """Begin the next texts with the random numbers of this one."""
        event.stop()
        self.query_one("#rng_seed", SafeInput).value = str(self._rng_seed)
        self._take("rng_seed", str(self._rng_seed))

    @on(Button.Pressed, "#defaults")
    def set_defaults(self, event: Button.Pressed) -> None:
        """Set everything as the program comes."""
        event.stop()
        self._set(SamplingConfig(), DEFAULT_LENGTH)
        for name in NAMES:
            self.query_one(f"#{name}", SafeInput).value = self._shown(name)
        self._say(tr("Everything is as it comes."))

    def action_take_back(self) -> None:
        """Close, with everything as it was before."""
        self._set(*self._before)
        self.dismiss()

    def _shown(self, name: str) -> str:
        """The value of a setting as people write it."""
        settings = self._settings
        value = settings.length if name == "length" else getattr(settings.sampling, name)
        return f"{value:g}" if isinstance(value, float) else format_value(name, value)

    def _take(self, name: str, typed: str) -> None:
        """Set one setting, or say why that is not possible."""
        settings, sampling = self._settings, self._settings.sampling
        bounds = (Preferences if name == "length" else SamplingConfig).bounds()[name]
        typed = "none" if bounds.optional and not typed else typed
        try:
            if name == "length":
                self._set(sampling, parse_value(name, typed) or DEFAULT_LENGTH)
            else:
                value = SamplingConfig.parse(name, typed)
                self._set(replace(sampling, **{name: value}), settings.length)
        except ConfigError as problem:
            self._say(str(problem), is_problem=True)
            return
        if name in _RULES and (ignored := self._problem()):
            self._say(ignored, is_problem=True)
            return
        now = tr("Now {value}; {allowed}.", value=self._shown(name), allowed=bounds.allowed())
        when = [tr("From the next text on.")] if name in _NEXT_TEXT else []
        self._say(" ".join([tr(bounds.sentence), now, *when]))

    def _set(self, sampling: SamplingConfig, length: int) -> None:
        settings = self._settings
        if (settings.sampling, settings.length) != (sampling, length):
            settings.sampling, settings.length = sampling, length
            self._changed()

    def _say(self, sentence: str, *, is_problem: bool = False) -> None:
        self.words.update(sentence)
        self.words.set_class(is_problem, "-problem")
