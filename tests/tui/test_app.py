"""The app with a model and without a run: it opens, generates, stops, continues."""

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import DEFAULT_LENGTH, Session


async def test_text_streams_before_a_key_is_pressed(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        assert set(shown_text(app)) <= set("\n abcdefghij")


async def test_the_cursor_waits_in_the_seed_box(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press(*"abc")
        assert app.main.text_pane.seed.text == "abc"


async def test_enter_starts_a_text_below_the_previous_one(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a first text", lambda: len(shown_text(app)) > 3)
        first = shown_text(app)
        await pilot.press(*"badge", "enter")
        await wait_until(
            pilot, "a second text", lambda: "badge" in shown_text(app)[:-1].rpartition("badge")[1]
        )
        assert shown_text(app).startswith(first)


async def test_escape_stops_and_keeps_the_text(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        await pilot.press("escape")
        await wait_until(pilot, "the note", lambda: note_of(app).startswith("Stopped."))
        kept = shown_text(app)
        assert len(kept) > 3
        assert not app.main.text_pane.view.streaming


async def test_the_key_for_more_continues_where_the_text_stopped(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        await pilot.press("escape")
        await wait_until(pilot, "the note", lambda: note_of(app).startswith("Stopped."))
        kept = shown_text(app)
        await pilot.press("ctrl+g")
        await wait_until(pilot, "more", lambda: len(shown_text(app)) > len(kept) + 3)
        assert shown_text(app).startswith(kept)


async def test_a_text_pauses_after_its_length(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    settings_of(app).speed = None
    async with app.run_test() as pilot:
        await wait_until(pilot, "the end", lambda: "2,000 characters." in note_of(app), limit=20)
        assert len(shown_text(app)) == DEFAULT_LENGTH


async def test_a_repeated_text_needs_only_its_numbers(tmp_path: Path) -> None:
    async def whole_text(folder: Path) -> str:
        app = tiny_app(folder)
        settings_of(app).speed = None
        settings_of(app).sampling = SamplingConfig(rng_seed=7, temperature=1.0)
        async with app.run_test() as pilot:
            await wait_until(pilot, "the end", lambda: "2,000" in note_of(app), limit=20)
            return shown_text(app)

    assert await whole_text(tmp_path / "one") == await whole_text(tmp_path / "two")


async def test_unknown_characters_are_named_and_left_out(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a first text", lambda: len(shown_text(app)) > 3)
        await pilot.press(*"aéb", "enter")
        await wait_until(pilot, "the note", lambda: "é (U+00E9)" in note_of(app))
        assert "ab" in shown_text(app)
        assert "é" not in shown_text(app)


async def test_the_temperature_changes_while_text_streams(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        await pilot.press("f8", "f8", "f7", "f8")
        assert settings_of(app).sampling.temperature == 1.0
        assert "temperature 1.0" in str(app.main.text_pane.view.border_title)
        assert app.main.text_pane.view.streaming


async def test_the_temperature_stays_above_zero(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press(*["f7"] * 10)
        assert settings_of(app).sampling.temperature == 0.0


async def test_the_speed_key_cycles_through_the_speeds(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    seen = []
    async with app.run_test() as pilot:
        for _ in range(6):
            await pilot.press("ctrl+f")
            seen.append(settings_of(app).speed)
    assert seen == [120, 500, None, 10, 30, 60]


async def test_without_a_model_the_app_stays_open_and_reports_it(tmp_path: Path) -> None:
    app = CharRNNApp(Session(runs_folder=tmp_path / "runs", model=str(tmp_path / "none")))
    async with app.run_test() as pilot:
        await wait_until(pilot, "a sentence", lambda: "There is no model file" in note_of(app))
        await pilot.press("a")
        assert app.main.text_pane.seed.text == "a"


async def test_a_model_that_does_not_exist_is_an_error_until_a_text_begins(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    known, app.session.model = app.session.model, "nope"
    async with app.run_test(size=(100, 30)) as pilot:
        await wait_until(pilot, "the error", lambda: "bundled model 'nope'" in note_of(app))
        assert "Bundled models: shakespeare," in note_of(app)
        assert app.main.note.has_class("-problem")
        assert app.main.note._timer is None  # it stays
        app.session.model = known
        await pilot.press("a", "enter")
        await wait_until(pilot, "a text", lambda: len(shown_text(app)) > 3)
        assert "nope" not in note_of(app)
        assert not app.main.note.has_class("-problem")


async def test_a_resize_keeps_text_and_seed(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        await pilot.press("escape", *"abc")
        await wait_until(pilot, "the end", lambda: not app.main.text_pane.view.streaming)
        before = shown_text(app)
        for size in ((120, 36), (40, 12), (8, 3), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert shown_text(app) == before
        assert app.main.text_pane.seed.text == "abc"


def has_sentence(app: CharRNNApp) -> bool:
    """Whether the app reports that the terminal is too small."""
    return any(message.region.area > 0 for message in app.main.query("#too-small"))


async def test_a_terminal_that_is_too_small_gets_a_sentence(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(39, 24)) as pilot:
        await wait_until(pilot, "the sentence", lambda: has_sentence(app))
        await pilot.resize_terminal(40, 12)
        await wait_until(pilot, "the stage", lambda: not has_sentence(app))


def test_the_first_frame_is_drawn_before_numpy_and_the_run_modules_load(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from tui_charrnn.tui.app import CharRNNApp
        from tui_charrnn.tui.session import Session

        def observe(app):
            seen.append(sorted(LATER & set(sys.modules)))
            frames.append(app.main.text_pane.seed.region.area)

        LATER = {"numpy", "tensorflow", "keras", "typer", "json", "tui_charrnn.runs.reader",
                 "tui_charrnn.viewing.run_view", "tui_charrnn.tui.run.run_card"}
        seen, frames = [], []
        CharRNNApp.begin = observe
        app = CharRNNApp(Session(runs_folder=Path("none")))

        async def main():
            async with app.run_test() as pilot:
                while not seen:
                    await pilot.pause(0.01)

        asyncio.run(main())
        assert seen == [[]], seen
        assert frames[0] > 0
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
