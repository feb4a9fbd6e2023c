"""The history screen: list, search and read, with many texts and with none."""

import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.generations import make_generation
from tests.support.history_app import history_page, noted, opened, shown
from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import streamed
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import Entry
from tui_charrnn.history.store import History, history_file
from tui_charrnn.tui.dialogs import QuestionScreen
from tui_charrnn.tui.help import commands_of
from tui_charrnn.tui.history.browser import FIRST
from tui_charrnn.tui.history.preview import settings_lines
from tui_charrnn.tui.history.screen import HistoryScreen

SIZES = [(80, 24), (120, 36)]


@pytest.mark.parametrize("size", SIZES)
async def test_texts_are_listed_newest_first_and_the_selected_one_is_shown_whole(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    texts = [make_generation(f" line {n}\nand more of it", rng_seed=n) for n in range(9)]
    async with history_page(tmp_path, *texts, size=size) as (page, pilot):
        await shown(pilot, page, "line 8")
        await wait_until(pilot, "its facts", lambda: "RNG 8" in screen_text(pilot.app))
        assert streamed(page.browser.preview.text) == "ROMEO: line 8\nand more of it"
        await wait_until(pilot, "all rows", lambda: "ROMEO: line 7" in screen_text(pilot.app))
        rows = [row for row in screen_rows(pilot.app) if "ROMEO: line" in row and "0.5" in row]
        assert "ROMEO: line 8 and more" in rows[0]
        assert re.search(r"\d+s +shakespeare +0\.5 +ROMEO: line 7", rows[1])
        await pilot.press("down")
        await shown(pilot, page, "line 7")
        await wait_until(pilot, "its facts", lambda: "RNG 7" in screen_text(pilot.app))
        assert "temperature 0.5" in screen_text(pilot.app)
        assert all(len(row) <= size[0] for row in screen_rows(pilot.app))


@pytest.mark.parametrize(("keeps", "words"), [(True, "press Enter"), (False, "`history` is off")])
async def test_an_empty_history_explains_what_is_stored(
    tmp_path: Path, keeps: bool, words: str
) -> None:
    async with history_page(tmp_path, keeps=keeps) as (page, pilot):
        page.browser.look_again()
        await wait_until(  # the list is read in a thread
            pilot,
            "the line",
            lambda: words in " ".join(screen_text(pilot.app).replace("│", " ").split()),
        )
        await pilot.press("enter", "r", "c", "s", "d", "down", "end")
        assert isinstance(pilot.app.screen, HistoryScreen)


def test_the_rules_of_a_text_are_shown() -> None:
    now = datetime.now(UTC)
    sampling = ((0, SamplingConfig(forbid="e", repetition_penalty=2)), (9, SamplingConfig()))
    lines = [*settings_lines(Entry(1, now, make_generation("x", sampling=sampling)), now)]
    assert lines[2:4] == [
        "temperature 0.8 · repetition penalty 2 · window 64 · forbid e",
        "from character 10: temperature 0.8",
    ]


async def test_the_list_is_filtered_as_the_user_types(tmp_path: Path) -> None:
    texts = [
        make_generation("the sun is gold"),
        make_generation('the "moon" is silver'),
        make_generation("nothing"),
    ]
    async with history_page(tmp_path, *texts) as (page, pilot):
        await pilot.press("slash", *"THE ")
        await wait_until(pilot, "two", lambda: page.browser.list.numbers == [2, 1])
        await pilot.press('"')
        await wait_until(pilot, "one", lambda: page.browser.list.numbers == [2])
        await shown(pilot, page, "moon")
        await pilot.press("z")
        await wait_until(pilot, "none", lambda: not page.browser.list.numbers)
        assert 'No text contains THE and "z.' in screen_text(pilot.app)
        await pilot.press("escape")
        await wait_until(pilot, "all", lambda: 1 in page.browser.list.numbers)
        await pilot.press("enter", "end")
        await shown(pilot, page, "gold")


async def test_a_search_shows_its_hit(tmp_path: Path) -> None:
    far = make_generation("nothing here\n" * 60 + "a Silver key")
    async with history_page(tmp_path, far, make_generation("gold")) as (page, pilot):
        await shown(pilot, page, "gold")
        await pilot.press("slash", *"silver")
        await wait_until(pilot, "the hit", lambda: screen_text(pilot.app).count("Silver key") == 2)
        assert "… " in screen_text(pilot.app)


async def test_texts_are_counted_again_after_a_deletion(tmp_path: Path) -> None:
    async with history_page(
        tmp_path, make_generation("one"), make_generation("two"), make_generation("three")
    ) as (page, pilot):
        await shown(pilot, page, "three")
        await pilot.press("d")
        await wait_until(pilot, "a question", lambda: isinstance(pilot.app.screen, QuestionScreen))
        await pilot.press("d")
        await wait_until(
            pilot, "two", lambda: str(page.browser.border_subtitle).startswith("2 texts")
        )


async def test_only_the_visible_rows_of_many_texts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_charrnn.history.store.LIMIT", 10**6)
    History().add([make_generation(f"number {n}.") for n in range(20_000)])
    read: list[int] = []
    whole = History.read

    def counting(history: History, numbers: list[int]) -> object:
        read.extend(numbers)
        return whole(history, numbers)

    monkeypatch.setattr(History, "read", counting)
    async with history_page(tmp_path) as (page, pilot):
        await shown(pilot, page, "number 19999.")
        await wait_until(pilot, "all of them", lambda: len(page.browser.list.numbers) == 20_000)
        await pilot.press("end")
        await shown(pilot, page, "number 0.")
        await wait_until(pilot, "the last rows", lambda: "number 1." in screen_text(pilot.app))
        assert len(read) < 60


async def test_of_very_many_texts_the_first_are_listed_before_the_rest(tmp_path: Path) -> None:
    texts = [make_generation(f"text {number}") for number in range(FIRST + 60)]
    async with history_page(tmp_path, *texts) as (page, pilot):
        numbers = list(range(FIRST + 60, 0, -1))
        await wait_until(pilot, "all of them", lambda: page.browser.list.numbers == numbers)
        assert f"{FIRST + 60} texts · " in str(page.browser.border_subtitle)
        await pilot.press("end")
        await shown(pilot, page, "text 0")


async def test_the_cursor_stays_where_it_was_put_when_the_rest_comes(tmp_path: Path) -> None:
    texts = [make_generation(f"text {number}") for number in range(FIRST + 60)]
    async with history_page(tmp_path, *texts) as (page, pilot):
        browser, numbers = page.browser, list(range(FIRST + 60, 0, -1))
        await wait_until(pilot, "all of them", lambda: browser.list.numbers == numbers)
        browser.show_found(numbers[:FIRST], is_whole=False)
        await wait_until(pilot, "the first", lambda: browser.list.numbers == numbers[:FIRST])
        assert f"at least {FIRST} texts" in str(browser.border_subtitle)
        await pilot.press("down", "down")
        browser.show_found(numbers)
        await wait_until(pilot, "all of them", lambda: browser.list.numbers == numbers)
        assert browser.list.selected == numbers[2]


async def test_a_damaged_history_is_reported(tmp_path: Path) -> None:
    history_file().parent.mkdir(parents=True)
    history_file().write_bytes(b"no database " * 500)
    async with history_page(tmp_path) as (_, pilot):

        def shown_words() -> str:
            return " ".join(screen_text(pilot.app).replace("│", " ").split())

        await wait_until(pilot, "the error", lambda: "is damaged" in shown_words())
        assert "Move the file away" in shown_words()


async def test_a_text_that_another_program_deleted_leaves_the_list(tmp_path: Path) -> None:
    async with history_page(tmp_path, make_generation("one"), make_generation("two")) as (
        page,
        pilot,
    ):
        await shown(pilot, page, "two")
        History().remove([1])
        await pilot.press("down")
        await wait_until(pilot, "one text", lambda: page.browser.list.numbers == [2])


async def test_it_opens_by_a_key_of_the_text_and_from_the_palette(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the panes", lambda: bool(app.main.query("PaneHost")))
        commands = {command.help: command for command in commands_of(app, app.screen)}
        titles = [command.title for command in commands.values()]
        assert any(title.startswith("Find earlier texts") for title in titles)
        app.main.text_pane.view.focus()
        await pilot.press("h")
        await opened(app, pilot)
        titles = [command.title for command in commands_of(app, app.screen)]
        assert titles[0].startswith("Load its seed text")
        await pilot.press("escape")
        assert app.screen is app.main


async def test_while_nothing_can_be_changed_it_can_be_read(tmp_path: Path) -> None:
    History().add([make_generation("one")])
    other = sqlite3.connect(history_file(), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with history_page(tmp_path) as (page, pilot):
        await shown(pilot, page, "one")
        await pilot.press("d", "d")
        await noted(pilot, page, "in use by another program")
        assert page.browser.list.numbers == [1]
    other.close()


async def test_it_can_be_read_in_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    History().add([make_generation("one")])
    history_file().chmod(0o400)
    history_file().parent.chmod(0o500)
    try:
        async with history_page(tmp_path) as (page, pilot):
            await shown(pilot, page, "one")
            await pilot.press("d", "d")
            await noted(pilot, page, "cannot be used")
            await pilot.press("s")
            await noted(pilot, page, "could not be saved")
    finally:
        history_file().parent.chmod(0o700)
