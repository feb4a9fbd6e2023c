"""A model of jamo in the app: syllables on the screen, jamo on the tape."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.open_app import note_of, settings_of, tiny_app
from tests.support.openings import opening_of
from tests.support.shown_screen import is_asked, screen_text
from tests.support.tape_app import LENGTH, SETTINGS, TapeApp
from tests.support.tiny_model import JAMO_VOCABULARY, tiny_model, tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.hangul import FINALS, INITIALS, MEDIALS, is_jamo, join_syllables
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.tape.panel import TapePanel
from tui_charrnn.tui.text.model_loader import LoadedModel


@asynccontextmanager
async def jamo_app(folder: Path) -> AsyncIterator[TapeApp]:
    file = tiny_model_file(folder / "jamo.safetensors", vocabulary=JAMO_VOCABULARY, units="jamo")
    app = CharRNNApp(Session(runs_folder=folder / "runs", model=str(file)))
    settings = settings_of(app)
    settings.speed, settings.length = None, LENGTH
    settings.sampling = replace(SETTINGS, temperature=1.5)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} jamo." in note_of(app))
        await pilot.press("f2")
        await wait_until(pilot, "the tape", lambda: bool(app.main.query(TapePanel)))
        opened = TapeApp(app, pilot)
        await opened.known()
        yield opened


def drive(folder: Path, work: Callable[[TapeApp], object]) -> None:
    async def run() -> None:
        async with jamo_app(folder) as opened:
            await work(opened)  # type: ignore[misc]

    asyncio.run(run())


def test_the_cursor_moves_by_syllables(tmp_path: Path) -> None:
    async def work(opened: TapeApp) -> None:
        text = opened.tape.text()
        screen = "".join(
            segment.text
            for row in range(opened.view.size.height)
            for segment in opened.view.render_line(row)
        )
        assert not any(map(is_jamo, screen))
        assert "".join(screen.split()) == "".join(join_syllables(text).split())

        whole = [place for place, each in enumerate(text) if each not in MEDIALS | FINALS]
        for place in whole[:-4:-1]:
            await opened.press("left")
            assert opened.at[1] == place
        await opened.press("home")
        first = next(place for place in whole if text[place] in INITIALS)
        while opened.at[1] < first:
            await opened.press("right")
        await opened.press("j")
        assert opened.at[1] == first + 1
        offered = {
            row.alternative.character for row in opened.panel.rows if row.alternative.probability
        }
        assert offered <= {join_syllables(text[first] + medial) for medial in MEDIALS}

    drive(tmp_path, work)


def test_the_title_and_the_list_of_branches_count_jamo(tmp_path: Path) -> None:
    async def work(opened: TapeApp) -> None:
        await opened.press("home")
        assert f"jamo 1 of {LENGTH}" in str(opened.panel.border_title)
        await opened.pilot.press("l")
        listed = f"1  {LENGTH} jamo"
        await wait_until(opened.pilot, "the list", lambda: listed in screen_text(opened.app))

    drive(tmp_path, work)


def test_the_history_stores_syllables_and_a_complete_acrostic_is_reported(
    tmp_path: Path,
) -> None:
    async def work(opened: TapeApp) -> None:
        app, pilot = opened.app, opened.pilot
        await pilot.press("escape", "tab", "A")
        await wait_until(pilot, "the question", lambda: is_asked(app))
        await pilot.press(*"가내", "enter")
        await wait_until(pilot, "its end", lambda: "acrostic is complete" in note_of(app))
        await wait_until(pilot, "it in the history", lambda: len(History().newest(9)) == 2)
        entry = History().newest(1)[0].generation
        lines = entry.text.strip().split("\n")
        assert [line[0] for line in lines] == ["가", "내"]
        assert not any(map(is_jamo, entry.text))

    drive(tmp_path, work)


def test_hangul_for_a_model_without_it_suggests_the_korean_model(tmp_path: Path) -> None:
    async def work() -> None:
        app = tiny_app(tmp_path)
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.press(*"하늘", "enter")
            await wait_until(pilot, "the note", lambda: "Left out" in note_of(app))
            assert "^o chooses korean, which knows Hangul." in note_of(app)

    asyncio.run(work())


@pytest.mark.parametrize("seed", ["가 ㄱ", "가 \u1100", "가"])
def test_the_letter_that_a_seed_ends_in_begins_a_syllable(seed: str) -> None:
    korean = LoadedModel(tiny_model(vocabulary=JAMO_VOCABULARY, units="jamo"), ModelLabel("tiny"))
    assert opening_of(korean, seed, SETTINGS).seed_text == seed.replace("ㄱ", "\u1100")
