"""The training form on the screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from tests.support.fake_run import fake_run
from tests.support.open_app import RecordingLauncher, run_words_of, tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.runs.reader import read_description
from tui_charrnn.tui.app import CharRNNApp


@pytest.fixture
def launcher() -> Iterator[RecordingLauncher]:
    launcher = RecordingLauncher()
    yield launcher
    launcher.end()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("abcdefg hijk\n" * 800, encoding="utf-8")
    return path


def fill(app: CharRNNApp, **fields: str) -> None:
    for name, value in fields.items():
        app.screen.query_one(f"#{name}", Input).value = value


def problem(app: CharRNNApp, field: str) -> str:
    shown = app.screen.query_one(f"#{field}-problem", Static)
    return str(shown.content) if shown.display else ""


async def test_a_path_and_enter_start_a_run(
    tmp_path: Path, corpus: Path, launcher: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launcher)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        fill(app, corpus=str(corpus), length="30 steps", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.session.run is not None)
        assert [run.path for run in launcher.runs] == [tmp_path / "runs" / "mine"]
        assert read_description(launcher.runs[0]).training.steps == 30
        await wait_until(pilot, "its state", lambda: "starting the trainer" in run_words_of(app))


async def test_a_mistake_is_told_and_nothing_that_was_typed_is_lost(
    tmp_path: Path, corpus: Path, launcher: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launcher)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        fill(app, corpus=str(corpus), length="soon", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the mistake", lambda: "Received: 'soon'" in problem(app, "length"))
        assert app.screen.query_one("#name", Input).value == "mine"
        fill(app, length="5 steps")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: len(launcher.runs) == 1)


async def test_a_missing_file_is_told_in_the_form(
    tmp_path: Path, launcher: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launcher)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        fill(app, corpus=str(tmp_path / "missing.txt"))
        await pilot.press("enter")
        await wait_until(pilot, "a sentence", lambda: "missing.txt" in problem(app, "form"))
        assert launcher.runs == []


async def test_a_name_that_is_taken_is_told_in_the_form(
    tmp_path: Path, corpus: Path, launcher: RecordingLauncher
) -> None:
    fake_run(tmp_path / "runs", name="taken")
    app = tiny_app(tmp_path, launch=launcher)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        fill(app, corpus=str(corpus), name="taken")
        await pilot.press("enter")
        await wait_until(pilot, "a sentence", lambda: "'taken'" in problem(app, "form"))
        assert launcher.runs == []


async def test_escape_closes_the_form(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("f3", "escape")
        await wait_until(pilot, "the stage", lambda: app.screen is app.main)


async def test_the_preset_says_what_it_is_good_for(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        await pilot.pause()
        sentence = str(app.screen.query_one("#preset-sentence", Static).content)
        assert sentence.startswith("about three minutes")
        assert "3m00s" in app.screen.query_one("#length", Input).placeholder


async def test_a_trainer_that_dies_at_once_is_called_lost(
    tmp_path: Path, corpus: Path, launcher: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launcher)
    async with app.run_test() as pilot:
        await pilot.press("f3")
        fill(app, corpus=str(corpus), length="30 steps", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: "starting the trainer" in run_words_of(app))
        launcher.end()
        await wait_until(pilot, "lost", lambda: "lost" in run_words_of(app))
