"""The history screen in Korean: no English text is left."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.generations import make_generation
from tests.support.history_app import history_page, noted
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.history.generation import Entry
from tui_charrnn.tui.history.preview import settings_lines

pytestmark = pytest.mark.usefixtures("korean")


async def test_the_page_and_its_notes_are_in_korean(tmp_path: Path) -> None:
    async with history_page(tmp_path, make_generation("나라", "우리 ")) as (page, pilot):
        app = pilot.app
        await wait_until(pilot, "its text", lambda: page.browser.entry is not None)
        screens = [screen_text(app)]
        await pilot.press("d")
        await wait_until(pilot, "the question", lambda: "삭제하시겠습니까" in screen_text(app))
        screens.append(screen_text(app))
        await pilot.press("d")
        await noted(pilot, page, "삭제했습니다")
        await pilot.press("slash", "x", "y")
        await wait_until(pilot, "nothing", lambda: "이 말이 든" in screen_text(app))
        screens.append(screen_text(app))
    assert latin_words("\n".join(screens), {"shakespeare", "shakespear"}) == []


def test_the_settings_of_a_text_are_shown_in_korean() -> None:
    clamps = ((0, ("0:1=0.5",)), (1, ()))
    kept = make_generation(
        "나라", clamps=clamps, no_replay_because="characters were chosen by hand"
    )
    lines = list(settings_lines(Entry(1, datetime.now(UTC), kept), datetime.now(UTC)))
    assert latin_words("\n".join(lines), {"shakespeare"}) == []
    assert lines[-1] == "다시 생성할 수 없습니다: 손으로 고른 글자가 있습니다."
