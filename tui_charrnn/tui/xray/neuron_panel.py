"""Below a text: neurons that follow something in a text, to color the text by and to clamp."""

import math
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.content import Content
from textual.strip import Strip

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.clamping import LIMIT, Clamp, parse_clamps
from tui_charrnn.generation.neuron import Neuron
from tui_charrnn.lens.neurons import FollowingNeuron
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.cursor_list import CursorView
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.external_text import find_corpus
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.xray.neuron_search import Follower, Found, search_neurons
from tui_charrnn.viewing.formatting import bar, counted, fitted

_CELL: Final = 9  # columns of a neuron's name
_R: Final = 6
_BAR: Final = 10
_HELD: Final = 12
_NAME: Final = 16
_CHANCE: Final = 7
_HAS_CHANCE: Final = 74
"""Columns from which on there is room for what chance gives."""
_ROOMY: Final = 93
"""Columns from which on there is room for what a property means."""
_GAP: Final = "  "
_FAR: Final = 3
"""Standard deviations from its mean at which a cell is held at first."""
_STEP: Final = 0.5
"""Standard deviations from one value to the next."""

Row = tuple[Neuron, "Follower | None"]
"""A neuron, and what it follows; None if it is only held."""


class NeuronPanel(CursorView):
    """Lists neurons, with a cursor on one; colors the text by it, and holds it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("neurons")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "neuron-panel--about",
        "neuron-panel--cell",
        "neuron-panel--held",
        "neuron-panel--bar",
        "neuron-panel--cursor",
    }
    DEFAULT_CSS = """
    NeuronPanel {
        display: none;
        height: 45%;
        min-height: 5;
        max-height: 14;
        border: round $foreground 25%;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        &:focus { border: round $primary; }
        & .neuron-panel--about { color: $text-muted; }
        & .neuron-panel--cell { color: $foreground; }
        & .neuron-panel--held { color: $accent; text-style: bold; }
        & .neuron-panel--bar { color: $accent; }
        & .neuron-panel--cursor { background: $panel; color: $foreground; text-style: bold; }
        &:focus .neuron-panel--cursor { background: $primary 40%; }
    }
    """

    def __init__(
        self,
        text: TapeText,
        settings: GenerationSettings,
        *,
        color: Callable[[str, float | None, float | None], object],
        show_title: Callable[[], object],
        tell: Callable[[str], object],
    ) -> None:
        """Find nothing yet.

        Args:
            text: Whose model is looked into.
            settings: Has the cells that are held.
            color: Colors the text by a cell; given its name, and its mean and standard deviation
                over a text if they are known.
            show_title: Shows above the text what is held.
            tell: Says something about the text.
        """
        super().__init__()
        self.id = "neuron-panel"
        self.rows: list[Row] = []
        self.found: Found | None = None
        self.search: BackgroundTask | None = None
        """What is going on, if anything is."""
        self._text = text
        self._settings = settings
        self._color = color
        self._show_title = show_title
        self._tell = tell
        self._colored = ""
        """The name of the neuron that the text is colored by."""
        self._filter = ""
        """The property whose followers are listed; empty for all."""
        self._problem = ""
        """What stands where there are no rows; safe to show."""

    @property
    def selected(self) -> Row | None:
        """The row that has the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def on_unmount(self) -> None:
        """Let the thread end."""
        self.cancel()

    def render_line(self, y: int) -> Strip:
        """Draw a row of the view, counted from its top."""
        width, index = self.scrollable_content_region.width, self.scroll_offset.y + y
        if index >= len(self.rows):
            words = _wrapped(self._problem, width, y) if not self.rows else ""
            about = self.get_component_rich_style("neuron-panel--about")
            return Strip([Segment(words, about)]).adjust_cell_length(width, self.rich_style)
        look = Style.null()
        if index == self.cursor:
            look = self.get_component_rich_style("neuron-panel--cursor", partial=True)
        segments = []
        for text, columns, kind in self._cells(*self.rows[index], width):
            style = self.get_component_rich_style(f"neuron-panel--{kind}") + look
            segments.append(Segment(fitted(text, columns) + _GAP, style))
        return Strip(segments).crop_extend(0, width, self.rich_style + look)

    def look(self, path: str | None = None) -> None:
        """Look for neurons, unless that was done for this model and no text is named.

        Args:
            path: Of a text; "" is what the model was trained on, None any text that was read.
        """
        loaded, generation = _model_of(self._text), self._text.generation
        if loaded is None or generation is None:
            self._problem = tr("No model is loaded yet.")
        elif path is not None or self.found is None or self.found.model is not loaded.model:
            self.cancel()
            self.found, self._filter, self._problem = None, "", ""
            said = generation.result()
            generated = said.generated if said is not None else ""

            def work(task: BackgroundTask) -> None:
                tell = partial(self.call_later, self._show_progress, task)
                found, problem = None, ""
                try:
                    found = search_neurons(loaded, generated, path or "", tell, task.check)
                except CharRNNError as error:
                    problem = safe_line(str(error))
                task.check()
                self.call_later(self._show_found, task, found, problem)

            self.search = BackgroundTask("neurons", work)
        self.draw_all()

    def cancel(self) -> bool:
        """End a search; False if there was none."""
        search, self.search = self.search, None
        if search is None:
            return False
        search.cancel()
        again = key_label("neurons.read")
        self._problem = tr("The search was ended; {key} begins another one.", key=again)
        self.draw_all()
        return True

    def _show_progress(self, search: BackgroundTask, words: str) -> None:
        if search is self.search:
            stop = key_label("text.stop")
            self._problem = tr("{progress} … {key} ends it.", progress=words, key=stop)
            self.draw_all()

    def _show_found(self, search: BackgroundTask, found: Found | None, problem: str) -> None:
        if search is self.search:
            self.search, self.found, self._problem = None, found, problem
            self.draw_all()
            if found is not None and found.note:
                self._tell(tr("{note} So what was said so far was read.", note=found.note))

    def action_turn_filter(self, by: int) -> None:
        """Show the followers of another property."""
        if self.found is not None:
            cycle = ["", *self.found.properties]
            self._filter = cycle[(cycle.index(self._filter) + by) % len(cycle)]
            self.draw_all()

    def action_color(self) -> None:
        """Color the text by the cell."""
        row = self.selected
        if row is None:
            return
        neuron, follower = row
        self._colored = str(neuron)
        if follower is None:
            self._color(self._colored, None, None)
        else:
            self._color(self._colored, follower.cell.mean, follower.cell.deviation)
        self.refresh()

    def action_hold(self) -> None:
        """Ask for the value at which the cell is to be held."""
        row, loaded = self.selected, _model_of(self._text)
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

        question = tr("From the next character on, it has this value whatever the model reads.")
        if cell is not None:
            itself = tr(
                "By itself it has {mean:.2f}, give or take {deviation:.2f}.",
                mean=cell.mean,
                deviation=cell.deviation,
            )
            question = f"{question} {itself}"
        value = f"{self._value_of(neuron, cell):g}"
        title = tr("Clamp {neuron}", neuron=neuron)
        self.app.push_screen(AskTextScreen(title, question, value, problem), hold)

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

    def action_release(self) -> None:
        """Release the cell."""
        held, row = self._settings.held.clamps, self.selected
        self._release(tuple(one for one in held if row is not None and one.neuron == row[0]))

    def action_release_all(self) -> None:
        """Release all cells."""
        self._release(self._settings.held.clamps)

    def action_read(self) -> None:
        """Ask for a text to look for neurons in."""

        def read(typed: str | None) -> None:
            if typed is not None:
                self.look(typed)

        question = tr("A file to read; an empty line takes what the model was trained on.")
        self.app.push_screen(AskTextScreen(tr("Text"), question, "", find=find_corpus), read)

    def draw_all(self) -> None:
        """Show what is known, and what is held now; the cursor stays on its neuron."""
        held, before = self._settings.held.clamps, self.selected
        rows: list[Row] = []
        if self.found is not None:
            rows = [(one.cell.neuron, one) for one in self.found.listed(self._filter)]
        names = {neuron for neuron, _ in rows}
        others: list[Row] = [
            (one.neuron, None)
            for one in held
            if isinstance(one.neuron, Neuron) and one.neuron not in names
        ]
        self.rows = [*others, *rows]
        followed = tr(self._filter) if self._filter else tr("every property")
        title = tr("Neurons · {property} · Pearson's r (by chance)", property=followed)
        self.border_title = Content(title)
        words = ""
        if self.found is not None:
            words = f"{self.found.text}, {counted(self.found.characters, 'character')}"
        self.border_subtitle = Content(words)
        self.take_count(len(self.rows), self.rows.index(before) if before in self.rows else 0)

    def _hold(self, neuron: Neuron, value: float) -> None:
        loaded = _model_of(self._text)
        if loaded is None:
            return
        self._settings.hold(Clamp(neuron, value), loaded.model)
        self._show_title()
        self.draw_all()
        self._text.resume()
        release = key_label("neurons.release")
        self._tell(
            tr(
                "{neuron} is held at {value:g} from now on; {key} releases it.",
                neuron=neuron,
                value=value,
                key=release,
            )
        )

    def _release(self, clamps: tuple[Clamp, ...]) -> None:
        if not clamps:
            is_any = bool(self._settings.held.clamps)
            self._tell(tr("The cell is not held." if is_any else "No cell is held."))
            return
        self._settings.let_go(clamps)
        self._show_title()
        self.draw_all()
        names = ", ".join(str(clamp.neuron) for clamp in clamps)
        is_one = len(clamps) == 1
        self._tell(
            tr("{names} is free again." if is_one else "{names} are free again.", names=names)
        )

    def _cells(
        self, neuron: Neuron, follower: Follower | None, width: int
    ) -> list[tuple[str, int, str]]:
        """Text, columns and kind of every cell of a row."""
        mark = "▸" if str(neuron) == self._colored else " "
        held_now = {clamp.neuron: clamp for clamp in self._settings.held.clamps}
        clamp = held_now.get(neuron)
        held = f"= {clamp.value:g}" if clamp is not None else ""
        kind = "cell" if clamp is None else "held"
        cells = [(f"{mark} {neuron}", _CELL, kind)]
        if follower is None:
            words = f"{held:<{_HELD}}  {tr('not among what was found')}"
            return [*cells, (words, max(width - _CELL - len(_GAP), 1), "held")]
        r = follower.cell.r
        cells.append((f"{r:+.3f}", _R, "cell"))
        if width >= _HAS_CHANCE:
            cells.append((f"({follower.chance:.3f})", _CHANCE, "about"))
        cells.append((bar(abs(r), _BAR), _BAR, "bar"))
        cells += [(tr(follower.property.name), _NAME, "cell"), (held, _HELD, "held")]
        left = width - sum(columns + len(_GAP) for _, columns, _ in cells) - len(_GAP)
        if width >= _ROOMY:
            cells.append((tr(follower.property.sentence), max(left, 1), "about"))
        return cells

    def _value_of(self, neuron: Neuron, cell: FollowingNeuron | None = None) -> float:
        """At which value a cell is held, or would be offered."""
        held = {clamp.neuron: clamp.value for clamp in self._settings.held.clamps}
        if neuron in held or cell is None:
            return held.get(neuron, 0.0)
        return offered_value(cell)


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


def _wrapped(words: str, width: int, row: int) -> str:
    """One row of some words, broken where they fit."""
    rows = Content(words).wrap(max(width - 1, 1))
    return f" {rows[row]}" if row < len(rows) else ""


def _model_of(text: TapeText) -> LoadedModel | None:
    return text.opening.loaded if text.opening is not None else None
