"""The runs pane: each key does what it says, or says why it cannot."""

import tarfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.open_app import RecordingLauncher
from tests.support.shown_screen import screen_text
from tests.support.themed_app import ThemedApp
from tests.support.waiting import wait_until
from tui_charrnn.errors import RunError, StorageError
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.upkeep import list_trash
from tui_charrnn.tui import run_chores, run_lookout
from tui_charrnn.tui.errand import GivenUpError
from tui_charrnn.tui.messages import NewsTold, ResumeRequested, RunCompared, RunMoved, RunOpened
from tui_charrnn.tui.screens.ask_text import AskTextScreen
from tui_charrnn.tui.screens.question import QuestionScreen
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.widgets.runs_pane import RunsPane
from tui_charrnn.viewing.run_view import RunView


class Host(ThemedApp):
    """Holds the pane, and keeps what it asks for."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.pane = RunsPane(session)
        self.told: list[str] = []
        self.asked: list[tuple[str, RunDirectory | None]] = []
        self.moved: list[tuple[RunDirectory, RunDirectory | None]] = []

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_news_told(self, event: NewsTold) -> None:
        self.told.append(event.news.sentence)

    def on_run_opened(self, event: RunOpened) -> None:
        self.asked.append(("open", event.run))

    def on_run_compared(self, event: RunCompared) -> None:
        self.asked.append(("compare", event.run))

    def on_resume_requested(self, event: ResumeRequested) -> None:
        self.asked.append(("resume", event.run))

    def on_run_moved(self, event: RunMoved) -> None:
        self.moved.append((event.before, event.after))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder; archives are put beside it."""
    monkeypatch.setattr(run_lookout, "INTERVAL", 0.1)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def trainer(folder: Path) -> Iterator[FakeTrainer]:
    """At work on the run `live`."""
    with FakeTrainer(created_run(folder, name="live")) as trainer:
        trainer.start()
        trainer.train(3.0)
        yield trainer


@pytest.fixture
def launch() -> Iterator[RecordingLauncher]:
    """Starts processes that train nothing and wait for their end."""
    launch = RecordingLauncher()
    yield launch
    launch.end()


@asynccontextmanager
async def pane(
    folder: Path, *, size: tuple[int, int] = (80, 24), readonly: bool = False
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    """The pane, once it shows the folder."""
    app = Host(Session(runs_folder=folder, is_readonly=readonly))
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "a listing", lambda: "Looking" not in screen_text(app))
        app.pane.runs.table.focus()
        yield app, pilot


async def press(app: Host, pilot: Pilot[None], key: str, answer: str) -> None:
    """Press a key and wait until something is told that has these words."""
    await pilot.press(key)
    await wait_until(pilot, f"{answer!r} after {key}", lambda: answer in " ".join(app.told))


async def asked(pilot: Pilot[None], kind: type[object]) -> None:
    await wait_until(pilot, f"a {kind.__name__}", lambda: isinstance(pilot.app.screen, kind))


def names(folder: Path) -> list[str]:
    return sorted(found.run.name for found in list_runs(folder))


def contents(run: RunDirectory) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(run.path.rglob("*"))
    }


async def test_enter_opens_the_run(folder: Path) -> None:
    run = fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("enter")
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", run)])


async def test_a_double_click_opens_the_run(folder: Path) -> None:
    fake_run(folder, name="one")
    fake_run(folder, name="two")
    async with pane(folder) as (app, pilot):
        await pilot.click(app.pane.runs.table, offset=(20, 2))
        await pilot.pause()
        assert app.pane.runs.selected is not None
        clicked = app.pane.runs.selected.run
        assert clicked.name == "one"
        assert not app.asked
        await pilot.double_click(app.pane.runs.table, offset=(20, 2))
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


async def test_a_run_that_was_lost_or_never_begun_can_be_resumed(folder: Path) -> None:
    lose_trainer(fake_run(folder, name="lost", end=None))
    created_run(folder, name="created")
    async with pane(folder) as (app, pilot):
        await pilot.press("r", "down", "r")
        await wait_until(pilot, "both", lambda: len(app.asked) == 2)
        assert {run.name for _, run in app.asked if run is not None} == {"lost", "created"}


