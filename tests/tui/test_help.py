"""The help screen: searching, scrolling, closing."""

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from tests.korean import latin_words
from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.help import KeyList
from tui_charrnn.tui.keys.table import KEYS


def quiet_app(folder: Path) -> CharRNNApp:
    """An app whose text ends soon, so that it is not drawn all the time."""
    app = tiny_app(folder)
    app.session.settings.length = 20
    return app


def lines_of(app: object) -> list[str]:
    """Return the ids of the listed keys."""
    return [key.id for key in app.screen.query_one(KeyList).keys]  # type: ignore[attr-defined]


async def test_it_lists_every_key_under_its_heading(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        assert sorted(lines_of(app)) == sorted(key.id for key in KEYS)
        assert "In the loss chart" not in screen_text(app)
        page = app.screen.query_one("#help-page")
        await wait_until(pilot, "a page to scroll", lambda: page.max_scroll_y > 0)
        await pilot.press(*["pagedown"] * 12)
        await wait_until(pilot, "the last key", lambda: KEYS[-1].sentence in screen_text(app))


async def test_typing_finds(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        app.post_message(events.Paste("learning rate"))
        await pilot.pause()
        assert lines_of(app) == ["run.rate"]
        shown = screen_text(app)
        assert "Change the learning rate." in shown
        assert "Training" in shown
        assert "Panes" not in shown
        await pilot.press(*"zz")
        await pilot.pause()
        assert lines_of(app) == []
        assert "No key does that." in screen_text(app)
        await pilot.press("ctrl+u")
        await pilot.pause()
        assert len(lines_of(app)) == len(KEYS)


async def test_letters_are_typed_and_escape_closes(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1", "q", "enter")
        await pilot.pause()
        assert app.screen.query_one(Input).value == "q"
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.main


async def test_the_key_that_opened_it_closes_it(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1", "f1")
        await pilot.pause()
        assert app.screen is app.main


async def test_a_second_key_while_it_opens_does_not_open_it_twice(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.action_help()
        app.action_help()  # as from the palette, before the first one is there
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.main


async def test_a_small_terminal_shows_the_line_and_some_keys(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("f1")
        app.post_message(events.Paste("palette"))
        await pilot.pause()
        assert app.screen.query_one(Input).region.height == 1
        assert "Find a command" in screen_text(app)


async def test_it_begins_anew_when_it_is_opened_again(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1", *"zz", "escape", "f1")
        await pilot.pause()
        assert app.screen.query_one(Input).value == ""
        assert len(lines_of(app)) == len(KEYS)


async def test_a_slash_may_go_before_what_is_looked_for(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1", "/")
        app.post_message(events.Paste("learning rate"))
        await pilot.pause()
        assert lines_of(app) == ["run.rate"]
        await pilot.press("ctrl+u", "/")
        await pilot.pause()
        assert {"speech.search", "history.search"} <= set(lines_of(app))


async def test_a_long_sentence_is_wrapped_below_itself(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        app.post_message(events.Paste("cursor in the seed"))
        await pilot.pause()
        first, second = [
            line for line in screen_text(app).splitlines() if "to return" in line or "F2" in line
        ][-2:]
        assert first.index("Show the text") == second.index("text, then")


@pytest.mark.usefixtures("korean")
async def test_in_korean_words_of_both_languages_match(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f1")
        await wait_until(pilot, "the keys", lambda: "생성합니다" in screen_text(app))
        assert latin_words(screen_text(app), {"LSTM", "top", "min"}) == []
        for typed in ("학습률", "learning rate"):
            await pilot.press("ctrl+u")
            app.post_message(events.Paste(typed))
            await wait_until(pilot, typed, lambda: lines_of(app) == ["run.rate"])


@pytest.mark.usefixtures("korean")
async def test_in_korean_the_palette_finds_by_words_of_both_languages(tmp_path: Path) -> None:
    app = quiet_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for typed in ("테마를", "theme"):
            await pilot.press("ctrl+p")
            await wait_until(pilot, "the field", lambda: "명령 찾기" in screen_text(app))
            app.post_message(events.Paste(typed))
            await wait_until(pilot, typed, lambda: "테마를 바꿉니다" in screen_text(app))
            await pilot.press("escape")
            await wait_until(pilot, "the text", lambda: app.screen is app.main)
