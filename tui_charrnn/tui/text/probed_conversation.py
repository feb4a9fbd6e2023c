"""A conversation whose model can be looked into: the list of neurons in the place of the seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.tui.text.taped_conversation import TapedConversation

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui_charrnn.tui.generation_settings import GenerationSettings
    from tui_charrnn.tui.xray.neuron_panel import NeuronPanel


class ProbedConversation(TapedConversation):
    """Lists neurons, colors the text by one, and holds some."""

    DEFAULT_CSS = """
    ProbedConversation.-neurons {
        & SeedBox { display: none; }
        & TapePanel { display: none !important; }
        & NeuronPanel { display: block; }
    }
    """

    _settings: GenerationSettings
    _neurons: NeuronPanel | None = None

    @property
    def home(self) -> Widget:
        """What has the focus when the text is come back to."""
        if self._neurons is not None and self.has_class("-neurons"):
            return self._neurons
        return super().home

    def open_neurons(self) -> None:
        """Show the neurons of the model that speaks; look for them if that was not done."""
        if self._neurons is None:
            # deferred: needed by those who look for neurons only
            from tui_charrnn.tui.xray.neuron_panel import NeuronPanel  # noqa: PLC0415 - as said

            self._neurons = NeuronPanel(self.spoken, self._settings)
            self._neurons.id = "neuron-panel"
            self.mount(self._neurons, before=self.seed)
        self.spoken.drop_cursor()
        self._neurons.tell_keys()
        self._show_neurons(True)
        self._neurons.look()
        self._neurons.focus()

    def close_neurons(self) -> bool:
        """Take the list away; what is held stays so. False if it was not there."""
        if self._neurons is None or not self.has_class("-neurons"):
            return False
        self._neurons.cancel()
        self._show_neurons(False)
        self.tell("")
        return True

    def close_tape(self) -> None:
        """Give the seed box its place back."""
        self.close_neurons()
        super().close_tape()

    def leave_neurons(self, focused: Widget) -> bool:
        """End a search, or else take the list away; False if the focus is elsewhere.

        Args:
            focused: What has the focus.
        """
        panel = self._neurons
        if panel is None or not self.has_class("-neurons") or focused not in {panel, self.spoken}:
            return False
        if not panel.cancel():
            self.close_neurons()
            # not the seed: whoever came here was in the text
            (self.home if self.has_class("-tape") else self.spoken).focus()
        return True

    def heed_model(self) -> None:
        """Have another model looked into once it speaks, if the list is there."""
        if self._neurons is not None and self.has_class("-neurons"):
            self._neurons.look()

    def _show_neurons(self, is_shown: bool) -> None:
        """Show or hide the list, and let the x-ray have what room is left."""
        self.set_class(is_shown, "-neurons")
        if self.query("#xray-legend"):
            # deferred: needed by those who use the x-ray only
            from tui_charrnn.tui.xray.legend import fit_xray  # noqa: PLC0415 - as said

            fit_xray(self)