async def test_a_run_that_is_finished_is_not_resumed(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "r", "fake is finished. ^n trains another one.")
        assert not app.asked


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


async def test_a_run_that_is_paused_says_how_to_go_on(folder: Path, trainer: FakeTrainer) -> None:
    trainer.pause()
    trainer.writer.beat()
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "r", "live is paused. Enter opens it, F5 goes on.")


async def test_a_run_whose_trainer_was_just_started_is_left_alone(
    folder: Path, launch: RecordingLauncher
) -> None:
    run = created_run(folder)
    async with pane(folder) as (app, pilot):
        app.session.trainers[run.path] = launch(run)
        await press(app, pilot, "d", "fake is being trained")
        assert app.screen is app.pane.screen


async def test_a_run_that_was_taken_up_meanwhile_is_not_deleted(folder: Path) -> None:
    run = fake_run(folder, end="stopped")
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        with FakeTrainer(run):
            await press(app, pilot, "d", "is being trained, so it cannot be deleted")
        assert not app.moved
    assert names(folder) == ["fake"]


async def test_delete_asks_and_undo_brings_back(folder: Path) -> None:
    for name in ("one", "two", "three"):
        fake_run(folder, name=name)
    run = RunDirectory(folder / "two")
    before = contents(run)
    async with pane(folder) as (app, pilot):
        await pilot.press("down", "d")
        await asked(pilot, QuestionScreen)
        assert "Move two into the trash? u brings it back." in screen_text(app)
        await press(app, pilot, "d", "two is in the trash; u brings it back.")
        await wait_until(pilot, "it is gone", lambda: len(app.pane.runs.summaries) == 2)
        assert app.moved == [(run, None)]
        assert [trashed.name for trashed in list_trash(folder)] == ["two"]
        await press(app, pilot, "u", "two is back.")
        await wait_until(
            pilot,
            "the cursor is on it",
            lambda: app.pane.runs.selected is not None and app.pane.runs.selected.run == run,
        )
    assert contents(run) == before
    assert list_trash(folder) == []


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_nothing_is_deleted_unless_it_is_wanted(folder: Path, key: str) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await pilot.press(key)
        await wait_until(pilot, "the list", lambda: app.screen is app.pane.screen)
        assert app.pane.runs.border_subtitle == "1 run"
    assert names(folder) == ["fake"]


async def test_undo_says_if_there_is_nothing(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "u", "There is nothing in the trash")


async def test_undo_says_if_the_name_was_taken(folder: Path) -> None:
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("d")
        await asked(pilot, QuestionScreen)
        await press(app, pilot, "d", "in the trash")
        fake_run(folder)
        await press(app, pilot, "u", "fake-2 is back, as there is another fake by now.")


async def test_rename_gives_another_name(folder: Path) -> None:
    run = fake_run(folder)
    fake_run(folder, name="other")
    async with pane(folder) as (app, pilot):
        await pilot.press("down", "n")
        await asked(pilot, AskTextScreen)
        await pilot.press(*"new")
        await press(app, pilot, "enter", "fake is called new now.")
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
        ("other", "There is a run of this name."),
        ("a/b", "has no /"),
        (".a", "begins with none of . - ~"),
        ("a" * 101, "too long"),
        (" ", "A name is wanted."),
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
        assert not str(question.problem.content)
        question.field.value = typed
        await wait_until(pilot, "the problem", lambda: problem in str(question.problem.content))
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
        await press(app, pilot, "enter", "fake is called new now.")
        assert app.session.exit_code(RunDirectory(folder / "new")) == 0
        assert app.session.exit_code(run) is None


async def test_export_packs_one_archive_under_a_free_name(folder: Path, tmp_path: Path) -> None:
    run = fake_run(folder, losses=[3.0, 2.5], evaluations={2: 2.6})
    before = contents(run)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "e", "fake.tar.gz")
        await press(app, pilot, "e", "fake-2.tar.gz")
        assert app.pane.runs.border_subtitle == "1 run"
    for name in ("fake.tar.gz", "fake-2.tar.gz"):
        with tarfile.open(tmp_path / name) as packed:
            assert "fake/run.json" in packed.getnames()
    assert contents(run) == before


