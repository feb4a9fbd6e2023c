"""The runs pane opens, compares and resumes runs, or shows why it cannot."""

from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.runs_pane import Host, asked, contents, names, pane, press
from tests.support.shown_screen import screen_text
from tests.support.small_run import of_kind
from tests.support.waiting import wait_until
from tui_charrnn.runs.catalogue import RunLabels, read_labels, write_labels
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import RunExtended
from tui_charrnn.tui.dialogs import AskTextScreen, QuestionScreen
from tui_charrnn.viewing.run_view import RunView


async def test_enter_opens_the_run(folder: Path) -> None:
    run = fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("enter")
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", run)])


async def test_a_double_click_opens_the_run(folder: Path) -> None:
    fake_run(folder, name="one")
    fake_run(folder, name="two")
    async with pane(folder) as (app, pilot):
        await pilot.click(app.pane.runs.table, offset=(20, 1))
        await pilot.pause()
        assert app.pane.runs.selected is not None
        clicked = app.pane.runs.selected.run
        assert clicked.name == "one"
        assert not app.asked
        await pilot.double_click(app.pane.runs.table, offset=(20, 1))
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", clicked)])


async def test_a_damaged_run_can_be_opened_and_no_more(folder: Path) -> None:
    run = created_run(folder)
    run.description.write_bytes(b"{")
    async with pane(folder) as (app, pilot):
        app.session.view = RunView(RunDirectory(folder / "other"))
        await press(app, pilot, "r", "run.json cannot be used")
        app.told.clear()
        await press(app, pilot, "c", "run.json cannot be used")
        await pilot.press("enter")
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", run)])


@pytest.mark.parametrize("end", ["stopped", "saved", "failed", "diverged", "interrupted"])
async def test_a_run_that_ended_early_can_be_resumed(folder: Path, end: str) -> None:
    run = fake_run(folder, end=end)
    async with pane(folder) as (app, pilot):
        await pilot.press("r")
        await wait_until(pilot, "a trainer", lambda: app.asked == [("resume", run)])


async def test_a_run_that_was_lost_or_never_started_can_be_resumed(folder: Path) -> None:
    lose_trainer(fake_run(folder, name="lost", end=None))
    created_run(folder, name="created")
    async with pane(folder) as (app, pilot):
        await pilot.press("r", "down", "r")
        await wait_until(pilot, "both", lambda: len(app.asked) == 2)
        assert {run.name for _, run in app.asked if run is not None} == {"lost", "created"}


async def test_a_run_that_is_finished_is_not_resumed(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "r", "fake is finished. x trains it longer, ^n trains another one.")
        assert not app.asked


async def test_a_run_that_is_finished_is_extended_and_resumed(folder: Path) -> None:
    run = fake_run(folder, evaluations={3: 2.2})
    async with pane(folder) as (app, pilot):
        await pilot.press("x")
        await asked(pilot, AskTextScreen)
        assert "500 steps, 2 epochs or 10m." in screen_text(app)
        await pilot.press(*"0 steps", "enter")
        await wait_until(pilot, "why not", lambda: "at least 1" in screen_text(app))
        await pilot.press("home", "delete", "5")
        await press(app, pilot, "enter", "Extended by 5 steps to 8; the rate rises to")
        await wait_until(pilot, "a trainer", lambda: app.asked == [("resume", run)])
    (extended,) = of_kind(run, RunExtended)
    assert (extended.step, extended.total_steps) == (4, 8)


async def test_a_run_that_is_not_finished_is_not_extended(folder: Path) -> None:
    fake_run(folder, end="stopped")
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "x", "fake is not finished: r trains the rest of it first.")
        assert app.screen is app.pane.screen


async def test_a_run_that_is_trained_is_neither_resumed_nor_renamed_nor_deleted(
    folder: Path, trainer: FakeTrainer
) -> None:
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "r", "live is being trained already. Enter opens it.")
        for key, done in (("n", "renamed"), ("d", "deleted")):
            sentence = f"so it cannot be {done}. Enter opens it, F9 ends its training."
            await press(app, pilot, key, sentence)
        assert app.screen is app.pane.screen
        assert not app.asked
    assert names(folder) == ["live"]


async def test_a_paused_run_shows_how_to_continue(folder: Path, trainer: FakeTrainer) -> None:
    trainer.pause()
    trainer.writer.beat()
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "r", "live is paused. Enter opens it, F5 resumes.")


async def test_compare_draws_another_run_and_takes_it_away(folder: Path) -> None:
    shown, other = fake_run(folder, name="shown"), fake_run(folder, name="other")
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "c", "No run is shown to compare other with. Enter shows one.")
        app.session.view = RunView(shown)
        await pilot.press("c")
        await wait_until(pilot, "the first", lambda: app.asked == [("compare", other)])
        await wait_until(pilot, "the remark", lambda: "─other · compared─" in screen_text(app))
        await pilot.press("c")
        await wait_until(pilot, "none", lambda: app.asked[1:] == [("compare", None)])
        assert "compared" not in screen_text(app)
        await pilot.press("down")
        await press(app, pilot, "c", "shown is the run that is shown.")
        assert "─shown · shown─" in screen_text(app)
        assert len(app.asked) == 2


