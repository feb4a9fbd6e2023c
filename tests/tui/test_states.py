"""Every pane in every state that a run can be in, as the text that stands on the screen.

`make snapshots` writes the screens anew; look at them before you commit them.
"""

import asyncio
import math
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.korean import latin_words
from tests.support.fake_run import FakeTrainer, created_run, lose_trainer
from tests.support.open_app import note_of, run_text_of, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tiny_model import TINY_VOCABULARY
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig, TrainingConfig
from tui_charrnn.runs import catalogue
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.runs import list as run_list
from tui_charrnn.tui.runs.pane import RunsPane
from tui_charrnn.viewing import run_rows

SCREENS = Path(__file__).parent / "__snapshots__" / "test_states"
SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 36), id="120x36")]
IN_BOTH_SIZES = ("training", "slipped", "failed")
"""The panes that are checked on the larger screen, where more of a run is visible."""
PANES = {"training": "f3", "runs": "f4", "childhood": "ctrl+t", "log": "ctrl+l", "text": "f2"}
STATES = {
    "training": "● training",
    "paused": "║ paused",
    "lost": "✗ lost",
    "slipped": "● training",
    "overfitting": "● training",
    "finished": "■ finished",
    "failed": "✗ failed",
}
"""What the status line shows of each run, by its name, which is its state."""
HOW_TO_FILL = {
    "training": "^n trains one, F4 lists",
    "runs": "^n trains the first one",
    "childhood": "^n trains one, F4 lists",
    "log": "^n trains one, F4 lists",
    "text": "Type a seed and press Enter",
}
_ALWAYS_OTHERS = (
    (r"\d\d:\d\d:\d\d", "00:00:00"),
    (r"made \d{4}-\S+ \S+ on [^│]*", "made"),
    (r"\d{4}-\S+ \S+ \S+에서 만듦[^│]*", "만듦"),
    (r"│/[^│]*", "│a path"),
    (r"Trainer \d+ started on [^│]*", "Trainer started."),
    (r"· \w+, \d+ \w+ \d{4}", "· a day"),
    (r"\S+: 학습 프로세스 \d+번이[^│]*", "..."),
    (r"· \d{4}년 \d+월 \d+일[^│]*", "· ..."),
)
"""Texts that depend on day and machine, and what replaces them."""
_NAMES = {
    *("charrnn", "tui", "fake", "tiny", "safetensors", "lstm", "LSTM", "gram", "top", "min"),
    *("The", "kernel", "failed", "ValueError", "the", "not", "that", "question", "path"),
    *STATES,
}
"""Texts that are the same in every language, were sampled, or come from TensorFlow."""
_STILL = 15
"""Consecutive reads that must give the same screen if none is stored yet."""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, RunDirectory]]:
    """A run in each state; the live ones have a trainer for the duration of the test."""
    latest, order, summarize = time.time() + 3_600, [*STATES], catalogue.summarize_run

    def in_order(run: RunDirectory) -> catalogue.RunSummary:
        return replace(summarize(run), modified=latest - order.index(run.name))

    monkeypatch.setattr(run_rows, "format_age", lambda _: "1s")
    monkeypatch.setattr(catalogue, "summarize_run", in_order)
    monkeypatch.setattr(run_list, "_created", lambda found: str(9 - order.index(found.run.name)))
    runs = {state: made_run(tmp_path / "runs", state) for state in STATES}
    with ExitStack() as trainers:
        for state, run in runs.items():
            trainer = trainers.enter_context(FakeTrainer(run, total_steps=100, heartbeat=1.0))
            train(trainer, state)
            if state == "lost":
                trainer.writer.close()
                lose_trainer(run)
        yield runs


def made_run(folder: Path, state: str) -> RunDirectory:
    length = {"train_time": 6.0} if state == "slipped" else {"steps": 100}
    training = TrainingConfig(batch_size=4, sequence_length=16, **length)
    return created_run(folder, name=state, training=training, pinned_seeds=("to be",))


def train(trainer: FakeTrainer, state: str) -> None:
    """Write 40 steps, and the records of the state."""
    trainer.start()
    for step in range(5, 41, 5):
        trainer.train(*(1.2 + 2 * math.exp(-at / 8) for at in range(step - 4, step + 1)))
        rise = max(0, step - 10) / 20 if state == "overfitting" else 0.0
        trainer.evaluate(1.4 + 2 * math.exp(-step / 8) + rise)
        trainer.sample("to be", ", or not to be: that is the question.\n"[:step])
    trainer.save(trainer.best and trainer.best[0], is_best=True)
    if state == "paused":
        trainer.pause()
    elif state == "finished":
        trainer.end()
    elif state == "failed":
        log = "ValueError: the kernel failed\n"
        trainer.run.log.write_text(log, encoding="utf-8")
        trainer.fail("The kernel failed.", "ValueError")


def an_app(folder: Path, vocabulary: str = TINY_VOCABULARY) -> CharRNNApp:
    app = tiny_app(folder, vocabulary=vocabulary)
    app.session.settings.sampling = SamplingConfig(rng_seed=42)
    app.session.settings.speed = None
    app.reduces_motion = True
    return app


