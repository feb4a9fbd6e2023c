"""Records in any order, with any numbers that a reader accepts, can be drawn."""

from pathlib import Path
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual.app import ComposeResult

from tests.support.drawn_chart import drawn
from tests.support.themed_app import ThemedApp, drawn_rows
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    LARGEST_NUMBER,
    LARGEST_STEP,
    BatchTrained,
    CheckpointSaved,
    Record,
    RunPlanned,
    RunResumed,
    RunRolledBack,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.tui.run.chart.series import Axis, ChartOptions, Curvature, Span
from tui_charrnn.tui.run.samples_pane import SampleSlider
from tui_charrnn.viewing.run_formatting import card_rows
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.samples import Scrubber

OPTIONS: Final = [
    ChartOptions(span, curvature, axis, 0.9)
    for span in Span
    for curvature in Curvature
    for axis in Axis
]
steps = (
    st.integers(0, LARGEST_STEP) | st.integers(0, 9) | st.integers(LARGEST_STEP - 9, LARGEST_STEP)
)
numbers = st.floats(-LARGEST_NUMBER, LARGEST_NUMBER) | st.floats(0, 9)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(BatchTrained, steps, *[numbers] * 4),
    st.builds(SplitEvaluated, steps, numbers, st.booleans(), numbers),
    st.builds(RunPlanned, steps, steps, steps, st.just(4), st.none()),
    st.builds(RunResumed, steps),
    st.builds(RunRolledBack, steps, steps, st.just("loss"), st.just("nan"), numbers, st.just(1)),
    st.builds(CheckpointSaved, steps, st.just("x"), numbers),
    st.builds(SampleTaken, steps, st.sampled_from("AB"), st.text(max_size=3), steps, numbers),
)


def batch(step: int, elapsed: float = 1.0) -> BatchTrained:
    return BatchTrained(step, 3.0, 0.003, 0.5, elapsed)


@settings(max_examples=40)
@given(st.lists(records, min_size=1, max_size=12))
@example([batch(LARGEST_STEP)])
@example([batch(1, 1e30), batch(2, 1e30)])
@example([batch(LARGEST_STEP - 1), batch(LARGEST_STEP)])
def test_the_chart_draws_them(taken: list[Record]) -> None:
    view = RunView(RunDirectory(Path("run")))
    view.take(taken)
    card_rows(view)
    for options in OPTIONS:
        assert len(drawn(view, options=options, size=(40, 12)).rows) == 12


class Host(ThemedApp):
    """An app of the slider alone."""

    def __init__(self, taken: list[Record]) -> None:
        super().__init__()
        self.view = RunView(RunDirectory(Path("run")))
        self.view.take(taken)
        self.slider = SampleSlider()

    def compose(self) -> ComposeResult:
        yield self.slider

    def on_mount(self) -> None:
        scrubber = Scrubber()
        scrubber.take(self.view.samples, ())
        self.slider.show([sample.step for sample in scrubber.of_seed], scrubber.position)


async def test_samples_that_were_taken_out_of_order_have_their_marks() -> None:
    app = Host([SampleTaken(step, "A", "b", 0, 0.8) for step in (0, 500, 20, 40)])
    async with app.run_test(size=(40, 3)):
        assert drawn_rows(app.slider)[0].count("•") == 2
