"""The two lines of text around the plot: what its signs mean, and its values in numbers."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from tui_charrnn.metrics import bits_per_character
from tui_charrnn.runs.records import SplitEvaluated
from tui_charrnn.tui.renderables.chart.course import Course
from tui_charrnn.tui.renderables.chart.glyphs import Glyphs
from tui_charrnn.tui.renderables.chart.marks import Mark, Piece, Row
from tui_charrnn.tui.renderables.chart.round_numbers import time_words
from tui_charrnn.tui.renderables.chart.stations import Station

_NAME_WIDTH: Final = 24
_UNITS: Final = ("nats/char", "bits/char")
_GAP: Final = 3
"""Cells between two things of the legend."""


def legend_row(
    courses: Sequence[Course], glyphs: Glyphs, width: int, *, has_bits: bool
) -> Row:
    """What the signs mean: as much of it as there is room for, with the units at both ends."""
    samples, other = glyphs.samples, courses[1] if len(courses) > 1 else None
    entries: list[tuple[str, Mark, str]] = [(samples["line"], Mark.LINE, "train")]
    if courses[0].evaluations:
        entries.append((glyphs.validation, Mark.VALIDATION, "validation"))
    if other is not None:
        entries.append((samples["other"], Mark.OTHER, _shortened(other.name)))
        if other.evaluations:
            entries.append((glyphs.other_validation, Mark.OTHER_VALIDATION, "its validation"))
    entries.append((samples["band"], Mark.BAND, "lowest to highest"))
    if courses[0].checkpoints:
        entries.append((glyphs.checkpoint, Mark.CHECKPOINT, "checkpoint"))
    if courses[0].gaps:
        entries.append((glyphs.gap, Mark.GAP, "not finite"))
    right = _UNITS[1] if has_bits else ""
    row: Row = [(f"{_UNITS[0]}  ", Mark.LABEL)]
    room = width - len(_UNITS[0]) - len(right) - 4
    for sign, mark, words in entries:
        length = cell_len(sign) + 1 + cell_len(words) + _GAP
        if length > room:
            break
        row += [(sign, mark), (f" {words}{' ' * _GAP}", Mark.LABEL)]
        room -= length
    return fitted(row, width, right)


def readout_row(
    course: Course, station: Station | None, glyphs: Glyphs, width: int, *, is_newest: bool
) -> Row:
    """The values of one column: as much of it as there is room for."""
    if station is None:
        return fitted([("No batch has been trained yet.", Mark.LABEL)], width)
    bucket, dash = station.bucket, glyphs.dash_word
    step = f"{bucket.last_step:,}"
    if bucket.count > 1 and not is_newest:
        step = f"{bucket.first_step:,}{dash}{step}"
    scored = _last_until(course.evaluations, bucket.last_step)
    loss = station.line if is_newest else bucket.mean
    train = f"{loss:.3f}"
    extremes = f" ({bucket.minimum:.3f}{dash}{bucket.maximum:.3f})" if bucket.count > 1 else ""
    bits = f"{bits_per_character(loss):.2f} bits"
    place = [f"step {step}"]
    when = _epoch_words(course, bucket.last_step), time_words(round(bucket.elapsed), 1.0)
    validation = f"validation {scored.loss:.3f}" if scored else ""
    at = f" at {scored.step:,}" if scored else ""
    lead = _lead_words(course, scored)
    choices = (
        [*place, *when, f"train {train}{extremes}", bits, validation + at, lead],
        [*place, *when, f"train {train}{extremes}", bits, validation, lead],
        [*place, *when, f"train {train}{extremes}", bits, validation],
        [*place, when[1], f"train {train}{extremes}", validation, lead],
        [*place, f"train {train}{extremes}", bits, validation],
        [*place, f"train {train}", bits, validation],
        [*place, f"train {train}", validation.replace("validation", "val")],
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
