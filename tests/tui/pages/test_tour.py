"""The guided tour in the app: pages are turned, and the keys of a picture act all the while."""

from pathlib import Path

from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until


async def test_the_tour_goes_round_and_its_pages_keep_their_keys(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.lessons = "ko"
    async with app.run_test(size=(80, 24)) as pilot:

        def shows(words: str) -> bool:
            return words in screen_text(app)

        await wait_until(pilot, "the first page", lambda: shows("1/5 기억"))
        await pilot.press("pageup")
        await wait_until(pilot, "the last page", lambda: shows("5/5 다대일"))
        await pilot.press("pageup", "pageup")
        await wait_until(pilot, "clipping", lambda: shows("3/5 클리핑"))
        await pilot.press("left")
        await wait_until(pilot, "its own key", lambda: shows("Spectral radius 1.4"))
        await pilot.press("f2")
        await wait_until(pilot, "no words", lambda: not shows("3/5"))
        await pilot.press("escape")
        await wait_until(pilot, "the text", lambda: app.screen is app.main)
