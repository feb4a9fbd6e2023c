"""A run of any length as a viewer knows it, without a run directory."""

import math
from collections.abc import Sequence
from pathlib import Path

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import BatchStretch
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    RunPlanned,
    SplitEvaluated,
)
from tui_charrnn.viewing.run_view import RunView

LADDER = BaselinesMeasured((0, 1, 2, 3), (4.0, 3.0, 2.5, 2.0))


def falling_losses(count: int, *, floor: float = 1.5) -> list[float]:
    """Losses that fall from near 4 to a floor, now a little higher and now a little lower."""
    return [
        floor + 2.5 * math.exp(-6 * step / count) + 0.05 * math.sin(1.7 * step)
        for step in range(1, count + 1)
    ]


def viewed_losses(
    losses: Sequence[float],
    *,
    name: str = "run",
    evaluate_every: int = 0,
    steps_per_epoch: int | None = None,
    ladder: BaselinesMeasured | None = None,
    seconds_per_step: float = 0.5,
) -> RunView:
    """A run with one loss a step.

    Args:
        losses: Of the batches; one that is not finite was rolled back.
        name: Of the run.
        evaluate_every: Steps between two scores of the held-out text, each with a checkpoint; 0
            for none.
        steps_per_epoch: If the run is planned.
        ladder: If the n-gram models were scored.
        seconds_per_step: How long a batch took.
    """
    view = RunView(RunDirectory(Path(name)))
    if ladder is not None:
        view.take([ladder])
    if steps_per_epoch is not None:
        view.take([RunPlanned(len(losses), steps_per_epoch, evaluate_every or 1, 4, None)])
    piece = evaluate_every or max(1, len(losses))
    for begin in range(0, len(losses), piece):
        steps = range(begin + 1, min(begin + piece, len(losses)) + 1)
        values = losses[begin : begin + piece]
        seconds = [seconds_per_step * step for step in steps]
        ones = [1.0] * len(steps)
        view.take([BatchStretch(steps, values, ones, ones, seconds)])
        if evaluate_every and len(steps) == piece:
            step = steps[-1]
            scored = SplitEvaluated(step, values[-1] + 0.2, is_best=True, elapsed=seconds[-1])
            view.take([scored, CheckpointSaved(step, f"checkpoints/{step}", 0.1)])
    return view
