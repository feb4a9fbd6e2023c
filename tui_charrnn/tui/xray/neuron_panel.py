"""The neuron list below a text: neurons that track a property, to color by and to clamp."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, NamedTuple

from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive

from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError
from tui_charrnn.generation.neuron import LIMIT, Clamp, Probe, parse_clamps
from tui_charrnn.generation.training_corpus import TrainingTexts
from tui_charrnn.lens.neurons import LEAST, FollowingNeuron, NeuronFinder
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.row_views import GAP, Cell, CursorView
from tui_charrnn.tui.session import GenerationSettings
from tui_charrnn.tui.text.external_text import find_corpus
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.xray.colorings import deviation_scale
from tui_charrnn.tui.xray.legend import XrayLegend
from tui_charrnn.viewing.formatting import bar, counted

_CELL: Final = 9  # columns of a neuron's name
_R: Final = 6
_BAR: Final = 10
_VALUE_WIDTH: Final = 12
_NAME: Final = 16
_CHANCE: Final = 7
_HAS_BAR: Final = 74
"""Minimum columns to show a bar beside r and its chance level."""
_ROOMY: Final = 93
"""Minimum columns to show the description of a property."""
_FIRST_DEVIATIONS: Final = 3
"""Standard deviations from the mean at which a neuron is first clamped."""
_STEP: Final = 0.5
"""Standard deviations between two values."""
LONGEST: Final = 500_000
"""Most characters of a text that are read; more hardly improve the estimate of r."""
_BLOCK: Final = 1 << 16
"""Characters between two progress reports."""
_TOP: Final = 8
"""Neurons listed for each property."""
_WIDEST: Final = 4
"""Most bytes of a character."""


class Row(NamedTuple):
    """A neuron of the list."""

    neuron: Probe
    follower: FollowingNeuron | None
    """The property that it tracks, and statistics; None if it was not found by a search."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search in one text."""

    text: str
    """Name of the text, safe to show."""
    characters: int
    """Number of characters read."""
    note: str
    """Why another text was read than requested; safe to show, empty if it was not."""
    followers: tuple[FollowingNeuron, ...]
    """The one with the largest |r| first."""

    @property
    def properties(self) -> list[str]:
        """Names of the tracked properties, that with the largest |r| first."""
        return [*dict.fromkeys(one.property.name for one in self.followers)]

    def listed(self, wanted: str) -> list[FollowingNeuron]:
        """Return the followers of a property; for "", each neuron once with its best property."""
        if wanted:
            return [one for one in self.followers if one.property.name == wanted]
        best = {one.neuron: one for one in reversed(self.followers)}
        return [one for one in self.followers if best[one.neuron] is one]


