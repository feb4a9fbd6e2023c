"""Quitting the app never stops a run without a request to stop it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Button

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.open_app import tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.runs.control import take_requests
from tui_charrnn.tui.app import CharRNNApp


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    with FakeTrainer(created_run(tmp_path / "runs")) as trainer:
        trainer.start()
        yield trainer


def _state_of(app: CharRNNApp) -> str:
    return app.session.view.state if app.session.view is not None else ""


async def test_without_a_run_the_app_leaves_at_once(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert not app.is_running
    assert (app.return_code, app.exit_report()) == (0, "")
    app.show_found(None)  # of a thread that looked for runs until now: no teaser


async def test_enter_leaves_the_run_running(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q", "enter")
        await wait_until(pilot, "the end", lambda: not app.is_running)
    message = app.exit_report()
    assert f"charrnn-tui attach {trainer.run.path}" in message
    assert f"charrnn-tui stop {trainer.run.path}" in message
    assert take_requests(trainer.run) == []


async def test_s_saves_and_stops_the_run(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q", "s")
        await wait_until(pilot, "the end", lambda: not app.is_running)
    assert f"charrnn-tui resume {trainer.run.path}" in app.exit_report()
    assert [asked.request for asked in take_requests(trainer.run)] == ["stop"]


async def test_the_question_changes_if_the_run_ends_while_it_is_open(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q")
        await wait_until(pilot, "it", lambda: "fake is being trained." in screen_text(app))
        trainer.end("finished")
        await wait_until(pilot, "the end", lambda: "no longer being trained" in screen_text(app))
        assert "Save and stop it" not in screen_text(app)
        await wait_until(pilot, "the answer", lambda: isinstance(app.focused, Button))
        await pilot.press("s", "enter")
        await wait_until(pilot, "the end", lambda: not app.is_running)
    assert not app.exit_report()
    assert take_requests(trainer.run) == []


async def test_quitting_mentions_a_training_run_whichever_run_is_shown(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    other = created_run(tmp_path / "others", name="other")
    with FakeTrainer(other) as ended:
        ended.start()
        ended.end("stopped")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        app.main.open_run(other)
        await wait_until(pilot, "the other", lambda: _state_of(app) == "stopped")
        await pilot.press("ctrl+q")
        await wait_until(pilot, "the end", lambda: not app.is_running)
    assert "fake keeps training." in app.exit_report()
    trainer.end("finished")
    assert not app.exit_report()


async def test_a_view_that_only_looks_leaves_without_a_question(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    app.session.is_readonly = True
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q")
        await wait_until(pilot, "the end", lambda: not app.is_running)
    assert take_requests(trainer.run) == []


async def test_escape_stays(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q", "ctrl+q", "escape")
        await wait_until(pilot, "the stage", lambda: app.screen is app.main)
        assert app.is_running


async def test_the_answers_can_be_walked_with_the_arrows(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+q")
        await wait_until(pilot, "a chosen answer", lambda: isinstance(app.focused, Button))
        await pilot.press("down", "down", "enter")
        await wait_until(pilot, "the stage", lambda: app.screen is app.main)
        assert app.is_running


async def test_a_run_that_is_found_while_the_app_is_left_is_not_opened(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test():
        app.exit()
        app.main.open_run(trainer.run)
    assert app.session.view is None
    assert app.return_code == 0
