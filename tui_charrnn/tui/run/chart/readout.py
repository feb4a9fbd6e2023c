"""The rows of text around the plot: what its glyphs mean, and its values in numbers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.metrics import Bucket, bits_per_character
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.translation import tr
from tui_charrnn.tui.run.chart.canvas import Glyphs, Mark, Piece, Row
from tui_charrnn.tui.run.chart.scales import Window, XScale, time_words
from tui_charrnn.tui.run.chart.series import Axis, Series

NO_BATCH: Final = "No batch yet: the loss is drawn from the first one on."
_NAME_WIDTH: Final = 24
_GAP: Final = 3
"""Cells between two things of the legend."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that lies in one column of cells."""

    column: int
    bucket: Bucket
    line: float
    """The smoothed loss at its end."""


def readings_of(series: Series, x_scale: XScale, window: Window, width: int) -> list[Reading]:
    """The columns that hold something of a run, from left to right."""

    def column_of(place: int) -> int:
        bucket = series.buckets[place]
        middle = (x_scale.place(bucket.first_step - 1) + x_scale.place(bucket.last_step)) / 2
        return window.dot(middle, width)

    readings = []
    for column, group in groupby(range(len(series.buckets)), key=column_of):
        places = list(group)
        bucket = series.buckets[places[0]]
        for place in places[1:]:
            bucket = bucket.joined(series.buckets[place])
        if 0 <= column < width:
            readings.append(Reading(column, bucket, series.line[places[-1]]))
    return readings


def nearest(readings: Sequence[Reading], step: int) -> int:
    """The place in the list of the reading that holds a step, or the next one to it."""
    after = next(
        (place for place, reading in enumerate(readings) if reading.bucket.last_step >= step),
        len(readings) - 1,
    )
    return max(after, 0)


def nearest_to_column(readings: Sequence[Reading], column: int) -> int:
    """The place in the list of the reading that lies nearest to a column; one at least is there."""
    return min(range(len(readings)), key=lambda place: abs(readings[place].column - column))


def line_at(series: Series, x_scale: XScale, place: float) -> float | None:
    """The smoothed loss of a run at a place of the axis, or None if it did not come so far."""
    after = bisect_left(series.buckets, place, key=lambda bucket: x_scale.place(bucket.last_step))
    return series.line[after] if after < len(series.buckets) else None


def legend_row(
    all_series: Sequence[Series], glyphs: Glyphs, width: int, *, has_bits: bool, is_clipped: bool
) -> Row:
    """What the signs mean: as much of it as there is room for, with the units at both ends."""
    second = all_series[0].second
    left, right = tr("nats/char"), tr("bits/char") if second is None else second.unit
    right = right if has_bits else ""
    row: Row = [(f"{left}  ", Mark.LABEL)]
    room = width - cell_len(left) - cell_len(right) - 4
    for sign, mark, words in _entries(all_series, glyphs, is_clipped=is_clipped):
        length = cell_len(sign) + 1 + cell_len(words)
        if length <= room:
            row += [(sign, mark), (f" {words}{' ' * _GAP}", Mark.LABEL)]
            room -= length + _GAP
    return fitted(row, width, right)


def _entries(
    all_series: Sequence[Series], glyphs: Glyphs, *, is_clipped: bool
) -> list[tuple[str, Mark, str]]:
    """The signs that are in use and what they mean, the more informative first."""
    samples, run = glyphs.samples, all_series[0]

    def name_of(other: Series) -> str:
        name = _shortened(other.name)
        if run.corpus and other.corpus and run.corpus != other.corpus:
            return tr(
                "{name} (pinned, another text)" if other.is_pinned else "{name} (another text)",
                name=name,
            )
        return tr("{name} (pinned)", name=name) if other.is_pinned else name

    others = [
        entry
        for other in all_series[1:]
        for entry in (
            (
                True,
                samples["pinned" if other.is_pinned else "other"],
                Mark.PINNED if other.is_pinned else Mark.OTHER,
                name_of(other),
            ),
            (
                bool(other.evaluations) and not other.is_pinned,
                glyphs.other_validation,
                Mark.OTHER_VALIDATION,
                tr("its validation"),
            ),
        )
    ]
    second = run.second
    seconds = [] if second is None else [(True, samples["second"], Mark.SECOND, second.name)]
    extremes = tr("min{dash}max", dash=glyphs.dash_word)
    known = (
        (bool(run.buckets), samples["line"], Mark.LINE, tr("train")),
        (bool(run.evaluations), glyphs.validation, Mark.VALIDATION, tr("validation")),
        *seconds,
        *others,
        (bool(run.gaps), glyphs.gap, Mark.GAP, tr("not finite")),
        (bool(run.buckets), samples["band"], Mark.BAND, extremes),
        (bool(run.checkpoints), glyphs.checkpoint, Mark.CHECKPOINT, tr("checkpoint")),
        (is_clipped, glyphs.clipped, Mark.CLIPPED, tr("higher")),
    )
    return [(sign, mark, words) for is_used, sign, mark, words in known if is_used]


