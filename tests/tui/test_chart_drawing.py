"""The loss chart as rows of text, without any widget."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.viewed_losses import LADDER, falling_losses, viewed_losses
from tui_charrnn.runs.records import RunRolledBack, SplitEvaluated
from tui_charrnn.tui.renderables.chart.course import courses_of
from tui_charrnn.tui.renderables.chart.drawing import Chart, draw_chart, draw_words
from tui_charrnn.tui.renderables.chart.glyphs import ASCII, BLOCKS, BRAILLE, Glyphs, glyphs_of
from tui_charrnn.tui.renderables.chart.look import Axis, Curvature, Look, Span
from tui_charrnn.tui.renderables.chart.marks import Mark
from tui_charrnn.viewing.run_view import RunView

SIZE = (100, 20)
LOG = Look(curvature=Curvature.LOGARITHMIC)
RAW = Look(smoothing=0.0)


def drawn(
    view: RunView,
    other: RunView | None = None,
    *,
    look: Look = RAW,
    size: tuple[int, int] = SIZE,
    glyphs: Glyphs = BRAILLE,
    cursor: int | None = None,
) -> Chart:
    return draw_chart(courses_of(view, other, look), look, size, glyphs, cursor=cursor)


def lines(chart: Chart) -> list[str]:
    return ["".join(text for text, _ in row) for row in chart.rows]


def marks(chart: Chart) -> list[list[Mark]]:
    """What every cell stands for, row by row."""
    return [[mark for text, mark in row for _ in text] for row in chart.rows]


def plot_of(chart: Chart) -> list[list[Mark]]:
    """The cells between the axes: without legend, the axis below and what is read out."""
    return [row[chart.left : -6] for row in marks(chart)[1:-3]]


def rows_of(chart: Chart, mark: Mark) -> list[int]:
    """The rows of the plot that hold a mark."""
    return [row for row, found in enumerate(plot_of(chart)) if mark in found]


def columns_of(chart: Chart, mark: Mark) -> set[int]:
    """The columns of the plot that hold a mark."""
    return {column for row in plot_of(chart) for column, found in enumerate(row) if found is mark}


def heights(chart: Chart, mark: Mark) -> dict[int, int]:
    """The highest row of a mark in every column of the plot that has it."""
    plot = plot_of(chart)
    return {
        column: next(row for row, cells in enumerate(plot) if cells[column] is mark)
        for column in columns_of(chart, mark)
    }


@settings(max_examples=60)
@given(
    losses=st.lists(
        st.floats(0, 1e9) | st.sampled_from([0.0, math.nan, math.inf, 1e-300, 1e308]), max_size=40
    ),
    size=st.tuples(st.integers(1, 130), st.integers(1, 24)),
    look=st.builds(
        Look,
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
    look: Look,
    glyphs: Glyphs,
    cursor: int | None,
    has_other: bool,
) -> None:
    view = viewed_losses(losses, evaluate_every=5, steps_per_epoch=7, ladder=LADDER)
    other = viewed_losses(losses[::2], name="the other") if has_other else None
    chart = drawn(view, other, look=look, size=size, glyphs=glyphs, cursor=cursor)
    assert [cell_len(line) for line in lines(chart)] == [size[0]] * size[1]


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 5), (3, 9)])
def test_a_sentence_is_as_large_as_asked(size: tuple[int, int]) -> None:
    assert [len(line) for line in lines(draw_words("No batch yet.", size))] == [size[0]] * size[1]
    assert "No batch yet." in "\n".join(lines(draw_words("No batch yet.", (40, 5))))


def test_the_line_falls_as_the_losses_do() -> None:
    chart = drawn(viewed_losses([4.0 - step / 100 for step in range(200)]))
    found = heights(chart, Mark.LINE)
    ordered = [found[column] for column in sorted(found)]
    assert ordered == sorted(ordered)
    assert ordered[0] < ordered[-1] - 10
    assert columns_of(chart, Mark.LINE) >= set(range(1, 80))


def test_axes_tell_the_same_height_in_nats_and_in_bits() -> None:
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
    chart = drawn(viewed_losses(losses), look=replace(RAW, curvature=Curvature.LOGARITHMIC))
    found = heights(chart, Mark.LINE)
    high, middle, low = found[10], found[42], found[75]
    assert abs((middle - high) - (low - middle)) <= 1
    assert middle - high >= 4
    linear = heights(drawn(viewed_losses(losses)), Mark.LINE)
    assert linear[42] - linear[10] > 1.5 * (linear[75] - linear[42])


def test_the_smoothed_line_lies_within_the_band() -> None:
    losses = [2.0 + 0.5 * (-1) ** step for step in range(3_000)]
    chart = drawn(viewed_losses(losses), look=Look(smoothing=0.9))
    band, line = rows_of(chart, Mark.BAND), rows_of(chart, Mark.LINE)
    assert len(band) > 8
    assert min(band) < min(line) <= max(line) < max(band)


def test_a_spike_of_one_batch_in_a_long_run_is_in_the_band() -> None:
    losses = falling_losses(20_000)
    losses[15_000] = 3.2
    view = viewed_losses(losses)
    chart = drawn(view)
    spiked = chart.stations
    assert max(station.bucket.maximum for station in spiked if station.column > 50) == 3.2


def test_first_losses_far_above_are_marked_as_higher_and_the_others_can_be_told_apart() -> None:
    losses = [40.0, 30.0, 20.0, *falling_losses(400, floor=1.0)]
    chart = drawn(viewed_losses(losses))
    assert chart.scale is not None
    assert chart.scale.high < 10
    assert columns_of(chart, Mark.CLIPPED)
    assert "higher" in lines(chart)[0]


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


def test_scores_of_held_out_text_lie_at_their_place() -> None:
    view = viewed_losses([2.0] * 100)
    view.take([SplitEvaluated(50, 2.5, is_best=True, elapsed=1.0)])
    chart = drawn(view)
    ((column, row),) = heights(chart, Mark.VALIDATION).items()
    assert 40 <= column <= 46
    assert row < min(heights(chart, Mark.LINE).values())
    assert BRAILLE.validation in lines(chart)[row + 1]


def test_checkpoints_are_ticks_of_the_axis_below() -> None:
    chart = drawn(viewed_losses(falling_losses(100), evaluate_every=25))
    ticks = [column for column, mark in enumerate(marks(chart)[-3]) if mark is Mark.CHECKPOINT]
    validations = sorted(columns_of(chart, Mark.VALIDATION))
    assert len(ticks) == 4
    assert [tick - chart.left for tick in ticks] == validations


def test_the_ladder_is_drawn_where_its_losses_lie_with_names() -> None:
    chart = drawn(viewed_losses(falling_losses(300), ladder=LADDER))
    text = lines(chart)
    for name, loss in (("3-gram", 2.0), ("bigram", 2.5)):
        (row,) = [number for number, line in enumerate(text) if f"{name} {loss:.3f}" in line]
        assert chart.scale is not None
        assert row - 1 == chart.scale.dot(loss, 16 * 4) // 4
        assert BRAILLE.baseline * 5 in text[row]


def test_before_the_first_batch_the_ladder_is_all_there_is() -> None:
    text = "\n".join(lines(drawn(viewed_losses([], ladder=LADDER))))
    assert "uniform 4.000" in text
    assert "No batch yet" in text


@pytest.mark.parametrize(
    ("axis", "unit", "labels"),
    [
        (Axis.STEPS, "step", ["0", "100", "200", "300", "400"]),
        (Axis.EPOCHS, "epoch", ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"]),
        (Axis.TIME, "time", ["0", "1m", "2m", "3m"]),
    ],
)
def test_the_axis_counts_what_is_asked_for(axis: Axis, unit: str, labels: list[str]) -> None:
    view = viewed_losses(falling_losses(450), steps_per_epoch=100)
    written = lines(drawn(view, look=replace(RAW, axis=axis)))[-2].split()
    assert written[-1] == unit
    assert [label for label in written if label in labels] == labels


def test_epochs_are_steps_until_the_run_knows_how_long_one_is() -> None:
    chart = drawn(viewed_losses(falling_losses(50)), look=replace(RAW, axis=Axis.EPOCHS))
    assert lines(chart)[-2].split()[-1] == "step"


def test_the_recent_view_holds_the_last_thousand_batches() -> None:
    chart = drawn(viewed_losses(falling_losses(9_000)), look=replace(RAW, span=Span.RECENT))
    assert chart.stations[0].bucket.first_step == 8_001
    assert chart.stations[-1].bucket.last_step == 9_000
    assert min(columns_of(chart, Mark.LINE)) <= 1


def test_another_run_lies_over_it_in_other_signs() -> None:
    view = viewed_losses([2.0] * 200, evaluate_every=50)
    other = viewed_losses([3.0] * 100, name="earlier", evaluate_every=50)
    chart = drawn(view, other)
    assert len(rows_of(chart, Mark.OTHER)) == 1
    assert max(rows_of(chart, Mark.OTHER)) < min(rows_of(chart, Mark.LINE))
    assert max(columns_of(chart, Mark.OTHER)) < 46
    assert len(columns_of(chart, Mark.OTHER_VALIDATION)) == 2
    assert "earlier" in lines(chart)[0]


def test_a_longer_run_over_it_widens_the_window() -> None:
    view = viewed_losses([2.0] * 100)
    assert max(columns_of(drawn(view, viewed_losses([3.0] * 400)), Mark.LINE)) < 24


def test_the_name_of_another_run_cannot_reach_the_terminal() -> None:
    other = viewed_losses([3.0] * 100, name="\x1b[31mred\x07")
    text = "\n".join(lines(drawn(viewed_losses([2.0] * 100), other)))
    assert "red" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_the_newest_values_are_read_out_unless_a_cursor_stands_elsewhere() -> None:
    view = viewed_losses([3.0] * 500 + [2.0] * 500, evaluate_every=100, ladder=LADDER)
    newest = lines(drawn(view))[-1]
    assert "step 1,000" in newest
    assert "train 2.000" in newest
    assert "2.89 bits" in newest
    assert "validation 2.200" in newest
    chart = drawn(view, cursor=250)
    station = next(station for station in chart.stations if station.bucket.last_step >= 250)
    assert station.bucket.first_step <= 250
    read = lines(chart)[-1]
    assert f"{station.bucket.first_step:,}\N{EN DASH}{station.bucket.last_step:,}" in read
    assert "train 3.000" in read
    assert "validation 3.200" in read
    assert columns_of(chart, Mark.CURSOR) == {station.column}


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
    chart = drawn(view, look=replace(RAW, axis=axis), size=(60, 12))
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
def test_without_color_everything_can_be_told_apart_by_its_sign(glyphs: Glyphs) -> None:
    samples = glyphs.samples
    signs = [
        samples["line"],
        samples["band"],
        samples["other"],
        glyphs.validation * 2,
        glyphs.other_validation * 2,
        glyphs.gap * 2,
        glyphs.baseline * 2,
        glyphs.checkpoint * 2,
        glyphs.clipped * 2,
    ]
    assert len(set(signs)) == len(signs)


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        ({"TERM": "xterm-256color"}, BRAILLE),
        ({}, BRAILLE),
        ({"TERM": "linux"}, BLOCKS),
        ({"TERM": "vt220"}, ASCII),
        ({"TERM": "xterm", "CHARRNN_GLYPHS": "ascii"}, ASCII),
        ({"TERM": "linux", "CHARRNN_GLYPHS": " Braille"}, BRAILLE),
        ({"TERM": "linux", "CHARRNN_GLYPHS": "nonsense"}, BLOCKS),
    ],
)
def test_signs_suit_the_terminal_unless_the_user_wants_others(
    environment: dict[str, str], glyphs: Glyphs
) -> None:
    assert glyphs_of(environment) is glyphs


def million(every: int) -> RunView:
    """A million batches, scored every so many steps."""
    return viewed_losses(
        [2.0 + (step % 97) / 100 for step in range(1_000_000)], evaluate_every=every
    )


@pytest.mark.parametrize("span", Span)
def test_as_much_is_drawn_of_a_million_batches_as_of_a_thousand(span: Span) -> None:
    look = replace(RAW, span=span)
    amounts: list[Sequence[int]] = []
    for view in (viewed_losses(falling_losses(1_000), evaluate_every=1), million(every=100)):
        (course,) = courses_of(view, None, look)
        amounts.append((len(course.buckets), len(course.evaluations), len(course.checkpoints)))
        assert len(course.buckets) <= 1_000
        assert len(course.evaluations) <= 242
        assert course.evaluations[-1] == view.evaluations[-1]
    assert amounts[1][0] <= max(512, amounts[0][0])


def test_an_earlier_scale_is_kept_as_long_as_it_does() -> None:
    losses = falling_losses(400)
    look = RAW
    before = drawn(viewed_losses(losses[:300])).scale
    view = viewed_losses(losses)
    kept = draw_chart(courses_of(view, None, look), look, SIZE, BRAILLE, earlier=before)
    assert kept.scale == before
    far = viewed_losses([*losses[:300], *[0.2] * 300])
    moved = draw_chart(courses_of(far, None, look), look, SIZE, BRAILLE, earlier=before)
    assert moved.scale is not None
    assert moved.scale.contains(0.2)


def test_very_many_scores_leave_the_line_to_be_seen() -> None:
    view = viewed_losses([2.0] * 1_000, evaluate_every=2)
    view.take([SplitEvaluated(1_000, 2.21, is_best=False, elapsed=500.0)])
    columns = sorted(columns_of(drawn(view), Mark.VALIDATION))
    assert len(columns) > 20
    assert all(right - left >= 3 for left, right in pairwise(columns[:-1]))
    assert columns[-1] == drawn(view).stations[-1].column


def test_at_least_two_numbers_stand_beside_a_low_plot() -> None:
    text = lines(drawn(viewed_losses(falling_losses(300)), size=(80, 12)))
    assert sum(bool(line[:5].strip()) for line in text[1:-3]) >= 2
