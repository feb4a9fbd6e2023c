"""The app with a record model: each text is one record, and continuing generates another."""

from pathlib import Path

import pytest

from tests.support.open_app import note_of, settings_of, shown_text
from tests.support.record_model import record_model_file
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import Session


@pytest.fixture
def app(tmp_path: Path) -> CharRNNApp:
    """The app, which generates from a model of records without a limit of speed."""
    model = str(record_model_file(tmp_path / "names.safetensors"))
    app = CharRNNApp(Session(runs_folder=tmp_path / "runs", model=model))
    settings_of(app).speed = None
    settings_of(app).sampling = SamplingConfig(rng_seed=3)
    return app


async def test_the_end_of_a_record_keeps_the_note_on_unknown_characters(app: CharRNNApp) -> None:
    async with app.run_test(size=(100, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: note_of(app).startswith("End of the record."))
        await pilot.press("é", "enter")
        end = "does not know it: é (U+00E9). End of the record."
        await wait_until(pilot, "both notes", lambda: end in note_of(app))
        await pilot.press("ctrl+g")
        words = "End of the record. "
        await wait_until(pilot, "the next record", lambda: note_of(app).startswith(words))


async def test_the_end_of_a_record_is_reported(app: CharRNNApp) -> None:
    async with app.run_test(size=(100, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: "End of the record." in note_of(app))
        assert "starts another" in note_of(app)
        first = shown_text(app)
        assert first.endswith("\n")
        assert "\x1e" not in first
        await pilot.press("ctrl+g")
        await wait_until(pilot, "another", lambda: shown_text(app).count("\n") == 2)
        assert shown_text(app).startswith(first)
