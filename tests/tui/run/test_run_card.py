"""The card of a run in a broad terminal."""

from pathlib import Path

from textual.app import ComposeResult

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.shown_screen import screen_text
from tests.support.themed_app import ThemedApp
from tests.support.viewed_run import viewed
from tests.support.waiting import wait_until
from tui_charrnn.runs.records import ModelCalibrated, PathChosen
from tui_charrnn.tui.run.run_card import RunCard


class Host(ThemedApp):
    """Shows one card."""

    def compose(self) -> ComposeResult:
        yield RunCard()


async def test_long_values_use_the_whole_width_below(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        trainer.train(2.0)
        trainer.evaluate(1.5)
    view, app = viewed(trainer.run), Host()
    view.calibrated = ModelCalibrated(1, 1.117, 1.452, 1.436, 9, 9, "")
    view.path = PathChosen("a GPU", "cudnn", "none", "float32", ())
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(RunCard).show(view, None, 0.0, "", "")
        await wait_until(pilot, "all of it", lambda: "temperature 1.117" in screen_text(app))
        assert "calibrated 1.452 to 1.436," in screen_text(app)
        assert "computed by cuDNN, float32" in screen_text(app)
