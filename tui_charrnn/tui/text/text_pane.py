"""The text as it streams, and the seed box below it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from tui_charrnn.tui.generation_settings import GenerationSettings
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import GenerationStarted, SeedSubmitted
from tui_charrnn.tui.text.external_text import ExternalText
from tui_charrnn.tui.text.generation_thread import LoadedModel, Recording, Wait
from tui_charrnn.tui.text.kept_speech import SearchWanted
from tui_charrnn.tui.text.probed_conversation import ProbedConversation
from tui_charrnn.tui.text.seed_box import SeedBox
from tui_charrnn.tui.text.seed_input import SeedInput
from tui_charrnn.tui.text.spoken_text import SpokenText

if TYPE_CHECKING:
    from tui_charrnn.tui.text.search_bar import SearchBar
    from tui_charrnn.tui.xray.neuron_list import CellColored

_HOTTEST: Final = 2.0
_LONG_SEED: Final = 2000  # characters; to read fewer takes no time that anybody notices


class TextPane(ProbedConversation):
    """Takes seeds and what shapes the text; posts `SeedSubmitted` and loads nothing."""

    def __init__(self, settings: GenerationSettings, *, remembers_seeds: bool = True) -> None:
        super().__init__()
        self._settings = settings
        self._remembers_seeds = remembers_seeds
        self._search: SearchBar | None = None

    def compose(self) -> ComposeResult:
        """The text, the seed box."""
        yield SpokenText(self._settings)
        seed = SeedBox(placeholder="how the text begins", remembers=self._remembers_seeds)
        seed.border_title = "Seed"
        yield seed

    def on_seed_input_submitted(self, event: SeedInput.Submitted) -> None:
        """Ask the screen to have the seed answered."""
        event.stop()
        if (length := len(event.text)) > _LONG_SEED:
            stop = key_label("text.stop")
            self.tell(f"Reading the seed text, {length:,} characters … {stop} gives it up.")
        self.post_message(SeedSubmitted(event.text))

    def on_generation_started(self, event: GenerationStarted) -> None:
        """Let the seed box know which characters the model knows."""
        event.stop()
        self.seed.vocabulary = frozenset(event.opening.vocabulary)
        self.heed_model()

    def on_generated_text_follow_changed(self, event: SpokenText.FollowChanged) -> None:
        """Say that the view no longer follows what is being said."""
        event.stop()
        if self.spoken.streaming and not self.spoken.is_held:
            self.tell("" if event.follows else "Held while you read; scroll to the end to follow.")

    def on_search_wanted(self, event: SearchWanted) -> None:
        """Open the row that looks through the text."""
        event.stop()
        if self._search is not None:
            self._search.open()
            return
        # deferred: needed by those who look for something only
        from tui_charrnn.tui.text.search_bar import SearchBar  # noqa: PLC0415 - as said

        self._search = SearchBar(self.spoken)
        self.mount(self._search, after=self.spoken)

    def on_cell_colored(self, event: CellColored) -> None:
        """Color the text by a neuron."""
        event.stop()
        # deferred: needed by those who use the x-ray only
        from tui_charrnn.tui.xray.legend import color_by  # noqa: PLC0415 - as said

        color_by(self, event.name, event.mean, event.deviation)

    def leave(self) -> bool:
        """End a search, a selection by keys or the way back, if the focus is there.

        Returns:
            Whether there was one.
        """
        search, focused = self._search, self.screen.focused
        if focused is None or focused is self.seed:
            return False
        if search is not None and search.display and focused in {self.spoken, search.field}:
            search.close()
            self.spoken.focus()
            return True
        if self.spoken.has_cursor and focused is self.spoken:
            self.spoken.drop_cursor()
            self.tell("")
            return True
        if self.leave_neurons(focused):
            return True
        if self.has_class("-tape") and focused in {self.spoken, self._tape}:
            self.close_tape()
            self.seed.focus()
            return True
        return False

    def speak(
        self,
        prepare: Callable[[Wait], LoadedModel | Recording | ExternalText],
        seed_text: str | None,
    ) -> None:
        """Answer a seed text, open a tape or have a text read; see `SpokenText.speak`."""
        self.spoken.speak(prepare, seed_text)

    def go_on(self) -> None:
        """Go on with the text from where it stopped."""
        self.tell("" if self.spoken.go_on() else "There is no stopped text to go on with.")

    def cycle_speed(self) -> None:
        """Go on to the next pace."""
        self._settings.cycle_speed()
        self.spoken.show_title()

    def warm(self, difference: float) -> None:
        """Change the temperature, at once and also in the middle of a text."""
        settings = self._settings
        temperature = max(0.0, min(_HOTTEST, round(settings.sampling.temperature + difference, 2)))
        settings.sampling = dataclasses.replace(settings.sampling, temperature=temperature)
        self.spoken.show_title()
