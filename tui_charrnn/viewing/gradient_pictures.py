"""Draws gradients in terminal rows: how far back they reach, and how clipping changes them.

Rows use block symbols; `formatting.in_ascii` replaces them by ASCII of the same width.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from rich.cells import cell_len, set_cell_size

from tui_charrnn.config import ClippingSettings
from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.lens.clipping import ClippingRun, ClippingStep
from tui_charrnn.lens.influence import REACH, TARGETS, Memory, decay_distance, measure_memory
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.runs.records import MemoryMeasured
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.viewing.formatting import HEIGHTS, fitted, format_distance, format_shape, padded

SIGNS: Final = "●◆▲■○+"
"""Markers of the curves, reused in turn."""
SHARES: Final = {"half": 0.5, "tenth": 0.1, "hundredth": 0.01}
"""Shares of the largest influence, by name."""
CHARACTERS: Final = 20_000
"""Maximum characters read of a text: its last ones, which are held out from training."""
_DECADES: Final = 4
"""Powers of ten that a strip covers, and a chart at most."""
_NEAR: Final = 20
"""Minimum number of distances in a chart."""
_NAME: Final = 24
"""Maximum columns of a name."""
_LABEL: Final = 7
"""Columns at the left of a plot."""


class MemoryCurve(NamedTuple):
    """How far back a model looks."""

    name: str
    """As the user named it."""
    kind: str
    """The layers of the network, as `format_shape` returns them."""
    memory: Memory


def measure_model(
    name: str,
    model: Model,
    text: str,
    *,
    reach: int = REACH,
    targets: int = TARGETS,
    on_progress: Callable[[float], object] = lambda _: None,
) -> MemoryCurve:
    """Measure how far back a model looks in a text.

    `text` is in NFC; characters unknown to the model are left out. The other arguments are those of
    `measure_memory`.

    Raises:
        ConfigError: If the model is bidirectional or of records.
        CorpusError: If the model knows fewer than two of its characters.
        ModelFileError: If its states are not finite numbers.
    """
    if model.config.reads_both:
        raise ConfigError("{name} is bidirectional: it does not only look back.", name=name)
    if model.records != "none":
        raise ConfigError(
            "{name} is a model of records: it resets its state at the end of each record, and "
            "looks back no further.",
            name=name,
        )
    indices = model.vocabulary.spell(text).indices
    if len(indices) < 2:
        sentence = tr("The model {name!r} does not know the characters of this text.", name=name)
        raise CorpusError(sentence)
    memory = measure_memory(
        model.weights, model.config, indices, reach=reach, targets=targets, on_progress=on_progress
    )
    return MemoryCurve(name, format_shape(model.config), memory)


def memory_rows(
    curves: Sequence[MemoryCurve], width: int, height: int, live: Sequence[str] = ()
) -> list[str]:
    """The chart, then a table row and a strip for each model, then the rows of a live run.

    If `height` is too small, the strips are left out first, then the live run, then the chart
    shrinks, then it goes.
    """
    table = _table_rows(curves, width)
    if height - len(table) - len(live) < 8:
        live = ()
    height -= len(live)
    head = tr("gradient of the loss with respect to h, step by step back (right: the end)")
    strips = ["", head]
    strips += [
        f"{SIGNS[number % len(SIGNS)]} {strip_row(curve.memory.hidden.tolist(), width - 2)}"
        for number, curve in enumerate(curves)
    ]
    if height - len(table) - len(strips) < 8:
        strips = []
    room = height - len(table) - len(strips) - 3
    chart = chart_rows(curves, width, room) if room > 0 else []
    rows = [*chart, *table, *strips, *live]
    return [row if cell_len(row) <= width else set_cell_size(row, width) for row in rows]


def chart_rows(curves: Sequence[MemoryCurve], width: int, height: int) -> list[str]:
    """Mean influence by distance, as a share of the largest, on a logarithmic scale.

    `height` is that of the plot, without heading, axis and labels.
    """
    shares = [_relative(curve.memory.influence) for curve in curves]
    columns = max(width - _LABEL - 1, 8)
    least = min((share[share > 0].min(initial=1.0) for share in shares), default=1.0)
    decades = min(max(math.ceil(-math.log10(least)), 1), _DECADES)
    seen = [int(np.flatnonzero(share >= 10.0**-decades).max(initial=0)) + 1 for share in shares]
    reach = min(max(_NEAR, *seen), max(map(len, shares)))
    cells = [[" "] * columns for _ in range(height)]
    for number, share in reversed(list(enumerate(shares))):
        for column in range(columns):
            part = share[_part_of(column, columns, reach)]
            mean = float(part.mean()) if len(part) else 0.0
            depth = -math.log10(mean) / decades if mean > 0 else 2.0
            if depth <= 1:
                cells[round(depth * (height - 1))][column] = SIGNS[number % len(SIGNS)]
    exact = {power: power / decades * (height - 1) for power in range(decades + 1)}
    labels = {}
    for power, row in sorted(exact.items(), key=lambda each: -abs(each[1] - round(each[1]))):
        labels[round(row)] = f"{10.0**-power:g}"  # of several labels in a row, keep the nearest
    head = tr("mean influence on a character, share of the largest, by distance")
    return [head, *_framed(cells, labels), _axis_row(reach, columns)]


def _part_of(column: int, columns: int, count: int) -> slice:
    """The slice of `count` values in a column of a plot; one value at least."""
    begin = column * count // columns
    return slice(begin, max((column + 1) * count // columns, begin + 1))


def _framed(cells: Sequence[Sequence[str]], labels: Mapping[int, str]) -> list[str]:
    """Add a vertical axis with labels at some rows, and a horizontal axis."""
    rows = [
        padded(labels.get(row, ""), _LABEL - 1, to_right=True)
        + f" {'┤' if row in labels else '│'}{''.join(line)}"
        for row, line in enumerate(cells)
    ]
    return [*rows, f"{'':>{_LABEL}}└{'─' * len(cells[0])}"]


def _axis_row(reach: int, columns: int) -> str:
    """Labels of the distances below the axis, with their unit at the end."""
    unit = tr("characters back")
    end = columns + _LABEL - cell_len(unit)
    row = f"{'':>{_LABEL + 1}}1"
    step = next(one for one in (5, 10, 20, 25, 50, 100, 200, 500) if reach / one <= 5)
    for distance in range(step, reach + 1, step):
        start = _LABEL + 1 + (distance - 1) * columns // reach
        if start > len(row) + 1 and start + len(f"{distance}") + 2 <= end:
            row = f"{row:<{start}}{distance}"
    return f"{row:<{end}} {unit}"


def _table_rows(curves: Sequence[MemoryCurve], width: int) -> list[str]:
    names = [safe_line(curve.name) for curve in curves]
    widest = min(max(map(cell_len, names)), _NAME, max(width - 46, 8))
    kinds = max(len(curve.kind) for curve in curves)
    heads = [padded(tr(share.upper()), 11, to_right=True) for share in SHARES]
    label = tr("influence below")
    column = max(widest + kinds + 4, cell_len(label))
    rows = ["".join([padded(label, column), *heads])]
    for number, (curve, name) in enumerate(zip(curves, names, strict=True)):
        shown = fitted(name, widest)
        found = (
            format_distance(
                decay_distance(curve.memory.influence, share), len(curve.memory.influence)
            )
            for share in SHARES.values()
        )
        numbers = "".join(f"{words:>11}" for words in found)
        sign = SIGNS[number % len(SIGNS)]
        rows.append(padded(f"{sign} {shown}  {curve.kind}", column) + numbers)
    return rows


def strip_row(norms: Sequence[float], width: int) -> str:
    """Gradient norms as a strip on a logarithmic scale, the nearest step at the right.

    `norms` are those 1, 2, 3 ... steps back; the nearest `width` are drawn.
    """
    shown = [norm if math.isfinite(norm) else 0.0 for norm in norms[:width]]
    largest = max(shown, default=0.0)
    return "".join(_height(norm / largest if largest else 0.0) for norm in reversed(shown))


def run_rows(name: str, memory: MemoryMeasured, width: int) -> list[str]:
    """The memory that a run recorded last, as a sentence and a strip with the run's name."""
    first, strip = recorded_rows(memory, width)
    rows = [tr("{first} · run {name}", first=first, name=safe_line(name)), strip]
    return ["", *(row if cell_len(row) <= width else set_cell_size(row, width) for row in rows)]


