"""The colorings of a text; each maps a character to one of five levels.

`Coloring.begin` returns the `Levels` of one text.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np
from textual.content import Content

from tui_charrnn.config import ModelConfig
from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.neuron import Probe, default_gate, default_neuron, parse_probe
from tui_charrnn.generation.tape import Tape
from tui_charrnn.lens import influence
from tui_charrnn.lens.influence import FARTHEST, decay_distance
from tui_charrnn.lens.neurons import BORDERS
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.streamed_text import ScaleName
from tui_charrnn.tui.xray.reader import ProbeValues, TapeSpan, XrayReading
from tui_charrnn.viewing.formatting import format_distance

UnitKind = Literal["neuron", "gate"]
NAME: Final = 12  # columns of a name in the panel
VALUE: Final = 14  # columns of a value in the panel


def _ranges(borders: Sequence[float]) -> list[str]:
    between = [f"{low:g}\N{EN DASH}{high:g}" for low, high in pairwise(borders)]
    return [f"<{borders[0]:g}", *between, f"≥{borders[-1]:g}"]


@dataclass(frozen=True, slots=True)
class Scale:
    """Levels of a value below, near and above a middle."""

    borders: tuple[float, float, float, float]
    """Borders between levels, ascending; level 2 is the middle."""
    ends: tuple[str, str] = ("", "")
    """Names of the lowest and the highest level, if any."""

    def level(self, value: float) -> int:
        """From 0, far below the middle, to 4, far above it."""
        return bisect_right(self.borders, value)

    def level_labels(self) -> list[str]:
        """What each level means, from level 0 on."""
        lowest, low, high, highest = (f"{border:.3g}" for border in self.borders)
        first, last = (f" {tr(name)}" if name else "" for name in self.ends)
        between = tr("between")
        return [f"<{lowest}{first}", f"<{low}", between, f"≥{high}", f"≥{highest}{last}"]


GATE_SCALE: Final = Scale((0.1, 0.3, 0.7, 0.9), ("shut", "open"))
"""For a gate, between 0 and 1."""
MEAN_GATE_SCALE: Final = Scale((0.3, 0.4, 0.6, 0.7))
"""For its mean over a layer, which rarely comes near 0 or 1."""
CANDIDATE_SCALE: Final = Scale((-0.8, -0.4, 0.4, 0.8))
"""For a candidate state, between -1 and 1."""
MEAN_CANDIDATE_SCALE: Final = Scale((-0.1, -0.03, 0.03, 0.1))
"""For its mean over a layer."""
_INFLUENCE_BORDERS: Final = (1, 5, 20, 50)
"""Borders between the levels of an earlier character's influence, in percent of the largest."""


def neuron_scale(largest: float) -> Scale:
    """The levels of a neuron by its largest absolute value so far.

    They change in few steps, at 1, 2 or 5 times a power of ten, so that a streaming text is not
    recolored at every character.
    """
    full = full_scale(largest)
    near, far = 0.2 * full, 0.5 * full
    return Scale((-far, -near, near, far))


def deviation_scale(mean: float, deviation: float) -> Scale:
    """The levels of a neuron with known mean and standard deviation over a text."""
    near, far = (steps * deviation for steps in BORDERS)
    return Scale((mean - far, mean - near, mean + near, mean + far))


