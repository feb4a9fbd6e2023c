"""The app with the user's settings: keys, speed, length, and warnings."""

from itertools import groupby
from pathlib import Path

import pytest
from textual.command import CommandList
from textual.widgets import Static

from tests.support.fake_run import created_run
from tests.support.open_app import note_of, shown_text, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.preferences import preferences_file, resolve
from tui_charrnn.translation import chosen_language
from tui_charrnn.tui.app import CharRNNApp, run_app
from tui_charrnn.tui.chrome import SHOW_PROBLEMS
from tui_charrnn.tui.help import commands_of as palette_commands
from tui_charrnn.tui.keys.keymap import EVERYWHERE
from tui_charrnn.tui.keys.table import KEYS, heading_of
from tui_charrnn.tui.run.chart.canvas import ASCII, BLOCKS, Glyphs
from tui_charrnn.tui.run.log_pane import LogPane
from tui_charrnn.tui.run.loss_chart import LossChart
from tui_charrnn.tui.session import WeightsSource, session_for


def preferred_app(folder: Path, text: str) -> CharRNNApp:
    """An app that generates with a tiny model, with a settings file."""
    path = preferences_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    model = tiny_model_file(folder / "tiny.safetensors")
    found = resolve({"model": str(model)})
    return CharRNNApp(session_for(found, folder / "runs", is_readonly=False))


def commands_of(app: CharRNNApp) -> dict[str, str]:
    """Return the commands of the palette: title and help."""
    return {command.title: command.help for command in palette_commands(app, app.screen)}


async def test_the_palette_has_our_commands_alone_in_the_order_of_their_use(
    tmp_path: Path,
) -> None:
    app = preferred_app(tmp_path, "")
    async with app.run_test(size=(140, 40)) as pilot:
        titles = list(commands_of(app))
        assert set(titles).isdisjoint({"Theme", "Quit", "Keys", "Maximize", "Screenshot"})
        assert {"Change the theme", "Show this page"} <= set(titles)
        assert any(title.startswith("Quit; training continues") for title in titles)
        await pilot.press("ctrl+p")
        await wait_until(pilot, "the list", lambda: titles[1] in screen_text(app))
        rows = screen_text(app)
        assert rows.index(titles[0]) < rows.index(titles[1]) < rows.index(titles[2])
        assert app.screen.query_one("CommandList").region.width == 90


async def test_the_palette_has_the_groups_of_the_help_page(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "")
    async with app.run_test(size=(140, 40)):
        everywhere = {key.sentence: heading_of(key) for key in KEYS if key.owner in EVERYWHERE}
        offered = [each.english for each in palette_commands(app, app.screen)]
        headings = [everywhere[sentence] for sentence in offered if sentence in everywhere]
        grouped = [heading for heading, _ in groupby(headings)]
        assert grouped == ["Text", "Panes", "Training", "Program"]


async def test_the_text_uses_the_preferences(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "pace = 'max'\nlength = 31\ntemperature = 1.3\nnumbers = 'int8'")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: note_of(app).startswith("31 characters."))
        assert len(shown_text(app)) == 31
        assert "tiny · int8 · temperature 1.3" in str(app.main.text_pane.view.border_title)


async def test_the_speed_key_goes_from_any_speed_to_the_next_faster_one(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "pace = 45")
    async with app.run_test() as pilot:
        await pilot.press("ctrl+f")
        assert app.session.settings.speed == 60


async def test_several_problems_are_one_toast_and_a_page(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "pace = 0\nbogus = 1\n[keys]\n'text.more' = 'f5'")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        (toast,) = app._notifications
        assert toast.message.startswith("The settings have 3 problems")
        commands = {one.title: one.callback for one in palette_commands(app, app.screen)}
        await commands[SHOW_PROBLEMS]()
        await wait_until(
            pilot, "the page", lambda: "There is no setting 'bogus'" in screen_text(app)
        )
        await pilot.press("enter")
        assert app.screen is app.main


async def test_theme_motion_and_signs_reach_the_app(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "theme = 'nord'\nascii = true\nreduced_motion = true")
    assert (app.session.theme, app.is_ascii, app.reduces_motion) == ("nord", True, True)


@pytest.mark.parametrize(
    ("text", "glyphs"), [("glyphs = 'blocks'", BLOCKS), ("glyphs = 'blocks'\nascii = true", ASCII)]
)
async def test_the_signs_of_the_chart_can_be_set(
    text: str, glyphs: Glyphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    app = preferred_app(tmp_path, text)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f3")
        await pilot.pause()
        assert app.screen.query_one(LossChart).glyphs is glyphs


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("pace = 0", "pace must be at least 1"),
        ("no TOML", "is not valid TOML"),
        ("[keys]\n'text.more' = 'f5'", "f5 is the key of run.pause already"),
    ],
)
async def test_a_broken_preferences_file_is_reported_when_the_app_opens(
    tmp_path: Path, text: str, warning: str
) -> None:
    app = preferred_app(tmp_path, text)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        messages = [note.message for note in app._notifications]
        assert any(warning in message for message in messages)
        assert all(str(preferences_file()) in message for message in messages)