def recorded_rows(memory: MemoryMeasured, width: int) -> list[str]:
    """A recorded memory measurement, as a sentence and a strip."""
    half, tenth = (format_distance(each, memory.reach) for each in (memory.half, memory.tenth))
    return [
        tr(
            "step {step:,}: under a half from {half}, a tenth from {tenth}",
            step=memory.step,
            half=half,
            tenth=tenth,
        ),
        f"h {strip_row(memory.fading, width - 2)}",
    ]


def _height(share: float) -> str:
    if share <= 0:
        return " "
    level = math.ceil(len(HEIGHTS) * (1 + math.log10(share) / _DECADES)) - 1
    return HEIGHTS[level] if level >= 0 else " "


def _relative(influence: "np.ndarray") -> "np.ndarray":
    """Shares of the largest; all zeros if one is not finite."""
    if not np.isfinite(influence).all() or influence.max() <= 0:
        return np.zeros_like(influence)
    return np.asarray(influence / influence.max())


def memory_document(curve: MemoryCurve) -> dict[str, object]:
    """A model's memory as JSON values."""
    memory = curve.memory
    return {
        "model": curve.name,
        "network": curve.kind,
        "looked_back_from": memory.targets,
        **{name: decay_distance(memory.influence, share) for name, share in SHARES.items()},
        "influence": memory.influence.tolist(),
        "hidden": memory.hidden.tolist(),
    }


