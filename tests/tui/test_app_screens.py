"""Snapshots of whole screens with made-up data; check them by eye when they change."""

import math
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.form_app import estimate_of, facts_of, time_nothing
from tests.support.kept_picture import KeptPicture
from tests.support.open_app import note_of, run_text_of, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tape_app import TapeApp
from tests.support.waiting import wait_until
from tests.support.xray_app import read_in_view
from tui_charrnn.config import SamplingConfig
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.tape.panel import TapePanel

SAMPLE = ", or not to be: that is the question.\n" * 3
PICTURES = Path(__file__).parent / "__snapshots__" / "test_app_screens"
SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 36), id="120x36")]
"""For panes that have another place beside the text; all others are drawn in one size."""


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A trainer on the run `sonnets` at step 800 of 3,400."""
    run = created_run(tmp_path / "runs", name="sonnets", pinned_seeds=("to be",))
    with FakeTrainer(run, total_steps=3400, heartbeat=1.0) as trainer:  # or it is soon called lost
        trainer.start()
        for step in range(100, 801, 100):
            trainer.train(*(loss_at(batch) for batch in range(step - 99, step + 1)))
            trainer.evaluate(1.5 + 2.8 * math.exp(-step / 150))
            trainer.sample("to be", SAMPLE[: step // 8])
            trainer.save(1.5)
        yield trainer


@pytest.fixture
def app(tmp_path: Path, trainer: FakeTrainer) -> CharRNNApp:
    """An app with that run, and a text that is always the same."""
    app = tiny_app(tmp_path)
    app.session.settings.sampling = SamplingConfig(rng_seed=42)
    app.session.settings.speed = None
    return app


def loss_at(step: int) -> float:
    """Return a loss that falls and varies."""
    return 1.4 + 2.8 * math.exp(-step / 150) + 0.05 * math.sin(step)


Visit = Callable[[Pilot[Any]], Awaitable[None]]


@pytest.fixture
def looks_as_kept(
    app: CharRNNApp, snap_compare: Any, request: pytest.FixtureRequest
) -> Callable[..., bool]:
    """Compare the app with the snapshot of the test, at the start or after a visit."""
    is_kept = not request.config.option.update_snapshots
    picture = KeptPicture(PICTURES / f"{request.node.name}.svg" if is_kept else None)

    def compare(size: tuple[int, int], visit: Visit | None = None) -> bool:
        async def get_there(pilot: Pilot[Any]) -> None:
            await settle(pilot)
            if visit is not None:
                await visit(pilot)
            await picture.wait_for(pilot)

        return bool(snap_compare(app, terminal_size=size, run_before=get_there))

    return compare


async def settle(pilot: Pilot[Any]) -> None:
    app = pilot.app
    assert isinstance(app, CharRNNApp)
    await wait_until(pilot, "a screen", lambda: bool(app.main.query("TextPane")))
    await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"), limit=20)
    await wait_until(pilot, "the run", lambda: "800/3,400" in run_text_of(app), limit=20)


@pytest.mark.parametrize("size", SIZES)
def test_a_run_trains_beside_the_text(looks_as_kept: Any, size: Any) -> None:
    assert looks_as_kept(size)


async def test_the_smallest_screen_has_one_line_of_the_run_and_one_of_keys(
    app: CharRNNApp,
) -> None:
    async with app.run_test(size=(40, 12)) as pilot:
        for key in ("f3", "f4", "ctrl+t"):
            await wait_until(pilot, "the run", lambda: "● training" in screen_text(app))
            first, second, *_, last = screen_text(app).splitlines()
            assert first.strip().startswith("● training  24 %")
            assert "─" in second  # what comes below is no line of the run
            assert "F1 Help" in last
            await pilot.press(key)
            await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
def test_the_form(
    app: CharRNNApp, looks_as_kept: Any, size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_nothing(monkeypatch)

    async def open_form(pilot: Pilot[Any]) -> None:
        await pilot.press("ctrl+n")
        await wait_until(pilot, "what is known of the text", lambda: "Made on" in facts_of(app))
        await wait_until(pilot, "the estimate", lambda: "not timed" in estimate_of(app))

    assert looks_as_kept(size, open_form)


@pytest.mark.parametrize("size", SIZES)
def test_the_help(app: CharRNNApp, looks_as_kept: Any, size: Any) -> None:
    async def open_help(pilot: Pilot[Any]) -> None:
        app.reduces_motion = True  # or its cursor would blink: it could be in the picture or not
        await pilot.press("f1")

    assert looks_as_kept(size, open_help)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["f3", "ctrl+t"])
def test_a_pane(looks_as_kept: Any, key: str, size: Any) -> None:
    assert looks_as_kept(size, lambda pilot: pilot.press(key))


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("keys", [("f10",), ("f3", "f10")], ids=["text", "loss"])
def test_a_pane_alone(looks_as_kept: Any, keys: tuple[str, ...], size: Any) -> None:
    assert looks_as_kept(size, lambda pilot: pilot.press(*keys))


@pytest.mark.parametrize("size", SIZES[:1])
@pytest.mark.parametrize("key", ["f12", "ctrl+p"])
def test_a_dialog(app: CharRNNApp, looks_as_kept: Any, key: str, size: Any) -> None:
    app.reduces_motion = True  # or its cursor would blink: it could be in the picture or not
    assert looks_as_kept(size, lambda pilot: pilot.press(key))


def test_a_wide_terminal_has_a_second_graph(looks_as_kept: Any) -> None:
    assert looks_as_kept((200, 50))


@pytest.mark.parametrize("size", SIZES)
def test_the_tape(app: CharRNNApp, looks_as_kept: Any, size: Any) -> None:
    async def go_back(pilot: Pilot[Any]) -> None:
        await pilot.press("f2")
        await wait_until(pilot, "the tape", lambda: bool(app.main.query(TapePanel)))
        tape = TapeApp(app, pilot)
        await tape.known()
        for key in ("pageup", "w", "right", "2"):
            await tape.press(key)
        pane = app.main.text_pane
        await wait_until(
            pilot, "a branch", lambda: pane.text.branch == 1 and not pane.view.streaming
        )
        await wait_until(pilot, "its name", lambda: "branch 2" in screen_text(app))
        await wait_until(pilot, "the note", lambda: note_of(app).startswith("2,000"))

    assert looks_as_kept(size, go_back)


@pytest.mark.parametrize("size", SIZES)
def test_the_xray(
    app: CharRNNApp, looks_as_kept: Any, size: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")

    async def look_inside(pilot: Pilot[Any]) -> None:
        pane = app.main.text_pane
        pane.view.focus()
        await pilot.press("x", "x", "d")
        await wait_until(pilot, "a character", lambda: pane.xray.text_colors.seen is not None)
        await wait_until(pilot, "it", lambda: "character 2,000" in screen_text(app))
        await read_in_view(pilot, pane)

    assert looks_as_kept(size, look_inside)


@pytest.mark.parametrize("size", SIZES[1:])
def test_trouble(app: CharRNNApp, trainer: FakeTrainer, looks_as_kept: Any, size: Any) -> None:
    trainer.run.log.write_text("E0000 a kernel failed\n", encoding="utf-8")
    trainer.diverge()

    async def open_pane(pilot: Pilot[Any]) -> None:
        await pilot.press("f3")
        await wait_until(pilot, "the log", lambda: "a kernel failed" in screen_text(app))

    assert looks_as_kept(size, open_pane)


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("theme", ["paper", "color-safe", "terminal"])
def test_a_theme(app: CharRNNApp, looks_as_kept: Any, theme: str, size: Any) -> None:
    app.apply_theme(theme)
    assert looks_as_kept(size)


@pytest.mark.parametrize("size", SIZES)
def test_a_first_start(tmp_path: Path, snap_compare: Any, request: Any, size: Any) -> None:
    app = tiny_app(tmp_path)
    app.session.settings.sampling = SamplingConfig(rng_seed=42)
    app.session.settings.speed = None
    is_kept = not request.config.option.update_snapshots
    picture = KeptPicture(PICTURES / f"{request.node.name}.svg" if is_kept else None)

    async def get_there(pilot: Pilot[Any]) -> None:
        await wait_until(pilot, "the text", lambda: note_of(app).startswith("2,000"), limit=20)
        await wait_until(pilot, "it", lambda: bool(app.main.query("Teaser")))
        if size[0] < 110:
            await pilot.press("f3")
        await picture.wait_for(pilot)

    assert snap_compare(app, terminal_size=size, run_before=get_there)