async def test_another_key_acts_instead_and_is_shown_everywhere(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "[keys]\ntext.warmer = 'f10'\npane.runs = 'f8'\napp.help = 'f11'")
    async with app.run_test(size=(100, 30)) as pilot:
        before = app.session.settings.sampling.temperature
        await pilot.press("f10")
        assert app.session.settings.sampling.temperature == pytest.approx(before + 0.1)
        row = str(app.main.query_one("KeyRow", Static).content)
        assert "F10 Temp" in row
        assert "F11 Help" in row
        assert "F8 Runs" in screen_text(app)
        commands = commands_of(app)
        assert commands["Raise the temperature: wilder text. Acts at once"] == "Key: F10"
        await pilot.press("f1")
        assert app.screen is app.main
        await pilot.press("f11")
        await pilot.pause()
        assert "F10    Raise the temperature" in screen_text(app)
        await pilot.press("f11")
        await pilot.pause()
        assert app.screen is app.main
        await pilot.press("f8")
        assert app.main.pane == "runs"
        assert app.session.settings.sampling.temperature == pytest.approx(before + 0.1)


async def test_quit_and_palette_may_have_other_keys(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "[keys]\napp.quit = 'f10'\napp.palette = 'f12'")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+q", "ctrl+p")
        await pilot.pause()
        assert app.is_running
        assert app.screen is app.main
        await pilot.press("f12")
        await pilot.pause()
        assert type(app.screen).__name__ == "CommandPalette"
        await pilot.press("escape", "f10")
        await pilot.pause()
        assert app.return_code == 0


async def test_a_key_of_a_pane_acts_only_there(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "[keys]\nlog.filter = ['g', 'end']\nlog.end = 'G'")
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("g")
        assert app.main.text_pane.seed.text == "g"
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert "g/End Filter" in str(app.main.query_one("KeyRow", Static).content)
        bound = {key: item.binding.id for key, item in app.screen.active_bindings.items()}
        assert (bound["g"], bound["end"], bound["G"]) == ("log.filter", "log.filter", "log.end")
        assert "f" not in bound


async def test_the_palette_offers_the_keys_of_the_pane_with_the_focus(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        title = "Show all lines, all but start-up noise, warnings, or errors"
        assert title not in commands_of(app)
        await pilot.press("ctrl+l")
        await pilot.pause()
        assert commands_of(app)[title] == "Key: f"
        before = app.main.query_one(LogPane).filter
        await pilot.press("ctrl+p", *"start-up noise")
        results = app.screen.query_one(CommandList)
        await wait_until(pilot, "the one result", lambda: results.option_count == 1)
        await pilot.press("down", "enter")
        await wait_until(
            pilot, "another filter", lambda: app.main.query_one(LogPane).filter != before
        )


async def test_the_palette_lists_an_action_of_several_panes_once_with_its_key(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        title = "Color the text by a neuron or a gate that you name, as 0:c13 or 0:f13"
        titles = [command.title for command in palette_commands(app, app.screen)]
        assert len(set(titles)) == len(titles)
        assert commands_of(app)[title] == "Key: p, in the generated text"
        app.main.text_pane.view.focus()
        await pilot.pause()
        assert commands_of(app)[title] == "Key: p"


async def test_a_question_on_top_leaves_only_the_keys_of_the_app(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f1")
        await pilot.pause()
        commands = commands_of(app)
        assert "Train on a text of yours" in commands
        assert "Show the list of all runs" not in commands


async def test_a_sentence_from_the_generating_thread_names_the_keys_too(tmp_path: Path) -> None:
    app = preferred_app(tmp_path, "[keys]\ntext.source = 'f10'")
    async with app.run_test(size=(100, 30)) as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        app.main.open_run(created_run(tmp_path / "runs", name="new"))
        app.session.source = WeightsSource.NEWEST
        await pilot.press(*"ab", "enter")
        await wait_until(pilot, "the note", lambda: "F10 goes back to" in note_of(app))


@pytest.mark.usefixtures("korean")  # which resets it
@pytest.mark.parametrize(("named", "language"), [(None, "ko"), ("en", "en")])
def test_the_app_opens_in_the_language_of_the_settings_or_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, language: str
) -> None:
    preferences_file().parent.mkdir(parents=True, exist_ok=True)
    preferences_file().write_text("language = 'ko'", encoding="utf-8")
    opened: list[str] = []
    monkeypatch.setattr(CharRNNApp, "run", lambda *_, **__: opened.append(chosen_language()))
    assert run_app(tmp_path, {"language": named}) == 0
    assert opened == [language]
