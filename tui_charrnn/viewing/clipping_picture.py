"""Two runs side by side, with and without a limit for the gradient, as rows of a terminal."""

import math
from collections.abc import Sequence
from typing import Final

from rich.cells import set_cell_size

from tui_charrnn.lens.clipping import ClippingRun, ClippingSettings, ClippingStep
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import padded

SIGNS: Final = "●◆"
"""Of the run without a limit, and of that with it."""
HEADS: Final = {
    "STEP": 16,
    "LOSS": 9,
    "NORM": 8,
    "APPLIED": 8,
    "TURNED": 9,
    "ELEMENT-WISE": 14,
}
"""Columns of the table, translated where it is drawn."""
_LABEL: Final = 6
_GAP: Final = 2


def clipping_rows(
    runs: Sequence[ClippingRun], settings: ClippingSettings, width: int, height: int
) -> list[str]:
    """Losses at the left, norms of the gradients at the right, numbers of both runs below.

    `runs` are the one without a limit, then the one with it.
    """
    guess, half = runs[0].guess, (width - _GAP) // 2
    losses = [[step.loss for step in run.steps] for run in runs]
    norms = [[step.norm for step in run.steps] for run in runs]
    table = _table_rows(runs, settings)
    rows = max(height - len(table) - 4, 3)
    size = half, rows
    left = _plot(losses, (tr("guess"), guess), (-2.5, 1.5), settings, size)
    right = _plot(norms, (tr("limit"), settings.limit), (-2, 3), settings, size)
    charts = [(tr("loss, nats per character"), tr("gradient norm as it came"))]
    charts += zip(left, right, strict=True)
    drawn = [padded(one, half + _GAP) + other for one, other in charts]
    return [set_cell_size(row, width).rstrip() for row in [*drawn, "", *table]]


def _plot(
    curves: Sequence[Sequence[float]],
    reference: tuple[str, float],
    decades: tuple[float, float],
    settings: ClippingSettings,
    size: tuple[int, int],
) -> list[str]:
    """Curves on a logarithmic scale, by powers of ten below and above a reference."""
    (width, height), (name, middle) = size, reference
    columns = max(width - _LABEL - 1, 8)
    low, high = (math.log10(middle) + power for power in decades)

    def row_of(value: float) -> int:
        if not math.isfinite(value):
            return 0
        share = (math.log10(max(value, 1e-300)) - low) / (high - low)
        return round((1 - min(max(share, 0.0), 1.0)) * (height - 1))

    cells = [[" "] * columns for _ in range(height)]
    cells[row_of(middle)] = ["┄"] * columns
    for sign, values in zip(SIGNS, curves, strict=True):
        for column in range(columns):
            begin = column * settings.steps // columns
            part = values[begin : max((column + 1) * settings.steps // columns, begin + 1)]
            if part:
                worst = next((value for value in part if not math.isfinite(value)), max(part))
                cells[row_of(worst)][column] = sign
    labels = {row_of(10.0**power): f"{10.0**power:g}" for power in range(-3, 5)}
    labels = {row: label for row, label in labels.items() if 0 < row < height - 1}
    labels[row_of(middle)] = name
    rows = [
        padded(labels.get(row, ""), _LABEL - 1, to_right=True)
        + f" {'┤' if row in labels else '│'}{''.join(line)}"
        for row, line in enumerate(cells)
    ]
    foot = f"{'':>{_LABEL}}└{'─' * columns}"
    last = tr("step {step}", step=f"{settings.steps:,}")
    steps = f"{'':>{_LABEL + 1}}1{padded(last, columns - 1, to_right=True)}"
    return [*rows, foot, steps]


def _table_rows(runs: Sequence[ClippingRun], settings: ClippingSettings) -> list[str]:
    names = tr("no limit"), tr("limit {limit:g}", limit=settings.limit)
    rows = ["".join(padded(tr(name), width, to_right=True) for name, width in HEADS.items())]
    for sign, name, run in zip(SIGNS, names, runs, strict=True):
        if not run.steps:
            continue
        step = run.steps[-1]
        end = f"  {tr('diverged')}" if run.has_diverged else ""
        numbers = (step.loss, 9), (step.norm, 8), (step.applied, 8)
        shown = "".join(padded(_number(number), size, to_right=True) for number, size in numbers)
        rows.append(
            f"{sign} {padded(name, 9)}{len(run.steps):>5,}{shown}"
            f"{step.angle:>7.1f} °{mean_angle(run.steps):>12.1f} °{end}"
        )
    return rows


def mean_angle(steps: Sequence[ClippingStep]) -> float:
    """Degrees by which cutting each number would have turned gradients that were too long."""
    turned = [step.elementwise_angle for step in steps if step.elementwise_angle > 0]
    return sum(turned) / len(turned) if turned else 0.0


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else tr("none")


def clipping_document(runs: Sequence[ClippingRun], settings: ClippingSettings) -> dict[str, object]:
    """Both runs for `json.dumps`, a list for each number of their steps; null where it is none."""
    return {
        "limit": settings.limit,
        "radius": settings.radius,
        "learning_rate": settings.learning_rate,
        "rng_seed": settings.rng_seed,
        "guess": runs[0].guess,
        "runs": [
            {
                "limit": limit,
                "diverged": run.has_diverged,
                **{
                    name: [
                        number if math.isfinite(number) else None
                        for number in (getattr(step, name) for step in run.steps)
                    ]
                    for name in ClippingStep._fields
                },
            }
            for limit, run in zip((None, settings.limit), runs, strict=True)
        ],
    }
