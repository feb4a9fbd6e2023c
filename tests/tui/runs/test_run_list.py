"""The list of runs: its rows, the columns that fit, and a cursor that stays on its run."""

import math
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.runs_pane import listed
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import ThemedApp, drawn_segments
from tests.support.waiting import wait_until
from tui_charrnn.runs.catalogue import RunLabels, WatchedFolder, list_runs, write_labels
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.tui.runs import list as run_list
from tui_charrnn.tui.runs.list import RunList, no_runs, prepare
from tui_charrnn.viewing.formatting import format_time

DEEP = (120, 40)


class Host(ThemedApp):
    """An app that lists one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.list = RunList(folder, lambda run: "shown" if run.name == "shown" else "")

    def compose(self) -> ComposeResult:
        yield self.list


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """List again every 0.1 s."""
    monkeypatch.setattr(run_list, "INTERVAL", 0.1)


@asynccontextmanager
async def listing(
    folder: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(folder)
    async with app.run_test(size=size) as pilot:
        await listed(app, pilot, app.list)
        yield app, pilot


def row_of(app: Host, name: str) -> str:
    """The row of the table that has a run's name."""
    return next((row for row in screen_rows(app) if f" {name} " in row), "")


def with_curve(run: RunDirectory, curve: tuple[float, ...]) -> RunDirectory:
    status = read_status(run)
    assert status is not None
    changed = replace(status, curve=curve)
    Storage().write_atomically(run.status, encode_json(changed.to_json()))
    return run


@pytest.mark.parametrize("end", ["finished", "stopped", "saved", "interrupted"])
async def test_the_state_of_an_ended_run(tmp_path: Path, end: str) -> None:
    fake_run(tmp_path, losses=[3.0, 2.0], evaluations={2: 2.25}, end=end)
    async with listing(tmp_path) as (app, _):
        assert row_of(app, "fake").split()[1:6] == ["■", end, "fake", "fake", "2.250"]


@pytest.mark.parametrize("end", ["failed", "diverged"])
async def test_a_failed_run_shows_why(tmp_path: Path, end: str) -> None:
    fake_run(tmp_path, end=end)
    async with listing(tmp_path) as (app, _):
        assert f"✗ {end}" in row_of(app, "fake")
        why = {"failed": "Something went wrong.", "diverged": "not a number"}[end]
        assert why in screen_text(app)


async def test_other_states_are_distinguished(tmp_path: Path) -> None:
    lose_trainer(fake_run(tmp_path, name="gone", end=None))
    created_run(tmp_path, name="fresh")
    created_run(tmp_path, name="damaged").description.write_bytes(b"{")
    with (
        FakeTrainer(created_run(tmp_path, name="live")) as live,
        FakeTrainer(created_run(tmp_path, name="waits")) as waits,
    ):
        for trainer in (live, waits):
            trainer.start()
            trainer.train(3.0)
        waits.pause()
        async with listing(tmp_path) as (app, _):
            for name, state in {
                "gone": "✗ lost",
                "fresh": "○ created",
                "damaged": "✗ unreadable",
                "live": "● training",
                "waits": "║ paused",
            }.items():
                assert state in row_of(app, name), name
            assert "5 runs, 2 in training" in screen_text(app)
            # runs with a trainer are above the others
            rows = screen_rows(app)
            heights = [rows.index(row_of(app, name)) for name in ("live", "waits", "gone")]
            assert max(heights[:2]) < heights[2]


@pytest.mark.parametrize(
    ("width", "labels"),
    [
        (130, "State Run Corpus Step Best Curve Age"),
        (80, "State Run Corpus Best Curve Age"),
        (70, "State Run Best Curve Age"),
        (60, "State Run Best Age"),
        (42, "State Run Best"),
    ],
)
async def test_narrow_tables_drop_the_less_important_columns(
    tmp_path: Path, width: int, labels: str
) -> None:
    fake_run(tmp_path, name="a" * 90, losses=[3.0, 2.0], evaluations={2: 2.25})
    async with listing(tmp_path, (width, 24)) as (app, _):
        heading, row = screen_rows(app)[1:3]
        assert heading.strip("│ ").split() == labels.split()
        assert "a…" in row
        assert "2.250" in row


async def test_columns_follow_the_size(tmp_path: Path) -> None:
    fake_run(tmp_path)
    async with listing(tmp_path, (130, 24)) as (app, pilot):
        assert "Step" in screen_rows(app)[1]
        await pilot.resize_terminal(50, 12)
        await wait_until(pilot, "fewer columns", lambda: "Step" not in screen_rows(app)[1])
        await pilot.resize_terminal(130, 24)
        await wait_until(pilot, "all columns", lambda: "Step" in screen_rows(app)[1])
        assert "fake" in row_of(app, "fake")