def full_scale(largest: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is at least `largest`, or else 1."""
    if not 0 < largest < math.inf:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next((step * power for step in (1, 2, 5) if largest <= step * power), 10 * power)


class Levels:
    """The levels of the characters of one text, under a coloring."""

    moves = False
    """Whether known levels may change together with the legend."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """Return a title, and a label for each level from 0 on.

        The legend leaves out a level with an empty label.
        """
        raise NotImplementedError

    def level(self, branch: int, position: int) -> int | None:
        """Return the level of a character, from 0 to 4; None if it is not known yet."""
        raise NotImplementedError

    def request(self, branch: int, position: int) -> None:
        """Request the levels of a branch, with a character to explain, if they are not read anyway.

        Replaces the previous request.
        """

    def line(self, branch: int, position: int) -> str:  # noqa: ARG002 - for subclasses
        """Return a short description of a character, safe to show; empty for none."""
        return ""

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """Return the panel's rows on a character, `height` at most."""
        line = self.line(branch, position)
        return [Content(line)][:height] if line else []

    def close(self) -> None:
        """Stop reading."""


@dataclass(frozen=True, slots=True)
class Coloring:
    """A way to color a text."""

    name: str
    """The unique name, one word."""
    begin: Callable[[XrayReading], Levels]
    """Returns the levels of a text."""
    scale: ClassVar[ScaleName] = "rising"


@dataclass(frozen=True, slots=True)
class UnitColoring:
    """Colors by the value of one neuron or gate after each character."""

    name: UnitKind
    unit: str = ""
    """The unit, as 0:c13 or 0:f13; empty for the model's default."""
    levels: Scale | None = None
    """The levels of a neuron; None if they depend on its values so far."""
    scale: ClassVar[ScaleName] = "diverging"

    def probe(self, config: ModelConfig) -> Probe | None:
        """Return the probe for a network; None if it has no gates.

        If the network lacks the named unit, its default unit is used.
        """
        if self.unit:
            try:
                return parse_probe(self.unit, config)
            except ConfigError:
                pass
        return default_neuron(config) if self.name == "neuron" else default_gate(config)

    def begin(self, reading: XrayReading) -> Levels | None:
        """Record the neuron or gate in a text; None if its model has no gates."""
        probe = self.probe(reading.tape.stream.model.config)
        values = reading.follow(probe)
        return None if values is None else UnitLevels(reading, values, self.levels)


class MeasureLevels(Levels):
    """The levels of a measure of each prediction; the least expected characters have the highest.

    A measure in percent is a share, of which the smallest have the highest level.
    """

    def __init__(
        self, name: str, unit: str, borders: tuple[float, ...], reading: XrayReading
    ) -> None:
        """Take a field of `Prediction`; the borders between levels ascend, in the unit."""
        self._name, self._unit, self._borders, self._reading = name, unit, borders, reading

    def legend(self) -> tuple[str, Sequence[str]]:
        """Return the measure with its unit, and the ranges of its levels."""
        labels = _ranges(self._borders)
        head = f"{tr(self._name)}, {tr(self._unit)}"
        return head, labels[::-1] if self._unit == "%" else labels

    def level(self, branch: int, position: int) -> int | None:
        """Return the level of a character's prediction."""
        expected = self._reading.expected(branch, position)
        if expected is None:
            return None
        value: float = getattr(expected, self._name)
        if self._unit == "%":
            return len(self._borders) - bisect_right(self._borders, 100 * value)
        return bisect_right(self._borders, value)


MEASURES: Final[tuple[tuple[str, str, tuple[float, ...]], ...]] = (
    ("probability", "%", (1, 5, 20, 50)),
    ("surprise", "bits", (1, 2, 4, 7)),
    ("entropy", "bits", (0.5, 1, 2, 3)),
)
"""Name, unit and borders of each measure, in the order in which a key cycles through them."""
MEASURE_COLORINGS: Final = tuple(
    Coloring(measure[0], partial(MeasureLevels, *measure)) for measure in MEASURES
)
"""The colorings that every model has."""
SURPRISE: Final = next(one for one in MEASURE_COLORINGS if one.name == "surprise")
"""The default coloring."""


class UnitLevels(Levels):
    """The levels of a neuron or gate; its values are read together with the predictions."""

    moves = True

    def __init__(self, reading: XrayReading, values: ProbeValues, levels: Scale | None) -> None:
        self._reading, self._values, self._levels = reading, values, levels
        self.probe: Final = values.probe
        """The neuron or gate."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """Return the name and kind of the unit, and the ranges of its levels."""
        probe = self.probe
        return f"{probe} {probe.words}", self.scale.level_labels()

    @property
    def scale(self) -> Scale:
        """The bounds of the levels; a neuron's are given, or depend on its largest value so far."""
        probe, is_mean = self.probe, self.probe.unit is None
        if probe.gate == "candidate":
            return MEAN_CANDIDATE_SCALE if is_mean else CANDIDATE_SCALE
        if probe.gate:
            return MEAN_GATE_SCALE if is_mean else GATE_SCALE
        return self._levels or neuron_scale(self._values.largest)

    def level(self, branch: int, position: int) -> int | None:
        """Return the level of the value after a character."""
        value = self._value(branch, position)
        return None if value is None else self.scale.level(value)

    def line(self, branch: int, position: int) -> str:
        """Return the name of the unit and its value after a character."""
        value = self._value(branch, position)
        return "" if value is None else f"{self.probe} {value:+.3f}"

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """Return name and value as a row."""
        value = self._value(branch, position)
        shown = "…" if value is None else f"{value:+.3f}"
        return [Content(f"{self.probe!s:<{NAME}} {shown:>{VALUE}}")][:height]

    def close(self) -> None:
        """Stop recording the unit."""
        if self._reading.values is self._values:
            self._reading.follow(None)

    def _value(self, branch: int, position: int) -> float | None:
        return self._values.known.get(self._reading.key_of(branch, position))


class PastInfluence(NamedTuple):
    """The influence of earlier characters on one character."""

    branch: int
    position: int
    influence: np.ndarray
    """Influence by distance from 1 on; empty if it cannot be computed."""
    problem: str = ""
    """Why it cannot be computed; empty if it can."""


class InfluenceLevels(Levels):
    """The influence on the character at the cursor, else on the newest; computed in a thread."""

    moves = True

    def __init__(self, reading: XrayReading) -> None:
        self._reading = reading
        self._known: PastInfluence | None = None
        self._wanted: tuple[int, int] | None = None
        self._task = BackgroundTask("influence", self._work)

    def legend(self) -> tuple[str, Sequence[str]]:
        """Return the character, and the levels in percent of the largest influence."""
        known = self._known
        if known is None:
            return tr("influence: reading …"), ("",) * 5
        if known.problem:
            return tr("influence: {problem}", problem=known.problem), ("",) * 5
        number = known.position + 1
        head = tr("influence on character {number:,}, % of largest", number=number)
        return head, _ranges(_INFLUENCE_BORDERS)

    def level(self, branch: int, position: int) -> int | None:
        """Return the level of a character before the explained one."""
        known = self._known
        if known is None or known.branch != branch:
            return None
        distance = known.position - position
        if not 0 < distance <= len(known.influence):
            return None
        share = float(known.influence[distance - 1] / known.influence.max())
        return bisect_right(_INFLUENCE_BORDERS, 100 * share)

    def request(self, branch: int, position: int) -> None:
        """Compute the influence on the explained character."""
        self._wanted = branch, position
        self._task.wake()

    def line(self, branch: int, position: int) -> str:
        """Return the distances from which on the influence is small."""
        known = self._known
        if known is None or known.problem or (known.branch, known.position) != (branch, position):
            return ""
        reach = len(known.influence)
        half, tenth = (
            format_distance(decay_distance(known.influence, share), reach) for share in (0.5, 0.1)
        )
        return tr("below half from {half}, tenth from {tenth} back", half=half, tenth=tenth)

    def close(self) -> None:
        """Stop computing."""
        self._task.cancel()

    def _work(self, task: BackgroundTask) -> None:
        reading = self._reading
        while True:
            place, began = task.wait_for(self._next_place), time.monotonic()
            self._known = past = compute_influence(reading.generation, reading.tape, *place)
            start = max(past.position - FARTHEST, 0)
            reading.announce(TapeSpan(past.branch, start, past.position + 1))
            if reading.generation.is_active:  # leave most of the processor to it
                task.wait(3 * (time.monotonic() - began))

    def _next_place(self) -> tuple[int, int] | None:
        """Return the requested character, unless its influence is known."""
        known, wanted = self._known, self._wanted
        is_known = known is not None and (known.branch, known.position) == wanted
        return None if is_known else wanted


INFLUENCE: Final = Coloring("influence", InfluenceLevels)
"""Colors the characters before the cursor by their influence on the prediction there."""


def compute_influence(
    generation: GenerationThread, tape: Tape, branch: int, position: int
) -> PastInfluence:
    """Compute the influence on a character of a branch, up to `FARTHEST` characters back.

    Characters of the seed text are not measured.
    """

    def unknown(problem: str) -> PastInfluence:
        return PastInfluence(branch, position, np.zeros(0), problem)

    tree, model = tape.tree, tape.stream.model
    reach = min(position, FARTHEST)
    if not reach:
        return unknown(tr("measured from the second character on"))
    begin = position - reach + 1
    clamps = tree.holder(branch, position).clamps_at(position)
    if clamps or tree.holder(branch, begin).clamps_at(begin):
        return unknown(tr("not computed while a neuron is clamped"))
    start = generation.read_position(branch, begin)
    if start is None:
        return unknown(tr("this character no longer exists"))
    indices = np.array([start.state.unread, *tree.indices(branch, begin, position + 1)], np.intp)
    end = model.vocabulary.end_index
    ends = np.flatnonzero(indices[:-1] == (-1 if end is None else end))
    if len(ends):  # the state was reset at the end of a record
        indices = indices[ends[-1] :]
        reach = len(indices) - 1
    try:
        state = None if len(ends) else start.state.network
        passage = influence.ForwardPass(model.weights, model.config, indices, state)
        found = passage.influence(np.array([reach]), reach).inputs[0]
    except CharRNNError:
        found = np.full(1, np.nan)
    if not np.isfinite(found).all() or not found.max() > 0:
        return unknown(tr("the gradients are not finite numbers"))
    return PastInfluence(branch, position, found)
