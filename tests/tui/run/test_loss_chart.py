"""The loss chart as a widget: keys, mouse, sizes, and when it draws again."""

import pytest
from textual.app import ComposeResult

from tests.support.themed_app import ThemedApp, drawn_rows
from tests.support.viewed_losses import LADDER, falling_losses, viewed_losses
from tests.support.waiting import wait_until
from tui_charrnn.folders import resource_folder
from tui_charrnn.runs.records import BatchTrained
from tui_charrnn.tui.run.chart.canvas import BRAILLE, Mark
from tui_charrnn.tui.run.chart.drawing import draw_chart
from tui_charrnn.tui.run.chart.series import Axis, ChartOptions, Curvature, Span
from tui_charrnn.tui.run.loss_chart import LossChart
from tui_charrnn.tui.theme.themes import load_themes
from tui_charrnn.viewing.run_view import RunView

SIZE = (90, 20)


class Host(ThemedApp):
    """An app of the chart alone."""

    CSS = "LossChart { width: 100%; height: 100%; }"

    def __init__(self, view: RunView | None = None, other: RunView | None = None) -> None:
        super().__init__()
        self._views = view, other

    def compose(self) -> ComposeResult:
        chart = LossChart("auto")
        chart.glyphs = BRAILLE
        yield chart

    def on_mount(self) -> None:
        self.chart.show(*self._views)
        self.chart.focus()

    @property
    def chart(self) -> LossChart:
        return self.query_one(LossChart)

    @property
    def text(self) -> str:
        return "\n".join(drawn_rows(self.chart))


def long_run(count: int = 3_000) -> RunView:
    return viewed_losses(
        falling_losses(count), evaluate_every=500, steps_per_epoch=600, ladder=LADDER
    )


async def test_without_a_run_it_shows_a_note() -> None:
    async with Host().run_test(size=SIZE) as pilot:
        assert isinstance(pilot.app, Host)
        assert "No run is shown: ^n trains one" in pilot.app.text


async def test_before_the_first_batch_it_shows_a_note() -> None:
    async with Host(viewed_losses([])).run_test(size=SIZE) as pilot:
        assert isinstance(pilot.app, Host)
        assert "No batch yet" in pilot.app.text


async def test_it_draws_a_run_with_axes_ladder_and_newest_values() -> None:
    async with Host(long_run()).run_test(size=SIZE) as pilot:
        assert isinstance(pilot.app, Host)
        text = pilot.app.text
        for words in ("nats/char", "bits/char", "train", "3-gram 2.000", "step 3,000", "step"):
            assert words in text
        assert "whole run · linear · steps · smoothing 0.9" in text


async def test_keys_turn_what_is_shown_and_say_so() -> None:
    app = Host(long_run())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("r", "y", "x", "s")
        expected = ChartOptions(Span.RECENT, Curvature.LOGARITHMIC, Axis.EPOCHS, 0.98)
        assert app.chart.options == expected
        await pilot.pause()
        assert "last 1,000 of 3,000 batches · logarithmic · epochs · smoothing 0.98" in app.text
        assert "epoch" in drawn_rows(app.chart)[-3].split()[0]
        await pilot.press("r", "y", "x", "x", "s")
        assert app.chart.options == ChartOptions(smoothing=0.0)


async def test_arrows_read_the_values_out_and_end_goes_back_to_the_newest() -> None:
    app = Host(long_run())
    async with app.run_test(size=SIZE) as pilot:
        newest = drawn_rows(app.chart)[-2]
        await pilot.press(*["left"] * 20)
        read = drawn_rows(app.chart)[-2]
        step = app.chart.cursor
        assert step is not None
        assert f"{step:,}" in read
        assert BRAILLE.cursor in app.text
        await pilot.press("right")
        assert app.chart.cursor is not None
        assert app.chart.cursor > step
        await pilot.press("end")
        assert drawn_rows(app.chart)[-2] == newest
        assert BRAILLE.cursor not in app.text


