"""The two lines of text around the plot: what its signs mean, and its values in numbers."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.tui.run.chart.course import Course
from tui_charrnn.tui.run.chart.glyphs import Glyphs
from tui_charrnn.tui.run.chart.look import Axis
from tui_charrnn.tui.run.chart.marks import Mark, Piece, Row
from tui_charrnn.tui.run.chart.round_numbers import time_words
from tui_charrnn.tui.run.chart.stations import Station

NO_BATCH: Final = "No batch yet: the loss is drawn from the first one on."
_NAME_WIDTH: Final = 24
_UNITS: Final = ("nats/char", "bits/char")
_GAP: Final = 3
"""Cells between two things of the legend."""


def legend_row(
    courses: Sequence[Course], glyphs: Glyphs, width: int, *, has_bits: bool, is_clipped: bool
) -> Row:
    """What the signs mean: as much of it as there is room for, with the units at both ends.

    Args:
        courses: The run, and perhaps another one.
        glyphs: The signs.
        width: Columns of the row.
        has_bits: Whether there is an axis at the right.
        is_clipped: Whether a loss lies above the scale.
    """
    right = _UNITS[1] if has_bits else ""
    row: Row = [(f"{_UNITS[0]}  ", Mark.LABEL)]
    room = width - len(_UNITS[0]) - len(right) - 4
    for sign, mark, words in _entries(courses, glyphs, is_clipped=is_clipped):
        length = cell_len(sign) + 1 + cell_len(words)
        if length <= room:
            row += [(sign, mark), (f" {words}{' ' * _GAP}", Mark.LABEL)]
            room -= length + _GAP
    return fitted(row, width, right)


def _entries(
    courses: Sequence[Course], glyphs: Glyphs, *, is_clipped: bool
) -> list[tuple[str, Mark, str]]:
    """The signs that are in use and what they mean, the more telling first."""
    samples, run = glyphs.samples, courses[0]
    others = [
        entry
        for other in courses[1:]
        for entry in (
            (True, samples["other"], Mark.OTHER, _shortened(other.name)),
            (
                bool(other.evaluations),
                glyphs.other_validation,
                Mark.OTHER_VALIDATION,
                "its validation",
            ),
        )
    ]
    known = (
        (bool(run.buckets), samples["line"], Mark.LINE, "train"),
        (bool(run.evaluations), glyphs.validation, Mark.VALIDATION, "validation"),
        *others,
        (bool(run.gaps), glyphs.gap, Mark.GAP, "not finite"),
        (bool(run.buckets), samples["band"], Mark.BAND, f"min{glyphs.dash_word}max"),
        (bool(run.checkpoints), glyphs.checkpoint, Mark.CHECKPOINT, "checkpoint"),
        (is_clipped, glyphs.clipped, Mark.CLIPPED, "higher"),
    )
    return [(sign, mark, words) for is_used, sign, mark, words in known if is_used]


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read out."""

    course: Course
    station: Station | None
    """The column, if there is any."""
    axis: Axis
    """What is counted from left to right; told in any case."""
    is_newest: bool
    """Whether the column is read out because it is the newest."""
    beside: Sequence[tuple[str, float]] = ()
    """Names and losses of other runs at the same place."""


def readout_row(reading: Reading, glyphs: Glyphs, width: int) -> Row:
    """The values of one column: as much of it as there is room for."""
    course, station, is_newest = reading.course, reading.station, reading.is_newest
    if station is None:
        return fitted([(NO_BATCH, Mark.LABEL)], width)
    bucket, dash = station.bucket, glyphs.dash_word
    step = f"{bucket.last_step:,}"
    if bucket.count > 1 and not is_newest:
        step = f"{bucket.first_step:,}{dash}{step}"
    scored = _last_until(course.evaluations, bucket.last_step)
    loss = station.line if is_newest else bucket.mean
    train = f"{loss:.3f}"
    extremes = f" ({bucket.minimum:.3f}{dash}{bucket.maximum:.3f})" if bucket.count > 1 else ""
    bits = f"{bits_per_character(loss):.2f} bits"
    epoch, time = _epoch_words(course, bucket.last_step), time_words(round(bucket.elapsed), 1.0)
    place = [f"step {step}", *{Axis.EPOCHS: [epoch], Axis.TIME: [time]}.get(reading.axis, [])]
    when = [words for words in (epoch, time) if words not in place]
    validation = f"validation {scored.loss:.3f}" if scored else ""
    at = f" at {scored.step:,}" if scored else ""
    lead = _lead_words(course, scored)
    others = [f"{_shortened(name)} {loss:.3f}" for name, loss in reading.beside]
    train_and_extremes, short = f"train {train}{extremes}", validation.replace("validation", "val")
    choices = (
        [*place, *when, train_and_extremes, bits, validation + at, *others, lead],
        [*place, *when, train_and_extremes, bits, validation, *others, lead],
        [*place, *when, train_and_extremes, bits, validation, *others],
        [*place, *when[-1:], train_and_extremes, validation, *others, lead],
        [*place, train_and_extremes, bits, validation, *others],
        [*place, f"train {train}", bits, validation, *others],
        [*place, f"train {train}", validation, *others],
        [*place, f"train {train}", bits, validation],
        [*place, f"train {train}", short, *others],
        [*place, f"train {train}", short],
        [*place, f"train {train}"],
        [train],
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


def _last_until(evaluations: Sequence[SplitEvaluated], step: int) -> SplitEvaluated | None:
    """The newest score until a step, or the first one of all."""
    after = bisect_right(evaluations, step, key=lambda scored: scored.step)
    return evaluations[max(after - 1, 0)] if evaluations else None


def _epoch_words(course: Course, step: int) -> str:
    return f"epoch {step / course.steps_per_epoch:.2f}" if course.steps_per_epoch else ""


def _lead_words(course: Course, scored: SplitEvaluated | None) -> str:
    """How a score compares with the best n-gram model."""
    if scored is None or not course.ladder:
        return ""
    name, loss = course.ladder[0]
    side = "below" if scored.loss <= loss else "above"
    return f"{abs(loss - scored.loss):.3f} {side} {name}"


def _shortened(name: str) -> str:
    return name if cell_len(name) <= _NAME_WIDTH else set_cell_size(name, _NAME_WIDTH).rstrip()
