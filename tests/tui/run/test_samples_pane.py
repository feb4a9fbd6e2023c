"""The samples pane."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import ThemedApp, styled
from tests.support.viewed_run import viewed
from tests.support.waiting import wait_until
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import SampleTaken
from tui_charrnn.tui.keys.keymap import activate_keymap, keymap_of, remap
from tui_charrnn.tui.run.samples_pane import SamplesPane, fact_row
from tui_charrnn.viewing.run_view import RunView

SEEDS = ("ROMEO:", "To be")


class Host(ThemedApp):
    """Shows the samples of one run."""

    def __init__(self) -> None:
        super().__init__()
        self.pane = SamplesPane()

    def compose(self) -> ComposeResult:
        yield self.pane


def grow(trainer: FakeTrainer, evaluations: int) -> None:
    """Write some evaluations, ten steps apart, each with one sample per seed."""
    for _ in range(evaluations):
        trainer.train(*[3.0] * 10)
        trainer.evaluate(3.0 - trainer.step / 100)
        for seed_text in SEEDS:
            trainer.sample(seed_text, f" text after {trainer.step}")


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    with FakeTrainer(created_run(tmp_path, pinned_seeds=SEEDS)) as trainer:
        trainer.start()
        grow(trainer, 3)
        yield trainer


async def see(pilot: Pilot[Any], text: str) -> None:
    """Wait until something is on the screen."""
    await wait_until(pilot, f"{text!r} is shown", lambda: text in screen_text(pilot.app))


async def test_the_newest_sample_is_shown_with_its_facts(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        await see(pilot, "ROMEO: text after 30")
        rows = [row.strip("│ ") for row in screen_rows(app)]
        assert "Samples of run fake" in rows[0]
        marks = next(place for place, row in enumerate(rows) if "●" in row)
        assert rows[marks] == "•" + "─" * 37 + "•" + "─" * 36 + "●"
        facts = "step 30 · epoch 1.5 · validation 2.700 · sample 3 of 3, the newest"
        assert rows[marks + 1] == facts
        assert "seed 1 of 2 · temperature 0.8 · RNG 0" in rows[-1]


async def test_the_seed_looks_otherwise_than_what_follows(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        await see(pilot, "ROMEO:")
        text = app.pane.text
        seed, rest = styled(text, "ROMEO:").style, styled(text, " text after 30").style
        assert seed is not None
        assert rest is not None
        assert (seed.bold, rest.bold) == (True, None)


async def test_keys_go_through_the_samples(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        for key, shown in [("left", 20), ("home", 10), ("left", 10), ("right", 20), ("end", 30)]:
            await pilot.press(key)
            await see(pilot, f"text after {shown}")


async def test_another_seed_is_shown_in_the_same_step(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "ROMEO:")
        await pilot.press("left", "down")
        await see(pilot, "To be text after 20")
        await see(pilot, "seed 2 of 2")
        await pilot.press("up")
        await see(pilot, "ROMEO: text after 20")


async def test_new_samples_are_followed_from_the_newest_only(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        grow(trainer, 1)
        app.pane.show(viewed(trainer.run))
        await see(pilot, "text after 40")
        await pilot.press("left")
        await see(pilot, "text after 30")
        grow(trainer, 1)
        app.pane.show(viewed(trainer.run))
        await see(pilot, "sample 3 of 5")
        assert "text after 30" in screen_text(app)


async def test_the_mouse_picks_a_sample(trainer: FakeTrainer) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        await see(pilot, "after 30")
        await pilot.click(app.pane.slider, offset=(30, 0))
        await see(pilot, "text after 20")
        await pilot.mouse_down(app.pane.slider, offset=(30, 0))
        await pilot.hover(app.pane.slider, offset=(2, 0))
        await see(pilot, "text after 10")
        await pilot.mouse_up(app.pane.slider, offset=(2, 0))
        await pilot.hover(app.pane.slider, offset=(75, 0))
        await pilot.pause()
        assert "text after 10" in screen_text(app)


async def test_playing_goes_from_the_first_to_the_newest(trainer: FakeTrainer) -> None:
    app = Host()
    app.animation_level = "full"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        await pilot.press("plus", "plus", "space")
        await see(pilot, "sample 1 of 3, 0.25 s each")
        await see(pilot, "sample 3 of 3, the newest")


async def test_plus_and_minus_change_the_speed_while_playing(trainer: FakeTrainer) -> None:
    app = Host()
    app.animation_level = "full"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        app.pane.action_play()
        await see(pilot, "1 s each")
        for key, seconds in [
            ("minus", "2"),
            ("minus", "4"),
            ("minus", "4"),
            ("plus", "2"),
            ("equals_sign", "1"),
        ]:
            await pilot.press(key)
            await see(pilot, f"{seconds} s each")


async def test_the_loss_is_drawn_above_the_samples_where_there_is_room(
    trainer: FakeTrainer,
) -> None:
    app = Host()
    async with app.run_test(size=(80, 18)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        await pilot.press("left")
        await see(pilot, "after 20")
        slider = app.pane.slider
        assert slider.size.height == 6
        bars = [slider.render_line(row) for row in range(5)]
        assert all(bar.cell_length == slider.size.width for bar in bars)
        colors = {segment.style.color for segment in bars[-1] if segment.style}
        assert len(colors) == 3  # before the sample that is shown, at it, and after it


@pytest.mark.parametrize(("key", "shown"), [("space", 10), ("right", 20), ("x", 10)])
async def test_any_key_stops_playing(trainer: FakeTrainer, key: str, shown: int) -> None:
    app = Host()
    app.animation_level = "full"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        app.pane.action_play()  # without the tick of its timer
        assert app.pane._timer is not None
        app.pane._timer.pause()
        await see(pilot, "sample 1 of 3, 1 s each")
        await pilot.press(key)
        await see(pilot, f"text after {shown}")
        assert "s each" not in screen_text(app)


async def test_the_play_key_of_the_user_stops_playing(trainer: FakeTrainer) -> None:
    keys, _ = remap({"childhood.play": "p"})
    activate_keymap(keys)
    app = Host()
    app.set_keymap(keymap_of(keys))
    app.animation_level = "full"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        await pilot.press("p")
        await see(pilot, "1 s each")
        await pilot.press("p")
        await pilot.pause()
        assert app.pane._playing is None


async def test_where_nothing_may_move_playing_goes_to_the_newest(trainer: FakeTrainer) -> None:
    app = Host()
    app.animation_level = "none"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        await pilot.press("home", "space")
        await see(pilot, "sample 3 of 3, the newest")


async def test_playing_ends_where_the_pane_is_hidden(trainer: FakeTrainer) -> None:
    app = Host()
    app.animation_level = "full"
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        await see(pilot, "after 30")
        app.pane.action_play()
        app.pane.display = False
        await wait_until(pilot, "it rests", lambda: app.pane._playing is None)
        app.pane.display = True
        await see(pilot, "of 3")
        await wait_until(pilot, "nothing plays", lambda: "s each" not in screen_text(app))


async def test_samples_taken_while_it_is_hidden_are_shown_later(trainer: FakeTrainer) -> None:
    app = Host()
    app.pane.display = False
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        await pilot.pause()
        assert app.pane._scrubber.samples == {}
        app.pane.display = True
        await see(pilot, "text after 30")


async def test_a_long_sample_is_shown_from_its_beginning(trainer: FakeTrainer) -> None:
    view = viewed(trainer.run)
    view.take([SampleTaken(31, SEEDS[0], " begins\n" + "goes on\n" * 40, 0, 0.8)])
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.pane.show(view)
        await see(pilot, "ROMEO: begins")
        assert not app.pane.text.can_focus


async def test_a_page_key_scrolls_a_sample_that_has_no_room(trainer: FakeTrainer) -> None:
    view = viewed(trainer.run)
    view.take([SampleTaken(31, SEEDS[0], " begins\n" + "goes on\n" * 8 + "ends", 0, 0.8)])
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        app.pane.show(view)
        app.pane.focus()
        await see(pilot, "ROMEO: begins")
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown")
        await see(pilot, "ends")
        assert "begins" not in screen_text(app)
        await pilot.press("pageup", "pageup", "pageup", "pageup")
        await see(pilot, "ROMEO: begins")
        await pilot.press("pagedown", "left", "right")
        await see(pilot, "ROMEO: begins")


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (80, "step 30 · epoch 1.5 · validation 2.700 · sample 3 of 3, the newest"),
        (66, "step 30 · epoch 1.5 · validation 2.700 · sample 3 of 3, the newest"),
        (60, "step 30 · validation 2.700 · sample 3 of 3, the newest"),
        (40, "step 30 · validation 2.700 · 3 of 3"),
        (30, "step 30 · validation 2.700"),
        (20, "step 30"),
        (3, "step 30"),
    ],
)
def test_a_narrow_pane_keeps_the_step_and_the_loss(width: int, row: str) -> None:
    facts = ["step 30", "epoch 1.5", "validation 2.700"]
    assert fact_row(facts, ("sample 3 of 3, the newest", "3 of 3"), width) == row


async def test_a_note_is_shown_until_the_first_sample_is_taken(
    tmp_path: Path,
) -> None:
    app = Host()
    with FakeTrainer(created_run(tmp_path, pinned_seeds=SEEDS)) as trainer:
        trainer.start()
        async with app.run_test(size=(80, 12)) as pilot:
            app.pane.show(viewed(trainer.run))
            app.pane.focus()
            await see(pilot, "The first samples come with the first evaluation")
            await pilot.press("left", "space", "down", "pagedown")
            grow(trainer, 1)
            app.pane.show(viewed(trainer.run))
            await see(pilot, "ROMEO: text after 10")
            assert "first evaluation" not in screen_text(app)


async def test_a_run_that_has_ended_is_replayed_as_well(trainer: FakeTrainer) -> None:
    trainer.end("finished")
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "ROMEO: text after 30")
        await pilot.press("home")
        await see(pilot, "ROMEO: text after 10")


async def test_another_run_is_begun_at_its_newest_sample(
    trainer: FakeTrainer, tmp_path: Path
) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(viewed(trainer.run))
        app.pane.focus()
        await see(pilot, "after 30")
        await pilot.press("home", "down")
        await see(pilot, "To be text after 10")
        with FakeTrainer(created_run(tmp_path / "b", name="b", pinned_seeds=SEEDS)) as other:
            grow(other, 2)
            app.pane.show(viewed(other.run))
        await see(pilot, "ROMEO: text after 20")
        await see(pilot, "run b")


async def test_absence_is_explained(tmp_path: Path) -> None:
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.focus()
        await see(pilot, "No run is shown")
        app.pane.show(viewed(created_run(tmp_path)))
        await see(pilot, "no seed was pinned")
        await pilot.press("left", "right", "home", "end", "up", "down", "space")
        await see(pilot, "no seed was pinned")


@pytest.mark.parametrize("size", [(120, 36), (80, 16), (40, 8), (20, 4), (3, 3), (1, 1)])
async def test_hostile_samples_seeds_and_names_are_harmless(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    run = RunDirectory(created_run(tmp_path).path.with_name("evil\x1b]52;c;AA\x07\u202e"))
    created_run(tmp_path / "b").path.rename(run.path)
    view = viewed(run)
    view.take(SampleTaken(step, HOSTILE, HOSTILE, 0, 0.8) for step in (1, 2, 2_009))
    view.take([SampleTaken(1, "가나다", "a" + "\u200d" * 999 + "라마바" * 40, 0, 0.8)])
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.pane.show(view)
        app.pane.focus()
        await pilot.pause()
        for key in ("left", "home", "down", "end"):
            await pilot.press(key)
            await pilot.pause()
            assert not any(HARMFUL.search(row) for row in screen_rows(app))


async def test_thousands_of_samples_are_no_burden(trainer: FakeTrainer) -> None:
    view: RunView = viewed(trainer.run)
    view.take(
        SampleTaken(step, seed_text, "x" * 200, 0, 0.8)
        for step in range(100, 3_100)
        for seed_text in SEEDS
    )
    app = Host()
    async with app.run_test(size=(80, 12)) as pilot:
        app.pane.show(view)
        app.pane.focus()
        await see(pilot, "sample 3,003 of 3,003")
        assert "•••••" in screen_text(app)
