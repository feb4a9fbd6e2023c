"""Looks for the neurons of the model that speaks, and lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.xray.neuron_list import NeuronList
from tui_charrnn.tui.xray.neuron_search import NeuronSearch, SearchEnded, SearchMoved

if TYPE_CHECKING:
    from tui_charrnn.tui.generation_settings import GenerationSettings
    from tui_charrnn.tui.text.generation_thread import LoadedModel
    from tui_charrnn.tui.text.spoken_text import SpokenText
    from tui_charrnn.tui.xray.neuron_list import Row
    from tui_charrnn.tui.xray.neuron_search import Found


class NeuronSearching(NeuronList):
    """Finds neurons in the background, and shows those of one property or of all."""

    def __init__(self, text: SpokenText, settings: GenerationSettings) -> None:
        """Find nothing yet.

        Args:
            text: Whose model is looked into.
            settings: Says what is held.
        """
        super().__init__()
        self.text = text
        self._settings = settings
        self.found: Found | None = None
        self.search: NeuronSearch | None = None
        """What is going on, if anything is."""
        self._filter = ""
        self._problem = ""

    @property
    def loaded(self) -> LoadedModel | None:
        """Who speaks."""
        opening = self.text.generation.opening if self.text.generation is not None else None
        return opening.loaded if opening is not None else None

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.cancel()

    def look(self, path: str | None = None) -> None:
        """Look for neurons, unless that was done for this model and no text is named.

        Args:
            path: Of a text; "" is what the model was trained on, None any text that was read.
        """
        loaded = self.loaded
        if loaded is None:
            self._problem = "No model speaks yet."
        elif path is not None or self.found is None or self.found.model is not loaded.model:
            self.cancel()
            self.found, self._filter, self._problem = None, "", ""
            said = self.text.generation.result() if self.text.generation is not None else None
            generated = said.generated if said is not None else ""
            self.search = NeuronSearch(loaded, generated, self.post_message, path or "")
        self.draw_all()

    def cancel(self) -> bool:
        """End a search; False if there was none."""
        search, self.search = self.search, None
        if search is None:
            return False
        search.stop()
        self._problem = f"The search was ended; {key_label('neurons.read')} begins another one."
        self.draw_all()
        return True

    def on_search_moved(self, event: SearchMoved) -> None:
        """Say how far it is."""
        event.stop()
        if event.search is self.search:
            self._problem = f"{event.words} … {key_label('text.stop')} ends it."
            self.draw_all()

    def on_search_ended(self, event: SearchEnded) -> None:
        """Show what was found."""
        event.stop()
        if event.search is self.search:
            self.search, self.found, self._problem = None, event.found, event.problem
            self.draw_all()
            if event.found is not None and event.found.note:
                self.tell(f"{event.found.note} So what was said so far was read.")

    def action_turn_filter(self, by: int) -> None:
        """Show the followers of another property."""
        if self.found is not None:
            cycle = ["", *self.found.properties]
            self._filter = cycle[(cycle.index(self._filter) + by) % len(cycle)]
            self.draw_all()

    def draw_all(self) -> None:
        """Show what is known, and what is held now."""
        held = self._settings.held.clamps
        rows: list[Row] = []
        if self.found is not None:
            rows = [(one.cell.neuron, one) for one in self.found.listed(self._filter)]
        names = {neuron for neuron, _ in rows}
        others: list[Row] = [(one.neuron, None) for one in held if one.neuron not in names]
        self.border_title = Content(f"Neurons · {self._filter or 'every property'} · Pearson's r")
        words = ""
        if self.found is not None:
            words = f"{self.found.text}, {self.found.characters:,} characters"
        self.border_subtitle = Content(words)
        self.show([*others, *rows], held, self._problem)

    def tell_keys(self) -> None:
        """Say which keys there are."""
        color, hold = key_label("neurons.color"), key_label("neurons.hold")
        leave = key_label("text.stop")
        self.tell(f"{color} colors the text by a cell, {hold} clamps it, {leave} leaves.")

    def tell(self, sentence: str, *, is_problem: bool = False) -> None:
        """Have something said about the text."""
        self.post_message(NoteWritten(sentence, is_problem=is_problem))
