"""The app with a run, in Korean: only names and units are in English."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widget import Widget

from tests.korean import latin_words
from tests.support.drawn_chart import drawn, lines
from tests.support.fake_run import FakeTrainer, created_run
from tests.support.shown_screen import screen_text
from tests.support.themed_app import ThemedApp
from tests.support.viewed_run import viewed
from tests.support.waiting import wait_until
from tui_charrnn.tui.run.chart.scales import Window
from tui_charrnn.tui.run.chart.series import Axis, ChartOptions, Curvature, Quantity, Span
from tui_charrnn.tui.run.failure_card import FailureCard
from tui_charrnn.tui.run.log_pane import format_state
from tui_charrnn.tui.run.run_card import RunCard, StatusLine
from tui_charrnn.tui.run.run_log import RunLog
from tui_charrnn.tui.run.samples_pane import SamplesPane
from tui_charrnn.tui.run.teaser import Teaser
from tui_charrnn.viewing.failures import diagnose
from tui_charrnn.viewing.log_lines import LogFilter

pytestmark = pytest.mark.usefixtures("korean")
NAMES = {"fake", "lstm", "gram", "CPU", "float32", "processor"}


def shows(app: ThemedApp, words: str) -> bool:
    return words in screen_text(app)


class Host(ThemedApp):
    """Shows one widget after another."""

    async def show(self, widget: Widget) -> None:
        await self.screen.remove_children()
        await self.screen.mount(widget)

    def compose(self) -> ComposeResult:
        yield Widget()


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A run that is half trained and has records of every kind."""
    run = created_run(tmp_path, name="run", pinned_seeds=("12",))
    with FakeTrainer(run, total_steps=100) as trainer:
        trainer.start()
        for _ in range(4):
            trainer.train(*[3.0, 2.5, 1.9, 1.8, 1.7])
            trainer.evaluate(4.0 - trainer.step / 10)
            trainer.sample("12", "345")
        trainer.save(trainer.best and trainer.best[0], is_best=True)
        yield trainer


@pytest.mark.parametrize("width", [40, 80])
async def test_the_panes_of_a_run(trainer: FakeTrainer, width: int) -> None:
    view, app = viewed(trainer.run), Host()
    async with app.run_test(size=(width, 24)) as pilot:
        card = RunCard()
        await app.show(card)
        card.show(view, view, 0.0, "체크포인트 저장 요청", "")
        await wait_until(pilot, "the card", lambda: "퍼플렉시티" in screen_text(app))
        assert latin_words(screen_text(app), {*NAMES, "run"}) == []
        status = StatusLine()
        await app.show(status)
        status.show(view, 0.0, "", "")
        await wait_until(pilot, "the state", lambda: "학습 중" in screen_text(app))
        assert latin_words(screen_text(app), NAMES) == []
        samples = SamplesPane()
        await app.show(samples)
        samples.show(view)
        await wait_until(pilot, "a sample", lambda: "12345" in screen_text(app))
        assert latin_words(screen_text(app), {*NAMES, "run"}) == []
        log = RunLog()
        await app.show(log)
        log.follow(trainer.run)
        log.show_end("", ("",))
        await wait_until(pilot, "the story", lambda: "20스텝" in screen_text(app))
        assert latin_words(screen_text(app), {*NAMES, "run"}) == []
        log.output.text.focus()
        await pilot.press("o")
        await wait_until(pilot, "the output", lambda: "출력" in screen_text(app))
        assert latin_words(screen_text(app), {*NAMES, "run"}) == []
        await app.show(Teaser())
        await wait_until(pilot, "the teaser", lambda: "프리셋" in screen_text(app))
        head = screen_text(app).split("0스텝")[0]
        assert latin_words(head, {"tiny", "Shakespeare"}) == []


async def test_what_is_wrong_with_a_run(trainer: FakeTrainer) -> None:
    view, app = viewed(trainer.run), Host()
    view.life = "lost"
    async with app.run_test(size=(80, 24)) as pilot:
        card = FailureCard()
        await app.show(card)
        exits = {None: "사라졌습니다", -9: "강제로", -11: "네이티브", 1: "1번", -999: "999"}
        for exit_code, words in exits.items():
            view.exit_code = exit_code
            card.show(diagnose(view), ())
            await wait_until(pilot, words, partial(shows, app, words))
            allowed = {"SIGKILL", "charrnn", "tui", "doctor"}
            assert latin_words(screen_text(app), allowed) == [], exit_code
        view.life = "silent"
        card.show(diagnose(view), ())
        await wait_until(pilot, "the silence", lambda: "응답" in screen_text(app))
        assert latin_words(screen_text(app)) == []


@pytest.mark.parametrize("size", [(40, 12), (80, 16), (140, 20)])
def test_the_chart(trainer: FakeTrainer, size: tuple[int, int]) -> None:
    view = viewed(trainer.run)
    for quantity in Quantity:
        for axis in Axis:
            options = ChartOptions(Span.RECENT, Curvature.LOGARITHMIC, axis, 0.0, quantity)
            rows = lines(drawn(view, view, options=options, size=size, pinned=view, cursor=5))
            assert latin_words("\n".join(rows), {"run", "gram"}) == []
            assert latin_words(" ".join(options.describe(view))) == []


def test_which_lines_of_the_log_are_shown() -> None:
    for shown in LogFilter:
        assert latin_words(format_state(shown, "", follows_end=False, width=80)) == []


def test_labels_of_the_time_axis_do_not_touch() -> None:
    labels = sorted(Window(Axis.TIME, 0.0, 9_000.0).ticks(72).values())
    assert "1시간30분" in [label for _, label in labels]
    ends = [start + cell_len(label) for start, label in labels]
    starts = [*(start for start, _ in labels[1:]), 72]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
