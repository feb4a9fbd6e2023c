"""The app in every theme, and with NO_COLOR, ASCII and reduced motion."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.command import CommandList
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.open_app import note_of, run_text_of, shown_text, tiny_app
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.waiting import wait_until
from tui_charrnn.folders import resource_folder
from tui_charrnn.preferences import Preferences
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.theme.picker import ThemeScreen
from tui_charrnn.tui.theme.themed_app import ThemedApp
from tui_charrnn.tui.theme.themes import find_themes, user_themes_folder

Opening = Callable[[Pilot[Any]], Awaitable[None]]


def ended_run(folder: Path, end: str = "finished") -> Any:
    return fake_run(
        folder / "runs",
        name=end,
        losses=[3.0, 2.5, 2.0],
        evaluations={3: 2.25},
        end=end,
    )


def pieces(app: CharRNNApp) -> list[Segment]:
    """Return all segments of the screen, as the terminal gets them."""
    return [piece for strip in app.screen._compositor.render_strips() for piece in strip]


def looks_of(app: CharRNNApp, words: str) -> list[Segment]:
    """Return the segments of the screen that contain these words."""
    return [piece for piece in pieces(app) if words in piece.text]


def first_of(commands: CommandList) -> str:
    """Return the command that Enter would run."""
    is_ready = commands.highlighted == 0
    return str(commands.get_option_at_index(0).prompt) if is_ready else ""


async def open_training(pilot: Pilot[Any]) -> None:
    await pilot.press("f3")


async def open_runs(pilot: Pilot[Any]) -> None:
    await pilot.press("f4")


async def open_childhood(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+t")


async def open_log(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+l")


async def open_form(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+n")


async def open_help(pilot: Pilot[Any]) -> None:
    await pilot.press("f1")


async def open_palette(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+p")


async def open_themes(pilot: Pilot[Any]) -> None:
    pilot.app.search_themes()


EVERYWHERE = [
    open_training,
    open_runs,
    open_childhood,
    open_log,
    open_form,
    open_help,
    open_palette,
    open_themes,
]


async def test_a_theme_of_textual_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "nord")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("a")
        assert app.theme == "nord"
        assert app.main.text_pane.seed.text == "a"


async def test_the_themes_of_the_user_are_read_before_the_app_runs(tmp_path: Path) -> None:
    user_themes_folder().mkdir(parents=True)
    mine = user_themes_folder() / "mine.toml"
    mine.write_text((resource_folder("themes") / "ember.toml").read_text(encoding="utf-8"))
    session = tiny_app(tmp_path).session
    session.theme = "mine"
    app = CharRNNApp(session)
    mine.unlink()
    async with app.run_test():
        assert app.theme == "mine"


async def test_every_theme_can_be_put_on_while_an_app_runs() -> None:
    app = ThemedApp()
    async with app.run_test() as pilot:
        for theme in find_themes().themes:
            app.register_theme(theme)
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            assert app.theme_variables["loss"], name
        assert app.is_running


async def test_the_palette_opens_the_list_of_themes(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.press(*"theme")
        commands = app.screen.query_one(CommandList)
        await wait_until(pilot, "the command", lambda: "theme" in first_of(commands).lower())
        await pilot.press("enter")
        await wait_until(pilot, "the list", lambda: isinstance(app.screen, ThemeScreen))
        await pilot.press("down")
        assert app.screen.styles.background.a == 0  # what is dressed stays in sight
        assert app.screen.query_one("#themes").region.right == 100


async def test_the_terminals_theme_uses_no_color_of_its_own(tmp_path: Path) -> None:
    app = tiny_app(tmp_path, run=ended_run(tmp_path))
    app.apply_theme("terminal")
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the end", lambda: "finished" in run_text_of(app))
        await pilot.press("f3")
        await pilot.pause()
        styles = [piece.style for piece in pieces(app) if piece.style]
        colors = {color for style in styles for color in (style.color, style.bgcolor) if color}
        assert len(colors) > 2
        assert {color.name for color in colors if color.triplet is not None} == set()


async def test_a_variable_that_is_empty_leaves_the_colors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert any(piece.style and piece.style.color for piece in pieces(app))


async def test_the_focus_and_the_cursor_are_visible_without_colors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    for end in ("finished", "failed"):
        ended_run(tmp_path, end)
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f4")
        await wait_until(pilot, "the runs", lambda: "2 runs" in screen_text(app))

        def marked() -> list[str]:
            return [
                piece.text.strip() for piece in pieces(app) if piece.style and piece.style.reverse
            ]

        await wait_until(
            pilot, "one run", lambda: ("failed" in marked()) != ("finished" in marked())
        )
        await wait_until(pilot, "the focus", lambda: "Runs" in marked())


async def test_without_colors_seed_text_and_what_is_unknown_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = tiny_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await wait_until(pilot, "text", lambda: len(shown_text(app)) > 100)
        app.main.text_pane.view.clear()
        app.main.text_pane.view.append("seeded", "seed")
        app.main.text_pane.view.append("lost", "skipped")
        app.main.text_pane.view.append("said", "generated")
        await pilot.pause()
        looks = {
            words: (look.bold, look.strike)
            for words in ("seeded", "lost", "said")
            for look in [looks_of(app, words)[0].style]
            if look
        }
        assert looks["seeded"][0]
        assert looks["lost"][1]
        assert len({(bool(bold), bool(strike)) for bold, strike in looks.values()}) == 3


@pytest.mark.parametrize(
    ("end", "sign"), [("finished", "\u25a0"), ("failed", "\u2717"), ("diverged", "\u2717")]
)
async def test_the_end_of_a_run_has_a_sign_and_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, sign: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = tiny_app(tmp_path, run=ended_run(tmp_path, end))
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: end in run_text_of(app))
        await wait_until(pilot, "the words", lambda: f"{sign} {end}" in screen_text(app))


async def test_without_colors_and_in_ascii_nothing_has_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = created_run(tmp_path / "runs", name="sonnets", pinned_seeds=("a",))
    with FakeTrainer(run, total_steps=30) as trainer:
        trainer.start()
        for step in range(1, 11):
            trainer.train(4.0 / step)
        trainer.evaluate(2.0)
        trainer.save(2.0, is_best=True)
        trainer.sample("a", "bcd")
        app = tiny_app(tmp_path, run=run)
        app.is_ascii = True
        app.session.settings.length = 100  # so that it need not be drawn all the time
        async with app.run_test(size=(120, 36)) as pilot:
            await wait_until(
                pilot, "the run", lambda: app.session.view is not None and app.session.view.step > 9
            )
            for opening in EVERYWHERE:
                await opening(pilot)
                await pilot.pause()
                check_plain(app)
                await wait_until(pilot, f"a mark: {opening}", lambda: is_marked(app))
                await pilot.press("escape")
            for size in ((80, 24), (50, 14)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                check_plain(app)


def check_plain(app: CharRNNApp) -> None:
    """Check that the screen has no colors, and only ASCII."""
    text, styles = screen_text(app), [piece.style for piece in pieces(app) if piece.style]
    assert len(set(text)) > 10
    assert {sign for sign in text if not sign.isascii()} == set()
    assert {style.color for style in styles} | {style.bgcolor for style in styles} == {None}


def is_marked(app: CharRNNApp) -> bool:
    """Whether anything is in reverse: a cursor, which may blink, or the focused widget."""
    return any(piece.style is not None and piece.style.reverse for piece in pieces(app))


async def test_in_ascii_the_generated_text_stays_as_it_is(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.is_ascii = True
    app.session.settings.speed = None
    async with app.run_test(size=(100, 30)) as pilot:
        await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"))
        app.main.text_pane.view.clear()
        app.main.text_pane.view.append("one \u00b7 two \u2502 \ud55c\uae00")
        app.main.text_pane.seed.load_text("a \u00b7 b")
        await pilot.pause()
        rows = screen_rows(app)
        assert [
            row for row in rows if re.match(r"^\| one \u00b7 two \u2502 \ud55c\uae00 +\|$", row)
        ]
        assert [row for row in rows if re.match(r"^\| a \u00b7 b +\|$", row)]


async def test_with_reduced_motion_nothing_moves_by_itself(tmp_path: Path) -> None:
    session = tiny_app(tmp_path).session
    session.preferences = Preferences(reduced_motion=True)
    still = CharRNNApp(session)
    async with still.run_test(size=(100, 30)) as pilot:
        assert still.animation_level == "none"
        await pilot.press("ctrl+p")  # a field of Textual's own, which would blink
        await wait_until(pilot, "the palette", lambda: isinstance(still.focused, Input))
        assert not still.screen.query_one(Input).cursor_blink


async def test_in_the_colors_of_a_terminal_a_dialog_leaves_the_app_in_sight(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    app.apply_theme("terminal")
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "some text", lambda: len(shown_text(app)) > 3)
        for keys in (("tab", "p"), ("f12",), ("f1",), ("ctrl+p",)):
            await pilot.press(*keys)
            await wait_until(pilot, f"the dialog of {keys}", lambda: app.screen is not app.main)
            await pilot.pause()
            assert "charrnn-tui  a c" in screen_text(app), keys
            await pilot.press("escape")
            await wait_until(pilot, "the app", lambda: app.screen is app.main)
