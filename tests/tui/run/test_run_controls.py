"""Control of a training from the app: requests, answers, missing answers."""

import threading
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.support.command import PATIENCE
from tests.support.fake_run import FakeTrainer, fake_run, lose_trainer
from tests.support.open_app import note_of, run_text_of, tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.runs.control import Request, send_request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.records import LearningRateChanged, RequestAnswered
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.chrome import KeyRow
from tui_charrnn.tui.run.controls import rate_problem

STATE_LABELS = {
    RunState.CREATED: "starting the trainer",
    RunState.PREPARING: "reading the corpus",
    RunState.LOADING: "loading TensorFlow",
    RunState.TIMING: "timing a few batches",
    RunState.TRAINING: "training",
    RunState.PAUSED: "paused",
    RunState.EVALUATING: "scoring held-out text",
    RunState.SAVING: "saving",
}


async def fall_silent(pilot: Pilot[Any], app: CharRNNApp) -> None:
    """Stop the text, which writes notes of its own."""
    await wait_until(pilot, "a text", lambda: app.main.text_pane.view.streaming)
    await pilot.press("escape")
    await wait_until(pilot, "the note", lambda: note_of(app).startswith("Stopped."))


def asked(app: CharRNNApp, trainer: FakeTrainer) -> list[Request]:
    """Return the requests that a trainer reads, once they are written."""
    app.main.finish_requests(PATIENCE)
    return take_requests(trainer.run)


async def test_pausing_is_shown_as_requested_then_as_done_and_the_same_key_continues(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f5")
        (request,) = asked(app, trainer)
        assert request.request == "pause"
        await wait_until(pilot, "asked", lambda: "(asked to pause)" in run_text_of(app))
        assert "paused" not in run_text_of(app)
        trainer.pause()
        trainer.append(
            RequestAnswered("pause", accepted=True, message="Paused at step 2.", id=request.id)
        )
        await wait_until(pilot, "the answer", lambda: note_of(app) == "Paused at step 2.")
        await wait_until(pilot, "paused", lambda: "paused" in run_text_of(app))
        assert "asked" not in run_text_of(app)
        assert "F5 Resume" in str(app.main.query_one(KeyRow).content)
        await pilot.press("f5")
        assert [request.request for request in asked(app, trainer)] == ["resume"]


async def test_a_second_press_before_the_answer_takes_the_pause_back(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f5", "f5")
        assert [request.request for request in asked(app, trainer)] == ["pause", "resume"]


async def test_a_trainer_that_does_not_answer_is_named(
    tmp_path: Path, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_charrnn.tui.run.controls.PATIENCE", 0.2)
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f6")
        await wait_until(pilot, "a sentence", lambda: note_of(app).startswith("No answer yet"))
        assert "asked to save a checkpoint" in note_of(app)
        assert "(asked to save a checkpoint)" in run_text_of(app)


async def test_a_refusal_is_shown_in_the_trainers_words(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f6")
        (request,) = asked(app, trainer)
        refusal = "The disk is \x1b[31m full."
        trainer.append(
            RequestAnswered("checkpoint", accepted=False, message=refusal, id=request.id)
        )
        refusal = "The trainer refused to save a checkpoint: The disk is ␛[31m full."
        await wait_until(pilot, "the refusal", lambda: note_of(app) == refusal)


async def test_a_learning_rate_is_checked_before_it_is_asked_for(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+r")
        await wait_until(pilot, "the question", lambda: app.screen is not app.main)
        await pilot.press(*["backspace"] * 12, *"fast", "enter")
        await pilot.pause()
        assert app.screen is not app.main
        assert asked(app, trainer) == []
        await pilot.press(*["backspace"] * 4, *"0.0005", "enter")
        await wait_until(pilot, "the screen", lambda: app.screen is app.main)
        (request,) = asked(app, trainer)
        assert (request.request, request.arguments) == ("learning_rate", {"value": 0.0005})


async def test_the_peak_that_holds_now_is_offered(tmp_path: Path, trainer: FakeTrainer) -> None:
    trainer.append(LearningRateChanged(2, 0.00025, "request"))
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(
            pilot,
            "the change",
            lambda: app.session.view is not None and app.session.view.peak_rate is not None,
        )
        await pilot.press("ctrl+r")
        await wait_until(pilot, "the question", lambda: app.screen is not app.main)
        assert app.screen.query_one(Input).value == "0.00025"


async def test_escape_leaves_the_learning_rate_as_it_was(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+r")
        await wait_until(pilot, "the question", lambda: app.screen is not app.main)
        await pilot.press("escape")
        await wait_until(pilot, "the screen", lambda: app.screen is app.main)
        assert asked(app, trainer) == []


@pytest.mark.parametrize("typed", ["", "fast", "-1", "0", "1e-99", "nan", "inf", "1e9"])
def test_what_is_no_learning_rate_gets_a_sentence(typed: str) -> None:
    assert rate_problem(typed) == "It must be at least 1e-12 and at most 10."


def test_a_learning_rate_gets_none() -> None:
    assert rate_problem("3e-4") == ""


@pytest.mark.parametrize("key", ["f5", "f6", "f9", "ctrl+r"])
async def test_without_a_trainer_the_keys_of_control_say_so(tmp_path: Path, key: str) -> None:
    run = fake_run(tmp_path / "runs")
    app = tiny_app(tmp_path, run=run)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the end", lambda: "finished" in run_text_of(app))
        await fall_silent(pilot, app)
        await pilot.press(key)
        await wait_until(pilot, "a sentence", lambda: "Nothing is being trained" in note_of(app))
        assert app.screen is app.main
        assert take_requests(run) == []


async def test_without_its_trainer_a_run_is_to_be_restarted(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", end=None)
    lose_trainer(run)
    app = tiny_app(tmp_path, run=run)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the loss", lambda: "lost" in run_text_of(app))
        await fall_silent(pilot, app)
        await pilot.press("f5")
        sentence = "Nothing is being trained here. F3, Tab, then r restarts it."
        await wait_until(pilot, "a sentence", lambda: sentence in note_of(app))


@pytest.mark.parametrize("key", ["f5", "f6", "f9", "ctrl+r"])
async def test_a_read_only_viewer_sends_no_request(
    tmp_path: Path, trainer: FakeTrainer, key: str
) -> None:
    app = tiny_app(tmp_path)
    app.session.is_readonly = True
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await fall_silent(pilot, app)
        await pilot.press(key)
        await wait_until(pilot, "a sentence", lambda: "read-only" in note_of(app))
        assert asked(app, trainer) == []


@pytest.mark.parametrize("state", [state for state in RunState if state.is_live])
async def test_every_state_of_a_live_run_has_words_of_its_own(
    tmp_path: Path, trainer: FakeTrainer, state: RunState
) -> None:
    trainer.writer.set_status(state=state)
    app = tiny_app(tmp_path)
    words = STATE_LABELS[state]
    async with app.run_test() as pilot:
        await wait_until(pilot, "the state", lambda: words in run_text_of(app))
        others = set(STATE_LABELS.values()) - {words}
        assert not any(other in str(app.main.status.state.content) for other in others)


async def test_requests_are_written_before_the_app_ends(
    tmp_path: Path, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, goes_on = tiny_app(tmp_path), threading.Event()

    def send(*arguments: Any, **more: Any) -> None:
        goes_on.wait(PATIENCE)
        send_request(*arguments, **more)

    monkeypatch.setattr("tui_charrnn.tui.run.controls.send_request", send)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f5")
        app.exit()
    assert take_requests(trainer.run) == []
    goes_on.set()
    assert [request.request for request in asked(app, trainer)] == ["pause"]