async def test_the_loss_curve_is_drawn(tmp_path: Path) -> None:
    with_curve(fake_run(tmp_path, name="told"), tuple(4.0 - number / 4 for number in range(8)))
    fake_run(tmp_path, name="told-none")
    async with listing(tmp_path) as (app, _):
        assert "▇▆▅▄▄▃▂▁" in row_of(app, "told")
        assert "········" in row_of(app, "told-none")


async def test_a_loss_that_is_no_number_harms_nothing(tmp_path: Path) -> None:
    with_curve(fake_run(tmp_path), (3.0, 2.0))
    (summary,) = list_runs(tmp_path)
    assert summary.status is not None
    spoiled = replace(summary.status, curve=(3.0, math.nan, math.inf))
    async with listing(tmp_path) as (app, pilot):
        app.list.take_listing(prepare([replace(summary, status=spoiled)], 0.0))
        await pilot.pause()
        assert "fake" in row_of(app, "fake")


async def test_the_preview_is_of_the_run_under_the_cursor(tmp_path: Path) -> None:
    one = fake_run(tmp_path, name="one", losses=[3.0, 2.0], evaluations={2: 2.25})
    fake_run(tmp_path, name="shown", end="failed")
    description = read_description(one)
    async with listing(tmp_path, DEEP) as (app, pilot):
        names = [found.run.name for found in app.list.summaries.values()]
        assert names == ["shown", "one"]
        assert "─shown · shown──" in screen_text(app)
        assert "Something went wrong." in screen_text(app)
        await pilot.press("down")
        await wait_until(pilot, "the other", lambda: "─one──" in screen_text(app))
        for words in (
            "fake, 1,720 characters · 1x5 lstm, 333 weights · preset tiny",
            "■ finished · step 2",
            "best validation loss 2.250 nats, 3.246 bits a character at step 2",
            f"made {format_time(description.created)} on ",
        ):
            assert words in screen_text(app)
        path = "".join(row.strip("│ ") for row in screen_rows(app)[-6:])
        assert str(tmp_path)[:60] in path


@pytest.mark.parametrize(("count", "is_shown"), [(1, True), (12, False)])
async def test_the_preview_takes_the_rows_that_the_runs_leave(
    tmp_path: Path, count: int, *, is_shown: bool
) -> None:
    for number in range(count):
        run = fake_run(tmp_path, name=f"run-{number}")
        write_labels(run, RunLabels(note="the first try"))
    async with listing(tmp_path, (80, 17)) as (app, _):
        assert ("the first try" in screen_text(app)) == is_shown


async def test_a_low_screen_shows_only_the_table(tmp_path: Path) -> None:
    fake_run(tmp_path)
    async with listing(tmp_path, (80, 8)) as (app, _):
        assert not app.list.preview.display
        assert row_of(app, "fake")


@pytest.mark.parametrize("size", [(80, 24), (40, 8)])
async def test_an_empty_folder_shows_what_to_do(tmp_path: Path, size: tuple[int, int]) -> None:
    async with listing(tmp_path / "none", size) as (app, pilot):
        assert "^n trains the first one" in " ".join(row.strip("│ ") for row in screen_rows(app))
        assert "0 runs" in screen_text(app)
        assert app.list.selected is None
        fake_run(tmp_path / "none")
        await wait_until(pilot, "the first run", lambda: bool(row_of(app, "fake")))
        assert no_runs() not in screen_text(app)
        assert app.list.selected is not None


async def test_an_unreadable_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    async with listing(tmp_path) as (app, pilot):
        assert "Permission denied" in screen_text(app)
        monkeypatch.undo()
        monkeypatch.setattr(run_list, "INTERVAL", 0.1)
        await wait_until(pilot, "it is read again", lambda: no_runs() in screen_text(app))


async def test_the_cursor_stays_on_its_run(tmp_path: Path) -> None:
    for number in range(30):
        fake_run(tmp_path, name=f"run-{number:02}")
    async with listing(tmp_path, (80, 14)) as (app, pilot):
        await pilot.press("pagedown")
        await pilot.pause()
        assert app.list.selected is not None
        name = app.list.selected.run.name
        fake_run(tmp_path, name="newest")
        await wait_until(pilot, "the new run", lambda: len(app.list.summaries) == 31)
        await pilot.pause()
        assert app.list.selected is not None
        assert app.list.selected.run.name == name
        await wait_until(pilot, "it is in view", lambda: bool(row_of(app, name)))


