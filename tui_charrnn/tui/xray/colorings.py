"""What a text can be colored by: every coloring puts each character on one of five levels.

What a coloring knows of one text is its `Levels`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, NamedTuple, Protocol

import numpy as np
from textual.content import Content

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.neuron import Probe, default_gate, default_neuron, parse_probe
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens import influence
from tui_charrnn.lens.influence import FARTHEST, distance_left
from tui_charrnn.model_config import ModelConfig
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.streamed_text import ScaleName
from tui_charrnn.tui.xray.reader import Passage, ProbeValues, XrayReading
from tui_charrnn.viewing.xray import (
    CANDIDATE_SCALE,
    GATE_SCALE,
    INFLUENCE_SCALE,
    INFLUENCE_WORDS,
    MEAN_CANDIDATE_SCALE,
    MEAN_GATE_SCALE,
    MEASURES,
    Measure,
    Scale,
    deviation_scale,
    neuron_scale,
)

UnitKind = Literal["neuron", "gate"]
NAME: Final = 12  # columns of a name in the panel
VALUE: Final = 14  # columns of a value


class Levels:
    """The levels of the characters of one text, under a coloring."""

    moves = False
    """Whether a level that is known may become another one when the legend changes."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """What is colored by, in some words, and what each level means, from level 0 on.

        A level without words is left out of the legend.
        """
        raise NotImplementedError

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character, from 0 to 4; None as long as it is not known."""
        raise NotImplementedError

    def want(self, passages: Sequence[Passage]) -> None:
        """Have passages read, the first of them first, if that is not done for the panel anyway.

        What was wanted before is forgotten.
        """

    def line(self, branch: int, position: int) -> str:  # noqa: ARG002 - there may be nothing to say
        """A character in a few words, safe to show; empty for nothing."""
        return ""

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """A character in the panel, in `height` rows at most."""
        line = self.line(branch, position)
        return [Content(line)][:height] if line else []

    def close(self) -> None:
        """Read no more."""


class Coloring(Protocol):
    """One thing that a text can be colored by."""

    @property
    def name(self) -> str:
        """Which it is, in a word; no other coloring has it."""

    @property
    def scale(self) -> ScaleName:
        """How its levels look."""

    def begin(self, reading: XrayReading) -> Levels | None:
        """The levels of a text; None if its model has nothing of the kind."""


@dataclass(frozen=True, slots=True)
class UnitColoring:
    """Colors by what one neuron, or one gate, has after each character."""

    name: UnitKind
    unit: str = ""
    """As 0:c13 or 0:f13; empty for the default of the model."""
    mean: float | None = None
    """Of a neuron over a text, if it is known together with `deviation`."""
    deviation: float | None = None
    """Its standard deviation."""
    scale: ClassVar[ScaleName] = "diverging"

    def probe(self, config: ModelConfig) -> Probe | None:
        """The number that is read in a network; None if that has nothing of the kind.

        A model that lacks the named unit has its default one read instead.
        """
        if self.unit:
            try:
                return parse_probe(self.unit, config)
            except ConfigError:
                pass
        return default_neuron(config) if self.name == "neuron" else default_gate(config)

    def begin(self, reading: XrayReading) -> Levels | None:
        """Follow the neuron or gate in a text; None if its model has no gates."""
        probe = self.probe(reading.tape.stream.model.config)
        values = reading.follow(probe)
        return None if values is None else UnitLevels(reading, values, self)


@dataclass(frozen=True, slots=True)
class MeasureColoring:
    """Colors by a number of what was expected of each character."""

    measure: Measure
    scale: ClassVar[ScaleName] = "rising"

    @property
    def name(self) -> str:
        """The measure's."""
        return self.measure.name

    def begin(self, reading: XrayReading) -> Levels:
        """Look the numbers up in what is read anyway."""
        return MeasureLevels(reading, self.measure)


