"""The x-ray's legend, below the text; and how the x-ray is turned on, and fitted to the room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.containers import Vertical
from textual.widgets import Static

from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.xray.colorings import SURPRISE, UnitColoring, colorings
from tui_charrnn.tui.xray.originality import OriginalityColoring
from tui_charrnn.tui.xray.panel import XrayPanel, name_of
from tui_charrnn.tui.xray.rows import legend_row, place_words

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from tui_charrnn.model_config import ModelConfig
    from tui_charrnn.tui.text.probed_conversation import ProbedConversation
    from tui_charrnn.tui.text.text_pane import TextPane
    from tui_charrnn.tui.xray.coloring import Coloring
    from tui_charrnn.tui.xray.colorings import UnitKind
    from tui_charrnn.tui.xray.places import XrayPlace
    from tui_charrnn.tui.xray.xray_text import Legend

_ROOMY: Final = 96
"""Columns of the conversation from which on there is room for the panel beside the text."""
_LEAST_ROWS: Final = 18
"""Rows of the conversation from which on there is room for the panel below the text."""
_LEAST_WITH_NEURONS: Final = 30
"""The same where the list of neurons stands below it too."""
_MOST_BELOW: Final = 8
"""Rows of the panel below the text."""
_OTHERS: Final = 12
"""Rows of all else there: five of the text, frames, legend and seed."""


class XrayLegend(Vertical):
    """Below the text: what the levels mean; where there is no panel, one character's numbers."""

    DEFAULT_CSS = """
    XrayLegend {
        height: auto;
        padding: 0 1;
        & Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-roomy #xray-line { display: none; }
    }
    """

    def __init__(self, text_pane: TextPane) -> None:
        super().__init__(id="xray-legend")
        self._text_pane = text_pane
        self._text = text_pane.spoken
        self.shows_panel = False
        """Whether the panel stands below the text where there is no room beside it."""
        self.units: dict[UnitKind, UnitColoring] = {
            "neuron": UnitColoring("neuron"),
            "gate": UnitColoring("gate"),
        }
        """The neuron and the gate that were chosen last."""
        self.originality = OriginalityColoring(tell=text_pane.tell)
        """Compares with the corpus of the model, or with a text that was named last."""

    def compose(self) -> ComposeResult:
        """The levels, and the character."""
        yield Static(id="xray-levels", markup=False)
        yield Static(id="xray-line", markup=False)

    def on_mount(self) -> None:
        """Follow the text."""
        self.watch(self._text, "coloring", self._show_coloring)
        self.watch(self._text, "legend", self._show_legend)
        self.watch(self._text, "seen", self.show_seen)
        self.watch(self._text, "additions", self._show_more)

    def on_resize(self) -> None:
        """Show the panel where there is room for it now."""
        fit_xray(self._text_pane)

    def _show_coloring(self, coloring: Coloring | None) -> None:
        if coloring is not None and self._text.legend is None:
            self.query_one("#xray-levels", Static).update(coloring.name, layout=False)

    def _show_legend(self, legend: Legend | None) -> None:
        coloring = self._text.coloring
        if coloring is not None and legend is not None:
            keys = unit_keys() if isinstance(coloring, UnitColoring) else ""
            row = legend_row(coloring.scale, *legend, keys)
            self.query_one("#xray-levels", Static).update(row, layout=False)
            self._show_more()

    def _show_more(self) -> None:
        """Say what the coloring knows by now of the same character."""
        self.show_seen(self._text.seen)

    def show_seen(self, seen: XrayPlace | None) -> None:
        """Say in one line what is known of a character, where there is no panel for it."""
        if self.has_class("-roomy"):
            return  # the panel has it
        words = "Reading …" if self._text.shown else "Nothing was said yet."
        if seen is not None:
            levels = self._text.levels
            more = levels.line(seen.branch, seen.position) if levels is not None else ""
            name = name_of(self._text, seen.index)
            width = self.size.width
            words = place_words(name, seen.prediction, seen.running, seen.count, width, more)
        for line in self.query("#xray-line").results(Static):  # none before it is composed
            line.update(words, layout=False)


def turn_xray(text_pane: TextPane) -> None:
    """Color the text of a conversation in the next way; after the last, in none."""
    legend, now = mounted_legend(text_pane), text_pane.spoken.coloring
    cycle = [None, *colorings(legend.units, config_of(text_pane)), legend.originality]
    names = [None if one is None else one.name for one in cycle]
    place = names.index(None if now is None else now.name)
    text_pane.spoken.coloring = cycle[(place + 1) % len(cycle)]
    fit_xray(text_pane)


