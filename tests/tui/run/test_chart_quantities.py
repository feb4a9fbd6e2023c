"""The second quantity of the chart, on its own axis."""

import math
from dataclasses import replace

import pytest

from tests.support.drawn_chart import columns_of, drawn, heights, lines, rows_of
from tests.support.viewed_losses import falling_losses, viewed_losses
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.runs.description import CorpusReference, RunDescription
from tui_charrnn.runs.reader import BatchStretch
from tui_charrnn.runs.records import MemoryMeasured, RunPlanned, RunResumed
from tui_charrnn.tui.run.chart.canvas import ASCII, BLOCKS, Glyphs, Mark
from tui_charrnn.tui.run.chart.series import ChartOptions, Quantity, SecondLine, Series, second_line
from tui_charrnn.viewing.run_view import RunView


def run_with(norms: list[float], rates: list[float], *, limit: float | None = 1.0) -> RunView:
    """A run of batches of 4 streams and 10 characters, half a second each."""
    view = viewed_losses([])
    view.description = RunDescription(
        name="run",
        created="2026-01-01T00:00:00+00:00",
        preset="tiny",
        model=ModelConfig(),
        training=TrainingConfig(steps=100, sequence_length=10, gradient_norm_limit=limit),
        corpus=CorpusReference(
            name="text",
            sources=(),
            sha256="0" * 64,
            characters=1000,
            training_characters=900,
        ),
        vocabulary="ab",
        parameter_count=1,
        host="host",
    )
    view.take([RunPlanned(len(norms), 100, 10, 4, None)])
    steps = range(1, len(norms) + 1)
    seconds = [0.5 * step for step in steps]
    view.take([BatchStretch(steps, falling_losses(len(norms)), rates, norms, seconds)])
    return view


def test_the_chart_smooths_the_loss_as_the_numbers_beside_it() -> None:
    view = run_with([1.0] * 60, [0.01] * 60)
    assert view.smoothed.value == pytest.approx(Series.of(view, ChartOptions()).line[-1])


def line_of(view: RunView, quantity: Quantity) -> SecondLine:
    line = second_line(view, quantity, is_recent=False, smoothing=0.0)
    assert line is not None
    return line


def test_the_gradient_norm_has_its_limit_and_the_share_of_clipped_batches() -> None:
    view = run_with([2.0] * 30 + [0.5] * 70, [1e-3] * 100)
    line = line_of(view, Quantity.NORM)
    assert line.name == "gradient norm, 30 % over 1"
    assert line.references == (("limit", 1.0),)
    assert line.value_at(10) == 2.0
    assert line.value_at(100) == 0.5


def test_without_a_limit_nothing_is_clipped() -> None:
    line = line_of(run_with([2.0] * 10, [1e-3] * 10, limit=None), Quantity.NORM)
    assert line.name == "gradient norm, no limit"
    assert not line.references


def test_the_learning_rate_is_in_thousandths() -> None:
    rates = [step / 1000 for step in range(1, 11)]
    line = line_of(run_with([0.5] * 10, rates), Quantity.RATE)
    assert [round(value, 9) for _, value in line.points] == list(range(1, 11))


def test_the_speed_is_that_of_characters_in_thousands() -> None:
    line = line_of(run_with([0.5] * 10, [1e-3] * 10), Quantity.SPEED)
    assert {round(value, 9) for _, value in line.points} == {4 * 10 / 0.5 / 1000}


def test_the_speed_of_a_run_on_jamo_counts_jamo() -> None:
    view = run_with([0.5] * 10, [1e-3] * 10)
    assert line_of(view, Quantity.SPEED).unit == "k ch/s"
    assert view.description is not None
    training = replace(view.description.training, units="jamo")
    view.description = replace(view.description, training=training)
    assert line_of(view, Quantity.SPEED).unit == "k jamo/s"


def test_what_is_dropped_by_a_resume_is_dropped_from_every_quantity() -> None:
    view = run_with([0.5] * 50 + [2.0] * 50, [1e-3] * 100)
    view.take([RunResumed(50)])
    assert view.clipped_share == 0
    assert max(step for step, _ in line_of(view, Quantity.NORM).points) <= 50


@pytest.mark.parametrize("glyphs", [BLOCKS, ASCII])
def test_it_is_drawn_in_other_signs_on_its_own_axis(glyphs: Glyphs) -> None:
    norms = [1 + math.sin(step / 20) for step in range(300)]
    chart = drawn(
        run_with(norms, [1e-3] * 300),
        options=ChartOptions(smoothing=0.0, quantity=Quantity.NORM),
        glyphs=glyphs,
    )
    text = lines(chart)
    assert text[0].rstrip().endswith("norm")
    share = sum(norm > 1 for norm in norms) / 300
    assert f"gradient norm, {100 * share:.0f} % over 1" in text[0]
    assert any(" limit 1 " in line for line in text)
    assert len(rows_of(chart, Mark.SECOND)) > 5
    assert text[1].rstrip().endswith("2.0")
    assert ("".join(text)).isascii() == (glyphs is ASCII)


def test_no_second_quantity_is_drawn_by_default() -> None:
    chart = drawn(run_with([0.5] * 100, [1e-3] * 100))
    assert not columns_of(chart, Mark.SECOND)
    assert lines(chart)[0].rstrip().endswith("bits/char")


def test_a_higher_norm_lies_higher() -> None:
    chart = drawn(
        run_with([float(step) for step in range(200)], [1e-3] * 200),
        options=ChartOptions(smoothing=0.0, quantity=Quantity.NORM),
    )
    rows = heights(chart, Mark.SECOND)
    assert rows[max(rows)] < rows[min(rows) + 20]


def test_the_memory_has_a_line_for_a_tenth_and_one_below_it_for_a_half() -> None:
    view = run_with([0.5] * 100, [1e-3] * 100)
    view.take([MemoryMeasured(step, 4, 20 if step < 90 else None, 50, ()) for step in (30, 60, 90)])
    line = line_of(view, Quantity.MEMORY)
    assert [value for _, value in line.points] == [20, 20, 50]
    assert [value for _, value in line.lower] == [4, 4, 4]
    view.take([RunResumed(60)])
    assert [step for step, _ in line_of(view, Quantity.MEMORY).points] == [30, 60]