MEASURE_COLORINGS: Final = tuple(map(MeasureColoring, MEASURES))
"""Those that every model has."""
SURPRISE: Final = next(one for one in MEASURE_COLORINGS if one.name == "surprise")
"""The default."""


class MeasureLevels(Levels):
    """The levels of a measure; its numbers are read for the panel as well, and shown there."""

    def __init__(self, reading: XrayReading, measure: Measure) -> None:
        self._reading, self._measure = reading, measure

    def legend(self) -> tuple[str, Sequence[str]]:
        """The measure and its unit, and its borders."""
        measure = self._measure
        return f"{tr(measure.name)}, {tr(measure.unit)}", measure.level_labels()

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character's number."""
        expected = self._reading.expected(branch, position)
        return None if expected is None else self._measure.level(expected)


class UnitLevels(Levels):
    """The levels of a neuron or a gate, whose values are read with the numbers for the panel."""

    moves = True

    def __init__(self, reading: XrayReading, values: ProbeValues, coloring: UnitColoring) -> None:
        self._reading, self._values, self._coloring = reading, values, coloring
        self.probe: Final = values.probe
        """Which it is."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """The name, what it is, and the borders."""
        probe = self.probe
        return f"{probe} {probe.words}", self.scale.level_labels()

    @property
    def scale(self) -> Scale:
        """Where the levels begin: for a neuron, by its largest value so far or by its deviation."""
        probe, coloring = self.probe, self._coloring
        is_mean = probe.unit is None
        if probe.gate == "candidate":
            return MEAN_CANDIDATE_SCALE if is_mean else CANDIDATE_SCALE
        if probe.gate:
            return MEAN_GATE_SCALE if is_mean else GATE_SCALE
        if coloring.mean is not None and coloring.deviation:
            return deviation_scale(coloring.mean, coloring.deviation)
        return neuron_scale(self._values.largest)

    def level(self, branch: int, position: int) -> int | None:
        """The level of the value after a character."""
        value = self._value(branch, position)
        return None if value is None else self.scale.level(value)

    def line(self, branch: int, position: int) -> str:
        """The value after a character, with the name."""
        value = self._value(branch, position)
        return "" if value is None else f"{self.probe} {value:+.3f}"

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """The same as a row."""
        value = self._value(branch, position)
        shown = "…" if value is None else f"{value:+.3f}"
        return [Content(f"{self.probe!s:<{NAME}} {shown:>{VALUE}}")][:height]

    def close(self) -> None:
        """Follow it no more."""
        if self._reading.values is self._values:
            self._reading.follow(None)

    def _value(self, branch: int, position: int) -> float | None:
        return self._values.of(self._reading.key_of(branch, position))


@dataclass(frozen=True, slots=True)
class InfluenceColoring:
    """Colors what comes before the cursor by how much it moves the prediction at the cursor."""

    name: ClassVar[str] = "influence"
    scale: ClassVar[ScaleName] = "rising"

    def begin(self, reading: XrayReading) -> Levels:
        """Go back from the character that is looked at, in a thread."""
        return InfluenceLevels(reading)


class Past(NamedTuple):
    """What one character depends on."""

    branch: int
    position: int
    influence: np.ndarray
    """By distance from 1 on; empty where it cannot be computed."""
    problem: str = ""
    """Why not."""

    @property
    def distances(self) -> tuple[int | None, int | None]:
        """From how many characters back on less than a half and a tenth of the largest is left."""
        half, tenth = (distance_left(self.influence, share) for share in (0.5, 0.1))
        return half, tenth


class InfluenceLevels(Levels):
    """What the character at the cursor, or the newest, depends on."""

    moves = True

    def __init__(self, reading: XrayReading) -> None:
        self._reading = reading
        self._known: Past | None = None
        self._wanted: tuple[int, int] | None = None
        self._task = BackgroundTask("influence", self._work)

    def legend(self) -> tuple[str, Sequence[str]]:
        """Whose past is colored, and the shares of the largest influence."""
        known = self._known
        if known is None:
            return tr("influence: reading …"), ("",) * 5
        if known.problem:
            return tr("influence: {problem}", problem=known.problem), ("",) * 5
        number = known.position + 1
        head = tr("influence on character {number:,}, of the largest", number=number)
        return head, INFLUENCE_WORDS

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character before the one that is looked at."""
        known = self._known
        if known is None or known.branch != branch:
            return None
        distance = known.position - position
        if not 0 < distance <= len(known.influence):
            return None
        share = known.influence[distance - 1] / known.influence.max()
        return INFLUENCE_SCALE.level(float(share))

    def want(self, passages: Sequence[Passage]) -> None:
        """Go back from the character that is looked at, which is the first that is wanted."""
        if passages:
            self._wanted = passages[0].branch, passages[0].start
            self._task.wake()

    def line(self, branch: int, position: int) -> str:
        """From where on little influence is left."""
        known = self._known
        if known is None or known.problem or (known.branch, known.position) != (branch, position):
            return ""
        half, tenth = (_back(distance) for distance in known.distances)
        return tr("under a half from {half}, a tenth from {tenth} back", half=half, tenth=tenth)

    def close(self) -> None:
        """Compute no more."""
        self._task.cancel()

    def _work(self, task: BackgroundTask) -> None:
        reading = self._reading
        while True:
            place, began = task.wait_for(self._next_place), time.monotonic()
            self._known = past = find_past(reading.generation, reading.tape, *place)
            start = max(past.position - FARTHEST, 0)
            reading.announce(Passage(past.branch, start, past.position + 1))
            if reading.generation.is_active:  # which would be slow while much is computed
                task.wait(3 * (time.monotonic() - began))

    def _next_place(self) -> tuple[int, int] | None:
        """The character that is wanted, unless it is known."""
        known, wanted = self._known, self._wanted
        is_known = known is not None and (known.branch, known.position) == wanted
        return None if is_known else wanted


