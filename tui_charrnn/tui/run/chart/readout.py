"""The rows of text around the plot: the legend, and the values of a column."""

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
from tui_charrnn.tui.run.chart.scales import Window, format_time
from tui_charrnn.tui.run.chart.series import Axis, Series
from tui_charrnn.viewing.formatting import longest_fitting

NO_BATCH: Final = "No batch yet: the loss is drawn from the first one on."
_NAME_WIDTH: Final = 24
_GAP: Final = 3
"""Cells between two entries of the legend."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The values in one column of cells."""

    column: int
    bucket: Bucket
    line: float
    """The smoothed loss at the end of the bucket."""


def readings_of(series: Series, window: Window, width: int) -> list[Reading]:
    """Return a reading for each column that has values of a run, from left to right."""

    def column_of(place: int) -> int:
        return window.dot(series.middle(series.buckets[place]), width)

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
    """Return the index of the reading that contains a step, or of the next one."""
    after = bisect_left(readings, step, key=lambda reading: reading.bucket.last_step)
    return min(after, len(readings) - 1)


def legend_row(
    all_series: Sequence[Series], glyphs: Glyphs, width: int, *, has_bits: bool, is_clipped: bool
) -> Row:
    """Return the legend: as many entries as fit, between the units of both axes."""
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
    """Return the signs in use and what they mean, the more informative first."""
    samples, run = glyphs.samples, all_series[0]
    others: list[tuple[object, str, Mark, str]] = []
    for other in all_series[1:]:
        if other.is_pinned:
            others.append((True, samples["pinned"], Mark.PINNED, _name_beside(run, other)))
        else:
            sign, words = glyphs.other_validation, tr("its validation")
            others += [
                (True, samples["other"], Mark.OTHER, _name_beside(run, other)),
                (other.evaluations, sign, Mark.OTHER_VALIDATION, words),
            ]
    extremes = tr("min{dash}max", dash=glyphs.dash_word)
    beside = run.second.name if run.second is not None else ""
    known = (
        (run.buckets, samples["line"], Mark.LINE, tr("train")),
        (run.evaluations, glyphs.validation, Mark.VALIDATION, tr("validation")),
        (run.second, samples["second"], Mark.SECOND, beside),
        *others,
        (run.gaps, glyphs.gap, Mark.GAP, tr("not finite")),
        (run.buckets, samples["band"], Mark.BAND, extremes),
        (run.checkpoints, glyphs.checkpoint, Mark.CHECKPOINT, tr("checkpoint")),
        (is_clipped, glyphs.clipped, Mark.CLIPPED, tr("higher")),
    )
    return [(sign, mark, words) for is_used, sign, mark, words in known if is_used]


def _name_beside(run: Series, other: Series) -> str:
    name = _shortened(other.name)
    if run.corpus and other.corpus and run.corpus != other.corpus:
        return tr(
            "{name} (pinned, another text)" if other.is_pinned else "{name} (another text)",
            name=name,
        )
    return tr("{name} (pinned)", name=name) if other.is_pinned else name


def readout_row(
    all_series: Sequence[Series],
    reading: Reading | None,
    glyphs: Glyphs,
    width: int,
    *,
    is_newest: bool,
) -> Row:
    """Return the values of one column, and of the other runs there: as many as fit.

    `is_newest` is whether the newest column is read out because none was chosen.
    """
    if reading is None:
        return fitted([(tr(NO_BATCH), Mark.LABEL)], width)
    series, bucket, dash = all_series[0], reading.bucket, glyphs.dash_word
    step = f"{bucket.last_step:,}"
    if bucket.count > 1 and not is_newest:
        step = f"{bucket.first_step:,}{dash}{step}"
    # the newest evaluation up to the step, or the first one
    after = bisect_right(series.evaluations, bucket.last_step, key=lambda scored: scored.step)
    scored = series.evaluations[max(after - 1, 0)] if series.evaluations else None
    loss = reading.line if is_newest else bucket.mean
    train = tr("train {loss:.3f}", loss=loss)
    extremes = f" ({bucket.minimum:.3f}{dash}{bucket.maximum:.3f})" if bucket.count > 1 else ""
    bits = tr("{bits:.2f} bits", bits=bits_per_character(loss))
    epoch, time = "", format_time(round(bucket.elapsed), 1.0)
    if series.steps_per_epoch:
        epoch = tr("epoch {epoch:.2f}", epoch=bucket.last_step / series.steps_per_epoch)
    place = [
        tr("step {step}", step=step),
        *{Axis.EPOCHS: [epoch], Axis.TIME: [time]}.get(series.axis, []),
    ]
    when = [words for words in (epoch, time) if words not in place]
    validation = short = long = ""
    if scored is not None:
        validation = tr("validation {loss:.3f}", loss=scored.loss)
        long = tr("validation {loss:.3f} at {step:,}", loss=scored.loss, step=scored.step)
        short = tr("val {loss:.3f}", loss=scored.loss)
    lead = _format_lead(series, scored)
    others = _format_beside(all_series, bucket.last_step)
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
    parts = longest_fitting(choices, separator=glyphs.separator, width=width)
    row = [
        piece
        for part in parts.split(glyphs.separator)
        for piece in ((glyphs.separator, Mark.LABEL), (part, Mark.VALUE))
    ]
    return fitted(row[1:], width)


def fitted(row: Iterable[Piece], width: int, right: str = "") -> Row:
    """Return a row cut or padded to exactly `width` cells, with the text `right` at its end."""
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


def _format_lead(series: Series, scored: SplitEvaluated | None) -> str:
    """Return how a validation loss compares with the best n-gram model."""
    if scored is None or not series.ladder:
        return ""
    name, loss = series.ladder[0]
    return tr(
        "{nats:.3f} below {name}" if scored.loss <= loss else "{nats:.3f} above {name}",
        nats=abs(loss - scored.loss),
        name=name,
    )


def _format_beside(all_series: Sequence[Series], step: int) -> list[str]:
    """Return the second quantity at a step, and the losses of the other runs there."""
    words, place = [], all_series[0].place(step)
    second = all_series[0].second
    value = second.value_at(step) if second is not None else None
    if second is not None and value is not None:
        words.append(tr("{value:.3g} {unit}", value=value, unit=second.unit))
    for other in all_series[1:]:
        if (loss := other.line_at(place)) is not None:
            words.append(f"{_shortened(other.name)} {loss:.3f}")
    return words


def _shortened(name: str) -> str:
    return name if cell_len(name) <= _NAME_WIDTH else set_cell_size(name, _NAME_WIDTH).rstrip()
