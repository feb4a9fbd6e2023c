"""The second graph beside the loss chart, if there is room for it."""

import pytest
from textual.app import ComposeResult

from tests.support.themed_app import ThemedApp, drawn_rows
from tests.support.viewed_losses import falling_losses, viewed_losses
from tests.support.waiting import wait_until
from tui_charrnn.tui.run.loss_chart import LEAST_WIDTH, Charts, LossChart


class Host(ThemedApp):
    """An app of the charts alone."""

    def __init__(self) -> None:
        super().__init__()
        self.charts = Charts("ascii")

    def compose(self) -> ComposeResult:
        yield self.charts

    def on_mount(self) -> None:
        self.charts.show(viewed_losses(falling_losses(300)), None)


async def test_the_pinned_run_is_in_both_graphs() -> None:
    app = Host()
    async with app.run_test(size=(LEAST_WIDTH, 20)) as pilot:
        pinned = viewed_losses(falling_losses(300), name="old")
        app.charts.show(viewed_losses(falling_losses(300)), None, pinned)
        await wait_until(pilot, "it", lambda: "old (pinned)" in text_of(app.charts.losses))
        await wait_until(pilot, "it", lambda: "old (pinned)" in text_of(app.charts.second))


def text_of(chart: LossChart) -> str:
    return "\n".join(drawn_rows(chart))


@pytest.mark.parametrize("width", [LEAST_WIDTH - 1, LEAST_WIDTH])
async def test_there_is_a_second_graph_where_there_is_room(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        assert app.charts.second.display == (width >= LEAST_WIDTH)


async def test_it_shows_the_gradient_norm_or_what_would_lie_over_the_losses() -> None:
    app = Host()
    async with app.run_test(size=(LEAST_WIDTH, 20)) as pilot:
        await pilot.pause()
        assert "gradient norm" in text_of(app.charts.second)
        await pilot.press("g", "g")
        await pilot.pause()
        assert "learning rate" in text_of(app.charts.second)
        assert "learning rate" not in text_of(app.charts.losses)
        await pilot.resize_terminal(LEAST_WIDTH - 1, 20)
        await pilot.pause()
        assert "learning rate" in text_of(app.charts.losses)


async def test_it_follows_axis_and_cursor_of_the_losses() -> None:
    app = Host()
    async with app.run_test(size=(LEAST_WIDTH, 20)) as pilot:
        await pilot.press("x", "x", "left")
        await pilot.pause()
        assert app.charts.second.options.axis == app.charts.losses.options.axis
        assert f"step {app.charts.losses.cursor}" in text_of(app.charts.second)
        assert not app.charts.second.focusable
