"""The x-ray below and beside the text: its legend, its panel, and the actions that change it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.neuron import GATES, layers_sentence, neighbor, parse_probe
from tui_charrnn.model_config import ModelConfig
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import KeysChanged
from tui_charrnn.tui.text.external_text import ExternalTextScreen, find_corpus
from tui_charrnn.tui.xray.color_layer import Legend, XrayColors
from tui_charrnn.tui.xray.colorings import (
    SURPRISE,
    Coloring,
    InfluenceColoring,
    UnitColoring,
    UnitKind,
    colorings,
)
from tui_charrnn.tui.xray.originality import OriginalityColoring
from tui_charrnn.tui.xray.panel import XrayPanel, legend_row, mean_words, name_of, place_words

_ROOMY: Final = 96
"""Columns of the text pane from which on there is room for the panel beside the text."""
_LEAST_ROWS: Final = 18
"""Rows of the text pane from which on there is room for the panel below the text."""
_LEAST_WITH_NEURONS: Final = 30
"""The same where the list of neurons stands below it too."""
_MOST_BELOW: Final = 8
"""Rows of the panel below the text."""
_OTHERS: Final = 12
"""Rows of all else there: five of the text, frames, legend and seed."""


class XrayLegend(Vertical):
    """Below the text: what the levels mean; where there is no panel, one character's numbers.

    It is the target of the actions of the x-ray. Its parent is the text pane: how large that is,
    and whether it has the list of neurons, decides where the panel stands.
    """

    DEFAULT_CSS = """
    XrayLegend {
        height: auto;
        padding: 0 1;
        & Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-roomy #xray-line { display: none; }
    }
    """

    def __init__(
        self,
        colors: XrayColors,
        read_text: Callable[[str | Path], object],
        tell: Callable[[str], object],
        mark_unit: Callable[[str], object],
    ) -> None:
        """Color nothing yet.

        Args:
            colors: Colors the text.
            read_text: Has the model read a text, or the file that it is in.
            tell: Says something about the text; safe to call from any thread.
            mark_unit: Takes the name of the neuron or gate that colors the text, empty for none.
        """
        super().__init__(id="xray-legend")
        self.display = False
        self.text_colors = colors
        self.panel = XrayPanel(colors)
        """To be mounted beside it."""
        self.unit = ""
        """The name of the neuron or gate that the text is colored by; empty if it is by none."""
        self._read_text = read_text
        self._tell = tell
        self._mark_unit = mark_unit
        self._shows_panel = False
        """Whether the panel stands below the text where there is no room beside it."""
        self._units: dict[UnitKind, UnitColoring] = {
            "neuron": UnitColoring("neuron"),
            "gate": UnitColoring("gate"),
        }
        """The neuron and the gate that were chosen last."""
        self._originality = OriginalityColoring(tell=tell)
        """Compares with the corpus of the model, or with a text that was named last."""
        self._drawn: tuple[Coloring | None, Legend | None] = None, None
        """What the legend shows."""

    def compose(self) -> ComposeResult:
        """The levels, and the character."""
        yield Static(id="xray-levels", markup=False)
        yield Static(id="xray-line", markup=False)

    def on_mount(self) -> None:
        """Follow the colors."""
        self.text_colors.changed.connect(self._show)
        self._show()

    def on_unmount(self) -> None:
        """Let the threads end."""
        self.text_colors.stop_reading()

    def on_resize(self) -> None:
        """Show the panel where there is room for it now."""
        self.fit()

    def action_next_coloring(self) -> None:
        """Color the text in the next way; after the last, in none."""
        now = self.text_colors.coloring
        own = self._originality, InfluenceColoring()
        cycle = [None, *colorings(self._units, self._config), *own]
        names = [None if one is None else one.name for one in cycle]
        place = names.index(None if now is None else now.name)
        self._color(cycle[(place + 1) % len(cycle)])

    def action_next_page(self) -> None:
        """Show the next page of the panel; below the text, the panel closes after the last."""
        if self.text_colors.coloring is None:
            self.begin()
            return
        if self.panel.display:
            is_first = self.panel.turn_page()
            self._shows_panel = not is_first
        else:
            self._shows_panel = True
        self.fit()
        if self._shows_panel and not self.panel.display:
            self._tell(tr("The pages of the x-ray need more rows than there are here."))

    def action_step_unit(self, step: int) -> None:
        """Color by the neuron or gate so many units on from the one that was chosen last.

        Where the text is colored by something else, it is colored by the neuron that was chosen
        last, and no step is taken.
        """
        config = self._config
        if config is None:
            return
        now = self.text_colors.coloring
        if not isinstance(now, UnitColoring):
            self._color(self._units["neuron"])
            return
        probe = now.probe(config)
        if probe is not None:
            self.color_by(str(neighbor(probe, config, step)))

    def action_pick_unit(self) -> None:
        """Ask for the name of a neuron or a gate, and color by it."""
        config = self._config
        if config is None:
            self._tell(tr("There is no text yet whose model could be looked into."))
            return

        def problem(typed: str) -> str:
            try:
                parse_probe(typed, config)
            except ConfigError as error:
                return str(error)
            return ""

        def take(typed: str | None) -> None:
            if typed:
                self.color_by(typed.strip())

        now = self.text_colors.coloring
        chosen = now if isinstance(now, UnitColoring) else self._units["neuron"]
        probe = chosen.probe(config)
        screen = AskTextScreen(tr("Color by"), question_for(config), str(probe), problem)
        self.app.push_screen(screen, take)

    def action_read_text(self) -> None:
        """Ask for a text, and have it read."""

        def read(given: str | Path | None) -> None:
            if given is not None:
                self._read_text(given)

        self.app.push_screen(ExternalTextScreen(), read)

    def action_compare(self) -> None:
        """Ask for a text, and mark what is copied from it."""

        def compare(typed: str | None) -> None:
            if typed is not None:
                self.compare_with(typed)

        question = tr("A file to compare with; an empty line takes what the model was trained on.")
        screen = AskTextScreen(tr("Originality"), question, "", find=find_corpus)
        self.app.push_screen(screen, compare)

    def begin(self) -> None:
        """Color the text by its surprise, unless it is colored already."""
        self._color(self.text_colors.coloring or SURPRISE)

    def compare_with(self, path: str) -> None:
        """Mark what is copied from a file, or, by an empty path, from the model's corpus."""
        self._originality = OriginalityColoring(path, self._tell)
        self._color(self._originality)

    def color_by(
        self, name: str, mean: float | None = None, deviation: float | None = None
    ) -> None:
        """Color the text by a neuron or a gate.

        Args:
            name: As 0:c13, 0:h13, 0:f13 or 0:f; `generation.neuron` says how they are named.
            mean: Of a neuron over a text, if it is known together with `deviation`.
            deviation: Its standard deviation; levels then begin 0.5 and 1.5 of it from the mean.
        """
        letter = name.partition(":")[2][:1]
        kind: UnitKind = "neuron" if letter in {"c", "h"} or letter.isdigit() else "gate"
        chosen = self._units[kind] = UnitColoring(kind, name, mean, deviation)
        self._color(chosen)

    def fit(self) -> None:
        """Show the panel where there is room for it, else one line; neither without a coloring."""
        pane: DOMNode | None = self.parent
        if not isinstance(pane, Vertical):
            return
        is_on = self.text_colors.coloring is not None
        width, height = pane.size
        has_room = width >= _ROOMY
        least = _LEAST_WITH_NEURONS if pane.has_class("-neurons") else _LEAST_ROWS
        self.display = is_on
        self.set_class(has_room, "-roomy")
        self._show_seen()
        panel = self.panel
        panel.set_class(not has_room, "-below")
        panel.styles.height = "100%" if has_room else max(min(_MOST_BELOW, height - _OTHERS), 1)
        fits_below = self._shows_panel and height >= least
        panel.display = is_on and (has_room or fits_below)
        pane.set_class(is_on, "-xray")
        pane.set_class(panel.display and not has_room, "-xray-below")
        panel.redraw()

    @property
    def _config(self) -> ModelConfig | None:
        """The shape of the model of the text; None as long as there is none."""
        loaded = self.text_colors.text.loaded
        return None if loaded is None else loaded.model.config

    def _color(self, coloring: Coloring | None) -> None:
        self.text_colors.coloring = coloring
        config, self.unit = self._config, ""
        if isinstance(coloring, UnitColoring) and config is not None:
            self.unit = str(coloring.probe(config))
        self._mark_unit(self.unit)
        self.fit()
        self.post_message(KeysChanged())  # the text pane may get other room

    def _show(self) -> None:
        """Show what is known by now."""
        coloring, legend = self.text_colors.coloring, self.text_colors.legend
        if coloring is not None and (coloring, legend) != self._drawn:
            self._drawn = coloring, legend
            row: str | Content = tr(coloring.name)
            if legend is not None:
                keys = unit_keys() if isinstance(coloring, UnitColoring) else ""
                row = legend_row(coloring.scale, *legend, keys)
            for line in self.query("#xray-levels").results(Static):  # none before it is composed
                line.update(row, layout=False)
        self._show_seen()

    def _show_seen(self) -> None:
        """Say in one line what is known of a character, where there is no panel for it."""
        if self.has_class("-roomy"):
            return  # the panel has it
        seen, levels = self.text_colors.seen, self.text_colors.levels
        words = tr("Reading …") if self.text_colors.text.shown else tr("Nothing was said yet.")
        if seen is not None:
            more = levels.line(seen.branch, seen.position) if levels is not None else ""
            name = name_of(self.text_colors.text, self.app, seen.index)
            width = self.size.width
            mean = mean_words(self.text_colors.text, seen.running, seen.count)
            words = place_words(name, seen.prediction, mean, width, more)
        for line in self.query("#xray-line").results(Static):
            line.update(words, layout=False)


def unit_keys() -> str:
    """Which keys color by another neuron or gate."""
    before, after = key_label("speech.xray_before"), key_label("speech.xray_after")
    keys = f"{key_label('speech.xray_pick')} {before} {after}"
    return tr("{keys} others", keys=keys)


def question_for(config: ModelConfig) -> str:
    """What can be named in a network."""
    last = config.hidden_size - 1
    state = "c" if config.cell == "lstm" else "h"
    example = tr("0:c7 or 0:h7") if state == "c" else "0:h7"
    sentence = tr("A neuron, as {example}", example=example)
    gates = GATES[config.cell]
    if gates:
        sentence = tr(
            "{neuron}; or a gate ({gates}), as 0:{letter}7, or 0:{letter} for its mean",
            neuron=sentence,
            gates=", ".join(f"{letter} {tr(name)}" for letter, name in gates.items()),
            letter=next(iter(gates)),
        )
    return tr(
        "{names}. {layers}, its units are 0 to {last}; the number before the colon is the layer's.",
        names=sentence,
        layers=layers_sentence(config),
        last=last,
    )
