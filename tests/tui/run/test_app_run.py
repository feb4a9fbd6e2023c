"""The app with a run: it shows the training, and sends requests to the trainer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.open_app import note_of, run_text_of, shown_text, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RequestAnswered, RunWarned
from tui_charrnn.tui.session import WeightsSource


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A trainer on the run `fake`, before its first batch."""
    with FakeTrainer(created_run(tmp_path / "runs")) as trainer:
        trainer.start()
        yield trainer


async def test_a_live_run_is_found_and_shown(tmp_path: Path, trainer: FakeTrainer) -> None:
    trainer.train(3.0, 2.0)
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: "training" in run_text_of(app))
        assert app.session.run == trainer.run
        assert app.session.has_live_run


async def test_batches_reach_the_screen_as_they_are_written(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        trainer.train(3.0)
        await wait_until(pilot, "the loss", lambda: "train loss 3.000" in run_text_of(app))
        trainer.train(2.0)
        trainer.evaluate(2.1)
        await wait_until(pilot, "the score", lambda: "2.100 at step 2" in run_text_of(app))
        assert "0.100 nats better than the best n-gram" in run_text_of(app)
        assert "2/100" in run_text_of(app)


async def test_the_note_on_the_end_of_a_run_has_the_next_steps(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        trainer.train(3.0)
        trainer.sample("to be", ", or not")
        trainer.end("finished")
        words = "The run has finished. ^t shows how it learned, ^o picks a model."
        await wait_until(pilot, "the note", lambda: note_of(app) == words)
        seed = app.main.text_pane.seed
        assert str(seed.border_title) == "Seed · next: tiny.safetensors (^o)"
        await pilot.press("ctrl+o", "pageup", "enter")
        title = "Seed · next: the run's newest weights (^o)"
        await wait_until(pilot, "the source", lambda: str(seed.border_title) == title)


async def test_a_message_ends_with_another_pane(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        app.main.note.show_note("Copied.")
        await pilot.press("f4")
        await wait_until(pilot, "the hint", lambda: "shows a run" in note_of(app))


async def test_tab_goes_from_the_seed_into_the_text_where_all_stand_side_by_side(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    trainer.train(3.0)
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the chart", lambda: bool(app.main.query("LossChart")))
        await pilot.press("tab")
        assert app.main.text_pane.view.has_focus
        await pilot.press("tab")
        assert app.main.query_one("LossChart").has_focus
        await pilot.press("shift+tab", "shift+tab")
        assert app.main.text_pane.seed.has_focus


async def test_a_run_that_loads_tensorflow_shows_a_clock(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    trainer.writer.set_status(state=RunState.LOADING)
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a clock", lambda: "loading TensorFlow 0:0" in run_text_of(app))


async def test_a_lost_trainer_is_shown_as_lost(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5], end=None)
    lose_trainer(run)
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "lost", lambda: "lost" in run_text_of(app))
        await wait_until(pilot, "the card", lambda: "r Resume" in screen_text(app))


async def test_a_finished_run_shows_its_final_numbers(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5, 2.0], evaluations={3: 2.25})
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the end", lambda: "finished" in run_text_of(app))
        await wait_until(pilot, "the best", lambda: "2.250 at step 3" in run_text_of(app))
        assert "█" not in run_text_of(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_run_that_was_stopped_does_not_look_like_an_error(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    fake_run(tmp_path / "runs", losses=[3.0, 2.5], evaluations={2: 2.6}, end="stopped")
    app = tiny_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the run", lambda: "■ stopped, saved" in run_text_of(app))
        await wait_until(pilot, "what to do", lambda: "Resume it with:" in run_text_of(app))
        assert not app.main.status.has_class("-failed")
        assert not app.main.pane_host.card.has_class("-failed")
        assert not app.session.has_live_run


async def test_a_diverged_run_keeps_the_app_alive(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5], end="diverged")
    app = tiny_app(tmp_path, run=run)
    async with app.run_test() as pilot:
        await wait_until(pilot, "what happened", lambda: "became nan" in run_text_of(app))
        assert "F3 shows what helps" in screen_text(app)
        await pilot.press("f3")
        await wait_until(pilot, "what helps", lambda: "learning rate below" in screen_text(app))
        assert "F3 shows what helps" not in screen_text(app)


async def test_the_newest_weights_are_requested_and_generate(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    trainer.train(3.0, 2.5)
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a batch", lambda: "step 2" in run_text_of(app))
        await pilot.press("ctrl+o", "pageup", "enter", *"be", "enter")
        await wait_until(
            pilot,
            "a request to publish",
            lambda: [asked.request for asked in take_requests(trainer.run)] == ["publish"],
        )
        trainer.publish()
        title = app.main.text_pane.view
        await wait_until(pilot, "the run's title", lambda: "run fake" in str(title.border_title))


async def test_the_note_for_a_run_without_a_batch_names_when_it_can_generate(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("ctrl+o", "pageup", "enter", "enter")
        await wait_until(pilot, "a sentence", lambda: "has no weights yet" in note_of(app))


async def test_the_best_checkpoint_can_generate(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5, 2.0], evaluations={1: 2.9, 2: 2.1, 3: 2.4})
    app = tiny_app(tmp_path, run=run)
    app.session.source = WeightsSource.BEST
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.view is not None)
        app.session.source = WeightsSource.BEST
        await pilot.press(*"be", "enter")
        title = app.main.text_pane.view
        await wait_until(
            pilot, "the title", lambda: "best of run fake, step 2" in str(title.border_title)
        )


async def test_a_named_run_with_weights_generates_first(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.0], evaluations={2: 2.4})
    app = tiny_app(tmp_path, run=run)
    async with app.run_test() as pilot:
        title = app.main.text_pane.view
        await wait_until(pilot, "the title", lambda: "run fake" in str(title.border_title))
        await wait_until(pilot, "its text", lambda: len(shown_text(app)) > 3)


async def test_a_checkpoint_is_requested_and_the_answer_shown(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f6")
        await wait_until(  # it is written in a thread
            pilot,
            "the request",
            lambda: [asked.request for asked in take_requests(trainer.run)] == ["checkpoint"],
        )
        trainer.append(RequestAnswered("checkpoint", accepted=True, message="Saved at step 2."))
        await wait_until(pilot, "the answer", lambda: note_of(app) == "Saved at step 2.")


async def test_stopping_a_run_takes_a_second_key(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        await pilot.press("f9", "enter")
        await pilot.pause()
        assert take_requests(trainer.run) == []
        await pilot.press("f9", "s")
        await wait_until(
            pilot,
            "a request to stop",
            lambda: [asked.request for asked in take_requests(trainer.run)] == ["stop"],
        )


async def test_a_warning_stays_beside_the_run(tmp_path: Path, trainer: FakeTrainer) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the run", lambda: app.session.has_live_run)
        trainer.append(RunWarned("The text has 3 \x1b[31m characters."))
        await wait_until(pilot, "the warning", lambda: "The text has 3 ␛" in run_text_of(app))


async def test_a_folder_that_is_no_run_is_explained(tmp_path: Path) -> None:
    app = tiny_app(tmp_path, run=RunDirectory(tmp_path / "nothing"))
    async with app.run_test() as pilot:
        await wait_until(pilot, "a sentence", lambda: "is not a run" in run_text_of(app))