async def test_the_cursor_stops_at_both_ends() -> None:
    app = Host(viewed_losses([3.0, 2.5, 2.0]))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*["left"] * 9)
        assert app.chart.cursor == 1
        await pilot.press(*["right"] * 9)
        assert app.chart.cursor == 3


async def test_the_cursor_stays_at_its_step_while_the_run_trains() -> None:
    view = viewed_losses(falling_losses(400))
    app = Host(view)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*["left"] * 30)
        step = app.chart.cursor
        view.take([BatchTrained(401, 1.4, 1e-3, 0.5, 201.0)])
        app.chart.show(view, None)
        await pilot.pause()
        assert app.chart.cursor == step


async def test_another_run_takes_the_cursor_away() -> None:
    app = Host(long_run())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left", "left")
        app.chart.show(viewed_losses(falling_losses(50), name="another"), None)
        assert app.chart.cursor is None


async def test_a_click_reads_out_the_values_below_the_mouse() -> None:
    app = Host(long_run())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(LossChart, offset=(40, 6))
        assert app.chart.cursor is not None
        assert 1_000 < app.chart.cursor < 1_700
        assert any(row[40] == BRAILLE.cursor for row in drawn_rows(app.chart)[2:-4])


async def test_another_run_is_drawn_over_it() -> None:
    app = Host(long_run(), viewed_losses(falling_losses(2_000, floor=1.9), name="earlier"))
    async with app.run_test(size=SIZE) as pilot:
        assert "earlier" in app.text
        app.chart.show(long_run(), None)
        await pilot.pause()
        assert "earlier" not in app.text


async def test_a_compared_run_that_is_pinned_instead_is_drawn_as_pinned() -> None:
    view, other = long_run(), viewed_losses(falling_losses(2_000, floor=1.9), name="earlier")
    app = Host(view, other)
    async with app.run_test(size=SIZE):
        assert "earlier" in app.text
        assert "earlier (pinned)" not in app.text
        app.chart.show(view, None, other)
        assert "earlier (pinned)" in app.text


async def test_it_draws_anew_only_when_something_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawings = []

    def counted(*arguments: object, **options: object) -> object:
        drawings.append(arguments)
        return draw_chart(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("tui_charrnn.tui.run.loss_chart.draw_chart", counted)
    view = viewed_losses(falling_losses(300))
    app = Host(view)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        count = len(drawings)
        app.chart.show(view, None)
        await pilot.pause()
        drawn_rows(app.chart)
        assert len(drawings) == count
        view.take([BatchTrained(301, 1.4, 1e-3, 0.5, 151.0)])
        for _ in range(5):
            app.chart.show(view, None)
            await pilot.pause()
        await wait_until(pilot, "the new batch", lambda: "step 301" in app.text)
        assert len(drawings) == count + 1


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (5, 4), (9, 7), (26, 6), (60, 11)])
async def test_it_can_be_of_any_size(size: tuple[int, int]) -> None:
    app = Host(long_run(), viewed_losses(falling_losses(40), name="another"))
    async with app.run_test(size=size) as pilot:
        app.chart.styles.border = ("none", "black")
        await pilot.press("left", "left", "r", "y", "x", "x", "s")
        await pilot.click(LossChart)
        assert all(len(row) <= size[0] for row in drawn_rows(app.chart))
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "nats/char" in app.text


async def test_every_mark_has_a_color_of_the_theme() -> None:
    app = Host(long_run())
    for theme in load_themes(resource_folder("themes"))[0]:
        app.register_theme(theme)
    async with app.run_test(size=SIZE) as pilot:
        colors = {}
        for name in ("ember", "paper"):
            app.theme = name
            await pilot.pause()
            colors[name] = {mark: _color(app, mark) for mark in Mark if mark is not Mark.BLANK}
        ember, paper = colors["ember"], colors["paper"]
        assert [mark for mark in ember if ember[mark] == paper[mark]] == []
        assert ember[Mark.LINE] != ember[Mark.VALIDATION] != ember[Mark.BASELINE]


def _color(app: Host, mark: Mark) -> object:
    return app.chart.get_component_styles(f"loss-chart--{mark}").color