async def test_a_run_is_exported_while_it_trains(
    folder: Path, tmp_path: Path, trainer: FakeTrainer
) -> None:
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "e", "Packed into")
    assert (tmp_path / "live.tar.gz").exists()


class HeldPacking:
    """Packs nothing until it is let go; tells half of it at once."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def __call__(
        self, run: RunDirectory, folder: Path, progress: Callable[[int, int | None], None]
    ) -> run_chores.Outcome:
        progress(50, 100)
        while not self.let_go.wait(0.01):
            progress(50, 100)
        return run_chores.Outcome("Packed at last.")


async def test_one_chore_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldPacking()
    monkeypatch.setattr(run_chores, "pack", held)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("e")
        words = "Packing fake … 50 %, e gives it up"
        await wait_until(pilot, "how far it is", lambda: words in screen_text(app))
        await press(app, pilot, "u", "Packing fake: wait until that is done.")
        assert words in screen_text(app)
        held.let_go.set()
        await wait_until(pilot, "its end", lambda: "Packed at last." in app.told)
        assert app.pane.runs.border_subtitle == "1 run"


async def test_packing_can_be_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_chores, "pack", HeldPacking())
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("e")
        await wait_until(pilot, "how far it is", lambda: "50 %" in screen_text(app))
        await press(app, pilot, "e", "Given up; nothing is left of it.")
        await press(app, pilot, "u", "There is nothing in the trash")


def test_packing_that_was_given_up_leaves_no_file(folder: Path, tmp_path: Path) -> None:
    run = fake_run(folder)

    def give_up(_done: int, _total: int | None) -> None:
        raise GivenUpError

    told: list[Message] = []
    run_chores.carry_out(lambda: run_chores.pack(run, tmp_path, give_up), told.append)
    assert len(told) == 1
    assert not list(tmp_path.glob("*fake*"))


async def test_packing_ends_with_the_app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def pack(_run: object, _folder: object, progress: Callable[[int, int], None]) -> None:
        try:
            while True:
                progress(1, 2)
        finally:
            ended.set()

    monkeypatch.setattr(run_chores, "pack", pack)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await pilot.press("e")
        await wait_until(pilot, "how far it is", lambda: "50 %" in screen_text(app))
    assert ended.wait(30)


@pytest.mark.parametrize("error", [StorageError("The disk is full."), OSError(28, "No space")])
async def test_a_chore_that_fails_says_why(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(run_chores, "pack", refuse)
    fake_run(folder)
    async with pane(folder) as (app, pilot):
        await press(app, pilot, "e", str(error))
        assert app.pane.runs.border_subtitle == "1 run"


async def test_a_defect_closes_the_app_and_is_not_hidden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_chores, "pack", stumble)
    fake_run(folder)

    async def press_until_it_ends() -> None:
        async with pane(folder) as (app, pilot):
            await pilot.press("e")
            await wait_until(pilot, "the end of the app", lambda: not app.is_running)

    with pytest.raises(ZeroDivisionError):
        await press_until_it_ends()


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
        for key in "rndu":
            app.told.clear()
            await press(app, pilot, key, "This view is read-only")
        assert app.screen is app.pane.screen
        assert not app.asked
        await press(app, pilot, "e", "Packed into")
        await pilot.press("enter")
        await wait_until(pilot, "it is asked for", lambda: app.asked == [("open", run)])
    assert contents(run) == before
    assert not (folder / ".trash").exists()


async def test_without_a_run_every_key_says_what_to_do(folder: Path) -> None:
    async with pane(folder) as (app, pilot):
        for action in ("open", "resume", "compare", "rename", "export", "delete"):
            app.told.clear()
            await app.pane.run_action(action)
            await wait_until(
                pilot, f"{action} says so", lambda: "^n trains the first one" in " ".join(app.told)
            )


async def test_archives_go_home_if_this_folder_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert run_chores.folder_for_archives() == Path.home()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run_chores.folder_for_archives() == Path.home()


def test_a_chore_tells_its_failure() -> None:
    told: list[Message] = []

    def refuse() -> run_chores.Outcome:
        raise RunError("No.")

    run_chores.carry_out(refuse, told.append)
    (done,) = told
    assert isinstance(done, run_chores.ChoreDone)
    assert str(done.error) == "No."
