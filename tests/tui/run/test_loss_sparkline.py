"""The bars of the losses as strings, and the widget that shows them."""

import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import ComposeResult

from tests.support.themed_app import ThemedApp, drawn_rows
from tui_charrnn.tui.run.run_card import LossSparkline
from tui_charrnn.tui.sparkline import Mark, draw_bars, joined_columns

NAN, INF = math.nan, math.inf


def rows_of(values: list[float], rows: int, baseline: float | None = None) -> list[str]:
    drawn = draw_bars(values, rows=rows, baseline=baseline)
    return ["".join(sign for sign, _ in row) for row in drawn]


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ([], ""),
        ([2.0], "▄"),
        ([1.5, 1.5, 1.5], "▄▄▄"),
        ([1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇"),
        ([7, 1, 4], "▇▁▄"),
        ([2, NAN, 1], "▇ ▁"),
        ([NAN, NAN], "  "),
        ([2, INF, 1], "▇█▁"),
        ([2, -INF, 1], "▇ ▁"),
        ([INF], "█"),
        ([-1e308, 1e308], "▄▄"),
    ],
)
def test_one_row(values: list[float], row: str) -> None:
    assert rows_of(values, 1) == [row]


def test_taller_drawings_have_finer_bars() -> None:
    assert rows_of([0, 5, 10, 14], 2) == ["  ▃▇", "▁▆██"]


def test_first_losses_do_not_flatten_the_rest() -> None:
    losses = [4.2] + [1.5 + 0.05 * (step % 3) for step in range(20)]
    assert rows_of(losses, 1)[0][:7] == "█▁▃▆▁▃▆"
    (row,) = draw_bars(losses, rows=1)
    assert [mark for _, mark in row] == [Mark.CLIPPED, *[Mark.BAR] * 20]


def test_only_what_is_above_the_scale_is_a_full_block() -> None:
    assert "█" not in rows_of([math.exp(-step / 9) for step in range(12)], 1)[0]


def test_the_baseline_passes_beside_and_across_the_bars() -> None:
    assert rows_of([8, 1, 1.2, 8], 3, 4.5) == ["▇  ▇", "────", "█▁▂█"]
    marks = [mark for _, mark in draw_bars([8, 1, 1.2, 8], rows=3, baseline=4.5)[1]]
    assert marks == [Mark.CROSSING, Mark.BASELINE, Mark.BASELINE, Mark.CROSSING]


@pytest.mark.parametrize("baseline", [0.5, 9.0, NAN, INF, None])
def test_a_baseline_off_the_scale_is_not_drawn(baseline: float | None) -> None:
    assert draw_bars([8, 1], rows=2, baseline=baseline) == draw_bars([8, 1], rows=2)


def test_one_row_has_no_room_for_a_baseline() -> None:
    assert draw_bars([1, 3, 2], rows=1, baseline=2) == draw_bars([1, 3, 2], rows=1)


@given(st.lists(st.floats()), st.integers(1, 4), st.none() | st.floats())
def test_any_numbers_are_drawn(values: list[float], rows: int, baseline: float | None) -> None:
    drawn = rows_of(values, rows, baseline)
    assert [len(row) for row in drawn] == [len(values)] * rows
    for index, value in enumerate(values):
        is_blank = all(row[index] in " ▁─▔" for row in drawn)
        assert is_blank or not math.isnan(value)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=40))
def test_a_higher_loss_is_never_drawn_lower(values: list[float]) -> None:
    (row,) = rows_of(sorted(values), 1)
    assert list(row) == sorted(row)


class Host(ThemedApp):
    def __init__(self) -> None:
        super().__init__()
        self.sparkline = LossSparkline()

    def compose(self) -> ComposeResult:
        yield self.sparkline


async def test_more_columns_than_there_is_room_for_are_joined_not_cut() -> None:
    app = Host()
    async with app.run_test(size=(4, 3)) as pilot:
        assert app.sparkline.size.width == 4
        app.sparkline.show(partial(joined_columns, [9, 7, 5, 3, 2, 2, 1, 1]))
        await pilot.pause()
        assert drawn_rows(app.sparkline) == ["▇▄▂▁"]


async def test_the_widget_draws_anew_for_another_size() -> None:
    app = Host()
    async with app.run_test(size=(2, 3)) as pilot:
        app.sparkline.show(partial(joined_columns, [4, 1, 8]))
        await pilot.pause()
        assert drawn_rows(app.sparkline) == ["▁▇"]
        app.sparkline.styles.height = 2
        await pilot.resize_terminal(3, 3)
        await pilot.pause()
        assert drawn_rows(app.sparkline) == ["  ▇", "▇▁█"]


async def test_the_widget_without_numbers_is_blank() -> None:
    app = Host()
    async with app.run_test(size=(5, 3)) as pilot:
        app.sparkline.show(partial(joined_columns, []))
        await pilot.pause()
        assert drawn_rows(app.sparkline) == [""]
