"""The runs pane renames, exports, deletes and restores runs, or shows why it cannot."""

import contextlib
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.open_app import RecordingLauncher
from tests.support.runs_pane import asked, contents, names, pane, press
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.errors import CharRNNError, StorageError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.lifecycle import list_trash
from tui_charrnn.tui.background import CancelledError, Poller
from tui_charrnn.tui.dialogs import AskTextScreen, QuestionScreen
from tui_charrnn.tui.runs import actions
from tui_charrnn.tui.runs import list as list_module
from tui_charrnn.tui.runs.list import RunTable


async def test_a_run_whose_trainer_was_just_started_is_left_alone(
    folder: Path, launch: RecordingLauncher
) -> None:
    run = created_run(folder)
    async with pane(folder) as (app, pilot):
        app.session.trainers[run.path] = launch(run)
        await press(app, pilot, "d", "fake is being trained")
        assert app.screen is app.pane.screen


async def test_a_run_that_was_resumed_meanwhile_is_not_deleted(folder: Path) -> None:
    run = fake_run(folder, end="stopped")
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        with FakeTrainer(run):
            await press(app, pilot, "d", "is being trained. Stop it first")
        assert not app.moved
    assert names(folder) == ["fake"]


async def test_delete_asks_and_undo_restores(folder: Path) -> None:
    for name in ("one", "two", "three"):
        fake_run(folder, name=name)
    run = RunDirectory(folder / "two")
    before = contents(run)
    async with pane(folder) as (app, pilot):
        await pilot.press("down", "d")
        await asked(pilot, QuestionScreen)
        assert "Move two into the trash? u restores it." in screen_text(app)
        await press(app, pilot, "d", "two is in the trash; u restores it.")
        await wait_until(pilot, "it is gone", lambda: len(app.pane.runs.summaries) == 2)
        assert app.moved == [(run, None)]
        assert [trashed.name for trashed in list_trash(folder)] == ["two"]
        await press(app, pilot, "u", "two is restored.")
        await wait_until(
            pilot,
            "the cursor is on it",
            lambda: app.pane.runs.selected is not None and app.pane.runs.selected.run == run,
        )
    assert contents(run) == before
    assert list_trash(folder) == []


async def test_a_deleted_run_is_gone_before_a_slow_disk_has_listed_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        fake_run(folder, name=name)
    monkeypatch.setattr(Poller, "wake", lambda _: None)  # the folder is not listed again
    monkeypatch.setattr(list_module, "INTERVAL", 3600.0)
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await press(app, pilot, "d", "two is in the trash")
        assert list(app.pane.runs.summaries) == [str(folder / "one")]
        assert app.pane.runs.selected is not None
        assert app.pane.runs.selected.run.name == "one"


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_nothing_is_deleted_without_confirmation(folder: Path, key: str) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await pilot.press(key)
        await wait_until(pilot, "the list", lambda: app.screen is app.pane.screen)
        assert app.pane.runs.border_subtitle == "1 run"
    assert names(folder) == ["fake"]


async def test_undo_with_an_empty_trash_shows_a_note(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "u", "There is nothing in the trash")


