"""The row of keys: the keys that act now, and always help and quit."""

from pathlib import Path
from typing import get_args

import pytest
from textual.app import App, ComposeResult

from tests.korean import latin_words
from tests.support.open_app import shown_text, tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.translation import tr
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.chrome import KeyRow, idle_keys, keys_of_row
from tui_charrnn.tui.help import commands_of
from tui_charrnn.tui.keys.table import Owner


def row_of(app: CharRNNApp) -> str:
    """Return the keys that are shown."""
    return str(app.main.query_one(KeyRow).content)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
async def test_every_key_row_has_the_help_key(tmp_path: Path, width: int) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(width, 24)) as pilot:
        await wait_until(pilot, "a text", lambda: len(shown_text(app)) > 1)
        for keys in ([], ["tab"], ["t"], ["escape", "ctrl+l"], ["f4"], ["ctrl+t"], ["f3"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert "F1 Help" in row_of(app)
            assert len(row_of(app).rstrip()) <= width


async def test_keys_with_one_label_stay_together(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for width in range(40, 80):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            assert ("F7" in row_of(app)) == ("F7 F8 Temp" in row_of(app))


async def test_what_has_room_is_shown(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "^f Speed ^o Model" in row_of(app)


async def test_the_keys_of_matches_are_shown_while_something_is_looked_for(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "a text", lambda: len(shown_text(app)) > 1)
        await pilot.press("tab")
        await pilot.pause()
        assert "e Neurons" in row_of(app)
        assert "n N Match" not in row_of(app)
        await pilot.press("slash", "a")
        await pilot.pause()
        assert row_of(app).startswith("↓ ↑ Match ")
        assert "Esc End search" in row_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "n N Match" in row_of(app)
        assert "Esc End search" in row_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "n N Match" not in row_of(app)
        assert "End search" not in row_of(app)


def test_a_view_that_only_looks_offers_no_key_that_it_refuses(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    words = [command.title for command in commands_of(app, app.main)]
    assert "Ask the trainer to save a checkpoint now" in words
    app.session.is_readonly = True
    words = [command.title for command in commands_of(app, app.main)]
    assert "Ask the trainer to save a checkpoint now" not in words
    idle = idle_keys(app.session, is_streaming=False, is_searching=False)
    assert {"run.pause", "runs.resume", "runs.delete"} <= idle


class RowApp(App[None]):
    """An app of a row of keys alone."""

    def compose(self) -> ComposeResult:
        yield KeyRow()


@pytest.mark.parametrize("width", [38, 78])
@pytest.mark.parametrize("idle", ["text.more", "text.stop"])
async def test_the_palette_is_shown_while_a_run_trains(idle: str, width: int) -> None:
    app = RowApp()
    async with app.run_test(size=(width, 1)):
        row = app.query_one(KeyRow)
        row.show({idle})
        assert "^p Palette" in str(row.content)


@pytest.mark.usefixtures("korean")
async def test_in_korean_the_keys_of_every_pane_fit_into_80_columns() -> None:
    unseen = {"text.stop", "speech.next", "speech.previous"}
    too_many = {"tape": ["tape.name", "tape.save", "tape.open"]}  # as in English
    app = RowApp()
    async with app.run_test(size=(80, 1)) as pilot:
        row = app.query_one(KeyRow)
        for pane in get_args(Owner)[3:]:
            row.show(unseen, pane)
            await pilot.pause()
            shown = str(row.content)
            own = [key for key in keys_of_row(pane) if key.owner == pane and key.id not in unseen]
            left_out = [key.id for key in own if tr(key.label) not in shown]
            assert left_out == too_many.get(pane, [])
            assert latin_words(shown) == []
