"""What a text can be colored by: every coloring puts each character on one of five levels.

What a coloring knows of one text is its `Levels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from textual.content import Content

from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.neuron import default_gate, default_neuron, parse_probe
from tui_charrnn.translation import tr
from tui_charrnn.tui.xray.numbers import key_of
from tui_charrnn.viewing.xray import (
    CANDIDATE_SCALE,
    GATE_SCALE,
    MEAN_CANDIDATE_SCALE,
    MEAN_GATE_SCALE,
    MEASURES,
    deviation_scale,
    neuron_scale,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui_charrnn.generation.neuron import Probe
    from tui_charrnn.generation.tree import Tree
    from tui_charrnn.model_config import ModelConfig
    from tui_charrnn.tui.xray.looks import ScaleName
    from tui_charrnn.tui.xray.numbers import Key, ProbeValues
    from tui_charrnn.tui.xray.reader import Passage, XrayReading
    from tui_charrnn.viewing.xray import Measure, Scale

UnitKind = Literal["neuron", "gate"]
NAME: Final = 12  # columns of a name in the panel
VALUE: Final = 14  # columns of a value


class Levels(Protocol):
    """The levels of the characters of one text, under a coloring."""

    moves: bool
    """Whether a level that is known may become another one when the legend changes."""

    def legend(self) -> tuple[str, Sequence[str]]:
        """What is colored by, in some words, and what each level means, from level 0 on.

        A level without words is left out of the legend.
        """

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character, from 0 to 4; None as long as it is not known."""

    def want(self, passages: Sequence[Passage]) -> None:
        """Have passages read, the first of them first; what was wanted before is forgotten."""

    def line(self, branch: int, position: int) -> str:
        """A character in a few words, safe to show; empty for nothing."""

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:
        """A character in the panel, in `height` rows at most."""

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
        """The levels of a text whose tape is there; None if the model has nothing of the kind.

        Args:
            reading: Reads the text; `reading.announce` reports what became known.
        """


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

    @property
    def scale(self) -> ScaleName:
        """How its levels look."""
        return "diverging"

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
        tape = reading.generation.tape
        probe = self.probe(tape.stream.model.config) if tape is not None else None
        if tape is None or probe is None:
            return None
        values = reading.follow(probe)
        return None if values is None else UnitLevels(reading, tape.tree, values, self)


@dataclass(frozen=True, slots=True)
class MeasureColoring:
    """Colors by a number of what was expected of each character."""

    measure: Measure

    @property
    def name(self) -> str:
        """The measure's."""
        return self.measure.name

    @property
    def scale(self) -> ScaleName:
        """How its levels look."""
        return "rising"

    def begin(self, reading: XrayReading) -> Levels | None:
        """Look the numbers up in what is read anyway."""
        tape = reading.generation.tape
        return None if tape is None else MeasureLevels(reading, tape.tree, self.measure)


MEASURE_COLORINGS: Final = tuple(map(MeasureColoring, MEASURES))
"""Those that every model has."""
SURPRISE: Final = next(one for one in MEASURE_COLORINGS if one.name == "surprise")
"""The default."""


class MeasureLevels:
    """The levels of a measure."""

    moves = False

    def __init__(self, reading: XrayReading, tree: Tree, measure: Measure) -> None:
        self._numbers, self._tree, self._measure = reading.numbers, tree, measure

    def legend(self) -> tuple[str, Sequence[str]]:
        """The measure and its unit, and its borders."""
        return measure_legend(self._measure)

    def level(self, branch: int, position: int) -> int | None:
        """The level of a character's number."""
        expected = self._numbers.expected(key_of(self._tree, branch, position))
        return None if expected is None else self._measure.level(expected)

    def want(self, passages: Sequence[Passage]) -> None:
        """Want nothing more: the numbers are read for the panel as well."""

    def line(self, branch: int, position: int) -> str:  # noqa: ARG002 - as every coloring has it
        """Nothing: the numbers are shown under every coloring."""
        return ""

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """Nothing, as in `line`."""
        return []

    def close(self) -> None:
        """Do nothing: there is nothing of its own."""


class UnitLevels:
    """The levels of a neuron or a gate."""

    moves = True

    def __init__(
        self, reading: XrayReading, tree: Tree, values: ProbeValues, coloring: UnitColoring
    ) -> None:
        self._reading, self._tree, self._values = reading, tree, values
        self._coloring = coloring

    @property
    def probe(self) -> Probe:
        """Which it is."""
        return self._values.probe

    def legend(self) -> tuple[str, Sequence[str]]:
        """The name, what it is, and the borders."""
        probe = self.probe
        return f"{probe} {probe.words}", self.scale.level_words()

    @property
    def scale(self) -> Scale:
        """Where the levels begin: for a neuron, by its largest value so far or by its deviation."""
        probe, coloring = self._values.probe, self._coloring
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
        value = self._values.of(self._key(branch, position))
        return None if value is None else self.scale.level(value)

    def want(self, passages: Sequence[Passage]) -> None:
        """Want nothing more: the values are read with the numbers for the panel."""

    def line(self, branch: int, position: int) -> str:
        """The value after a character, with the name."""
        value = self._values.of(self._key(branch, position))
        return "" if value is None else f"{self._values.probe} {value:+.3f}"

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:  # noqa: ARG002
        """The same as a row."""
        value = self._values.of(self._key(branch, position))
        shown = "…" if value is None else f"{value:+.3f}"
        return [Content(f"{self._values.probe!s:<{NAME}} {shown:>{VALUE}}")][:height]

    def close(self) -> None:
        """Follow it no more."""
        if self._reading.values is self._values:
            self._reading.follow(None)

    def _key(self, branch: int, position: int) -> Key:
        return key_of(self._tree, branch, position)


def measure_legend(measure: Measure) -> tuple[str, Sequence[str]]:
    """What a measure is called, with its unit, and what its levels mean."""
    return f"{tr(measure.name)}, {tr(measure.unit)}", measure.level_words()


def colorings(
    units: Mapping[UnitKind, UnitColoring], config: ModelConfig | None
) -> tuple[Coloring, ...]:
    """All colorings, in the order in which they are gone through.

    Args:
        units: The neuron and the gate that were chosen last.
        config: Of the model that generates, which may have no gates; None while there is none.
    """
    has_gates = config is None or config.cell != "rnn"
    by_unit = (units["neuron"], units["gate"]) if has_gates else (units["neuron"],)
    return (*MEASURE_COLORINGS, *by_unit)
