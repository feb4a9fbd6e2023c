"""The available themes, the theme that is applied, and the theme picker."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from tests.support.waiting import wait_until
from tui_charrnn.folders import resource_folder
from tui_charrnn.tui.theme.picker import ThemeScreen
from tui_charrnn.tui.theme.themed_app import ThemedApp
from tui_charrnn.tui.theme.themes import (
    DEFAULT_THEME,
    find_themes,
    fitting_theme,
    remember_theme,
    remembered_theme,
    user_themes_folder,
)

EMBER = (resource_folder("themes") / "ember.toml").read_text(encoding="utf-8")


class Dressed(ThemedApp):
    """An app that only applies a theme."""

    def __init__(self, wanted: str = "") -> None:
        """Apply the theme."""
        super().__init__()
        self.problems = self.apply_theme(wanted)


def write_theme(name: str, content: str) -> None:
    user_themes_folder().mkdir(parents=True, exist_ok=True)
    (user_themes_folder() / f"{name}.toml").write_text(content, encoding="utf-8")


async def choose(pilot: Pilot[Any]) -> OptionList:
    """Open the theme picker."""
    pilot.app.push_screen(ThemeScreen())
    await wait_until(pilot, "the list", lambda: isinstance(pilot.app.screen, ThemeScreen))
    screen = pilot.app.screen
    await wait_until(  # they are read in a thread
        pilot, "the themes", lambda: any(each.options for each in screen.query(OptionList))
    )
    await pilot.pause()
    return screen.query_one(OptionList)


@pytest.mark.parametrize(
    ("wanted", "color_system", "theme"),
    [
        ("", "standard", "terminal"),
        ("", None, "terminal"),
        ("", "256", ""),
        ("", "truecolor", ""),
        ("paper", "truecolor", "paper"),
        ("paper", "standard", "terminal"),
        ("terminal", "standard", "terminal"),
        ("nord", "standard", "nord"),
        ("mine", "standard", "mine"),
    ],
)
def test_with_sixteen_colors_the_theme_is_that_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, wanted: str, color_system: str | None, theme: str
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    write_theme("mine", EMBER)
    found, sentence = fitting_theme(wanted, color_system)
    assert found == theme
    assert bool(sentence) == (theme != wanted != "")


def test_without_colors_no_theme_has_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert fitting_theme("", "standard") == ("", "")


def test_a_theme_of_the_user_takes_the_place_of_a_bundled_one() -> None:
    write_theme("paper", EMBER)
    write_theme("mine", EMBER)
    theme_set = find_themes()
    assert [theme.name for theme in theme_set.own] == ["mine", "paper"]
    assert {theme.name: theme.dark for theme in theme_set.themes}["paper"]
    assert len({theme.name for theme in theme_set.themes}) == len(theme_set.themes)


def test_a_bad_theme_of_the_user_is_named_and_left_out() -> None:
    write_theme("bad", "primary = 1")
    write_theme("paper", "[colors]")
    theme_set = find_themes()
    bad, paper = theme_set.problems
    assert bad.startswith("The theme bad.toml cannot be used: ")
    assert paper.startswith("The theme paper.toml cannot be used: ")
    assert "paper" in {theme.name for theme in theme_set.bundled}


def test_what_is_remembered_is_there_the_next_time() -> None:
    assert remembered_theme() == ""
    assert remember_theme("paper") == ""
    assert remembered_theme() == "paper"


def test_a_theme_that_cannot_be_saved_is_reported(isolated_home: Path) -> None:
    (isolated_home / "state").write_text("a file in the place of the folder")
    assert remember_theme("paper").startswith("The theme is used until you quit")
    assert remembered_theme() == ""


@pytest.mark.parametrize(
    ("setting", "variable", "remembered", "worn"),
    [
        ("light", "dark", "paper", "light"),
        ("", "dark", "paper", "dark"),
        ("", "ember", "paper", "ember"),
        ("", "", "paper", "paper"),
        ("", "", "", DEFAULT_THEME),
        ("gone", "", "paper", "paper"),
        ("", "", "gone", DEFAULT_THEME),
    ],
)
async def test_precedence_of_setting_variable_and_remembered_theme(
    monkeypatch: pytest.MonkeyPatch, setting: str, variable: str, remembered: str, worn: str
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", variable)
    if remembered:
        remember_theme(remembered)
    app = Dressed(setting)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.theme == worn
        assert app.has_class(f"-theme-{worn}")


def test_a_theme_that_does_not_exist_is_named_with_those_that_do() -> None:
    (said,) = Dressed("gone").problems
    assert said.startswith("There is no theme 'gone'. The themes are: ")
    assert "paper" in said


async def test_each_theme_is_worn_as_the_cursor_moves_and_esc_goes_back() -> None:
    app = Dressed()
    async with app.run_test() as pilot:
        listed = await choose(pilot)
        assert listed.highlighted == 0
        names = [option.id for option in listed.options]
        assert names[0] == DEFAULT_THEME == app.theme
        assert set(names) == set(app.available_themes)
        for name in names[1:]:
            await pilot.press("down")
            assert app.theme == name
        await pilot.press("escape")
        assert app.theme == DEFAULT_THEME
        assert not isinstance(app.screen, ThemeScreen)
        assert remembered_theme() == ""


async def test_enter_keeps_a_theme_for_the_next_time() -> None:
    app = Dressed()
    async with app.run_test() as pilot:
        listed = await choose(pilot)
        await pilot.press("down", "enter")
        chosen = app.theme
        assert chosen == listed.options[1].id != DEFAULT_THEME
        assert not isinstance(app.screen, ThemeScreen)
        await wait_until(pilot, "it is kept", lambda: remembered_theme() == chosen)
    again = Dressed()
    async with again.run_test() as pilot:
        await pilot.pause()
        assert again.theme == chosen


async def test_the_list_marks_the_users_own_themes() -> None:
    write_theme("mine", EMBER)
    app = Dressed()
    async with app.run_test() as pilot:
        listed = await choose(pilot)
        remarks = {option.id: str(option.prompt).split()[-1] for option in listed.options}
        assert remarks["mine"] == "yours"
        assert remarks["nord"] == "Textual's"
        assert remarks[DEFAULT_THEME] == "default"
