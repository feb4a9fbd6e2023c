"""The screen's thread never waits for a disk: no `stat` a key, no look before a prompt or a pane.

The whole app: what goes to a disk is asked for all over it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from tests.support.fake_run import FAKE_TEXT, FakeTrainer, created_run, fake_run
from tests.support.form_app import time_nothing
from tests.support.open_app import RecordingLauncher, tiny_app
from tests.support.screen_thread import watched_disk
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.dialogs import AskTextScreen, QuestionScreen
from tui_charrnn.tui.history.screen import HistoryScreen
from tui_charrnn.tui.new_run.path_fields import PathInput
from tui_charrnn.tui.new_run.screen import NewRunScreen
from tui_charrnn.tui.text import model_loader
from tui_charrnn.tui.text.external_text import ExternalTextScreen
from tui_charrnn.tui.text.generation_dialogs import ModelScreen
from tui_charrnn.tui.theme.picker import ThemeScreen

PATH: Final = ("slash", "n", "o", "slash", "x")


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTrainer]:
    """A working trainer and a run that has ended; the current folder is empty."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "text").write_text(FAKE_TEXT)
    time_nothing(monkeypatch)
    monkeypatch.setattr(model_loader, "PUBLISH_LIMIT", 0.0)  # this trainer answers nothing
    monkeypatch.chdir(tmp_path / "here")
    fake_run(tmp_path / "runs", name="old", losses=[3.0, 2.5], end="stopped")
    with FakeTrainer(created_run(tmp_path / "runs", pinned_seeds=("to be",))) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.evaluate(2.6)
        trainer.sample("to be", "abc")
        trainer.save(2.6)
        yield trainer


