"""Below a text: neurons that follow something in a text, to be colored by and to be held."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Final

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.clamping import LIMIT, Clamp, parse_clamps
from tui_charrnn.tui.dialogs.ask_text import AskTextScreen
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.xray.neuron_list import CellColored
from tui_charrnn.tui.xray.neuron_searching import NeuronSearching
from tui_charrnn.tui.xray.probing import find_corpus

if TYPE_CHECKING:
    from textual.binding import BindingType

    from tui_charrnn.generation.neuron import Neuron
    from tui_charrnn.lens.findings import FollowingNeuron

_FAR: Final = 3
"""Standard deviations from its mean at which a cell is held at first."""
_STEP: Final = 0.5
"""Standard deviations from one value to the next."""


class NeuronPanel(NeuronSearching):
    """Acts on the neuron that has the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("neurons")]
    DEFAULT_CSS = """
    NeuronPanel {
        display: none;
        height: 45%;
        min-height: 5;
        max-height: 14;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        &:focus { border: round $primary; }
    }
    """

    def action_color(self) -> None:
        """Color the text by the cell."""
        row = self.selected
        if row is None:
            return
        neuron, follower = row
        if follower is None:
            self.post_message(CellColored(str(neuron)))
        else:
            cell = follower.cell
            self.post_message(CellColored(str(neuron), cell.mean, cell.deviation))
        self.colored = str(neuron)
        self.refresh()

    def action_hold(self) -> None:
        """Ask for the value at which the cell is to be held."""
        row, loaded = self.selected, self.loaded
        if row is None or loaded is None:
            return
        neuron, follower = row
        cell = follower.cell if follower is not None else None
        config = loaded.model.config

        def problem(typed: str) -> str:
            try:
                parse_clamps([f"{neuron}={typed}"], config)
            except ConfigError as error:
                return str(error)
            return ""

        def hold(typed: str | None) -> None:
            if typed is not None:
                self._hold(neuron, float(typed))

        question = "From the next character on, it has this value whatever the model reads."
        if cell is not None:
            question += f" By itself it has {cell.mean:.2f}, give or take {cell.deviation:.2f}."
        value = f"{self._value_of(neuron, cell):g}"
        self.app.push_screen(AskTextScreen(f"Clamp {neuron}", question, value, problem), hold)

    def action_turn(self, by: int) -> None:
        """Hold the cell lower or higher; one that is free is held as it is offered."""
        row = self.selected
        if row is None:
            return
        neuron, follower = row
        value = self._value_of(neuron, follower.cell if follower is not None else None)
        if any(clamp.neuron == neuron for clamp in self._settings.held.clamps):
            step = _STEP * (follower.cell.deviation if follower is not None else 1)
            value = rounded(value + by * (step or _STEP))
        self._hold(neuron, max(-LIMIT, min(LIMIT, value)))

    def action_let_go(self) -> None:
        """Let the cell go."""
        row = self.selected
        held = self._settings.held.clamps
        self._let_go(tuple(one for one in held if row is not None and one.neuron == row[0]))

    def action_let_all_go(self) -> None:
        """Let all cells go."""
        self._let_go(self._settings.held.clamps)

    def action_read(self) -> None:
        """Ask for a text to look for neurons in."""

        def read(typed: str | None) -> None:
            if typed is not None:
                self.look(typed)

        question = "A file to read; an empty line takes what the model was trained on."
        self.app.push_screen(AskTextScreen("Text", question, "", find=find_corpus), read)

    def _value_of(self, neuron: Neuron, cell: FollowingNeuron | None = None) -> float:
        """At which value a cell is held, or would be offered."""
        held = {clamp.neuron: clamp.value for clamp in self._settings.held.clamps}
        if neuron in held or cell is None:
            return held.get(neuron, 0.0)
        return offered_value(cell)

    def _hold(self, neuron: Neuron, value: float) -> None:
        loaded = self.loaded
        if loaded is None:
            return
        clamp = Clamp(neuron, value)
        self._settings.hold(clamp, loaded.model)
        self._show_held()
        self.text.go_on()
        release = key_label("neurons.release")
        self.tell(f"{neuron} is held at {value:g} from now on; {release} lets it go.")

    def _let_go(self, clamps: tuple[Clamp, ...]) -> None:
        if not clamps:
            self.tell("The cell is not held." if self._settings.held.clamps else "No cell is held.")
            return
        self._settings.let_go(clamps)
        self._show_held()
        names = ", ".join(str(clamp.neuron) for clamp in clamps)
        self.tell(f"{names} {'is' if len(clamps) == 1 else 'are'} free again.")

    def _show_held(self) -> None:
        self.text.show_title()
        self.draw_all()


def offered_value(cell: FollowingNeuron) -> float:
    """The value at which a cell is held at first: as if what it follows held, and far so.

    Three standard deviations from its mean; h, which is a product of two numbers below 1, goes no
    further than -1 and 1.
    """
    value = cell.mean + math.copysign(_FAR * cell.deviation, cell.r)
    if cell.neuron.part == "h":
        value = max(-1.0, min(1.0, value))
    return rounded(value)


def rounded(value: float) -> float:
    """A number of three digits, as people read and type it."""
    return float(f"{value:.3g}")
