"""The curves of the loss chart: line, band, gaps, scale, and the amount of data drawn."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.drawn_chart import (
    RAW,
    SIZE,
    columns_of,
    drawn,
    heights,
    lines,
    rows_of,
)
from tests.support.viewed_losses import LADDER, falling_losses, viewed_losses
from tui_charrnn.runs.records import RunRolledBack, SplitEvaluated
from tui_charrnn.tui.run.chart.canvas import ASCII, BLOCKS, BRAILLE, Glyphs, Mark
from tui_charrnn.tui.run.chart.drawing import draw_chart, draw_message
from tui_charrnn.tui.run.chart.series import Axis, ChartOptions, Curvature, Span, series_of
from tui_charrnn.viewing.run_view import RunView


@settings(max_examples=60)
@given(
    losses=st.lists(
        st.floats(0, 1e9) | st.sampled_from([0.0, math.nan, math.inf, 1e-300, 1e308]), max_size=40
    ),
    size=st.tuples(st.integers(1, 130), st.integers(1, 24)),
    options=st.builds(
        ChartOptions,
        st.sampled_from(Span),
        st.sampled_from(Curvature),
        st.sampled_from(Axis),
        st.sampled_from([0.0, 0.9]),
    ),
    glyphs=st.sampled_from([BRAILLE, BLOCKS, ASCII]),
    cursor=st.none() | st.integers(0, 50),
    has_other=st.booleans(),
)
def test_every_row_is_exactly_as_wide_as_asked(
    losses: list[float],
    size: tuple[int, int],
    options: ChartOptions,
    glyphs: Glyphs,
    cursor: int | None,
    has_other: bool,
) -> None:
    view = viewed_losses(losses, evaluate_every=5, steps_per_epoch=7, ladder=LADDER)
    other = viewed_losses(losses[::2], name="the other") if has_other else None
    chart = drawn(
        view, other, options=options, size=size, glyphs=glyphs, cursor=cursor, pinned=other
    )
    assert [cell_len(line) for line in lines(chart)] == [size[0]] * size[1]


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 5), (3, 9)])
def test_a_sentence_is_as_large_as_asked(size: tuple[int, int]) -> None:
    assert [len(line) for line in lines(draw_message("No batch yet.", size))] == [size[0]] * size[1]
    assert "No batch yet." in "\n".join(lines(draw_message("No batch yet.", (40, 5))))


def test_the_line_falls_as_the_losses_do() -> None:
    chart = drawn(viewed_losses([4.0 - step / 100 for step in range(200)]))
    found = heights(chart, Mark.LINE)
    ordered = [found[column] for column in sorted(found)]
    assert ordered == sorted(ordered)
    assert ordered[0] < ordered[-1] - 10
    assert columns_of(chart, Mark.LINE) >= set(range(1, 80))


def test_a_low_chart_keeps_its_legend_before_rows_of_the_plot() -> None:
    view = viewed_losses([3.0, 2.5, 2.0])
    legends = [" train " in lines(drawn(view, size=(80, rows)))[0] for rows in (7, 8, 12)]
    assert legends == [False, True, True]


def test_both_axes_label_the_same_height_in_nats_and_in_bits() -> None:
    chart = drawn(viewed_losses(falling_losses(300)))
    rows = lines(chart)[1:-3]
    scale = chart.scale
    assert scale is not None
    for column, factor in ((slice(0, 5), 1.0), (slice(-5, None), 1 / math.log(2))):
        labels = {row: float(line[column]) for row, line in enumerate(rows) if line[column].strip()}
        assert len(labels) >= 3
        for row, number in labels.items():
            share = 1 - (row + 0.5) / len(rows)
            height = (number / factor - scale.low) / (scale.high - scale.low)
            assert height == pytest.approx(share, abs=0.6 / len(rows))


def test_a_logarithmic_scale_gives_equal_factors_equal_heights() -> None:
    losses = [8.0] * 100 + [4.0] * 100 + [2.0] * 100
    chart = drawn(viewed_losses(losses), options=replace(RAW, curvature=Curvature.LOGARITHMIC))
    found = heights(chart, Mark.LINE)
    high, middle, low = found[10], found[42], found[75]
    assert abs((middle - high) - (low - middle)) <= 1
    assert middle - high >= 4
    linear = heights(drawn(viewed_losses(losses)), Mark.LINE)
    assert linear[42] - linear[10] > 1.5 * (linear[75] - linear[42])


def test_the_smoothed_line_lies_within_the_band() -> None:
    losses = [2.0 + 0.5 * (-1) ** step for step in range(3_000)]
    chart = drawn(viewed_losses(losses), options=ChartOptions(smoothing=0.9))
    band, line = rows_of(chart, Mark.BAND), rows_of(chart, Mark.LINE)
    assert len(band) > 8
    assert min(band) < min(line) <= max(line) < max(band)


def test_a_spike_of_one_batch_in_a_long_run_is_in_the_band() -> None:
    losses = falling_losses(20_000)
    losses[15_000] = 3.2
    view = viewed_losses(losses)
    chart = drawn(view)
    spiked = chart.readings
    assert max(reading.bucket.maximum for reading in spiked if reading.column > 50) == 3.2


def test_first_losses_far_above_are_marked_and_the_others_stay_distinguishable() -> None:
    losses = [40.0, 30.0, 20.0, *falling_losses(400, floor=1.0)]
    chart = drawn(viewed_losses(losses))
    assert chart.scale is not None
    assert chart.scale.high < 10
    assert columns_of(chart, Mark.CLIPPED)
    assert "higher" in lines(chart)[0]


def test_scores_that_rise_again_are_on_the_scale() -> None:
    view = viewed_losses([3.0, 0.9, *(0.8 + step % 7 / 100 for step in range(2_000))])
    for step, loss in ((10, 3.2), (30, 1.6), (200, 2.1), (1_000, 2.5)):
        view.take([SplitEvaluated(step, loss, is_best=step == 30, elapsed=1.0)])
    scale = drawn(view).scale
    assert scale is not None
    assert 2.5 <= scale.high < 3.0


def test_a_loss_that_is_not_finite_is_a_marked_gap() -> None:
    losses = falling_losses(400)
    losses[199] = math.nan
    chart = drawn(viewed_losses(losses))
    (column,) = columns_of(chart, Mark.GAP)
    assert 40 <= column <= 46
    assert column not in columns_of(chart, Mark.LINE) | columns_of(chart, Mark.BAND)
    assert lines(chart)[-3][chart.left + column] == BRAILLE.gap
    assert f"{BRAILLE.gap} not finite" in lines(chart)[0]


def test_a_rollback_leaves_a_gap_where_the_number_was_not_finite() -> None:
    view = viewed_losses(falling_losses(100))
    view.take([RunRolledBack(101, 50, "loss", "nan", 1e-3, 1)])
    chart = drawn(view)
    (gap,) = columns_of(chart, Mark.GAP)
    assert max(columns_of(chart, Mark.LINE)) < gap - 30


def test_without_an_axis_below_the_gap_is_marked_in_the_plot() -> None:
    chart = drawn(viewed_losses([2.0, math.inf, 1.0]), size=(20, 4))
    assert BRAILLE.gap in "".join(lines(chart))


def million(every: int) -> RunView:
    """A run of a million batches, with an evaluation every so many steps."""
    return viewed_losses(
        [2.0 + (step % 97) / 100 for step in range(1_000_000)], evaluate_every=every
    )


@pytest.mark.parametrize("span", Span)
def test_as_much_is_drawn_of_a_million_batches_as_of_a_thousand(span: Span) -> None:
    options = replace(RAW, span=span)
    amounts: list[Sequence[int]] = []
    for view in (viewed_losses(falling_losses(1_000), evaluate_every=1), million(every=100)):
        (course,) = series_of(view, None, options)
        amounts.append((len(course.buckets), len(course.evaluations), len(course.checkpoints)))
        assert len(course.buckets) <= 1_000
        assert len(course.evaluations) <= 242
        assert course.evaluations[-1] == view.evaluations[-1]
    assert amounts[1][0] <= (1_000 if span is Span.RECENT else max(512, amounts[0][0]))


def test_an_earlier_scale_is_kept_as_long_as_it_does() -> None:
    losses = falling_losses(400)
    options = RAW
    before = drawn(viewed_losses(losses[:300])).scale
    view = viewed_losses(losses)
    kept = draw_chart(series_of(view, None, options), options, SIZE, BRAILLE, earlier=before)
    assert kept.scale == before
    far = viewed_losses([*losses[:300], *[0.2] * 300])
    moved = draw_chart(series_of(far, None, options), options, SIZE, BRAILLE, earlier=before)
    assert moved.scale is not None
    assert moved.scale.contains(0.2)


def test_at_least_two_numbers_stand_beside_a_low_plot() -> None:
    text = lines(drawn(viewed_losses(falling_losses(300)), size=(80, 12)))
    assert sum(bool(line[:5].strip()) for line in text[1:-3]) >= 2