class Screens:
    """The stored and the current screens of a state."""

    def __init__(self, name: str, *, is_updated: bool) -> None:
        self._file = SCREENS / f"{name}.txt"
        self._is_updated = is_updated
        text = self._file.read_text("utf-8") if self._file.exists() and not is_updated else ""
        parts = re.split(r"^=== (\w+) ===\n", text, flags=re.MULTILINE)[1:]
        self._kept = {
            name: screen[:-1] for name, screen in zip(parts[::2], parts[1::2], strict=True)
        }
        self._found: dict[str, str] = {}

    async def look(self, pilot: Pilot[None], pane: str) -> str:
        """Wait until a pane shows its stored screen, or until a timeout."""
        kept, deadline, screen, still = self._kept.get(pane), time.monotonic() + 60, "", 0
        while still < _STILL if self._is_updated else screen != kept:
            await asyncio.sleep(0.05)  # to look takes time from the app
            before, screen = screen, _anonymous(screen_text(pilot.app))
            still = still + 1 if screen == before else 0
            assert time.monotonic() < deadline, f"{pane} is another:\n{screen}"
        self._found[pane] = screen
        return screen

    def keep(self) -> None:
        """Store the current screens, if that is requested."""
        if self._is_updated:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            parts = (f"=== {name} ===\n{screen}\n" for name, screen in self._found.items())
            self._file.write_text("".join(parts), "utf-8")


def _anonymous(screen: str) -> str:
    for pattern, kept in _ALWAYS_OTHERS:
        for found in set(re.findall(pattern, screen)):
            screen = screen.replace(found, kept.ljust(len(found)))
    return screen


async def go_through(pilot: Pilot[None], app: CharRNNApp, screens: Screens) -> dict[str, str]:
    """Return the text of every pane."""
    found = {}
    for pane, key in PANES.items():
        await pilot.press(key)
        await wait_until(pilot, pane, partial(is_open, app, pane))
        if pane == "runs" and app.session.run is not None:
            await choose(pilot, app, app.session.run.name)
        found[pane] = await screens.look(pilot, pane)
    screens.keep()
    return found


def is_open(app: CharRNNApp, pane: str) -> bool:
    return app.main.pane == pane


def says(app: CharRNNApp, words: str) -> bool:
    return words in run_text_of(app)


async def choose(pilot: Pilot[None], app: CharRNNApp, name: str) -> None:
    """Move the cursor of the list to a run."""
    await wait_until(pilot, "the list", lambda: bool(app.main.query(RunsPane)))
    pane = app.main.query_one(RunsPane)
    await wait_until(pilot, "the runs", lambda: len(pane.runs.summaries) == len(STATES))
    names = [found.run.name for found in pane.runs.summaries.values()]
    pane.runs.table.put_cursor(names.index(name))


@pytest.mark.parametrize("size", SIZES)
async def test_every_state_is_shown_in_every_pane(
    tmp_path: Path, runs: dict[str, RunDirectory], size: Any, request: pytest.FixtureRequest
) -> None:
    app, is_updated = an_app(tmp_path), request.config.option.update_snapshots
    id = f"{size[0]}x{size[1]}"
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"))
        for state in [*STATES, "readonly"] if size == (80, 24) else IN_BOTH_SIZES:
            app.session.is_readonly = state == "readonly"
            words = STATES.get(state, "● training")
            app.main.open_run(runs.get(state, runs["training"]))
            await wait_until(pilot, state, partial(says, app, words))
            await go_through(pilot, app, Screens(f"{state}-{id}", is_updated=is_updated))


@pytest.mark.parametrize("size", SIZES)
async def test_every_empty_pane_explains_how_to_fill_it(
    tmp_path: Path, size: Any, request: pytest.FixtureRequest
) -> None:
    app, is_updated = an_app(tmp_path), request.config.option.update_snapshots
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"))
        await wait_until(pilot, "it", lambda: bool(app.main.query("Teaser")))
        screens = Screens(f"empty-{size[0]}x{size[1]}", is_updated=is_updated)
        found = await go_through(pilot, app, screens)
    for pane, words in HOW_TO_FILL.items():
        assert words in " ".join(found[pane].split()), pane


@pytest.mark.usefixtures("korean")
async def test_in_korean_nothing_of_a_run_is_left_in_english(
    tmp_path: Path, runs: dict[str, RunDirectory], request: pytest.FixtureRequest
) -> None:
    app, is_updated = (
        an_app(tmp_path, "\n 가나다라마바사아자차"),
        request.config.option.update_snapshots,
    )
    found: dict[str, str] = {}
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"))
        for state, words in {"failed": "✗ 실패", "training": "● 학습 중"}.items():
            screens = Screens(f"korean-{state}-80x24", is_updated=is_updated)
            app.main.open_run(runs[state])
            await wait_until(pilot, state, partial(says, app, words))
            panes = await go_through(pilot, app, screens)
            found |= {f"{pane} {state}": screen for pane, screen in panes.items()}
        for name, key in {"help": "f1", "palette": "ctrl+p", "leaving": "ctrl+q"}.items():
            await pilot.press(key)
            found[name] = await screens.look(pilot, name)
            await pilot.press("escape")
            await wait_until(pilot, "the text", lambda: app.screen is app.main)
        screens.keep()
    for name, screen in found.items():
        assert latin_words(screen, _NAMES) == [], name
