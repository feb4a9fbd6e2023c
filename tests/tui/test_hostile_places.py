"""Names and texts with control characters: the app never draws them unchanged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot

from tests.support.fake_run import FakeTrainer, created_run
from tests.support.form_app import FormApp, form_shown
from tests.support.generations import make_generation
from tests.support.history_app import history_page, noted, shown
from tests.support.hostile_text import STRINGS, as_argument, as_file_name, harm_in
from tests.support.open_app import note_of, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.history.generation import ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.storage import Storage
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.tape.branches import BranchesScreen

SIZE: Final = (120, 36)


def check(app: App[Any]) -> None:
    """Check that no control character is on the screen but the program's own line feeds."""
    assert "\t" not in screen_text(app)
    assert harm_in(screen_text(app), is_text=True) == []


def hostile_run(folder: Path, string: str) -> RunDirectory:
    """A run in which every possible field and its name are the string."""
    run = created_run(folder, pinned_seeds=("to be",))
    described = read_description(run)
    corpus = replace(described.corpus, name=string, sources=(string,))
    described = replace(described, corpus=corpus, preset=string, host=string, created=string)
    Storage().write_atomically(run.description, encode_json(described.to_json()))
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.sample("to be", string)
        trainer.fail(string)
    run.log.write_bytes(string.encode("utf-8", "surrogatepass") + b"\n")
    return RunDirectory(run.path.rename(folder / as_file_name(string)))


async def test_runs(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    app.session.settings.length = 100  # so that it need not be drawn all the time
    async with app.run_test(size=SIZE) as pilot:
        for string in STRINGS.values():
            run = hostile_run(tmp_path / "runs", string)
            app.main.open_run(run)
            await wait_until(pilot, "the run", lambda: has_failed(app))
            for key in ("f3", "f4", "ctrl+t", "ctrl+l"):
                await pilot.press(key)
                await wait_until(pilot, "the pane", lambda: "evil" in screen_text(app))
                check(app)


def has_failed(app: CharRNNApp) -> bool:
    """Whether the end of the shown run has been read."""
    view = app.session.view
    return view is not None and view.run == app.session.run and view.failed is not None


async def test_notes_and_toasts(tmp_path: Path) -> None:
    session = tiny_app(tmp_path).session
    session.settings.length = 100
    # the long one would leave no room for the others
    session.problems = (" ".join(text for kind, text in STRINGS.items() if kind != "long"),)
    app = CharRNNApp(session)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await wait_until(pilot, "toasts", lambda: "evil" in screen_text(app))
        for string in STRINGS.values():
            app.main.note.show_note(string, is_problem=True)
            await pilot.pause()
            check(app)


async def test_history(tmp_path: Path) -> None:
    texts = [
        make_generation(
            string,
            string,
            no_replay_because=string,
            model=ModelReference(ModelLabel.parse(string), f"/{number}", "ab"),
        )
        for number, string in enumerate(STRINGS.values())
    ]
    async with history_page(tmp_path, *texts, size=SIZE) as (page, pilot):
        for text in reversed(texts):
            await shown(pilot, page, "evil")
            assert page.browser.entry is not None
            assert page.browser.entry.generation.model.file == text.model.file
            await pilot.pause()
            check(pilot.app)
            await pilot.press("r")
            await noted(pilot, page, "cannot")
            check(pilot.app)
            page.browser.entry = None
            await pilot.press("down")


async def test_seeds_and_texts(tmp_path: Path) -> None:
    known = {char for string in STRINGS.values() for char in string}
    vocabulary = "".join(sorted(char for char in known if not "\ud800" <= char <= "\udfff"))
    app = tiny_app(tmp_path, vocabulary=vocabulary)
    app.session.settings.speed, app.session.settings.length = None, 300
    async with app.run_test(size=SIZE) as pilot:
        for string in STRINGS.values():
            await wait_until(pilot, "an end", lambda: "continues" in note_of(app))
            seed = app.main.text_pane.seed
            seed.load_text(string)
            await pilot.pause()
            check(app)
            app.main.note.show_note("")
            await pilot.press("enter")
            await wait_until(pilot, "an answer", lambda: "continues" in note_of(app))
            check(app)


async def test_hostile_file_names_are_shown_safely(tmp_path: Path) -> None:
    for string in STRINGS.values():
        (tmp_path / as_file_name(string)).write_bytes(string.encode("utf-8", "surrogatepass") * 9)
    app = FormApp(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{tmp_path}/evil")
        await pilot.pause()
        for string in STRINGS.values():
            app.type_into(corpus=str(tmp_path / as_file_name(string)))
            await pilot.pause()
            check(app)


@asynccontextmanager
async def field_of(folder: Path, kind: str) -> AsyncIterator[tuple[App[Any], Pilot[None]]]:
    """An app in which a text field has the focus."""
    app: App[Any] = FormApp(folder) if kind == "form" else tiny_app(folder)
    async with app.run_test(size=SIZE) as pilot:
        keys = {"help": "f1", "palette": "ctrl+p"}
        if kind in keys:
            await pilot.press(keys[kind])
        await wait_until(pilot, "a field", lambda: hasattr(app.focused, "value"))
        yield app, pilot


@pytest.mark.parametrize("kind", ["form", "help", "palette"])
async def test_what_is_pasted_into_a_field(tmp_path: Path, kind: str) -> None:
    async with field_of(tmp_path, kind) as (app, pilot):
        for string in STRINGS.values():
            app.post_message(events.Paste(as_argument(string)))
            await wait_until(pilot, "what was pasted", lambda: "evil" in screen_text(app))
            check(app)


async def test_names_of_branches(tmp_path: Path) -> None:
    """Check the names in a tape file that somebody else wrote."""
    app = tiny_app(tmp_path)
    app.session.settings.speed, app.session.settings.length = None, 20
    async with app.run_test(size=SIZE) as pilot:
        await wait_until(pilot, "an end", lambda: "continues" in note_of(app))
        tape = app.main.text_pane.text.tape
        assert tape is not None
        tree = tape.tree
        for string in STRINGS.values():
            tree.branches[0].name = string
            await app.push_screen(BranchesScreen(tape, 0))
            await pilot.pause()
            check(app)
            await app.pop_screen()
            await pilot.press("f2", "f2")
            await pilot.pause()
            check(app)
            app.main.action_show("training")