async def test_undo_with_a_taken_name_shows_the_new_one(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await press(app, pilot, "d", "in the trash")
        fake_run(folder)
        await press(app, pilot, "u", "fake is restored as fake-2; the old name is taken.")


async def test_rename_gives_another_name(folder: Path) -> None:
    run = fake_run(folder)
    fake_run(folder, name="other")
    async with pane(folder) as (app, pilot):
        await pilot.press("down", "n")
        await asked(pilot, AskTextScreen)
        await pilot.press(*"new")
        await press(app, pilot, "enter", "fake is now named new.")
        await wait_until(
            pilot,
            "the cursor is on it",
            lambda: (found := app.pane.runs.selected) is not None and found.run.name == "new",
        )
        assert app.moved == [(run, RunDirectory(folder / "new"))]
    assert names(folder) == ["new", "other"]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("other", "A run of this name exists; choose another one."),
        ("a/b", "without /"),
        (".a", "does not begin with"),
        ("a;b", "special characters of a shell"),
        ("a" * 101, "at most 100 bytes long; this one has 101."),
        (" ", "at least one character"),
    ],
)
async def test_rename_takes_no_bad_name(folder: Path, typed: str, problem: str) -> None:
    fake_run(folder, name="other")
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("n")
        await asked(pilot, AskTextScreen)
        question = app.screen
        assert isinstance(question, AskTextScreen)
        assert not str(question.words.content)
        question.field.value = typed
        await wait_until(pilot, "the problem", lambda: problem in str(question.words.content))
        await pilot.press("enter")
        assert app.screen is question
        await pilot.press("escape")
    assert names(folder) == ["fake", "other"]


async def test_the_exit_code_of_a_trainer_moves_with_its_run(
    folder: Path, launch: RecordingLauncher
) -> None:
    run = fake_run(folder, end="stopped")
    app_trainer = launch(run)
    launch.end()
    async with pane(folder) as (app, pilot):
        app.session.trainers[run.path] = app_trainer
        await pilot.press("n")
        await asked(pilot, AskTextScreen)
        await pilot.press(*"new")
        await press(app, pilot, "enter", "fake is now named new.")
        assert app.session.exit_code(RunDirectory(folder / "new"), None) == 0
        assert app.session.exit_code(run, None) is None


async def export(pilot: Pilot[None], key: str = "e") -> None:
    """Export the run under the cursor into the default folder."""
    await pilot.press(key)
    await asked(pilot, AskTextScreen)
    await pilot.press("enter")  # accepted once the default folder is found


async def test_export_packs_one_archive_under_a_free_name(folder: Path, tmp_path: Path) -> None:
    run = fake_run(folder, losses=[3.0, 2.5], evaluations={2: 2.6})
    before = contents(run)
    async with pane(folder) as (app, pilot):
        await export(pilot)
        await wait_until(pilot, "one archive", lambda: "/fake.tar.gz" in str(app.told))
        await export(pilot)
        await wait_until(pilot, "another", lambda: "/fake-2.tar.gz" in str(app.told))
        assert app.pane.runs.border_subtitle == "1 run"
    for name in ("fake.tar.gz", "fake-2.tar.gz"):
        with tarfile.open(tmp_path / name) as packed:
            assert "fake/run.json" in packed.getnames()
    assert contents(run) == before


async def test_export_names_its_folder_first_and_takes_another(
    folder: Path, tmp_path: Path
) -> None:
    fake_run(folder)
    (tmp_path / "other").mkdir()
    async with pane(folder) as (app, pilot):
        await pilot.press("e")
        await asked(pilot, AskTextScreen)
        question = app.screen
        assert isinstance(question, AskTextScreen)
        await wait_until(pilot, "the folder", lambda: str(tmp_path) in str(question.words.content))
        question.field.value = "nowhere"
        await wait_until(pilot, "no", lambda: "There is no folder" in str(question.words.content))
        question.field.value = "other"
        await pilot.press("enter")
        await wait_until(
            pilot, "the archive", lambda: any("Packed into" in one for one in app.told)
        )
    assert not (tmp_path / "fake.tar.gz").exists()
    assert (tmp_path / "other" / "fake.tar.gz").exists()


@pytest.mark.parametrize(
    "typed",
    ["~nobody/x", "x" * 300, "/" + "y" * 300, "a/" * 3_000, "\0", "/\0", "\ud800", "*", "~"],
)
def test_whatever_is_typed_for_a_folder_is_a_folder_or_refused(typed: str) -> None:
    with contextlib.suppress(CharRNNError):
        assert actions.archive_folder(typed).is_dir()


