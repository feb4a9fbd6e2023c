"""The panes of the main screen: which are visible at which size, and that none loses its state."""

import asyncio
import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from tests.support.command import PATIENCE
from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.open_app import RecordingLauncher, note_of, run_text_of, shown_text, tiny_app
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.waiting import wait_until
from tui_charrnn.runs.catalogue import RunLabels, write_labels
from tui_charrnn.tui import app as tui_app
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.chrome import PANES, KeyRow, PaneTabs
from tui_charrnn.tui.main_screen import MainScreen
from tui_charrnn.tui.messages import RunChanged, RunCompared, RunMoved, RunOpened
from tui_charrnn.tui.runs import pane as runs_pane
from tui_charrnn.tui.runs.list import RunList, RunTable
from tui_charrnn.tui.runs.pane import RunsPane
from tui_charrnn.tui.text_pane import TextPane

KEYS_OF_PANES = {
    "f2": "text",
    "f3": "training",
    "f4": "runs",
    "ctrl+t": "childhood",
    "ctrl+l": "log",
}


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A trainer on the run `fake`, after a hundred batches, an evaluation and a sample."""
    run = created_run(tmp_path / "runs", pinned_seeds=("to be",))
    with FakeTrainer(run, total_steps=400) as trainer:
        trainer.start()
        trainer.train(*(3.0 - step / 100 for step in range(100)))
        trainer.evaluate(2.1)
        trainer.sample("to be", " or not")
        trainer.save(2.1, is_best=True)
        trainer.train(2.0)
        yield trainer


def in_sight(widget: Widget) -> bool:
    """Whether any cell of a widget is on the screen."""
    return widget.region.area > 0 and widget.display


def shown_panes(app: CharRNNApp) -> set[str]:
    """Return the panes that are at least partly visible."""
    rooms = {name: app.main.query(f"#pane-{name}") for name in PANES if name != "text"}
    shown = {name for name, found in rooms.items() if any(map(in_sight, found))}
    return shown | ({"text"} if in_sight(app.main.text_pane) else set())


async def shown_run(pilot: Pilot[Any], app: CharRNNApp) -> None:
    """Wait until all records have been read."""

    def is_read() -> bool:
        return app.session.view is not None and app.session.view.step == 101

    await wait_until(pilot, "the run", is_read)
    await pilot.pause()


@pytest.mark.parametrize(("key", "pane"), KEYS_OF_PANES.items())
async def test_a_key_opens_its_pane_alone_and_escape_returns(
    tmp_path: Path, trainer: FakeTrainer, key: str, pane: str
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown_run(pilot, app)
        await pilot.press("escape", key)
        await wait_until(pilot, "the pane", lambda: shown_panes(app) == {pane})
        assert in_sight(app.main.status)
        await wait_until(
            pilot,
            "the focus in it",
            lambda: (
                app.focused is not None
                and (pane == "text" or f"pane-{pane}" in ids_above(app.focused))
            ),
        )
        await pilot.press("escape")
        await wait_until(pilot, "the text", lambda: shown_panes(app) == {"text"})
        await wait_until(pilot, "its box", lambda: app.focused is app.main.text_pane.seed)


async def test_a_pane_that_is_slow_to_be_built_gets_the_focus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_drawn = asyncio.Event()

    class SlowPane(RunsPane):
        async def on_compose(self) -> None:
            await is_drawn.wait()

    monkeypatch.setattr(runs_pane, "RunsPane", SlowPane)
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.main.action_show("runs")
        app.main.call_after_refresh(app.main.call_after_refresh, is_drawn.set)
        await wait_until(pilot, "the focus", lambda: isinstance(app.focused, RunTable))


def ids_above(widget: Widget) -> set[str]:
    return {node.id for node in widget.ancestors_with_self if node.id}


async def test_the_status_line_keeps_state_time_loss_and_curve_in_sight(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown_run(pilot, app)
        for key in KEYS_OF_PANES:
            await pilot.press(key)
            await pilot.pause()
            top = "\n".join(screen_rows(app)[:3])
            assert "training" in top
            assert "30s left" in top
            assert "train 2." in top
            assert "val 2.100" in top
            assert any(block in top for block in "▁▂▃▄▅▆▇█")


async def test_a_large_screen_shows_chart_card_text_and_seed_together(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "both", lambda: shown_panes(app) == {"text", "training"})
        assert in_sight(app.main.pane_host.card)
        assert in_sight(app.main.text_pane.seed)
        assert not in_sight(app.main.status)
        await pilot.press("f4")
        await wait_until(pilot, "the runs", lambda: shown_panes(app) == {"runs"})
        assert in_sight(app.main.pane_host.card)


async def test_one_key_gives_the_pane_in_focus_the_whole_screen_and_back(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "both", lambda: shown_panes(app) == {"text", "training"})
        await pilot.press("f10")
        await wait_until(pilot, "the text alone", lambda: shown_panes(app) == {"text"})
        assert app.main.text_pane.region.height >= 33
        assert "F10 All panes" in screen_text(app)
        await pilot.press("f3")
        await wait_until(pilot, "the chart alone", lambda: shown_panes(app) == {"training"})
        assert not in_sight(app.main.pane_host.card)
        await pilot.press("f10")
        await wait_until(pilot, "both", lambda: shown_panes(app) == {"text", "training"})


@pytest.mark.parametrize(("keys", "back"), [(["f2"], ["escape"]), (["tab", "x"], ["x"] * 9)])
async def test_tools_of_the_text_hide_the_chart_and_the_run_card(
    tmp_path: Path, trainer: FakeTrainer, keys: list[str], back: list[str]
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "both", lambda: shown_panes(app) == {"text", "training"})
        await pilot.press(*keys)
        await wait_until(pilot, "the text alone", lambda: shown_panes(app) == {"text"})
        assert in_sight(app.main.status)
        for key in back:
            await pilot.press(key)
            if shown_panes(app) != {"text"}:
                break
        await wait_until(pilot, "both", lambda: shown_panes(app) == {"text", "training"})


async def test_the_list_of_the_tape_takes_its_new_width_at_once(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    app.session.settings.speed = None
    async with app.run_test(size=(112, 36)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "the end", lambda: note_of(app).startswith("2,000"))
        await pilot.press("f2", "b")
        await wait_until(pilot, "the tape", lambda: "as set" in screen_text(app))
        await pilot.press("x", "x")
        await wait_until(pilot, "the panel", lambda: "X-ray" in screen_text(app))
        await wait_until(
            pilot,
            "one row",
            lambda: any("next" in row and "as set" in row for row in screen_rows(app)),
            limit=20,
        )


async def test_keys_that_arrive_together_style_the_screen_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    styled: list[Screen[Any]] = []
    update = Screen.update_node_styles

    def count(screen: Screen[Any], animate: bool = True) -> None:
        styled.append(screen)
        update(screen, animate)

    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "both", lambda: any(map(in_sight, app.main.query("Teaser"))))
        monkeypatch.setattr(Screen, "update_node_styles", count)
        for _ in range(21):
            app.main.action_zoom()
        await wait_until(pilot, "one", lambda: not any(map(in_sight, app.main.query("Teaser"))))
        assert len(styled) == 1


async def test_in_a_tall_terminal_there_is_room_for_all(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 50)) as pilot:
        await shown_run(pilot, app)
        await pilot.press("f2")
        await wait_until(pilot, "the tape", lambda: in_sight(app.main.query_one("TapePanel")))
        assert shown_panes(app) == {"text", "training"}


async def test_a_first_start_shows_what_training_looks_like_until_there_is_a_run(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "it", lambda: any(map(in_sight, app.main.query("Teaser"))))
        assert shown_panes(app) == {"text"}
        app.main.open_run(fake_run(tmp_path / "runs", losses=[3.0, 2.5]))
        await wait_until(pilot, "the run", lambda: shown_panes(app) == {"text", "training"})
        assert not app.main.query("Teaser")


def is_shown(app: CharRNNApp, words: str) -> bool:
    return words in screen_text(app)


async def test_a_reader_without_a_run_is_never_told_to_train(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.is_readonly = True
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "it", lambda: any(map(in_sight, app.main.query("Teaser"))))
        assert "^n" not in screen_text(app)
        for key, words in {
            "f3": "No run is shown: F4 lists the runs.",
            "f4": "There are no runs yet.",
            "ctrl+t": "No run is shown: F4 lists the runs.",
            "ctrl+l": "No run is shown: F4 lists the runs.",
        }.items():
            await pilot.press(key)
            await wait_until(pilot, words, partial(is_shown, app, words))
            assert "^n" not in screen_text(app)


@pytest.mark.parametrize("model", [None, "fake"])
def test_the_run_of_the_model_that_is_named_is_shown_or_none(
    tmp_path: Path, trainer: FakeTrainer, model: str | None
) -> None:
    session = tiny_app(tmp_path).session
    session.model_is_named = True
    session.model = model or session.model
    found: list[object] = []
    tui_app.look_for_run(session, found.append)
    assert found == ([trainer.run] if model else [])


async def test_a_seed_entered_before_the_run_is_known_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[str | None] = []
    generate, generate_when_known = TextPane.generate, MainScreen.generate_when_known

    def recorded(pane: TextPane, seed: str | None) -> None:
        seeds.append(seed)
        generate(pane, seed)

    def hurried(main: MainScreen) -> None:
        generate_when_known(main)
        main.text_pane.generate("to be")

    monkeypatch.setattr(TextPane, "generate", recorded)
    monkeypatch.setattr(MainScreen, "generate_when_known", hurried)
    app = tiny_app(tmp_path, run=fake_run(tmp_path / "runs", losses=[3.0, 2.5]))
    async with app.run_test() as pilot:
        await wait_until(pilot, "the run", lambda: "finished" in run_text_of(app))
        assert seeds == ["to be"]


@pytest.mark.parametrize(("waits", "count"), [(2, 3), (10**6, tui_app.MOST_DELAYS)])
def test_runs_are_looked_for_once_the_first_text_has_begun_or_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, waits: int, count: int
) -> None:
    monkeypatch.setattr(tui_app, "DELAY", 0)
    looks = itertools.count(1)
    task = BackgroundTask(
        "test", lambda task: tui_app.wait_while(lambda: next(looks) <= waits, task)
    )
    task.join(PATIENCE)
    assert next(looks) == count + 1


@pytest.mark.parametrize("key", list(KEYS_OF_PANES))
async def test_every_pane_opens_without_a_run(tmp_path: Path, key: str) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "some text", lambda: len(shown_text(app)) > 3)
        await pilot.press(key)
        await wait_until(pilot, "it", lambda: shown_panes(app) == {KEYS_OF_PANES[key]})


@pytest.mark.parametrize("size", [(59, 15), (50, 30), (100, 13), (40, 12)])
async def test_a_small_terminal_has_stream_seed_one_line_of_the_run_and_one_of_keys(
    tmp_path: Path, trainer: FakeTrainer, size: tuple[int, int]
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await shown_run(pilot, app)
        assert shown_panes(app) == {"text"}
        assert in_sight(app.main.text_pane.seed)
        assert in_sight(app.main.status)
        assert app.main.status.size.height == 1
        assert in_sight(app.main.query_one(KeyRow))
        assert not in_sight(app.main.query_one(PaneTabs))


@pytest.mark.parametrize("size", [(39, 30), (80, 11), (10, 3)])
async def test_a_terminal_that_is_too_small_gets_a_sentence_and_loses_nothing(
    tmp_path: Path, trainer: FakeTrainer, size: tuple[int, int]
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 3)
        await pilot.press("escape", *"seed")
        await wait_until(pilot, "the end", lambda: not app.main.text_pane.view.streaming)
        text = shown_text(app)
        await pilot.resize_terminal(*size)
        await wait_until(pilot, "nothing", lambda: not shown_panes(app))
        await wait_until(
            pilot, "the sentence", lambda: any(map(in_sight, app.main.query("#too-small")))
        )
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, "the text", lambda: shown_panes(app) == {"text"})
        assert shown_text(app) == text
        seed = app.main.text_pane.seed
        assert seed.text == "seed"
        await wait_until(pilot, "the focus", lambda: app.focused is seed)


async def test_a_pane_and_its_focus_outlast_every_resize(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown_run(pilot, app)
        await pilot.press("f3")
        await wait_until(pilot, "the chart", lambda: shown_panes(app) == {"training"})
        focused = app.focused
        for size in ((120, 36), (200, 60), (60, 16), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "training" in shown_panes(app)
            assert app.focused is focused


async def test_another_run_is_drawn_over_the_shown_one_and_taken_away(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    other = fake_run(tmp_path / "runs", name="other", losses=[2.9, 2.8])
    app = tiny_app(tmp_path, run=trainer.run)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown_run(pilot, app)
        app.main.post_message(RunCompared(other))
        await wait_until(pilot, "the other", lambda: "other" in screen_text(app))
        assert app.main.pane == "training"
        app.main.post_message(RunCompared(None))
        await wait_until(pilot, "it gone", lambda: "other" not in screen_text(app))


async def test_a_pinned_run_is_drawn_from_the_start_on(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    pinned = fake_run(tmp_path / "runs", name="old", losses=[2.9, 2.8], evaluations={2: 2.7})
    write_labels(pinned, RunLabels(pinned=True))
    app = tiny_app(tmp_path, run=trainer.run)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown_run(pilot, app)
        await wait_until(pilot, "its line", lambda: "old (pinned)" in screen_text(app))
        await wait_until(pilot, "its loss", lambda: "2.700 (old)" in run_text_of(app))
        app.main.post_message(RunOpened(pinned))  # it is no reference of itself
        await wait_until(pilot, "it", lambda: "finished" in run_text_of(app))
        await wait_until(pilot, "it alone", lambda: "(pinned)" not in screen_text(app))


async def test_a_lost_trainer_gets_a_card_whose_key_starts_another(
    tmp_path: Path, launch: RecordingLauncher
) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5], evaluations={2: 2.4}, end=None)
    lose_trainer(run)
    app = tiny_app(tmp_path, run=run, launch=launch)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "lost", lambda: "lost" in run_text_of(app))
        await pilot.press("f3")
        await wait_until(
            pilot, "the card", lambda: any(map(in_sight, app.main.query("FailureCard")))
        )
        await pilot.press("f4")
        await wait_until(
            pilot, "the list", lambda: any(each.selected for each in app.main.query(RunList))
        )
        await pilot.press("r")
        await wait_until(pilot, "a trainer", lambda: launch.runs == [run])
        await wait_until(pilot, "a note", lambda: "Resumed fake" in note_of(app))


async def test_a_viewer_that_only_reads_starts_no_trainer(
    tmp_path: Path, launch: RecordingLauncher
) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5], evaluations={2: 2.4}, end=None)
    lose_trainer(run)
    app = tiny_app(tmp_path, run=run, launch=launch)
    app.session.is_readonly = True
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "lost", lambda: "lost" in run_text_of(app))
        await pilot.press("f3")
        await wait_until(pilot, "the card", lambda: "Open the log" in screen_text(app))
        await wait_until(pilot, "the focus", lambda: app.focused is not None)
        assert "r Resume" not in screen_text(app)
        await pilot.press("tab", "r")
        await pilot.pause()
        assert launch.runs == []


async def test_a_viewer_that_only_reads_is_offered_no_new_run(tmp_path: Path) -> None:
    app = tiny_app(tmp_path, run=fake_run(tmp_path / "runs", end="diverged"))
    app.session.is_readonly = True
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the run", lambda: "diverged" in run_text_of(app))
        await pilot.press("f3")
        await wait_until(pilot, "the card", lambda: "Open the log" in screen_text(app))
        buttons = app.main.query("FailureCard Button").results()
        assert [button.id for button in buttons if button.display] == ["log"]


async def test_a_narrow_card_repeats_nothing_of_the_status_line(
    tmp_path: Path, trainer: FakeTrainer
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(60, 20)) as pilot:
        await shown_run(pilot, app)
        await pilot.press("f3")
        await wait_until(pilot, "a value", lambda: "best       2.100" in screen_text(app))
        assert screen_text(app).count("● training") == 1


@pytest.mark.parametrize("height", [17, 24])
async def test_a_long_card_ends_within_the_screen_and_leaves_the_chart_its_rows(
    tmp_path: Path, trainer: FakeTrainer, height: int
) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, height)) as pilot:
        await shown_run(pilot, app)
        await pilot.press("f3")
        assert app.session.view is not None
        app.session.view.warning = "no room " * 100
        app.main.post_message(RunChanged())
        card = app.main.pane_host.card
        await wait_until(pilot, "the warning", lambda: card.max_scroll_y > 0)
        assert card.region.bottom <= app.main.note.region.y
        if height == 24:
            await wait_until(pilot, "the legend", lambda: "◆ validation" in screen_text(app))


@pytest.mark.parametrize(("key", "pane"), [("f3", "training"), ("ctrl+t", "childhood")])
async def test_a_pane_shows_nothing_of_a_run_that_was_deleted(
    tmp_path: Path, key: str, pane: str
) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5], evaluations={2: 2.6})
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the run", lambda: app.session.view is not None)
        await pilot.press(key)
        await wait_until(pilot, "the pane", lambda: run.name in screen_text(app))
        app.main.post_message(RunMoved(run, None))
        await wait_until(pilot, "no run", lambda: "No run is shown" in screen_text(app))
        assert run.name not in screen_text(app)
