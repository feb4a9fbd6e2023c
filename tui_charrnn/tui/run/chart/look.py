"""What is shown of a run in the chart, and how."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self, TypeVar


class Span(StrEnum):
    """How much of the run."""

    WHOLE = "whole run"
    RECENT = "last batches"


class Curvature(StrEnum):
    """How losses are spread over the height."""

    LINEAR = "linear"
    LOGARITHMIC = "logarithmic"


class Axis(StrEnum):
    """What is counted from left to right."""

    STEPS = "steps"
    EPOCHS = "epochs"
    TIME = "time"


SMOOTHINGS: Final = (0.0, 0.9, 0.98)
"""What is left of a weight after one more batch."""
_E = TypeVar("_E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Look:
    """The four choices of a chart."""

    span: Span = Span.WHOLE
    curvature: Curvature = Curvature.LINEAR
    axis: Axis = Axis.STEPS
    smoothing: float = 0.9
    """One of `SMOOTHINGS`."""

    def with_next_span(self) -> Self:
        """The same with the next choice of the span."""
        return replace(self, span=_after(self.span))

    def with_next_curvature(self) -> Self:
        """The same with the next choice of the curvature."""
        return replace(self, curvature=_after(self.curvature))

    def with_next_axis(self) -> Self:
        """The same with the next choice of the axis."""
        return replace(self, axis=_after(self.axis))

    def with_next_smoothing(self) -> Self:
        """The same, smoothed more strongly, or not at all."""
        place = SMOOTHINGS.index(self.smoothing) + 1
        return replace(self, smoothing=SMOOTHINGS[place % len(SMOOTHINGS)])

    @property
    def words(self) -> list[str]:
        """The choices in words."""
        smoothing = f"smoothing {self.smoothing:g}" if self.smoothing else "not smoothed"
        return [self.span.value, self.curvature.value, self.axis.value, smoothing]


def _after(choice: _E) -> _E:
    choices = list(type(choice))
    return choices[(choices.index(choice) + 1) % len(choices)]
