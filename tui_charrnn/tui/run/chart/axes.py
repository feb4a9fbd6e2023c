"""The axes around the plot: nats at the left, bits at the right, steps below."""

import math
from collections.abc import Collection, Sequence
from typing import Final

from tui_charrnn.tui.run.chart.marks import Mark, Piece, Row, joined_row
from tui_charrnn.tui.run.chart.plot import Frame

LABEL_WIDTH: Final = 5
"""Columns of the numbers beside the plot; longer ones are left out."""
_BITS: Final = 1 / math.log(2)
"""Bits in a nat."""


def with_side_axes(frame: Frame, rows: Sequence[Row], left: int, right: int) -> list[Row]:
    """Put nats before the rows of the plot and bits after them.

    Args:
        frame: What places everything.
        rows: The rows of the plot.
        left: Columns of the axis at the left, 0 for none.
        right: Columns of the axis at the right, 0 for none.
    """
    glyphs = frame.glyphs
    nats = frame.scale.ticks(frame.height, frame.down) if left else {}
    bits = frame.scale.ticks(frame.height, frame.down, _BITS) if right else {}
    framed = []
    for place, row in enumerate(rows):
        whole: Row = list(row)
        if left:
            label = _label(nats.get(place, ""))
            sign = glyphs.left_tick if label else glyphs.left_axis
            whole = [(label.rjust(left - 1), Mark.LABEL), (sign, Mark.AXIS), *whole]
        if right:
            label = _label(bits.get(place, ""))
            sign = glyphs.right_tick if label else glyphs.right_axis
            whole += [(sign, Mark.AXIS), (label.ljust(right - 1), Mark.LABEL)]
        framed.append(whole)
    return framed


def bottom_rows(
    frame: Frame, checkpoints: Collection[int], gaps: Collection[int], left: int, right: int
) -> list[Row]:
    """The axis below the plot with its ticks, and their labels.

    Args:
        frame: What places everything.
        checkpoints: Columns of the plot in which a checkpoint was saved.
        gaps: Columns in which a loss was not finite.
        left: Columns of the axis at the left, 0 for none.
        right: Columns of the axis at the right, 0 for none.
    """
    ticks = frame.window.ticks(frame.width)
    line = [
        _axis_sign(frame, column in ticks, column in checkpoints, column in gaps)
        for column in range(frame.width)
    ]
    before = [(" " * (left - 1), Mark.BLANK), (frame.glyphs.left_corner, Mark.AXIS)] if left else []
    after = (
        [(frame.glyphs.right_corner, Mark.AXIS), (" " * (right - 1), Mark.BLANK)] if right else []
    )
    return [joined_row([*before, *line, *after]), _label_row(frame, left, right)]


def _axis_sign(frame: Frame, is_tick: bool, is_checkpoint: bool, is_gap: bool) -> Piece:
    glyphs = frame.glyphs
    if is_gap:
        return glyphs.gap, Mark.GAP
    if is_checkpoint:
        return glyphs.checkpoint_tick if is_tick else glyphs.checkpoint, Mark.CHECKPOINT
    return glyphs.bottom_tick if is_tick else glyphs.bottom, Mark.AXIS


def _label_row(frame: Frame, left: int, right: int) -> Row:
    """The numbers below the axis, and at its end what they count."""
    unit = frame.window.unit
    text = ""
    for start, label in sorted(frame.window.ticks(frame.width).values()):
        text = text.ljust(start) + label
    if len(text) + len(unit) < frame.width:
        text = text.ljust(frame.width - len(unit)) + unit
    text = " " * left + text[: frame.width].ljust(frame.width) + " " * right
    return [(text, Mark.LABEL)]


def _label(words: str) -> str:
    return words if len(words) <= LABEL_WIDTH else ""
