"""Changes of state are drawn immediately, progress once per interval."""

from types import SimpleNamespace

import pytest
from textual.app import App

from tests.support.waiting import wait_until
from tui_charrnn.tui import background
from tui_charrnn.tui.background import Throttle
from tui_charrnn.tui.run.run_card import TextLines


class Drawn(App[None]):
    """Counts drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.drawings = 0
        self.throttle = Throttle(self, self.draw, 0.05)

    def draw(self) -> None:
        """Count."""
        self.drawings += 1


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """An app whose clock a test sets."""
    app = Drawn()
    monkeypatch.setattr(background, "time", SimpleNamespace(monotonic=lambda: app.now))
    return app


async def test_news_is_drawn_at_once_and_progress_in_time(app: Drawn) -> None:
    async with app.run_test() as pilot:
        app.throttle.request("training")
        assert app.drawings == 1
        for _ in range(20):
            app.throttle.request("training")
        assert app.drawings == 1
        app.throttle.request("paused")
        assert app.drawings == 2
        app.throttle.request("paused")
        await wait_until(pilot, "the progress", lambda: app.drawings == 3)


async def test_progress_after_a_long_rest_is_drawn_at_once(app: Drawn) -> None:
    async with app.run_test() as pilot:
        app.throttle.request(1)
        app.now += 1
        app.throttle.request(1)
        assert app.drawings == 2
        await pilot.pause(0.1)
        assert app.drawings == 2


async def test_the_widget_is_as_large_as_its_text() -> None:
    class Host(App[None]):
        CSS = "TextLines { width: auto; height: auto; }"

        def compose(self):  # type: ignore[no-untyped-def]
            yield TextLines(id="words")

    app = Host()
    async with app.run_test() as pilot:
        words = app.query_one(TextLines)
        for text in ("one", "two", "three", "한국어", "two\nrows"):
            words.show(text)
            await pilot.pause()
            lines = text.split("\n")
            assert words.size.height == len(lines)
            assert words.size.width >= max(map(len, lines))
            assert str(words.content) == text
        assert words.size.width == 4