class NeuronPanel(CursorView):
    """Lists neurons, with a cursor on one; colors the text by it, and clamps it."""

    OWNER: Final = "neurons"
    DEFAULT_CLASSES = "framed"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"cursor-view--clamped", "cursor-view--bar"}
    DEFAULT_CSS = """
    NeuronPanel {
        display: none;
        height: 45%;
        min-height: 5;
        max-height: 14;
        & .cursor-view--clamped { color: $accent; text-style: bold; }
        & .cursor-view--bar { color: $accent; }
        & .cursor-view--cursor { color: $foreground; }
    }
    """

    colored: reactive[str] = reactive("")
    """Name of the neuron that the text is colored by; it is marked in the list."""

    def __init__(self, xray: XrayLegend, settings: GenerationSettings) -> None:
        """List nothing yet; the model of the colored text is searched, the settings have clamps."""
        super().__init__()
        self.rows: list[Row] = []
        self.found: Found | None = None
        self.search: BackgroundTask | None = None
        """The running search, if any."""
        self._searched: Model | None = None
        """The model of `search` or of `found`."""
        self._xray = xray
        self._text = xray.text_colors.text
        self._settings = settings
        self._filter = ""
        """The property whose neurons are listed; empty for all."""

    @property
    def selected(self) -> Row | None:
        """The row that has the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def on_mount(self) -> None:
        """Follow the coloring."""
        colors = self._xray.text_colors

        def mark() -> None:
            self.colored = colors.unit

        colors.changed.connect(mark)
        mark()

    def on_unmount(self) -> None:
        """End the search thread."""
        self.cancel()

    def look(self, path: str | None = None) -> None:
        """Search in a text, "" for the model's corpus; None keeps a search of this model."""
        loaded = self._text.loaded
        if loaded is None:
            self.empty_text = tr("No model is loaded yet.")
        elif path is not None or self._searched is not loaded.model:
            self.cancel()
            self._searched = loaded.model
            self.found, self._filter, self.empty_text = None, "", ""
            result = self._text.generation.result()
            generated = result.generated if result is not None else ""

            def show_progress(words: str) -> None:
                self.empty_text = tr_keys("{progress} … {text.stop} cancels it.", progress=words)
                self.draw_all()

            def work(task: BackgroundTask) -> None:
                report = partial(task.deliver, self.call_later, show_progress)
                found, problem = None, ""
                try:
                    found = search_neurons(loaded, generated, path or "", report, task.check)
                except CharRNNError as error:
                    problem = safe_line(str(error))
                task.deliver(self.call_later, self._show_found, found, problem)

            self.search = BackgroundTask("neurons", work)
        self.draw_all()

    def cancel(self) -> bool:
        """Cancel the search; return False if there was none."""
        search, self.search = self.search, None
        if search is None:
            return False
        search.cancel()
        self._searched = None
        self.empty_text = tr_keys("The search was cancelled; {neurons.read} starts another one.")
        self.draw_all()
        return True

    def _show_found(self, found: Found | None, problem: str) -> None:
        self.search, self.found, self.empty_text = None, found, problem
        self._searched = None if found is None else self._searched
        self.draw_all()
        if found is not None and found.note:
            self.post_message(
                NoteWritten(tr("{note} The text so far is read instead.", note=found.note))
            )

    def action_turn_filter(self, by: int) -> None:
        """Show the neurons of another property."""
        if self.found is not None:
            cycle = ["", *self.found.properties]
            self._filter = cycle[(cycle.index(self._filter) + by) % len(cycle)]
            self.draw_all()

    def action_color(self) -> None:
        """Color the text by the neuron."""
        row = self.selected
        if row is None:
            return
        cell = row.follower
        levels = None
        if cell is not None and cell.deviation:
            levels = deviation_scale(cell.mean, cell.deviation)
        self._xray.color_by(str(row.neuron), levels)

    def action_clamp(self) -> None:
        """Ask for the value to clamp the neuron to."""
        row, loaded = self.selected, self._text.loaded
        if row is None or loaded is None:
            return
        neuron, cell, config = row.neuron, row.follower, loaded.model.config

        def problem(typed: str) -> str:
            try:
                parse_clamps([f"{neuron}={typed}"], config)
            except ConfigError as error:
                return str(error)
            return ""

        question = tr("From the next character on, it has this value whatever the model reads.")
        if cell is not None:
            itself = tr(
                "Unclamped, it has {mean:.2f} ± {deviation:.2f}.",
                mean=cell.mean,
                deviation=cell.deviation,
            )
            question = f"{question} {itself}"
        title = tr("Clamp {neuron}", neuron=neuron)
        value = f"{value_of(row, self._settings.active_clamps.values):g}"
        screen = AskTextScreen(title, question, value, problem)
        screen.open(self.app, lambda typed: self._clamp(neuron, float(typed)))

    def action_turn(self, by: int) -> None:
        """Clamp the neuron lower or higher; a free one is clamped to the offered value."""
        row = self.selected
        if row is None:
            return
        cell, clamped = row.follower, self._settings.active_clamps.values
        value = value_of(row, clamped)
        if row.neuron in clamped:
            step = _STEP * (cell.deviation if cell is not None else 1)
            value = rounded(value + by * (step or _STEP))
        self._clamp(row.neuron, max(-LIMIT, min(LIMIT, value)))

    def action_release(self) -> None:
        """Release the neuron."""
        clamps, row = self._settings.active_clamps.clamps, self.selected
        self._release(tuple(one for one in clamps if row is not None and one.neuron == row.neuron))

    def action_release_all(self) -> None:
        """Release all neurons."""
        self._release(self._settings.active_clamps.clamps)

    def action_read(self) -> None:
        """Ask for a text, and search it for neurons."""
        question = tr("A file to read; an empty line uses the model's training text.")
        AskTextScreen(tr("Text"), question, "", find=find_corpus).open(self.app, self.look)

    def draw_all(self) -> None:
        """List the found and the clamped neurons; the cursor stays on its neuron."""
        clamps, before = self._settings.active_clamps.clamps, self.selected
        found = [] if self.found is None else self.found.listed(self._filter)
        rows = [Row(one.neuron, one) for one in found]
        names = {row.neuron for row in rows}
        others = [
            Row(one.neuron, None)
            for one in clamps
            if not one.neuron.gate and one.neuron not in names
        ]
        self.rows = others + rows
        followed = tr(self._filter) if self._filter else tr("every property")
        title = tr("Neurons · {property} · Pearson's r (by chance)", property=followed)
        self.border_title = Content(title)
        words = ""
        if self.found is not None:
            words = f"{self.found.text}, {counted(self.found.characters, 'character')}"
        self.border_subtitle = Content(words)
        self.take_count(len(self.rows), self.rows.index(before) if before in self.rows else 0)

    def _clamp(self, neuron: Probe, value: float) -> None:
        loaded = self._text.loaded
        if loaded is None:
            return
        self._settings.add_clamp(Clamp(neuron, value), loaded.model)
        self.draw_all()
        self._text.resume()
        self.post_message(
            NoteWritten(
                tr_keys(
                    "{neuron} is clamped to {value:g} from now on; {neurons.release} releases it.",
                    neuron=neuron,
                    value=value,
                )
            )
        )

    def _release(self, clamps: tuple[Clamp, ...]) -> None:
        if not clamps:
            is_any = bool(self._settings.active_clamps.clamps)
            self.post_message(
                NoteWritten(tr("The cell is not clamped." if is_any else "No cell is clamped."))
            )
            return
        self._settings.remove_clamps(clamps)
        self.draw_all()
        names = ", ".join(str(clamp.neuron) for clamp in clamps)
        is_one = len(clamps) == 1
        self.post_message(
            NoteWritten(
                tr("{names} is released." if is_one else "{names} are released.", names=names)
            )
        )

    def cells(self, index: int, width: int) -> list[Cell]:
        """Return the columns of a row: the neuron, r, its property and its clamp."""
        neuron, follower = self.rows[index]
        clamped = self._settings.active_clamps.values
        mark = "▸" if str(neuron) == self.colored else " "
        value = f"= {clamped[neuron]:g}" if neuron in clamped else ""
        cells = [Cell(f"{mark} {neuron}", _CELL, "clamped" if value else "text")]
        if follower is None:
            words = f"{value:<{_VALUE_WIDTH}}  {tr('not among the found cells')}"
            return [*cells, Cell(words, max(width - _CELL - GAP, 1), "clamped")]
        r = follower.r
        cells.append(Cell(f"{r:+.3f}", _R))
        cells.append(Cell(f"({follower.chance:.3f})", _CHANCE, "about"))
        if width >= _HAS_BAR:
            cells.append(Cell(bar(abs(r), _BAR), _BAR, "bar"))
        cells += [Cell(tr(follower.property.name), _NAME), Cell(value, _VALUE_WIDTH, "clamped")]
        if width >= _ROOMY:
            left = width - sum(cell.columns + GAP for cell in cells) - GAP
            cells.append(Cell(tr(follower.property.sentence), max(left, 1), "about"))
        return cells


