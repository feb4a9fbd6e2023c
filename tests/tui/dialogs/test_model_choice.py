"""The list of models to generate with: its entries, its filter, its result."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tests.support.fake_run import fake_run
from tests.support.shown_screen import screen_rows, screen_text
from tests.support.themed_app import ThemedApp
from tests.support.viewed_run import viewed
from tests.support.waiting import wait_until
from tui_charrnn.folders import DEFAULT_MODEL, bundled_models
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.tui.text.generation_dialogs import ModelChoice, ModelScreen


class Host(ThemedApp):
    """Offers the models of a session and stores the answer."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.answers: list[ModelChoice | None] = []
        self.dialog = ModelScreen(session)

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answers.append)


@asynccontextmanager
async def offering(session: Session) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(session)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the list", lambda: DEFAULT_MODEL in screen_text(app))
        yield app, pilot


async def answer_to(session: Session, *keys: str) -> ModelChoice | None:
    async with offering(session) as (app, pilot):
        await pilot.press(*keys)
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    return app.answers[0]


def cursor_of(app: Host) -> str:
    option = app.dialog.models.highlighted_option
    return str(option.prompt).split()[0] if option else ""


async def test_bundled_models_and_runs_are_listed_with_their_networks(tmp_path: Path) -> None:
    fake_run(tmp_path, name="mine", evaluations={2: 2.25})
    async with offering(Session(tmp_path)) as (app, _):
        rows = screen_rows(app)
    assert all(any(name in row and "bundled" in row for row in rows) for name in bundled_models())
    assert any("mine" in row and "a run · 1x" in row for row in rows)
    assert any(DEFAULT_MODEL in row and "1x512 lstm" in row and " nats" in row for row in rows)


async def test_the_cursor_begins_on_the_model_that_is_chosen(tmp_path: Path) -> None:
    async with offering(Session(tmp_path)) as (app, _):
        assert cursor_of(app) == DEFAULT_MODEL
    async with offering(Session(tmp_path, model="python")) as (app, _):
        assert cursor_of(app) == "python"


async def test_arrows_go_through_the_list_and_enter_takes(tmp_path: Path) -> None:
    names = list(bundled_models())
    assert await answer_to(Session(tmp_path), "down", "enter") == (WeightsSource.DEFAULT, names[1])


async def test_what_is_typed_narrows_the_list(tmp_path: Path) -> None:
    assert await answer_to(Session(tmp_path), *"PYT", "enter") == (WeightsSource.DEFAULT, "python")


async def test_the_shown_run_offers_its_newest_and_its_best_weights(tmp_path: Path) -> None:
    session = Session(tmp_path, view=viewed(fake_run(tmp_path, name="shown")))
    answer = await answer_to(session, "pageup", "enter")
    assert answer == (WeightsSource.NEWEST, None)
    session.source = WeightsSource.NEWEST
    assert await answer_to(session, "down", "enter") == (WeightsSource.BEST, None)


async def test_a_file_that_is_named_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "copy.safetensors"
    file.write_bytes(bundled_models()[DEFAULT_MODEL].read_bytes())
    async with offering(Session(tmp_path)) as (app, pilot):
        app.dialog.field.value = str(file)
        await pilot.press("enter")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == [(WeightsSource.DEFAULT, str(file))]


async def test_a_file_that_was_named_before_is_in_the_list(tmp_path: Path) -> None:
    named = str(tmp_path / "elsewhere.safetensors")
    async with offering(Session(tmp_path, model=named)) as (app, _):
        assert cursor_of(app) == "elsewhere.safetensors"


async def test_a_name_of_nothing_is_refused_with_what_there_is(tmp_path: Path) -> None:
    async with offering(Session(tmp_path)) as (app, pilot):
        await pilot.press(*"nope", "enter")
        await wait_until(pilot, "the problem", lambda: "There is no model file" in screen_text(app))
        assert app.answers == []
        await pilot.press("escape")
        await wait_until(pilot, "an answer", lambda: bool(app.answers))
    assert app.answers == [None]


async def test_a_folder_that_cannot_be_read_leaves_the_bundled_models(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    async with offering(Session(tmp_path / "runs")) as (app, _):
        assert "is not a folder" in str(app.dialog.problem.content)


async def test_a_name_that_is_cut_ends_with_an_ellipsis(tmp_path: Path) -> None:
    fake_run(tmp_path, name="a-run-with-a-name-of-many-words", evaluations={2: 2.25})
    async with offering(Session(tmp_path)) as (app, pilot):
        cut = "a-run-with-a-name-of-man… a run"
        await wait_until(pilot, "the name", lambda: cut in screen_text(app))
