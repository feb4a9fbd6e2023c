"""The text pane, the tape and the dialogs in Korean: no English text is left."""

from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.open_app import note_of
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, tape_app
from tests.support.waiting import wait_until
from tui_charrnn.tui.dialogs import Dialog
from tui_charrnn.tui.text.saving import texts_folder

pytestmark = pytest.mark.usefixtures("korean")


async def test_text_tape_and_dialogs_are_in_korean(tmp_path: Path) -> None:
    async with tape_app(tmp_path, vocabulary="가나다라마바사아자차 \n") as opened:
        app, pilot = opened.app, opened.pilot
        screens = [screen_text(app)]
        await opened.press("left", "left", "2")
        await opened.rested(LENGTH - 2 + LENGTH + 1)
        screens += [screen_text(app), note_of(app)]
        for key in ("l", "t", "o", "i", "f12"):
            await pilot.press(key)
            await wait_until(pilot, "a dialog", lambda: isinstance(app.screen, Dialog))
            screens.append(screen_text(app))
            await pilot.press("escape")
            await wait_until(pilot, "no dialog", lambda: not isinstance(app.screen, Dialog))
    found = latin_words(
        "\n".join(screens), {"charrnn", "tui", "LSTM", "tiny", "none", "valid", "top", "min"}
    )
    assert [word for word in found if word not in str(texts_folder())] == []
