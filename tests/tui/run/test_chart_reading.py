"""The readout and the glyphs of the loss chart."""

import math
import re
from dataclasses import replace

import pytest

from tests.support.drawn_chart import (
    RAW,
    columns_of,
    drawn,
    lines,
)
from tests.support.viewed_losses import LADDER, falling_losses, viewed_losses
from tui_charrnn.tui.run.chart.canvas import ASCII, BLOCKS, BRAILLE, Glyphs, Mark, glyphs_of
from tui_charrnn.tui.run.chart.series import Axis


def test_the_newest_values_are_shown_unless_a_cursor_is_elsewhere() -> None:
    view = viewed_losses([3.0] * 500 + [2.0] * 500, evaluate_every=100, ladder=LADDER)
    newest = lines(drawn(view))[-1]
    assert "step 1,000" in newest
    assert "train 2.000" in newest
    assert "2.89 bits" in newest
    assert "validation 2.200" in newest
    chart = drawn(view, cursor=250)
    reading = next(reading for reading in chart.readings if reading.bucket.last_step >= 250)
    assert reading.bucket.first_step <= 250
    read = lines(chart)[-1]
    assert f"{reading.bucket.first_step:,}\N{EN DASH}{reading.bucket.last_step:,}" in read
    assert "train 3.000" in read
    assert "validation 3.200" in read
    assert columns_of(chart, Mark.CURSOR) == {reading.column}


def test_the_cursor_reads_the_other_run_at_the_same_place() -> None:
    view = viewed_losses([2.0] * 100)
    other = viewed_losses([3.0] * 40 + [2.5] * 40, name="earlier")
    assert "earlier 3.000" in lines(drawn(view, other, cursor=20))[-1]
    assert "earlier 2.500" in lines(drawn(view, other, cursor=70))[-1]
    assert "earlier" not in lines(drawn(view, other, cursor=95))[-1]


@pytest.mark.parametrize(
    ("axis", "words"), [(Axis.EPOCHS, "epoch 2.00"), (Axis.TIME, "1m40s"), (Axis.STEPS, "step 200")]
)
def test_what_the_axis_counts_is_read_out(axis: Axis, words: str) -> None:
    view = viewed_losses(falling_losses(200), steps_per_epoch=100)
    chart = drawn(view, options=replace(RAW, axis=axis), size=(60, 12))
    assert words in lines(chart)[-1]


@pytest.mark.parametrize("glyphs", [BLOCKS, ASCII])
def test_the_fall_backs_have_no_braille(glyphs: Glyphs) -> None:
    losses = falling_losses(300)
    losses[150] = math.nan
    view = viewed_losses(losses, evaluate_every=60, ladder=LADDER)
    text = "\n".join(lines(drawn(view, viewed_losses(falling_losses(200)), glyphs=glyphs)))
    assert not re.search("[\N{BRAILLE PATTERN BLANK}-\N{BRAILLE PATTERN DOTS-12345678}]", text)
    assert text.isascii() == (glyphs is ASCII)


@pytest.mark.parametrize("glyphs", [BRAILLE, BLOCKS, ASCII])
def test_without_color_everything_has_a_symbol_of_its_own(glyphs: Glyphs) -> None:
    samples = glyphs.samples
    signs = [
        samples["line"],
        samples["band"],
        samples["other"],
        samples["pinned"],
        samples["second"],
        glyphs.validation * 2,
        glyphs.other_validation * 2,
        glyphs.gap * 2,
        glyphs.baseline * 2,
        glyphs.checkpoint * 2,
        glyphs.clipped * 2,
    ]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("preferred", "terminal", "glyphs"),
    [
        ("auto", "xterm-256color", BRAILLE),
        ("auto", "", BRAILLE),
        ("auto", "linux", BLOCKS),
        ("auto", "vt220", ASCII),
        ("ascii", "xterm", ASCII),
        ("braille", "linux", BRAILLE),
    ],
)
def test_signs_suit_the_terminal_unless_the_user_wants_others(
    preferred: str, terminal: str, glyphs: Glyphs
) -> None:
    assert glyphs_of(preferred, terminal) is glyphs