CLIPPING_SIGNS: Final = SIGNS[:2]
"""Markers of the runs without and with a limit."""
HEADS: Final = {
    "STEP": 16,
    "LOSS": 9,
    "NORM": 9,
    "APPLIED": 9,
    "TURNED": 9,
    "ELEMENT-WISE": 14,
}
"""Headings of the table and their widths in columns; translated when drawn."""
_GAP: Final = 2


def clipping_rows(
    runs: Sequence[ClippingRun], settings: ClippingSettings, width: int, height: int
) -> list[str]:
    """Losses at the left, gradient norms at the right, a table of both runs below.

    `runs` are the run without a limit, then the run with it.
    """
    guess, half = runs[0].guess, (width - _GAP) // 2
    losses = [[step.loss for step in run.steps] for run in runs]
    norms = [[step.norm for step in run.steps] for run in runs]
    table = _clipping_table(runs, settings)
    rows = max(height - len(table) - 4, 3)
    size = half, rows
    left = _plot(losses, (tr("guess"), guess), (-2.5, 1.5), settings, size)
    right = _plot(norms, (tr("limit"), settings.limit), (-2, 3), settings, size)
    charts = [(tr("loss, nats per character"), tr("unclipped gradient norm"))]
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
    """Plot curves on a logarithmic scale that spans `decades` around a named reference value."""
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
    for sign, values in zip(CLIPPING_SIGNS, curves, strict=True):
        for column in range(columns):
            if part := values[_part_of(column, columns, settings.steps)]:
                worst = next((value for value in part if not math.isfinite(value)), max(part))
                cells[row_of(worst)][column] = sign
    labels = {row_of(10.0**power): f"{10.0**power:g}" for power in range(-3, 5)}
    labels = {row: label for row, label in labels.items() if 0 < row < height - 1}
    labels[row_of(middle)] = name
    last = tr("step {step}", step=f"{settings.steps:,}")
    steps = f"{'':>{_LABEL + 1}}1{padded(last, columns - 1, to_right=True)}"
    return [*_framed(cells, labels), steps]


def _clipping_table(runs: Sequence[ClippingRun], settings: ClippingSettings) -> list[str]:
    names = tr("no limit"), tr("limit {limit:g}", limit=settings.limit)
    first = max(map(cell_len, names)) + len(f"{settings.steps:,}") + 3
    widths = {name: max(width, first) if name == "STEP" else width for name, width in HEADS.items()}
    rows = ["".join(padded(tr(name), width, to_right=True) for name, width in widths.items())]
    for sign, name, run in zip(CLIPPING_SIGNS, names, runs, strict=True):
        if not run.steps:
            continue
        step = run.steps[-1]
        end = f"  {tr('diverged')}" if run.has_diverged else ""
        shown = "".join(
            padded(_number(number), 9, to_right=True)
            for number in (step.loss, step.norm, step.applied)
        )
        count = padded(f"{len(run.steps):,}", widths["STEP"] - cell_len(name) - 2, to_right=True)
        rows.append(
            f"{sign} {name}{count}{shown}{step.angle:>7.1f} °{mean_angle(run.steps):>12.1f} °{end}"
        )
    return rows


def mean_angle(steps: Sequence[ClippingStep]) -> float:
    """Mean degrees by which element-wise clipping would have turned the clipped gradients."""
    turned = [step.elementwise_angle for step in steps if step.elementwise_angle > 0]
    return sum(turned) / len(turned) if turned else 0.0


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else tr("none")


def clipping_document(runs: Sequence[ClippingRun], settings: ClippingSettings) -> dict[str, object]:
    """Both runs as JSON values, a list per field of their steps."""
    return {
        **settings.to_mapping(),
        "guess": runs[0].guess,
        "runs": [
            {
                "limit": limit,
                "diverged": run.has_diverged,
                **{
                    name: [getattr(step, name) for step in run.steps]
                    for name in ClippingStep._fields
                },
            }
            for limit, run in zip((None, settings.limit), runs, strict=True)
        ],
    }
