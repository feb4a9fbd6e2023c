"""Make the picture of the README: the app on a real run, its newest weights speaking.

Usage: python scripts/picture.py
Trains the `tiny` preset on `pydoc` with the real trainer in a temporary folder, opens the app on
the run, lets it speak from the weights of the moment, and writes docs/app.svg.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tui_charrnn.config import SamplingConfig
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.new_run.start import make_run
from tui_charrnn.tui.session import Session, Source

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "app.svg"
SIZE = (120, 34)
SEED_TEXT = "A function "
CHARACTERS = 1100


async def wait_until(pilot: Pilot[None], is_true: Callable[[], bool], limit: float = 120) -> None:
    """Let the app run until something is true."""
    deadline = time.monotonic() + limit
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError
        await pilot.pause(0.1)


async def take_picture(folder: Path) -> None:
    """Train, open, speak, save the screen, stop."""
    preset = find_preset("tiny")
    corpus = read_corpus(["pydoc"])
    run = make_run(folder, "my-first-run", preset.name, (preset.model, preset.training), corpus)
    trainer = launch_trainer(run)
    session = Session(runs_folder=folder, source=Source.NEWEST)
    app = CharRNNApp(session, run=run)
    async with app.run_test(size=SIZE) as pilot:
        await wait_until(pilot, lambda: session.view is not None and session.view.step > 1600)
        session.settings.speed = 500
        session.settings.sampling = SamplingConfig(temperature=0.6, rng_seed=7)
        session.source = Source.NEWEST
        app.main.text_pane.view.clear()
        app.main.text_pane.answer(SEED_TEXT)
        await wait_until(pilot, lambda: len(app.main.text_pane.view.text) > CHARACTERS)
        PICTURE.write_text(app.export_screenshot(title="charrnn-tui"), encoding="utf-8")
    send_request(run, "stop")
    trainer.wait()


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(take_picture(Path(temporary)))
