"""Make the pictures of the README: the app on a real run, the x-ray, and a short recording.

Usage: python -m scripts.picture [TEXT]
Trains the `tiny` preset on a text (a file, or `pydoc`) with the real trainer in a temporary folder
and meanwhile writes docs/recording.svg, docs/app.svg and docs/xray.svg.
"""

import asyncio
import dataclasses
import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from scripts.screen_recording import Recording
from tui_charrnn.config import SamplingConfig
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.control import send_request
from tui_charrnn.runs.launcher import launch_trainer
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.training.creation import make_run
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import Session, WeightsSource

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIZE = (120, 36)
RECORDING_SIZE = (112, 32)
SEED_TEXT = "ROMEO:\n"
CHARACTERS = 900
STEPS = 900
"""Steps of the run during the recording."""
EVALUATIONS = 10
SEEDS = ("ROMEO:",)


async def wait_until(pilot: Pilot[None], is_true: Callable[[], bool], limit: float = 900) -> None:
    """Let the app run until a condition is true; raise TimeoutError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not is_true():
        if time.monotonic() > deadline:
            raise TimeoutError
        await pilot.pause(0.1)


def step_of(app: CharRNNApp) -> int:
    """The step of the shown run."""
    return app.session.view.step if app.session.view is not None else 0


def has_reached(app: CharRNNApp, step: int) -> bool:
    """Whether the shown run has reached a step."""
    return step_of(app) >= step


async def record_tour(app: CharRNNApp, pilot: Pilot[None]) -> None:
    """Record a tour: generate, move the cursor, show the x-ray, the loss and the samples."""
    recording, pane, settings = Recording(app), app.main.text_pane, app.session.settings

    async def watch(frames: int, interval: float, shown: float) -> None:
        for _ in range(frames):
            await pilot.pause(interval)
            recording.take(shown)

    async def press(*keys: str, shown: float = 0.5, pause: float = 0.6) -> None:
        for key in keys:
            await pilot.press(key)
            await pilot.pause(pause)
            recording.take(shown)

    await wait_until(pilot, lambda: pane.view.length > 40)
    settings.speed, settings.sampling = 120, SamplingConfig(temperature=0.7, rng_seed=4)
    await press(*"ROMEO:", shown=0.12, pause=0.1)
    await press("enter", shown=0.3)
    await watch(12, 0.35, 0.3)
    await press("f2", shown=1.2, pause=2)
    await press("b", "b", "b", shown=0.4)
    await press("2", shown=0.6, pause=1)
    await watch(6, 0.3, 0.25)
    await press("x", "x", shown=1.2, pause=2.5)
    await press(*["left"] * 4, shown=0.4)
    while pane.xray.text_colors.coloring is not None:
        await press("x", shown=0.1, pause=0.3)
    await wait_until(pilot, lambda: step_of(app) > 20)
    await press("escape", "escape", shown=0.4, pause=1)
    for step in range(step_of(app), STEPS - 100, STEPS // 16):
        await wait_until(pilot, functools.partial(has_reached, app, step))
        recording.take(0.3)
    app.session.source = WeightsSource.NEWEST
    await press("enter", shown=0.4)
    await watch(12, 0.35, 0.3)
    await press("ctrl+t", shown=0.8, pause=1)
    await press("home", shown=0.8)
    await press(*["right"] * 9, shown=0.7)
    recording.take(1.5)
    recording.write(DOCS / "recording.svg")


async def take_pictures(app: CharRNNApp, pilot: Pilot[None]) -> None:
    """Take a picture of the app with the newest weights, then one of the x-ray."""
    pane, settings = app.main.text_pane, app.session.settings
    await wait_until(pilot, lambda: step_of(app) > 0 and pane.view.length > 40)
    settings.speed, settings.sampling = 500, SamplingConfig(temperature=0.6, rng_seed=7)
    for source, name in ((WeightsSource.NEWEST, "app"), (WeightsSource.DEFAULT, "xray")):
        app.session.source = source
        pane.view.clear()
        pane.generate(SEED_TEXT)
        await wait_until(pilot, lambda: pane.view.length > CHARACTERS)
        if name == "xray":
            await pilot.press("f2", "x", "x", *"bbb", "left", "left")
            await pilot.pause(5)
        picture = app.export_screenshot(title="charrnn-tui")
        (DOCS / f"{name}.svg").write_text(picture, encoding="utf-8")


async def make_pictures(folder: Path, text: str) -> None:
    """Train a run, record the app on it, and stop the training."""
    preset = find_preset("tiny")
    corpus = read_corpus([text])
    training = dataclasses.replace(  # long enough for every picture on a fast machine
        preset.training,
        train_time=None,
        max_epochs=None,
        steps=8 * STEPS,
        evaluations=8 * EVALUATIONS,
    )
    run = make_run(folder, "my-first-run", preset.name, (preset.model, training), corpus, SEEDS)
    trainer = launch_trainer(run)
    for size, work in ((RECORDING_SIZE, record_tour), (SIZE, take_pictures)):
        app = opened_app(folder, run)
        async with app.run_test(size=size) as pilot:
            await work(app, pilot)
    send_request(run, "stop")
    trainer.wait()


def opened_app(folder: Path, run: RunDirectory) -> CharRNNApp:
    """The app on a run, generating with the bundled model at first."""
    session = Session(runs_folder=folder, model="shakespeare")
    app = CharRNNApp(session, run=run)
    session.source = WeightsSource.DEFAULT
    return app


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(make_pictures(Path(temporary), *(sys.argv[1:] or ["pydoc"])))