async def test_home_and_end_go_to_the_first_and_the_last_run(folder: Path) -> None:
    for name in ("a", "b", "c"):
        fake_run(folder, name=name)
    async with pane(folder) as (app, pilot):
        table = app.pane.query_one(RunTable)
        await pilot.press("end")
        await wait_until(pilot, "the last", lambda: table.cursor == 2)
        await pilot.press("home")
        await wait_until(pilot, "the first", lambda: table.cursor == 0)


async def test_a_run_is_exported_while_it_trains(
    folder: Path, tmp_path: Path, trainer: FakeTrainer
) -> None:
    async with pane(folder) as (app, pilot):
        await export(pilot)
        await wait_until(
            pilot, "the archive", lambda: any("Packed into" in one for one in app.told)
        )
    assert (tmp_path / "live.tar.gz").exists()


class HeldPacking:
    """A fake export that reports 50 % until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(
        self, run: RunDirectory, folder: Path, progress: Callable[[int, int | None], None]
    ) -> actions.Outcome:
        progress(50, 100)
        while not self.released.wait(0.01):
            progress(50, 100)
        return actions.Outcome("Packed at last.")


async def test_sentences_name_the_keys_that_the_user_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "export", HeldPacking())
    fake_run(folder)
    async with pane(folder, keys={"runs.restore": "b", "runs.export": "y"}) as (app, pilot):
        await export(pilot, "y")
        words = "50 %, y cancels it"
        await wait_until(pilot, "how far it is", lambda: words in screen_text(app))
        await press(app, pilot, "y", "Cancelled. No file is left behind.")
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        assert "into the trash? b restores it." in screen_text(app)
        await press(app, pilot, "d", "fake is in the trash; b restores it.")


async def test_one_action_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldPacking()
    monkeypatch.setattr(actions, "export", held)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await export(pilot)
        words = "Packing fake … 50 %, e cancels it"
        await wait_until(pilot, "how far it is", lambda: words in screen_text(app))
        await press(app, pilot, "u", "Packing fake: wait until that is done.")
        assert words in screen_text(app)
        held.released.set()
        await wait_until(pilot, "its end", lambda: "Packed at last." in app.told)
        assert app.pane.runs.border_subtitle == "1 run"


async def test_packing_can_be_cancelled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "export", HeldPacking())
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await export(pilot)
        await wait_until(pilot, "how far it is", lambda: "50 %" in screen_text(app))
        await press(app, pilot, "e", "Cancelled. No file is left behind.")
        await press(app, pilot, "u", "There is nothing in the trash")


def test_packing_that_was_cancelled_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    run = fake_run(folder)

    def cancel(_done: int, _total: int | None) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        actions.export(run, tmp_path, cancel)
    assert not list(tmp_path.glob("*fake*"))


async def test_packing_ends_with_the_app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def pack(_run: object, _folder: object, progress: Callable[[int, int], None]) -> None:
        try:
            while True:
                progress(1, 2)
        finally:
            ended.set()

    monkeypatch.setattr(actions, "export", pack)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await export(pilot)
        await wait_until(pilot, "how far it is", lambda: "50 %" in screen_text(app))
    assert ended.wait(30)


@pytest.mark.parametrize("error", [StorageError("The disk is full."), OSError(28, "No space")])
async def test_an_action_that_fails_shows_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(actions, "export", refuse)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await export(pilot)
        await wait_until(pilot, "why", lambda: any(str(error) in one for one in app.told))
        assert app.pane.runs.border_subtitle == "1 run"


async def test_a_defect_closes_the_app_and_is_not_hidden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(actions, "export", fail)
    fake_run(folder)

    async def press_until_it_ends() -> None:
        async with pane(folder) as (app, pilot):
            await export(pilot)
            await wait_until(pilot, "the end of the app", lambda: not app.is_running)

    with pytest.raises(ZeroDivisionError):
        await press_until_it_ends()


async def test_archives_go_to_the_home_folder_if_this_one_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert actions.archive_folder("") == Path.home()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert actions.archive_folder("") == Path.home()
