"""The sampling dialog: valid values apply as they are typed, invalid ones show an error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static

from tests.support.open_app import note_of, tiny_app
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.session import DEFAULT_LENGTH, GenerationSettings
from tui_charrnn.tui.text.generation_dialogs import NAMES, SamplingScreen, ask_for_acrostic


class Host(ThemedApp):
    """Shows the dialog at once."""

    def __init__(self) -> None:
        super().__init__()
        self.settings = GenerationSettings()
        self.changes = 0
        self.settings.changed.connect(self.count)

    def on_mount(self) -> None:
        self.push_screen(SamplingScreen(self.settings, rng_seed=12))

    def count(self) -> None:
        self.changes += 1


def words_of(app: Host) -> str:
    return str(app.screen.query_one("#sampling-words", Static).content)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("temperature", "1.25", lambda settings: settings.sampling.temperature == 1.25),
        ("top_k", "40", lambda settings: settings.sampling.top_k == 40),
        ("top_p", "0.9", lambda settings: settings.sampling.top_p == 0.9),
        ("min_p", "0.05", lambda settings: settings.sampling.min_p == 0.05),
        ("repetition_penalty", "1.2", lambda settings: settings.sampling.repetition_penalty == 1.2),
        ("repetition_window", "128", lambda settings: settings.sampling.repetition_window == 128),
        ("rng_seed", "3", lambda settings: settings.sampling.rng_seed == 3),
        ("forbid", "xyz", lambda settings: settings.sampling.forbid == "xyz"),
        ("length", "50", lambda settings: settings.length == 50),
    ],
)
async def test_what_is_typed_acts_at_once_and_enter_keeps_it(
    name: str, typed: str, value: Callable[[GenerationSettings], bool]
) -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*["down"] * NAMES.index(name), *typed)
        assert value(app.settings)
        assert app.changes
        await pilot.press("enter")
        assert not isinstance(app.screen, SamplingScreen)
        assert value(app.settings)


@pytest.mark.parametrize(
    ("typed", "acrostic"), [("가나", "가나"), ("\u1100\u1161", "가"), ("", None)]
)
async def test_a_dialog_asks_for_an_acrostic_and_starts_a_text(
    typed: str, acrostic: str | None
) -> None:
    app = ThemedApp()
    async with app.run_test(size=(80, 24)) as pilot:
        settings, begun = GenerationSettings(), []
        ask_for_acrostic(app.screen.app, settings, "\n가나", lambda: begun.append(True))
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, AskTextScreen)
        await pilot.press("a", "enter")
        assert str(screen.words.content) == "The model cannot generate a."
        screen.field.value = typed
        await pilot.press("enter")
        assert (settings.sampling.acrostic, begun) == (acrostic, [True])


async def test_an_invalid_value_is_reported_and_changes_nothing() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"300")
        assert "at most 100" in words_of(app)
        assert app.settings.sampling.temperature == 30  # the last valid value
        await pilot.press("down", *"0")
        assert words_of(app) == "top-k must be at least 1, or none. Received: 0."
        assert app.settings.sampling.top_k is None


async def test_escape_restores_all_values() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*"2", "down", *"7", "escape")
        assert app.settings.sampling == SamplingConfig()
        assert not isinstance(app.screen, SamplingScreen)


async def test_the_rng_seed_of_the_text_can_be_reused() -> None:
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.click("#again")
        assert app.settings.sampling.rng_seed == 12
        assert app.screen.query_one("#rng_seed", Input).value == "12"
        await pilot.click("#defaults")
        assert (app.settings.sampling, app.settings.length) == (SamplingConfig(), DEFAULT_LENGTH)


@pytest.mark.parametrize("key", ["down", "tab"])
async def test_what_is_typed_right_after_a_move_changes_the_next_setting(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await wait_until(pilot, "the first row", lambda: app.focused is not None)
        for each, character in ((key, None), ("7", "7")):
            app.post_message(events.Key(each, character))  # none waits for the one before
        await wait_until(pilot, "the value", lambda: app.settings.sampling.top_k == 7)
        assert app.settings.sampling.temperature == SamplingConfig().temperature


async def test_the_key_that_opens_it_closes_it() -> None:
    app = Host()
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("f12")
        assert not isinstance(app.screen, SamplingScreen)


def test_the_temperature_stays_within_the_bounds_of_its_setting() -> None:
    settings, bounds = GenerationSettings(), SamplingConfig.bounds()["temperature"]
    settings.warm(5)
    assert settings.sampling.temperature == 5.8
    settings.warm(1000)
    assert settings.sampling.temperature == bounds.maximum
    settings.warm(-1000)
    assert settings.sampling.temperature == bounds.minimum


def test_active_settings_are_named() -> None:
    settings = GenerationSettings()
    assert settings.active_settings == ["temperature 0.8"]
    settings.sampling = SamplingConfig(temperature=0.85, top_k=40, min_p=0.05, rng_seed=1)
    assert settings.active_settings == [
        "temperature 0.85",
        "top-k 40",
        "min-p 0.05",
    ]
    assert settings.length_label == ""
    settings.length = 3000
    assert settings.length_label == "length 3,000"


async def test_rules_that_the_model_cannot_follow_are_reported(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.settings.sampling = SamplingConfig(allow="z")
    nothing, strange = "The settings exclude every character of the model", "cannot begin with"
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the note", lambda: nothing in note_of(app))
        app.main.text_pane.action_set("all")
        await wait_until(pilot, "the dialog", lambda: bool(app.screen.query("#line_starts")))
        app.screen.query_one("#line_starts", Input).focus()
        await pilot.press("z")
        words = app.screen.query_one("#sampling-words", Static)
        await wait_until(pilot, "the words", lambda: strange in str(words.content))