def value_of(row: Row, clamped: Mapping[Probe, float]) -> float:
    """Return the value at which a neuron is clamped, else the value to offer."""
    if row.neuron in clamped or row.follower is None:
        return clamped.get(row.neuron, 0.0)
    return offered_value(row.follower)


def offered_value(cell: FollowingNeuron) -> float:
    """Return the first value for a clamp, as if the neuron's property were strongly present.

    It is three standard deviations from the mean; h, a product of two numbers below 1, is limited
    to -1 and 1.
    """
    value = cell.mean + math.copysign(_FIRST_DEVIATIONS * cell.deviation, cell.r)
    if cell.neuron.part == "h":
        value = max(-1.0, min(1.0, value))
    return rounded(value)


def rounded(value: float) -> float:
    """Round a number to three significant digits."""
    return float(f"{value:.3g}")


def search_neurons(
    loaded: LoadedModel,
    generated: str,
    path: str,
    report: Callable[[str], object],
    check_cancelled: Callable[[], None],
) -> Found:
    """Read a text, and find the properties that a model's neurons track in it.

    It is the text of `path`, by default the model's corpus, else the one generated so far. `report`
    is called with progress notes that are safe to show; `check_cancelled` raises to cancel.

    Raises:
        CharRNNError: If there is no text to read.
    """
    name, text, note = _text_of(loaded, generated, path, report, check_cancelled)

    def blocks() -> Iterator[str]:
        for start in range(0, len(text), _BLOCK):
            check_cancelled()
            share = format_percent(start / len(text))
            report(tr("Reading {name}: {share}", name=safe_line(name), share=share))
            yield text[start : start + _BLOCK]

    findings = NeuronFinder(loaded.model).find(blocks(), top=_TOP)
    check_cancelled()
    followers = [neuron for finding in findings.properties for neuron in finding.neurons]
    followers.sort(key=lambda one: -abs(one.r))
    return Found(safe_line(name), findings.characters, note, tuple(followers))


def _text_of(
    loaded: LoadedModel,
    generated: str,
    path: str,
    report: Callable[[str], object],
    check_cancelled: Callable[[], None],
) -> tuple[str, str, str]:
    """Return a text's name, the text, and why it is not the requested one."""
    if path:
        corpus = read_corpus(
            [path],
            Reading(unify_newlines="\r" not in loaded.model.vocabulary.characters),
            check_cancelled=check_cancelled,
            limit=LONGEST * _WIDEST,
        )
        return corpus.name, corpus.numbered.decode(0, LONGEST), ""
    try:
        report(tr("Reading the text that the model was trained on"))
        corpus = TrainingTexts(
            loaded.model, loaded.file, loaded.runs_folder, check_cancelled=check_cancelled
        ).read()
        return corpus.name, corpus.numbered.decode(0, LONGEST), ""
    except CharRNNError as error:
        if len(generated) >= LEAST:
            return tr("the text so far"), generated[-LONGEST:], safe_line(str(error))
        sentence = tr_keys(
            "The text so far has {count:,} characters; a search for neurons needs {least:,}. "
            "{neurons.read} searches again, or in a text that you name. {error}",
            count=len(generated),
            least=LEAST,
            error=error,
        )
        raise CorpusError(sentence) from error
