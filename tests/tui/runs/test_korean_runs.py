"""The list of runs in Korean: no text is in English."""

from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.fake_run import created_run, fake_run
from tests.support.runs_pane import asked, pane
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.runs.catalogue import RunLabels, write_labels
from tui_charrnn.tui.dialogs import AskTextScreen, QuestionScreen

pytestmark = pytest.mark.usefixtures("korean")
NAMES = {"fake", "made", "tiny", "lstm", "steps", "epochs"}


async def test_the_list_and_its_questions_are_korean(folder: Path) -> None:
    created_run(folder, name="made")
    write_labels(fake_run(folder), RunLabels(pinned=True))
    async with pane(folder) as (app, pilot):
        screens = [screen_text(app)]
        for key in "xmed":
            await pilot.press(key)
            await asked(pilot, QuestionScreen if key == "d" else AskTextScreen)
            await wait_until(pilot, "its frame", lambda: "╭" in screen_text(app))
            screens.append(screen_text(app))
            await pilot.press("escape")
    found = latin_words("\n".join(screens), NAMES)
    assert [word for word in found if word not in str(folder)] == []
