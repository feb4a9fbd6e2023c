"""The form for a new run in the app."""

import contextlib
import os
import threading
from pathlib import Path
from typing import IO, Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.fake_run import FakeTrainer
from tests.support.form_app import estimate_of, time_nothing
from tests.support.open_app import RecordingLauncher, run_text_of, tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.reader import read_description
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.theme.picker import ThemeScreen

TEXT = "abcdefg hijk\n" * 800


@pytest.fixture(autouse=True)
def nothing_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    time_nothing(monkeypatch)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe; reading blocks until something is written."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


async def writing_end(pilot: Pilot[Any], pipe: Path) -> IO[str]:
    """Return the writing end of a pipe once it has a reader."""
    ends: list[IO[str]] = []

    def is_read() -> bool:
        with contextlib.suppress(OSError):  # ENXIO: no reader
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            ends.append(os.fdopen(descriptor, "w", encoding="utf-8"))
        return bool(ends)

    await wait_until(pilot, "a reader", is_read)
    return ends[0]


def preparations() -> list[threading.Thread]:
    """The threads that create a run."""
    return [thread for thread in threading.enumerate() if thread.name == "run-preparation"]


def fill(app: CharRNNApp, **fields: str) -> None:
    for name, value in fields.items():
        app.screen.query_one(f"#{name}", Input).value = value


async def test_a_path_and_enter_start_a_run(
    tmp_path: Path, corpus: Path, launch: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        fill(app, corpus=str(corpus), length="30 steps", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.session.run is not None)
        assert [run.path for run in launch.runs] == [tmp_path / "runs" / "mine"]
        assert read_description(launch.runs[0]).training.steps == 30
        await wait_until(pilot, "its state", lambda: "starting the trainer" in run_text_of(app))


async def test_a_second_enter_starts_no_second_run(
    tmp_path: Path, launch: RecordingLauncher, pipe: Path
) -> None:
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        fill(app, corpus=str(pipe))
        await pilot.press("enter", "enter")
        await pilot.pause()
        assert len(preparations()) == 1
        with await writing_end(pilot, pipe) as end:
            end.write(TEXT)
        await wait_until(pilot, "the run", lambda: app.session.run is not None)
    assert len(launch.runs) == 1


async def test_escape_while_the_text_is_read_starts_no_run(
    tmp_path: Path, launch: RecordingLauncher, pipe: Path
) -> None:
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        fill(app, corpus=str(pipe))
        await pilot.press("enter")
        with await writing_end(pilot, pipe) as end:
            await pilot.press("escape")
            await wait_until(pilot, "the stage", lambda: app.screen is app.main)
            end.write(TEXT)
        await wait_until(pilot, "the end of the thread", lambda: not preparations())
        assert app.session.run is None
    assert launch.runs == []
    assert not (tmp_path / "runs").exists()


async def test_a_run_that_starts_below_another_screen_is_shown_once_that_is_closed(
    tmp_path: Path, launch: RecordingLauncher, pipe: Path
) -> None:
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        fill(app, corpus=str(pipe), name="mine")
        await pilot.press("enter")
        with await writing_end(pilot, pipe) as end:
            app.search_themes()
            await wait_until(pilot, "the themes", lambda: isinstance(app.screen, ThemeScreen))
            end.write(TEXT)
        path = tmp_path / "runs" / "mine"
        await wait_until(pilot, "the trainer", lambda: path in app.session.trainers)
        assert isinstance(app.screen, ThemeScreen)
        await pilot.press("escape")
        await wait_until(pilot, "the run", lambda: app.session.run == launch.runs[0])
        await wait_until(pilot, "the main screen", lambda: app.screen is app.main)


async def test_the_preset_shows_its_purpose(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        words = f"validation loss {PRESETS['small'].expected_loss:.2f}"
        await wait_until(pilot, "it", lambda: words in estimate_of(app))
        assert app.screen.query_one("#length", Input).placeholder == "3m"


async def test_a_trainer_that_dies_at_once_is_lost_until_the_run_is_resumed_elsewhere(
    tmp_path: Path, corpus: Path, launch: RecordingLauncher
) -> None:
    app = tiny_app(tmp_path, launch=launch)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+n")
        fill(app, corpus=str(corpus), length="30 steps", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: len(launch.runs) == 1)
        launch.end()
        await wait_until(pilot, "lost", lambda: "lost" in run_text_of(app))
        with FakeTrainer(launch.runs[0]) as trainer:
            trainer.start()
            trainer.train(3.0)
            await wait_until(pilot, "life", lambda: "● training" in run_text_of(app))