class Driver:
    """An app that receives typed text."""

    def __init__(self, app: CharRNNApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def see(self, text: str) -> None:
        await wait_until(self.pilot, f"{text!r} is shown", lambda: text in screen_text(self.app))

    async def on(self, kind: type[Screen[Any]]) -> None:
        await wait_until(
            self.pilot, f"the screen {kind.__name__}", lambda: isinstance(self.app.screen, kind)
        )

    async def back(self) -> None:
        await wait_until(self.pilot, "the main screen", lambda: self.app.screen is self.app.main)


@pytest.fixture
def launcher() -> Iterator[RecordingLauncher]:
    """Starts processes that train nothing, and stops them."""
    launcher = RecordingLauncher()
    yield launcher
    launcher.end()


@asynccontextmanager
async def watched(
    folder: Path, trainer: FakeTrainer, launcher: RecordingLauncher
) -> AsyncIterator[Driver]:
    """The app with a run; its thread does not use the disk until it exits."""
    app = tiny_app(folder, run=trainer.run, launch=launcher)
    app.session.settings.length = 200  # so that it need not be drawn all the time
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await wait_until(pilot, "some text", lambda: app.main.text_pane.view.length > 3)
        with watched_disk(folder) as uses:
            yield Driver(app, pilot)
        assert uses == []


async def use_the_text(driver: Driver) -> None:
    await driver.press("tab", "s")
    await driver.see("Saved")
    await driver.press("slash", "a", "enter", "escape")
    await driver.press("r")
    await driver.on(ExternalTextScreen)
    await driver.press(*PATH)
    await driver.see("there is no file /no/x")
    await driver.press("escape")
    await driver.back()
    await driver.press("k")
    await driver.on(AskTextScreen)
    await driver.press(*PATH)
    await driver.see("there is no file /no/x")
    await driver.press("escape")
    await driver.back()
    await driver.press("x", "x", "e")
    await driver.see("Neurons")
    await driver.press("o")
    await driver.on(AskTextScreen)
    await driver.press(*PATH)
    await driver.see("there is no file /no/x")


async def use_the_tape(driver: Driver) -> None:
    await driver.press("f2")
    await driver.see("leaves")
    await driver.press("left", "left", "enter", "s")
    await driver.see("Saved the tape")
    await driver.press("o")
    await driver.on(AskTextScreen)
    await driver.see("tape-")
    await driver.press(*PATH)
    await driver.see("there is no file /no/x")
    await driver.press("ctrl+u", "enter")
    await driver.back()
    await driver.press("t", "a", "enter")


async def use_the_history(driver: Driver) -> None:
    await driver.press("tab", "h")
    await driver.on(HistoryScreen)
    await driver.press("slash", "a", "enter", "s")


async def use_the_runs(driver: Driver) -> None:
    await driver.see("200 characters.")  # the note on the text's end would replace one on the runs
    await driver.press("f4")
    await driver.see("old")
    runs = driver.app.main.query_one("RunList")
    await wait_until(driver.pilot, "a cursor", lambda: getattr(runs, "selected", None) is not None)
    await driver.press("down", "up", "down", "n")
    await driver.on(AskTextScreen)
    await driver.press("x", "enter")
    await driver.see("is now named x")
    await driver.press("e")
    await driver.on(AskTextScreen)
    await driver.press("enter")
    await driver.see("Packed into")
    await driver.press("d")
    await driver.on(QuestionScreen)
    await driver.press("d")
    await driver.see("is in the trash")
    await driver.press("u")
    await driver.see("is restored")

    def is_selected() -> bool:
        selected = getattr(runs, "selected", None)
        return selected is not None and selected.run.name == "x"

    await wait_until(driver.pilot, "the cursor on it", is_selected)
    await driver.press("r")
    await driver.see("Resumed ")


async def steer_the_training(driver: Driver) -> None:
    await driver.press("f3", "f5")
    await driver.see("asked to pause")
    await driver.press("f6")
    await driver.see("asked to save a checkpoint")
    await driver.press("ctrl+r")
    await driver.on(AskTextScreen)
    await driver.press("enter")
    await driver.see("asked for the learning rate")
    await driver.press("ctrl+t", "left", "right", "ctrl+l", "f", "end")


async def make_a_run(driver: Driver) -> None:
    driver.app.action_train()
    await driver.on(NewRunScreen)
    await wait_until(driver.pilot, "the path", lambda: isinstance(driver.app.focused, PathInput))
    await driver.press(*PATH, "enter")
    await driver.see("/no/x")
    await driver.press("ctrl+u", *"text", "enter")
    await driver.back()
    await driver.see("Training starts")


async def choose_a_theme_and_a_model(driver: Driver) -> None:
    driver.app.search_themes()
    await driver.on(ThemeScreen)
    await driver.see("the default")
    await driver.press("down", "enter")
    await driver.back()
    await driver.press("ctrl+o")
    await driver.on(ModelScreen)
    await driver.see("bundled")
    await driver.press(*"nope")
    await driver.see("There is no model file")
    await driver.press("ctrl+u", "down", "enter")
    await driver.back()


async def leave_the_training(driver: Driver) -> None:
    await driver.press("ctrl+q", "s")
    await wait_until(driver.pilot, "the end", lambda: not driver.app.is_running)


@pytest.mark.parametrize(
    "use",
    [
        use_the_text,
        use_the_tape,
        use_the_history,
        use_the_runs,
        steer_the_training,
        make_a_run,
        choose_a_theme_and_a_model,
        leave_the_training,
    ],
)
async def test_no_part_of_the_app_waits_for_a_disk(
    tmp_path: Path,
    trainer: FakeTrainer,
    launcher: RecordingLauncher,
    use: Callable[[Driver], Awaitable[None]],
) -> None:
    async with watched(tmp_path, trainer, launcher) as driver:
        await use(driver)


def test_the_disk_watch_records_every_kind_of_access(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with watched_disk(tmp_path) as uses:
        assert (tmp_path / "file").is_file()
        assert [*tmp_path.glob("*")]
        assert (tmp_path / "file").read_text() == "x"
        assert Path.cwd()
    assert [use.split(" ", 1)[0] for use in uses] == ["stat", "stat", "scandir", "open", "getcwd"]
