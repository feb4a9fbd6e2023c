"""The x-ray's legend below the text, the layout of its panel, and its actions."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.neuron import GATES, layers_sentence, neighbor, parse_probe
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import KeysChanged, NoteWritten
from tui_charrnn.tui.text.external_text import ExternalTextScreen, find_corpus
from tui_charrnn.tui.xray.color_layer import XrayColors
from tui_charrnn.tui.xray.colorings import (
    INFLUENCE,
    MEASURE_COLORINGS,
    SURPRISE,
    Coloring,
    Scale,
    UnitColoring,
    UnitKind,
)
from tui_charrnn.tui.xray.originality import OriginalityLevels
from tui_charrnn.tui.xray.panel import XrayPanel, format_mean, format_place, legend_row, name_of

_ROOMY: Final = 96
"""Minimum columns of the text pane for the panel beside the text."""
_LEAST_ROWS: Final = 18
"""Minimum rows of the text pane for the panel below the text."""
_LEAST_WITH_NEURONS: Final = 30
"""Minimum rows for the panel if the neuron list is also below the text."""
_MOST_BELOW: Final = 8
"""Most rows of the panel below the text."""
_OTHERS: Final = 12
"""Rows of everything else there: five of the text, frames, legend and seed."""


class XrayLegend(Vertical):
    """Shows the legend below the text and, without a panel, one line on one character.

    It handles the x-ray's actions. The size of its parent, the text pane, and whether that shows
    the neuron list, decide where the panel is.
    """

    DEFAULT_CSS = """
    XrayLegend {
        height: auto;
        padding: 0 1;
        & Static { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-roomy #xray-line { display: none; }
    }
    """

    def __init__(self, colors: XrayColors, read_text: Callable[[str | Path], object]) -> None:
        """Start without a coloring; `read_text` feeds a text, or a text file, to the model."""
        super().__init__(id="xray-legend")
        self.display = False
        self.text_colors = colors
        self.panel = XrayPanel(colors)
        """The panel; the text pane mounts it."""
        self._read_text = read_text
        self._shows_panel = False
        """Whether the panel opens below the text if there is no room beside it."""
        self._units: dict[UnitKind, UnitColoring] = {
            "neuron": UnitColoring("neuron"),
            "gate": UnitColoring("gate"),
        }
        """The last chosen neuron and gate."""
        self._originality = self._compare("")
        """Compares with the model's corpus, or with the text that was named last."""
        self._levels = Static(id="xray-levels", markup=False)
        self._line = Static(id="xray-line", markup=False)

    def compose(self) -> ComposeResult:
        """Yield the legend and the line on a character."""
        yield self._levels
        yield self._line

    def on_mount(self) -> None:
        """Follow the colors."""
        self.text_colors.changed.connect(self._show)
        self._show()

    def on_unmount(self) -> None:
        """End the reading threads."""
        self.text_colors.stop_reading()

    def on_resize(self) -> None:
        """Show the panel if there is room for it."""
        self.fit()

    def action_next_coloring(self) -> None:
        """Switch to the next coloring; after the last, to none."""
        now, config = self.text_colors.coloring, self._config
        units = [self._units["neuron"]]
        if config is None or config.cell != "rnn":  # which has no gates
            units.append(self._units["gate"])
        own = self._originality, INFLUENCE
        cycle: list[Coloring | UnitColoring | None] = [None, *MEASURE_COLORINGS, *units, *own]
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
            sentence = tr("The pages of the x-ray need more rows than there are here.")
            self.post_message(NoteWritten(sentence))

    def action_step_unit(self, step: int) -> None:
        """Color by the neuron or gate `step` units after the current one.

        Under any other coloring, switch to the last chosen neuron instead.
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
        """Ask for the name of a neuron or gate, and color by it."""
        config = self._config
        if config is None:
            self.post_message(NoteWritten(tr("There is no text yet to x-ray.")))
            return

        def problem(typed: str) -> str:
            try:
                parse_probe(typed, config)
            except ConfigError as error:
                return str(error)
            return ""

        now = self.text_colors.coloring
        chosen = now if isinstance(now, UnitColoring) else self._units["neuron"]
        probe = chosen.probe(config)
        screen = AskTextScreen(tr("Color by"), question_for(config), str(probe), problem)
        screen.open(self.app, lambda typed: self.color_by(typed.strip()))

    def action_read_text(self) -> None:
        """Ask for a text, and feed it to the model."""
        ExternalTextScreen().open(self.app, self._read_text)

    def action_compare(self) -> None:
        """Ask for a text, and mark passages copied from it."""
        question = tr("A file to compare with; an empty line uses the model's training text.")
        screen = AskTextScreen(tr("Originality"), question, "", find=find_corpus)
        screen.open(self.app, self.compare_with)

    def begin(self) -> None:
        """Color the text by surprise, unless it has a coloring."""
        self._color(self.text_colors.coloring or SURPRISE)

    def compare_with(self, path: str) -> None:
        """Mark passages copied from a file, or, with an empty path, from the model's corpus."""
        self._originality = self._compare(path)
        self._color(self._originality)

    def _compare(self, path: str) -> Coloring:
        return Coloring("originality", partial(OriginalityLevels, path, self.post_message))

    def color_by(self, name: str, levels: Scale | None = None) -> None:
        """Color the text by a neuron or gate, as 0:c13, 0:h13, 0:f13 or 0:f.

        The levels of a neuron depend on its values so far if they are not given.
        """
        letter = name.partition(":")[2][:1]
        kind: UnitKind = "neuron" if letter in {"c", "h"} or letter.isdigit() else "gate"
        chosen = self._units[kind] = UnitColoring(kind, name, levels)
        self._color(chosen)

    def fit(self) -> None:
        """Show the panel if there is room for it, else one line; neither without a coloring."""
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
        """The configuration of the text's model; None without a model."""
        loaded = self.text_colors.text.loaded
        return None if loaded is None else loaded.model.config

    def _color(self, coloring: Coloring | UnitColoring | None) -> None:
        self.text_colors.color(coloring)
        self.fit()
        self.post_message(KeysChanged())  # the size of the text pane may change

    def _show(self) -> None:
        """Update the legend and the line."""
        coloring, legend = self.text_colors.coloring, self.text_colors.legend
        if coloring is not None:
            row: str | Content = tr(coloring.name)
            if legend is not None:
                keys = ""
                if isinstance(coloring, UnitColoring):
                    keys = tr_keys(
                        "{speech.xray_pick} {speech.xray_before} {speech.xray_after} others"
                    )
                row = legend_row(coloring.scale, *legend, keys)
            self._levels.update(row, layout=False)
        self._show_seen()

    def _show_seen(self) -> None:
        """Show one character's numbers in a line, if there is no panel beside the text."""
        if self.has_class("-roomy"):
            return  # the panel shows them
        seen, levels = self.text_colors.seen, self.text_colors.levels
        words = tr("Reading …") if self.text_colors.text.shown else tr("There is no text yet.")
        if seen is not None:
            more = levels.line(seen.branch, seen.position) if levels is not None else ""
            name = name_of(self.text_colors.text, self.app, seen.index)
            width = self.size.width
            mean = format_mean(self.text_colors.text, seen)
            words = format_place(name, seen.prediction, mean, width, more)
        self._line.update(words, layout=False)


def question_for(config: ModelConfig) -> str:
    """Return the question for a unit of a network, with the valid names."""
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
        "{names}. {layers}; its units are 0 to {last}; the number before the colon is the layer's.",
        names=sentence,
        layers=layers_sentence(config),
        last=last,
    )