async def test_an_equal_listing_keeps_the_position_of_the_wheel(tmp_path: Path) -> None:
    for number in range(30):
        fake_run(tmp_path, name=f"run-{number:02}")
    async with listing(tmp_path, (80, 14)) as (app, pilot):
        app.list.table.scroll_to(y=20)
        await pilot.pause()
        app.list.take_listing(prepare(list_runs(tmp_path), time.time()))
        await pilot.pause()
        assert (app.list.table.cursor, app.list.table.scroll_y) == (0, 20)


async def test_a_requested_cursor_is_dropped_if_the_filter_hides_its_run(tmp_path: Path) -> None:
    runs = {name: fake_run(tmp_path, name=name) for name in ("hidden", "one", "two")}
    async with listing(tmp_path) as (app, _):
        app.list.filter("o")
        app.list.list_again(runs["hidden"].path)
        app.list.take_listing(prepare(list_runs(tmp_path), time.time()))
        assert app.list.selected is not None
        name = app.list.selected.run.name
        app.list.filter("")
        assert app.list.selected.run.name == name


async def test_the_colors_are_those_of_the_theme(tmp_path: Path) -> None:
    fake_run(tmp_path, end="failed")
    async with listing(tmp_path) as (app, pilot):

        def color() -> object:
            (state,) = (part for part in drawn_segments(app.list.table)[0] if "✗" in part.text)
            return state.style and state.style.color

        before = color()
        app.theme = "textual-light"
        await wait_until(pilot, "another color", lambda: color() != before)


async def test_the_cursor_moves_to_a_neighbor_if_its_run_is_missing(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        fake_run(tmp_path, name=name)
    async with listing(tmp_path) as (app, pilot):
        await pilot.press("down")
        (tmp_path / "two").rename(tmp_path / ".hidden")
        await wait_until(pilot, "one less", lambda: len(app.list.summaries) == 2)
        await pilot.pause()
        assert app.list.selected is not None
        assert app.list.selected.run.name == "one"


async def test_a_live_run_is_kept_up_to_date(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        trainer.train(3.0)
        async with listing(tmp_path, (130, 24)) as (app, pilot):
            assert "1/100" in row_of(app, "fake")
            trainer.train(2.9, 2.8)
            await wait_until(pilot, "the step", lambda: "3/100" in row_of(app, "fake"))
            trainer.end()
            await wait_until(pilot, "the end", lambda: "■ finished" in row_of(app, "fake"))


async def test_a_hidden_list_does_not_read_the_folder(tmp_path: Path) -> None:
    async with listing(tmp_path) as (app, pilot):
        app.list.display = False
        await pilot.pause()
        fake_run(tmp_path)
        await pilot.pause(0.4)
        assert not app.list.summaries
        app.list.display = True
        app.list.table.focus()  # Textual does not send `Show` every time a pane is shown
        await wait_until(pilot, "the run", lambda: bool(row_of(app, "fake")))


async def test_a_disk_that_hangs_does_not_stop_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    look = WatchedFolder.list_runs

    def look_late(folder: WatchedFolder) -> object:
        hangs.wait(60)
        return look(folder)

    monkeypatch.setattr(WatchedFolder, "list_runs", look_late)
    fake_run(tmp_path)
    app = Host(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a frame", lambda: "Looking for runs" in screen_text(app))
        await pilot.resize_terminal(60, 20)
        await wait_until(pilot, "another frame", lambda: len(screen_rows(app)) == 20)
        assert "Looking for runs" in screen_text(app)
        hangs.set()
        await wait_until(pilot, "the run", lambda: bool(row_of(app, "fake")))


async def test_control_characters_in_names_are_harmless(tmp_path: Path) -> None:
    run = fake_run(tmp_path, end="failed")
    described = read_description(run)
    corpus = replace(described.corpus, name=HOSTILE)
    described = replace(described, corpus=corpus, preset=HOSTILE, created=HOSTILE, host=HOSTILE)
    Storage().write_atomically(run.description, encode_json(described.to_json()))
    name = HOSTILE.replace("/", "").replace("\x00", "")
    run.path.rename(tmp_path / name)
    async with listing(tmp_path, DEEP) as (app, _):
        assert "␛[31mred" in screen_text(app)
        for row in screen_rows(app):
            assert not HARMFUL.search(row)