@dataclass(frozen=True, slots=True)
class Readout:
    """What is read out."""

    series: Series
    reading: Reading | None
    """The column, if there is any."""
    axis: Axis
    """What is counted from left to right; shown in any case."""
    is_newest: bool
    """Whether the column is read out because it is the newest."""
    beside: Sequence[tuple[str, float]] = ()
    """Names and losses of other runs at the same place."""


def readout_row(readout: Readout, glyphs: Glyphs, width: int) -> Row:
    """The values of one column: as much of it as there is room for."""
    series, reading, is_newest = readout.series, readout.reading, readout.is_newest
    if reading is None:
        return fitted([(tr(NO_BATCH), Mark.LABEL)], width)
    bucket, dash = reading.bucket, glyphs.dash_word
    step = f"{bucket.last_step:,}"
    if bucket.count > 1 and not is_newest:
        step = f"{bucket.first_step:,}{dash}{step}"
    # the newest score until the step, or the first one of all
    after = bisect_right(series.evaluations, bucket.last_step, key=lambda scored: scored.step)
    scored = series.evaluations[max(after - 1, 0)] if series.evaluations else None
    loss = reading.line if is_newest else bucket.mean
    train = tr("train {loss:.3f}", loss=loss)
    extremes = f" ({bucket.minimum:.3f}{dash}{bucket.maximum:.3f})" if bucket.count > 1 else ""
    bits = tr("{bits:.2f} bits", bits=bits_per_character(loss))
    epoch, time = "", time_words(round(bucket.elapsed), 1.0)
    if series.steps_per_epoch:
        epoch = tr("epoch {epoch:.2f}", epoch=bucket.last_step / series.steps_per_epoch)
    place = [
        tr("step {step}", step=step),
        *{Axis.EPOCHS: [epoch], Axis.TIME: [time]}.get(readout.axis, []),
    ]
    when = [words for words in (epoch, time) if words not in place]
    validation = short = long = ""
    if scored is not None:
        validation = tr("validation {loss:.3f}", loss=scored.loss)
        long = tr("validation {loss:.3f} at {step:,}", loss=scored.loss, step=scored.step)
        short = tr("val {loss:.3f}", loss=scored.loss)
    lead = _lead_words(series, scored)
    others = [f"{_shortened(name)} {loss:.3f}" for name, loss in readout.beside]
    others = [*_second_words(series, bucket.last_step), *others]
    whole = f"{train}{extremes}"
    choices = (
        [*place, *when, whole, bits, long, *others, lead],
        [*place, *when, whole, bits, validation, *others, lead],
        [*place, *when, whole, bits, validation, *others],
        [*place, *when[-1:], whole, validation, *others, lead],
        [*place, whole, bits, validation, *others],
        [*place, train, bits, validation, *others],
        [*place, train, validation, *others],
        [*place, train, bits, validation],
        [*place, train, short, *others],
        [*place, train, short],
        [*place, train],
        [f"{loss:.3f}"],
    )
    return fitted(_first_fitting(choices, glyphs.separator, width), width)


def fitted(row: Iterable[Piece], width: int, right: str = "") -> Row:
    """A row cut or filled up to exactly so many cells, with something at its end."""
    kept: Row = []
    room = width - cell_len(right)
    for text, mark in row:
        piece = text if cell_len(text) <= room else set_cell_size(text, max(room, 0))
        room -= cell_len(piece)
        kept.append((piece, mark))
    if room > 0:
        kept.append((" " * room, Mark.BLANK))
    if right:
        kept.append((set_cell_size(right, min(width, cell_len(right))), Mark.LABEL))
    return [(text, mark) for text, mark in kept if text]


def _first_fitting(choices: Iterable[Sequence[str]], separator: str, width: int) -> Row:
    """The first choice whose parts fit into the width together, or else the last one."""
    row: Row = []
    for parts in choices:
        row = []
        for part in filter(None, parts):
            row += [(separator, Mark.LABEL)] if row else []
            row.append((part, Mark.VALUE))
        if sum(cell_len(text) for text, _ in row) <= width:
            break
    return row


def _lead_words(series: Series, scored: SplitEvaluated | None) -> str:
    """How a score compares with the best n-gram model."""
    if scored is None or not series.ladder:
        return ""
    name, loss = series.ladder[0]
    return tr(
        "{nats:.3f} below {name}" if scored.loss <= loss else "{nats:.3f} above {name}",
        nats=abs(loss - scored.loss),
        name=name,
    )


def _second_words(series: Series, step: int) -> list[str]:
    """What the quantity beside the losses is at a step."""
    value = series.second.value_at(step) if series.second is not None else None
    if series.second is None or value is None:
        return []
    return [tr("{value:.3g} {unit}", value=value, unit=series.second.unit)]


def _shortened(name: str) -> str:
    return name if cell_len(name) <= _NAME_WIDTH else set_cell_size(name, _NAME_WIDTH).rstrip()
