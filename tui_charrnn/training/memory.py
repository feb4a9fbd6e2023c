"""How far back the newest weights look, at every validation, in a passage of the held-out text.

The gradients are those of `tui_charrnn.lens.influence`: nothing of the training is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tui_charrnn.errors import ModelFileError
from tui_charrnn.lens.influence import Passage, distance_left
from tui_charrnn.model.weights import weights_from_tensors
from tui_charrnn.runs.records import MemoryMeasured

if TYPE_CHECKING:
    from tui_charrnn.lens.influence import Indices
    from tui_charrnn.runs.writer import RunWriter
    from tui_charrnn.training.context import RunContext, RunEngine
    from tui_charrnn.training.loop import Windows

REACH: Final = 100
"""Characters back that are looked at."""
TARGETS: Final = 24
"""Characters that are looked back from."""
_LENGTH: Final = 240
"""Characters of the passage."""
_FADING: Final = 64
"""Steps back of which the gradient is recorded one by one."""
MOST: Final = 0.01
"""Share of the work on the run that all measurements together may take."""
_OPERATIONS: Final = 5e10
"""Of a processor in a second, to foresee what the first measurement takes."""


class MemoryMeter:
    """Measures how far back the weights look that are scored."""

    def __init__(self, context: RunContext, engine: RunEngine, writer: RunWriter) -> None:
        """Measure nothing yet."""
        self._context = context
        self._engine = engine
        self._writer = writer
        self._passage: Indices | None = None
        products = 2 * context.description.parameter_count * (_LENGTH + REACH * TARGETS)
        self._expected = products / _OPERATIONS
        """Seconds that the next measurement takes."""
        self._spent = 0.0

    def measure(self, step: int, elapsed: float) -> float:
        """Record how far back the weights look, unless it takes too large a share of the work.

        `elapsed` is in seconds of work on the run; returns the seconds that it took.
        """
        description = self._context.description
        # the one has no past alone, the other none beyond a record
        if description.model.reads_both or description.training.has_records:
            return 0.0
        if self._spent + self._expected > MOST * elapsed:
            return 0.0
        if self._passage is None:
            self._passage = first_row(self._context.material.heldout, _LENGTH)
        if len(self._passage) < 3:
            return 0.0
        clock = self._context.clock
        began = clock.now()
        record = self._record(step, self._passage)
        self._expected = clock.now() - began
        self._spent += self._expected
        if record is not None:
            self._writer.append(record)
        return self._expected

    def _record(self, step: int, indices: Indices) -> MemoryMeasured | None:
        """What is measured; None where a number is not finite."""
        config = self._context.description.model
        weights = weights_from_tensors(self._engine.model_tensors(), config)
        reach = min(REACH, len(indices) // 2)
        places = np.unique(np.linspace(reach, len(indices) - 1, TARGETS).astype(np.intp))
        try:
            found = Passage(weights, config, indices).influence(places, reach)
        except ModelFileError:  # the score will show it
            return None
        curve, fading = found.inputs.mean(axis=0), found.hidden[-1, :_FADING]
        if not (np.isfinite(curve).all() and np.isfinite(fading).all()):
            return None
        return MemoryMeasured(
            step,
            distance_left(curve, 0.5),
            distance_left(curve, 0.1),
            reach,
            tuple(float(f"{norm:.4g}") for norm in fading),
        )


def first_row(windows: Windows, length: int) -> Indices:
    """The first characters of the held-out text, in one row; fewer than `length` if it is short."""
    parts: list[Indices] = []
    for inputs, _, weights in windows:
        parts.append(np.asarray(inputs[0])[np.asarray(weights[0]) > 0].astype(np.intp))
        if sum(map(len, parts)) >= length:
            break
    return np.concatenate([*parts, np.zeros(0, np.intp)])[:length]