async def test_a_run_that_is_deleted_is_compared_no_longer(folder: Path) -> None:
    shown, other = fake_run(folder, name="shown"), fake_run(folder, name="other")
    async with pane(folder) as (app, pilot):
        app.session.view = RunView(shown)
        await pilot.press("c", "d")
        await asked(pilot, QuestionScreen)
        await press(app, pilot, "d", "other is in the trash")
        await wait_until(
            pilot, "none", lambda: app.asked == [("compare", other), ("compare", None)]
        )


async def test_a_view_that_is_read_only_changes_nothing(folder: Path, tmp_path: Path) -> None:
    run = fake_run(folder, end="stopped")
    before = contents(run)
    async with pane(folder, readonly=True) as (app, pilot):
        for key in "rndup":
            app.told.clear()
            await press(app, pilot, key, "This view is read-only")
        assert app.screen is app.pane.screen
        assert not app.asked
        await pilot.press("e")
        await asked(pilot, AskTextScreen)
        await press(app, pilot, "enter", "Packed into")
        await pilot.press("enter")
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", run)])
    assert contents(run) == before
    assert not (folder / ".trash").exists()


async def test_without_a_run_every_key_shows_what_to_do(folder: Path) -> None:
    async with pane(folder) as (app, pilot):
        for action in ("open", "resume", "compare", "rename", "export", "delete"):
            app.told.clear()
            await app.pane.run_action(action)
            await wait_until(
                pilot, f"{action} says so", lambda: "^n trains the first one" in " ".join(app.told)
            )


async def test_page_keys_before_there_is_a_run_choose_none(tmp_path: Path) -> None:
    async with pane(tmp_path / "runs", size=(20, 4)) as (app, pilot):
        await pilot.press("up", "pageup", "pagedown", "up", "c", "enter")
        await wait_until(pilot, "why", lambda: bool(app.told))
        assert app.pane.runs.selected is None


async def test_runs_are_found_by_their_tags_and_notes(folder: Path) -> None:
    fake_run(folder, name="one")
    fake_run(folder, name="two")
    async with pane(folder) as (app, pilot):
        await wait_until(pilot, "both", lambda: len(app.pane.runs.summaries) == 2)
        selected = app.pane.runs.selected
        assert selected is not None
        await pilot.press("t", *"best", "enter")
        await wait_until(pilot, "the tag", lambda: read_labels(selected.run).tags == ("best",))
        await pilot.press("m", *"why", "enter")
        await wait_until(pilot, "the note", lambda: read_labels(selected.run).note == "why")
        await pilot.press("slash", *"WHY", "space", *"be", "enter")
        await wait_until(
            pilot, "the filter", lambda: [*app.pane.runs.summaries] == [str(selected.run.path)]
        )
        await pilot.press("slash", *"x", "enter")
        await wait_until(pilot, "no run", lambda: "No run has these words" in screen_text(app))
        await pilot.press("slash", "backspace", "enter")
        await wait_until(pilot, "both again", lambda: len(app.pane.runs.summaries) == 2)


async def test_one_run_is_pinned_until_it_is_unpinned(folder: Path) -> None:
    fake_run(folder, name="one")
    fake_run(folder, name="two")
    async with pane(folder) as (app, pilot):
        for key in ("home", "down"):
            await pilot.press(key, "p")
            await wait_until(pilot, "a pin", lambda: pinned_of(app) == [selected_name(app)])
            await wait_until(
                pilot, "it", lambda: f"─{selected_name(app)} · pinned─" in screen_text(app)
            )
        await press(app, pilot, "p", "is no longer pinned")
        await wait_until(pilot, "none", lambda: app.pinned[-1] is None)
        assert pinned_of(app) == []


async def test_a_pin_follows_its_renamed_run(folder: Path) -> None:
    run = fake_run(folder, name="one")
    write_labels(run, RunLabels(pinned=True))
    async with pane(folder) as (app, pilot):
        await pilot.press("n")
        await asked(pilot, AskTextScreen)
        await pilot.press(*"two", "enter")
        await wait_until(pilot, "the name", lambda: app.pinned == ["one", "two"])
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await press(app, pilot, "d", "is in the trash")
        await wait_until(pilot, "no pin", lambda: app.pinned[2:] == [None])
        await press(app, pilot, "u", "is restored")
        await wait_until(pilot, "the pin again", lambda: app.pinned[3:] == ["two"])


def pinned_of(app: Host) -> list[str]:
    runs = app.pane.runs.summaries.values()
    return [found.run.name for found in runs if found.labels.pinned]


def selected_name(app: Host) -> str:
    return app.pane.runs.selected.run.name if app.pane.runs.selected is not None else ""