def find_past(generation: GenerationThread, tape: Tape, branch: int, position: int) -> Past:
    """What a character of a branch depends on, up to `FARTHEST` characters back."""
    nothing = np.zeros(0)
    tree, model = tape.tree, tape.stream.model
    reach = min(position, FARTHEST)
    if not reach:
        return Past(branch, position, nothing, tr("nothing comes before the first character"))
    begin = position - reach + 1
    held = tree.holder(branch, position).clamps_at(position)
    if held or tree.holder(branch, begin).clamps_at(begin):
        return Past(branch, position, nothing, tr("not computed while a neuron is clamped"))
    moment = generation.moment(branch, begin)
    if moment is None:
        return Past(branch, position, nothing, tr("there is no such character any more"))
    indices = np.array([moment.state.unread, *tree.indices(branch, begin, position + 1)], np.intp)
    end = model.vocabulary.end_index
    ends = np.flatnonzero(indices[:-1] == (-1 if end is None else end))
    if len(ends):  # everything was forgotten before
        indices = indices[ends[-1] :]
        reach = len(indices) - 1
    try:
        state = None if len(ends) else moment.state.network
        passage = influence.Passage(model.weights, model.config, indices, state)
        found = passage.influence(np.array([reach]), reach).inputs[0]
    except CharRNNError:
        found = np.full(1, np.nan)
    if not np.isfinite(found).all() or not found.max() > 0:
        return Past(branch, position, nothing, tr("the gradients are not finite numbers"))
    return Past(branch, position, found)


def _back(distance: int | None) -> str:
    return tr("over {count}", count=FARTHEST) if distance is None else f"{distance:,}"


def colorings(
    units: Mapping[UnitKind, UnitColoring], config: ModelConfig | None
) -> tuple[Coloring, ...]:
    """All colorings in the order of the cycle; a model may have no gates."""
    has_gates = config is None or config.cell != "rnn"
    by_unit = (units["neuron"], units["gate"]) if has_gates else (units["neuron"],)
    return (*MEASURE_COLORINGS, *by_unit)
