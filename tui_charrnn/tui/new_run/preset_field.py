"""The field for the preset, and what its settings come to on this machine."""

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tui_charrnn.presets import PRESETS, Preset
from tui_charrnn.safe_text import safe_text
from tui_charrnn.training.trial_facts import TrialSettings
from tui_charrnn.tui.new_run.corpus_facts import CorpusFacts
from tui_charrnn.tui.new_run.estimate import preset_lines, settings_to_try
from tui_charrnn.tui.new_run.fields import FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import DEFAULT_PRESET, NewRun
from tui_charrnn.tui.new_run.trial_timer import TrialAnswer, TrialTimer

_ADVICE = "Settings that were tried together. Enter or Space opens the list."


class PresetField(Vertical):
    """Takes a preset; has batches timed with the settings, and says what they tell."""

    DEFAULT_CSS = """
    PresetField {
        height: auto;
        #preset-facts { margin-left: 11; color: $text-muted; }
    }
    """

    @dataclass
    class Timed(Message):
        """More is known of the speed of settings."""

        answer: TrialAnswer

    def __init__(self) -> None:
        super().__init__()
        options = [(f"{name} · {preset.sentence}", name) for name, preset in PRESETS.items()]
        self._list = FormSelect(options, value=DEFAULT_PRESET, id="preset")
        self._facts = Static("", id="preset-facts", markup=False)
        self._timer = TrialTimer(lambda answer: self.post_message(self.Timed(answer)))
        self._asked: tuple[TrialSettings, bool] | None = None
        self._answer: TrialAnswer | None = None
        self._shown: tuple[NewRun, CorpusFacts] | None = None

    def compose(self) -> ComposeResult:
        """The list, and the facts below."""
        yield FormRow("Preset", self._list, key="preset", advice=_ADVICE)
        yield self._facts

    @property
    def preset(self) -> Preset:
        """The preset that is chosen."""
        return PRESETS[self._list.chosen]

    def restore(self, name: str) -> None:
        """Choose a preset."""
        self._list.show(name if name in PRESETS else DEFAULT_PRESET)

    def show(self, new: NewRun, facts: CorpusFacts, *, is_busy: bool) -> None:
        """Say what settings come to.

        Args:
            new: The settings.
            facts: What is known of the text.
            is_busy: Whether another training runs on this machine.
        """
        self._shown = (new, facts)
        wanted = settings_to_try(new, facts)
        asked = (wanted, is_busy) if wanted is not None else None
        if asked != self._asked:
            self._asked, self._answer = asked, None
            if wanted is None:
                self._timer.stop()
            else:
                self._timer.ask(wanted, is_busy=is_busy)
        self._draw()

    @on(Timed)
    def take(self, event: Timed) -> None:
        """Show an answer, if it is to what was asked last."""
        event.stop()
        if self._asked is not None and event.answer.settings == self._asked[0]:
            self._answer = event.answer
            self._draw()

    def on_unmount(self) -> None:
        """Want to know nothing any more."""
        self._timer.stop()

    def _draw(self) -> None:
        if self._shown is not None:
            lines = preset_lines(*self._shown, self._answer)
            self._facts.update(safe_text("\n".join(lines)))
