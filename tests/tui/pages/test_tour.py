"""The guided tour in the app: its pages are turned, and the keys of each picture work."""

from functools import partial
from pathlib import Path

import pytest

from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.translation import Language, set_language


@pytest.mark.usefixtures("korean")
async def test_the_tour_is_cyclic_and_its_pages_keep_their_keys(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.opens_tour = True
    async with app.run_test(size=(80, 24)) as pilot:

        def shows(words: str) -> bool:
            return words in screen_text(app)

        await wait_until(pilot, "the first page", lambda: shows("1/5 기억"))
        await pilot.press("pageup")
        await wait_until(pilot, "the last page", lambda: shows("5/5 다대일"))
        await pilot.press("pageup", "pageup")
        await wait_until(pilot, "clipping", lambda: shows("3/5 클리핑"))
        await pilot.press("left")
        await wait_until(pilot, "its own key", lambda: shows("스펙트럼 반지름 1.4"))
        await pilot.press("f2")
        await wait_until(pilot, "no words", lambda: not shows("볼 것"))
        assert shows("3/5")
        await pilot.press("escape")
        await wait_until(pilot, "the text", lambda: app.screen is app.main)
        await wait_until(pilot, "its keys", lambda: app.main.text_pane.view.has_focus)


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize("language", ["en", "ko"])
async def test_80_columns_show_lesson_and_picture(tmp_path: Path, language: Language) -> None:
    app = tiny_app(tmp_path)
    app.session.opens_tour = True
    set_language(language)
    looks = {"en": "Look for:", "ko": "볼 것:"}
    drawn = {
        "en": ("HUNDREDTH", "punctuation", "ELEMENT-WISE", "BOTH SIDES", "python"),
        "ko": ("100분의 1", "문장 부호", "원소별", "양쪽", "python"),
    }

    def lies_below(words: str) -> bool:
        below = screen_text(app).rpartition(looks[language])[2]
        return words in below.rpartition("╰")[0]

    async with app.run_test(size=(80, 24)) as pilot:
        for words in drawn[language]:
            await wait_until(pilot, f"{words} below the words", partial(lies_below, words))
            await pilot.press("pagedown")
