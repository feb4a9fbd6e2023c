"""External texts: pasted or from a file, read by the model, and colored like generated text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from tests.support.open_app import note_of, shown_text
from tests.support.shown_screen import screen_text
from tests.support.tape_app import TapeApp
from tests.support.tiny_model import TINY_VOCABULARY
from tests.support.waiting import wait_until
from tests.support.xray_app import check_looks, naive_numbers, read_in_view, sure_app
from tui_charrnn.tui.text import external_text
from tui_charrnn.tui.text.external_text import ExternalTextScreen, normalize

TEXT = "abba cafe\ndead bee faded\nacid jibe\n" * 3


@asynccontextmanager
async def opened(folder: Path, *, size: tuple[int, int] = (100, 40)) -> AsyncIterator[TapeApp]:
    """Return the app before any text was generated."""
    app = sure_app(folder)
    app.session.settings.length, app.session.settings.speed = 5, None
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the end", lambda: "5 characters." in note_of(app))
        app.main.text_pane.view.focus()
        yield TapeApp(app, pilot)


async def paste(app: TapeApp, text: str) -> None:
    """Paste a text and submit it."""
    await app.pilot.press("r")
    await wait_until(app.pilot, "the box", lambda: isinstance(app.app.screen, ExternalTextScreen))
    app.app.post_message(events.Paste(text))  # as the terminal sends it
    await wait_until(app.pilot, "the text", lambda: "will be read." in screen_text(app.app))
    await app.pilot.press("enter")


async def was_read(app: TapeApp) -> None:
    await wait_until(app.pilot, "the end", lambda: note_of(app.app).startswith("Read "))


async def test_a_pasted_text_is_colored_like_a_generated_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as app:
        await paste(app, TEXT)
        await was_read(app)
        assert shown_text(app.app).endswith(TEXT)
        indices = [TINY_VOCABULARY.index(character) for character in TEXT]
        assert app.tape.tree.indices(0) == indices
        await read_in_view(app.pilot, app.pane)
        check_looks(app.pane, "surprise")
        numbers = naive_numbers(indices)
        mean = sum(one.surprise for one in numbers) / len(numbers)
        assert f"Read {len(TEXT)} characters, {mean:.2f} bits per character." in note_of(app.app)


async def test_one_can_go_back_over_it_and_let_the_model_go_on_from_any_place(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as app:
        await paste(app, TEXT)
        await was_read(app)
        numbers = naive_numbers([TINY_VOCABULARY.index(character) for character in TEXT])
        await app.pilot.press("t", *["left"] * 7)
        place = len(TEXT) - 7
        await wait_until(
            app.pilot,
            "the numbers of the place",
            lambda: f"{numbers[place].surprise:.2f} bits" in screen_text(app.app),
        )
        await app.known()
        await app.pilot.press("enter")
        await wait_until(app.pilot, "a branch", lambda: app.text.branch == 1)
        await app.rested(place + 6)
        assert app.tape.tree.indices(1, 0, place) == app.tape.tree.indices(0, 0, place)


async def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "some text.txt"
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    async with opened(tmp_path) as app:
        await paste(app, str(file))
        await was_read(app)
        assert app.tape.text() == TEXT
        assert "some text.txt, read by the model" in screen_text(app.app)


async def test_a_path_that_leads_nowhere_is_not_read_as_a_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as app:
        shown = shown_text(app.app)
        await app.pilot.press("r")
        await wait_until(
            app.pilot, "the box", lambda: isinstance(app.app.screen, ExternalTextScreen)
        )
        app.app.post_message(events.Paste(str(tmp_path / "jade.abc")))
        await wait_until(app.pilot, "the words", lambda: "there is no file" in screen_text(app.app))
        await app.pilot.press("enter")
        await app.pilot.pause()
        assert isinstance(app.app.screen, ExternalTextScreen)
        assert shown_text(app.app) == shown
        app.app.post_message(events.Paste(f" {tmp_path / 'jade.abc'}"))
        await wait_until(app.pilot, "the text", lambda: "will be read." in screen_text(app.app))
        await app.pilot.press("enter")
        await was_read(app)
        assert shown_text(app.app).endswith("jadeabc")  # the dot is not in the vocabulary


async def test_the_app_opens_with_a_text(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    app = sure_app(tmp_path)
    app.session.xray = tmp_path / "text.txt"
    async with app.run_test(size=(100, 40)) as pilot:
        opened_app = TapeApp(app, pilot)
        await was_read(opened_app)
        await read_in_view(pilot, opened_app.pane)
        assert opened_app.tape.text() == TEXT
        check_looks(opened_app.pane, "surprise")


async def test_unknown_characters_are_left_out_and_named(tmp_path: Path) -> None:
    async with opened(tmp_path) as app:
        await paste(app, "ab\u00e9c d\u20ac")
        await was_read(app)
        assert app.tape.text() == "abc d"
        assert "\u00e9 (U+00E9), \u20ac (U+20AC)" in note_of(app.app)


@pytest.mark.parametrize("text", ["XYZ", "\u00e9"])
async def test_a_text_that_the_model_cannot_read_is_refused(tmp_path: Path, text: str) -> None:
    async with opened(tmp_path) as app:
        before = shown_text(app.app)
        await paste(app, text)
        await wait_until(app.pilot, "why", lambda: "knows none" in note_of(app.app))
        assert shown_text(app.app) == before
        await app.pilot.press("ctrl+g")  # the previous text can still be continued
        await wait_until(app.pilot, "more", lambda: len(shown_text(app.app)) == len(before) + 5)


async def test_a_long_text_is_cut_and_the_limit_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_text, "LONGEST", 50)
    async with opened(tmp_path) as app:
        await paste(app, TEXT)
        await was_read(app)
        assert app.tape.text() == TEXT[:50]
        assert "the first 50 are read" in note_of(app.app)


async def test_a_reading_can_be_stopped(tmp_path: Path) -> None:
    async with opened(tmp_path) as app:
        await paste(app, TEXT * 900)
        await wait_until(app.pilot, "the progress", lambda: "Reading: " in note_of(app.app))
        await app.pilot.press("escape")
        await was_read(app)
        assert 0 < app.text.shown < 900 * len(TEXT)
        assert f"Read {app.text.shown:,} of " in note_of(app.app)


async def test_a_text_that_is_not_taken_leaves_all_as_it_was(tmp_path: Path) -> None:
    async with opened(tmp_path) as app:
        before = shown_text(app.app)
        await app.pilot.press("r", "enter", "a", "escape")
        await wait_until(app.pilot, "the text", lambda: app.app.screen is app.app.main)
        assert shown_text(app.app) == before


async def test_an_external_text_is_not_in_the_history(tmp_path: Path) -> None:
    from tui_charrnn.history.store import History  # after the fixture has set the home folder

    async with opened(tmp_path) as app:
        await paste(app, TEXT)
        await was_read(app)
    texts = [entry.generation.text for entry in History().newest(10)]
    assert all(TEXT not in text for text in texts)


def test_pasted_line_ends_and_parts_become_those_of_a_corpus() -> None:
    assert normalize("a\r\nb\rc e\u0301") == "a\nb\nc \u00e9"
