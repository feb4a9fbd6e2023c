"""The marks of the loss chart: scores, checkpoints, baselines, axes, another run."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.support.drawn_chart import (
    RAW,
    columns_of,
    drawn,
    heights,
    lines,
    marks,
    rows_of,
)
from tests.support.viewed_losses import LADDER, falling_losses, viewed_losses
from tui_charrnn.runs.records import RunResumed, SplitEvaluated
from tui_charrnn.tui.run.chart.canvas import BRAILLE, Mark
from tui_charrnn.tui.run.chart.drawing import Chart, draw_chart
from tui_charrnn.tui.run.chart.series import Axis, Span, series_of


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
    written = lines(drawn(view, options=replace(RAW, axis=axis)))[-2].split()
    assert written[0] == unit
    assert [label for label in written if label in labels] == labels


def test_epochs_are_steps_until_the_run_knows_how_long_one_is() -> None:
    chart = drawn(viewed_losses(falling_losses(50)), options=replace(RAW, axis=Axis.EPOCHS))
    assert lines(chart)[-2].split()[0] == "step"


def test_the_name_of_an_axis_leaves_the_last_number_its_place() -> None:
    chart = drawn(viewed_losses(falling_losses(2_000), steps_per_epoch=100))
    assert lines(chart)[-2].split()[-1] == "2,000"


def test_the_last_batches_are_a_third_of_a_run_at_most() -> None:
    view, options = viewed_losses(falling_losses(900)), replace(RAW, span=Span.RECENT)
    assert drawn(view, options=options).readings[0].bucket.first_step == 601
    assert options.describe(view)[0] == "last 300 of 900 batches"


def test_the_name_of_a_reference_is_placed_in_free_space() -> None:
    rising = [1.5 + step / 300 for step in range(300)]  # crosses the line in the middle
    text = lines(drawn(viewed_losses(rising, ladder=LADDER), size=(60, 30)))
    assert sum("3-gram 2.000" in line for line in text) == 1


def test_a_run_on_another_text_is_labelled() -> None:
    run, other = viewed_losses(falling_losses(50)), viewed_losses(falling_losses(50), name="other")
    one, another = series_of(run, other, RAW)
    for corpus, is_noted in (("a", False), ("b", True)):
        both = [replace(one, corpus="a"), replace(another, corpus=corpus)]
        chart = draw_chart(both, RAW, (100, 20), BRAILLE)
        assert ("(another text)" in lines(chart)[0]) == is_noted


def test_the_recent_view_holds_the_last_thousand_batches() -> None:
    chart = drawn(viewed_losses(falling_losses(9_000)), options=replace(RAW, span=Span.RECENT))
    assert chart.readings[0].bucket.first_step == 8_001
    assert chart.readings[-1].bucket.last_step == 9_000
    assert min(columns_of(chart, Mark.LINE)) <= 1


def test_a_run_that_went_back_beyond_its_last_batches_is_still_shown() -> None:
    view = viewed_losses(falling_losses(5_000))
    view.take([RunResumed(1_000)])
    assert drawn(view, options=replace(RAW, span=Span.RECENT)).readings


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


def test_the_pinned_run_is_a_row_of_dots_beside_the_compared_one() -> None:
    view = viewed_losses([2.0] * 200)
    other, pinned = (
        viewed_losses([3.0] * 200, name="other"),
        viewed_losses([2.5] * 200, name="old", evaluate_every=50),
    )
    chart = drawn(view, other, pinned=pinned, size=(120, 20))
    assert not columns_of(chart, Mark.OTHER_VALIDATION)
    assert set(plot_signs(chart, Mark.OTHER)) == {"⠉"}
    assert set(plot_signs(chart, Mark.PINNED)) == {"⠁", "⠈"}  # a dot here and there
    assert "old (pinned)" in lines(chart)[0]
    assert "old 2.500" in lines(chart)[-1]


def plot_signs(chart: Chart, mark: Mark) -> str:
    return "".join(text for row in chart.rows[1:-3] for text, found in row if found is mark)


def test_a_pinned_run_on_another_text_is_labelled() -> None:
    view, pinned = viewed_losses([2.0] * 50), viewed_losses([2.5] * 50, name="old")
    one, another = series_of(view, None, RAW, pinned)
    both = [replace(one, corpus="a"), replace(another, corpus="b")]
    assert "old (pinned, another text)" in lines(draw_chart(both, RAW, (100, 20), BRAILLE))[0]


def test_a_longer_pinned_run_leaves_the_window_to_the_run() -> None:
    pinned = viewed_losses([3.0] * 4_000)
    chart = drawn(viewed_losses([2.0] * 100), pinned=pinned)
    assert max(columns_of(chart, Mark.LINE)) > 70


def test_the_name_of_another_run_cannot_reach_the_terminal() -> None:
    other = viewed_losses([3.0] * 100, name="\x1b[31mred\x07")
    text = "\n".join(lines(drawn(viewed_losses([2.0] * 100), other)))
    assert "red" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_very_many_evaluations_do_not_hide_the_line() -> None:
    view = viewed_losses([2.0] * 1_000, evaluate_every=2)
    view.take([SplitEvaluated(1_000, 2.21, is_best=False, elapsed=500.0)])
    columns = sorted(columns_of(drawn(view), Mark.VALIDATION))
    assert len(columns) > 20
    assert all(right - left >= 3 for left, right in pairwise(columns[:-1]))
    assert columns[-1] == drawn(view).readings[-1].column
