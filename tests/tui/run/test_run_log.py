"""The log of a run: its story, and the output of its process."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.shown_screen import screen_text
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    CheckpointSaved,
    LearningRateChanged,
    Record,
    RequestAnswered,
    RunPlanned,
    RunResumed,
    RunStarted,
    RunWarned,
    SplitEvaluated,
    encode_record,
)
from tui_charrnn.tui.run.run_log import RunLog

NOISE = "I0000 00:00:1795554443.946410    7485 port.cc:153] oneDNN custom operations are on."


AT = datetime(2026, 1, 2, 14, 30, 5).astimezone(UTC)  # the local time of the test
STORY: tuple[Record, ...] = (
    RunStarted(7, "ada", AT.isoformat()),
    BaselinesMeasured((0, 1, 5), (4.0, 3.2, 1.7)),
    RunPlanned(2_000, 20, 100, 4, 0.3, early_evaluations=(10, 30)),
    SplitEvaluated(10, 3.1, False, 1.0),
    SplitEvaluated(100, 1.9, True, 9.0),
    CheckpointSaved(100, "x", 0.2),
    RequestAnswered("pause", accepted=True, message="paused at step 120"),
    LearningRateChanged(121, 0.001, "request"),
    CheckpointSaved(150, "x", 0.2),
    RunStarted(8, "ada", AT.isoformat()),
    RunResumed(150),
    RunWarned("The clock of this machine is wrong."),
    SplitEvaluated(200, 1.6, True, 19.0),
)


class Host(ThemedApp):
    """Shows the log of one run."""

    def __init__(self) -> None:
        super().__init__()
        self.log_of_run = RunLog()

    def compose(self) -> ComposeResult:
        yield self.log_of_run


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = created_run(tmp_path)
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.evaluate(2.4)
        trainer.save()
    run.log.write_text(f"{NOISE}\nValueError: no\n", encoding="utf-8")
    return run


async def test_the_story_comes_first_and_the_output_behind_a_key(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(80, 16)) as pilot:
        app.log_of_run.follow(run)
        await wait_until(pilot, "the story", lambda: "Step 2: validation" in screen_text(app))
        assert "Events of run fake" in screen_text(app)
        assert "validation 2.400, the best so far" in screen_text(app)
        assert "ValueError" not in screen_text(app)
        app.log_of_run.story.text.focus()
        await pilot.press("o")
        await wait_until(pilot, "the output", lambda: "ValueError: no" in screen_text(app))
        assert "oneDNN" not in screen_text(app)  # the noise of the start is folded away
        assert "Step 2" not in screen_text(app)
        await pilot.press("f", "f", "f")
        await wait_until(pilot, "all of it", lambda: "oneDNN" in screen_text(app))
        await pilot.press("o")
        await wait_until(pilot, "the story", lambda: "Step 2: validation" in screen_text(app))


async def test_the_story_grows_with_the_run(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(80, 16)) as pilot:
        app.log_of_run.follow(run)
        await wait_until(pilot, "the story", lambda: "Step 2: validation" in screen_text(app))
        with FakeTrainer(run) as trainer:
            trainer.start()
            await wait_until(pilot, "the next", lambda: "was lost" in screen_text(app))


async def test_after_a_crash_the_end_of_the_output_is_below_the_story(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(80, 16)) as pilot:
        app.log_of_run.follow(run)
        app.log_of_run.show_end("The trainer was ended from outside.", ())
        lines = [NOISE, "ValueError: no"]
        app.log_of_run.show_end("The trainer was ended from outside.", lines)
        await wait_until(pilot, "its end", lambda: "✗ ValueError: no" in screen_text(app))
        text = screen_text(app)
        assert text.count("ended from outside") == 1
        assert text.index("Step 2: validation") < text.index("ended from outside")
        assert "oneDNN" not in text


async def test_an_end_that_is_none_after_all_is_no_longer_shown(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(80, 16)) as pilot:
        app.log_of_run.follow(run)
        app.log_of_run.show_end("It is gone.", ())
        await wait_until(pilot, "its end", lambda: "It is gone." in screen_text(app))
        with FakeTrainer(run) as trainer:
            trainer.start()
            await wait_until(pilot, "the next", lambda: "was lost" in screen_text(app))
            text = screen_text(app)
            assert text.index("was lost") < text.index("It is gone.")
        app.log_of_run.show_end("", ())  # a trainer goes on with it
        await wait_until(pilot, "no end", lambda: "It is gone." not in screen_text(app))
        assert "Step 2: validation" in screen_text(app)


async def test_the_line_at_the_top_stays_when_the_end_changes(run: RunDirectory) -> None:
    app = Host()
    async with app.run_test(size=(80, 5)) as pilot:
        app.log_of_run.follow(run)
        await wait_until(pilot, "the story", lambda: "Step 2: validation" in screen_text(app))
        text = app.log_of_run.story.text
        text.follows_end = False
        text.scroll_to(y=1)
        await pilot.pause()
        before = screen_text(app).split("\n")[1].rstrip("▄▅│")
        for end in ("It is gone.", ""):
            app.log_of_run.show_end(end, ())
            await pilot.pause()
            assert screen_text(app).split("\n")[1].startswith(before)


async def test_another_run_has_its_own_story(run: RunDirectory, tmp_path: Path) -> None:
    app = Host()
    async with app.run_test(size=(80, 16)) as pilot:
        app.log_of_run.follow(run)
        app.log_of_run.show_end("It is gone.", ())
        await wait_until(pilot, "its end", lambda: "It is gone." in screen_text(app))
        app.log_of_run.follow(created_run(tmp_path / "b", name="other"))
        await wait_until(
            pilot, "no story", lambda: "Nothing has happened in this run yet." in screen_text(app)
        )
        assert "It is gone." not in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_the_story_of_a_lost_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    run = created_run(tmp_path)
    lines = [encode_record(record, AT) for record in STORY]
    run.events.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    app = Host()

    async def look(pilot: Pilot[Any]) -> None:
        app.log_of_run.follow(run)
        output = ["Traceback (most recent call last):", "MemoryError"]
        app.log_of_run.show_end("The trainer was ended from outside by SIGKILL.", output)
        await wait_until(pilot, "its end", lambda: "MemoryError" in screen_text(app))

    assert snap_compare(app, terminal_size=size, run_before=look)