def begin_xray(text_pane: TextPane) -> None:
    """Color the text of a conversation by its surprise, unless it is colored already."""
    mounted_legend(text_pane)
    if text_pane.spoken.coloring is None:
        text_pane.spoken.coloring = SURPRISE
    fit_xray(text_pane)


def turn_page(text_pane: TextPane) -> None:
    """Show the next page of the panel; below the text, the panel closes after the last."""
    legend, panel = mounted_legend(text_pane), text_pane.query_one(XrayPanel)
    if text_pane.spoken.coloring is None:
        begin_xray(text_pane)
        return
    if panel.display:
        is_first = panel.turn_page()
        legend.shows_panel = not is_first
    else:
        legend.shows_panel = True
    fit_xray(text_pane)
    if legend.shows_panel and not panel.display:
        text_pane.tell("The pages of the x-ray need more rows than there are here.")


def unit_keys() -> str:
    """Which keys color by another neuron or gate."""
    before, after = key_label("speech.xray_before"), key_label("speech.xray_after")
    return f"{key_label('speech.xray_pick')} {before} {after} others"


def color_by(
    text_pane: TextPane,
    name: str,
    mean: float | None = None,
    deviation: float | None = None,
) -> None:
    """Color the text of a conversation by a neuron or a gate.

    Args:
        text_pane: Whose text.
        name: As 0:c13, 0:h13, 0:f13 or 0:f; `lens.probe` says how they are named.
        mean: Of a neuron over a text, if it is known together with `deviation`.
        deviation: Its standard deviation; levels then begin 0.5 and 1.5 of it from the mean.
    """
    letter = name.partition(":")[2][:1]
    kind: UnitKind = "neuron" if letter in {"c", "h"} or letter.isdigit() else "gate"
    legend = mounted_legend(text_pane)
    chosen = UnitColoring(kind, name, mean, deviation)
    legend.units[kind] = chosen
    text_pane.spoken.coloring = chosen
    fit_xray(text_pane)


def compare_with(text_pane: TextPane, path: str) -> None:
    """Mark what the text of a conversation has copied.

    Args:
        text_pane: Whose text.
        path: Of the text that it is compared with; empty is what the model was trained on.
    """
    legend = mounted_legend(text_pane)
    legend.originality = OriginalityColoring(path, text_pane.tell)
    text_pane.spoken.coloring = legend.originality
    fit_xray(text_pane)


def step_unit(text_pane: TextPane, step: int) -> None:
    """Color by the neuron or gate so many units on from the one that was chosen last.

    Args:
        text_pane: Whose text.
        step: How far, back if it is negative. Where the text is colored by something else, it is
            colored by the neuron that was chosen last, and no step is taken.
    """
    # deferred: NumPy, which the first frame does not wait for
    from tui_charrnn.lens.probe import neighbor  # noqa: PLC0415 - as said

    legend, config = mounted_legend(text_pane), config_of(text_pane)
    if config is None:
        return
    now = text_pane.spoken.coloring
    if not isinstance(now, UnitColoring):
        text_pane.spoken.coloring = legend.units["neuron"]
        fit_xray(text_pane)
        return
    probe = now.probe(config)
    if probe is not None:
        color_by(text_pane, str(neighbor(probe, config, step)))


def mounted_legend(text_pane: TextPane) -> XrayLegend:
    """The legend of a conversation, put in with the panel if they are not there yet."""
    for legend in text_pane.query(XrayLegend):
        return legend
    legend, text = XrayLegend(text_pane), text_pane.spoken
    text_pane.mount(legend, after=text)
    text_pane.mount(XrayPanel(text), after=legend)
    return legend


def config_of(text_pane: TextPane) -> ModelConfig | None:
    """The shape of the model that speaks; None as long as none does."""
    generation = text_pane.spoken.generation
    opening = generation.opening if generation is not None else None
    return None if opening is None else opening.loaded.model.config


def fit_xray(text_pane: ProbedConversation) -> None:
    """Show the panel where there is room for it, else one line; neither without a coloring."""
    is_on = text_pane.spoken.coloring is not None
    width, height = text_pane.size
    has_room = width >= _ROOMY
    least = _LEAST_WITH_NEURONS if text_pane.has_class("-neurons") else _LEAST_ROWS
    for legend in text_pane.query(XrayLegend):
        legend.display = is_on
        legend.set_class(has_room, "-roomy")
        legend.show_seen(text_pane.spoken.seen)
        for panel in text_pane.query(XrayPanel):
            panel.set_class(not has_room, "-below")
            panel.styles.height = "100%" if has_room else max(min(_MOST_BELOW, height - _OTHERS), 1)
            fits_below = legend.shows_panel and height >= least
            panel.display = is_on and (has_room or fits_below)
            text_pane.set_class(panel.display and not has_room, "-xray-below")
            panel.redraw()
