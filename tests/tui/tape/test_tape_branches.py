"""Branches in the app: switch, list, name, compare, save and load."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.tape_app import LENGTH, TapeApp, tape_app
from tests.support.tiny_model import tiny_model_file
from tests.support.waiting import wait_until
from tui_charrnn.tui.tape.branches import BranchesScreen, ComparisonScreen
from tui_charrnn.tui.text.saving import texts_folder


async def fork(app: TapeApp, back: int, branch: int) -> None:
    """Choose another character at a distance from the end, and wait for the new branch."""
    length = app.text.shown
    await app.press("end", *["left"] * back)
    other = next(n for n, row in enumerate(app.panel.rows, 1) if not row.is_chosen and not row.note)
    await app.pilot.press(str(other))
    await wait_until(app.pilot, "the branch", lambda: app.text.branch == branch)
    await app.rested(length - back + 1 + LENGTH)
    await app.known()


async def test_branches_of_a_fork_are_walked_and_nothing_is_lost(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        texts = [shown_text(app.app)]
        for number in (1, 2):
            if number == 2:
                await app.press("n")
            await fork(app, 9, number)
            texts.append(shown_text(app.app))
        assert app.at == (2, LENGTH - 9)
        seen = []
        for _ in range(3):
            await app.press("n")
            assert app.at[1] == LENGTH - 9
            seen.append(app.at[0])
            assert shown_text(app.app) == texts[app.at[0]] == app.tape.text(app.at[0])
        assert seen == [0, 1, 2]
        await app.press("N")
        assert app.at == (1, LENGTH - 9)
        await app.press("u", "u")
        assert app.at == (1, LENGTH - 9)


async def test_undo_goes_back_to_the_branch_and_the_place_before(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        before = shown_text(app.app)
        await fork(app, 9, 1)
        await app.press("u")
        assert app.at == (0, LENGTH - 9)
        assert shown_text(app.app) == before
        await app.press("u")
        assert "nothing to go back to" in note_of(app.app)
        assert len(app.tape.tree.branches) == 2


async def test_a_character_that_came_before_leads_to_its_branch(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        first = app.tape.tree.branches[0].indices[LENGTH - 9]
        await fork(app, 9, 1)
        row = [row.alternative.index for row in app.panel.rows].index(first)
        assert app.panel.rows[row].note == "branch 1"
        await app.press(str(row + 1))
        assert app.at == (0, LENGTH - 9)
        chosen = next(n for n, row in enumerate(app.panel.rows, 1) if row.is_chosen)
        await app.press(str(chosen))
        assert app.at == (0, LENGTH - 8)
        assert len(app.tape.tree.branches) == 2


async def test_the_cursor_goes_to_forks(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await fork(app, 9, 1)
        await fork(app, 5, 2)
        late, early = app.at[1], LENGTH - 9
        await app.press("f")
        assert app.at == (2, early)
        await app.press("f")
        assert "no fork before" in note_of(app.app)
        await app.press("g")
        assert app.at == (2, late)
        await app.press("end", "n")
        assert app.at == (1, late)


async def test_going_on_continues_the_branch_in_sight(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await fork(app, 9, 1)
        await app.press("n")
        await app.pilot.press("ctrl+g")
        await app.rested(2 * LENGTH)
        assert len(app.tape.tree.branches[0].indices) == 2 * LENGTH
        assert shown_text(app.app) == app.tape.text(0)
        assert app.at == (0, LENGTH - 9)


async def test_branches_are_listed_named_and_chosen(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await fork(app, 9, 1)
        await app.pilot.press("t")
        await app.pilot.press(*"ab", "enter")
        assert app.tape.tree.branches[1].name == "ab"
        await app.pilot.press("l")
        await wait_until(app.pilot, "the list", lambda: "Branches · 2" in screen_text(app.app))
        assert f"from {LENGTH - 8}, {LENGTH + 1} characters" in screen_text(app.app)
        app.tape.tree.branches[0].name = "\x1b[31m"
        await app.pilot.press("n", *"cd", "enter")
        await wait_until(app.pilot, "the names", lambda: "␛[31m" in screen_text(app.app))
        assert isinstance(app.app.screen, BranchesScreen)
        assert app.tape.tree.branches[1].name == "cd"
        await app.pilot.press("up")
        await app.pilot.press("enter")
        await wait_until(app.pilot, "the branch", lambda: app.cursor.at == (0, 0))
        await app.press("u")
        assert app.at == (1, LENGTH - 9)


async def test_two_branches_are_compared_from_where_they_part(tmp_path: Path) -> None:
    async with tape_app(tmp_path, size=(120, 36)) as app:
        await fork(app, 9, 1)
        shared = app.tape.tree.shared(0, 1)
        await app.pilot.press("c")
        assert isinstance(app.app.screen, ComparisonScreen)
        shown = screen_text(app.app)
        assert f"Branch 1 · {LENGTH - shared} characters, {shared} shared before" in shown
        assert f"Branch 2 · {LENGTH - 8 + LENGTH - shared} characters" in shown
        ends = [app.tape.text(number, shared).split("\n")[-1] for number in (0, 1)]
        assert all(end in shown for end in ends)
        await app.pilot.press("down", "pagedown", "end", "home", "escape")
        assert len(app.app.screen_stack) == 1


async def test_a_saved_tape_opens_with_all_its_branches_and_continues_alike(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await fork(app, 9, 1)
        app.tape.branch.name = "second"
        await app.pilot.press("s")
        await wait_until(app.pilot, "the path", lambda: "Saved the tape" in note_of(app.app))
        (path,) = texts_folder().glob("tape-*.json")
        tape, branches = app.tape, app.tape.tree.branches
        await app.pilot.press("o", "enter")
        await wait_until(app.pilot, "the tape", lambda: note_of(app.app).startswith("The tape is"))
        assert app.tape.tree.branches == branches
        assert app.text.branch == 1
        assert shown_text(app.app).endswith(app.tape.text(1))
    again = tiny_app(tmp_path)
    again.session.tape = path
    settings_of(again).speed, settings_of(again).length = None, LENGTH
    async with again.run_test() as pilot:
        await wait_until(pilot, "the tape", lambda: note_of(again).startswith("The tape is open."))
        assert settings_of(again).sampling.temperature == 0.9
        await pilot.press("ctrl+g")
        length = branches[1].length + LENGTH
        pane = again.main.text_pane
        await wait_until(pilot, "more", lambda: pane.text.shown == length)
        for _ in range(LENGTH):
            tape.next()
        assert shown_text(again) == tape.text(1)


async def test_what_cannot_be_opened_leaves_the_text_and_its_tape(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1]")
    async with tape_app(tmp_path) as app:
        tape, text = app.tape, shown_text(app.app)
        await app.pilot.press("left", "o")
        app.app.screen.query_one(Input).value = str(wrong)
        await app.pilot.press("enter")
        await wait_until(app.pilot, "the reason", lambda: "is not a tape" in note_of(app.app))
        await app.press("left")
        assert app.tape is tape
        assert shown_text(app.app) == text
        await app.pilot.press("1")
        await wait_until(app.pilot, "a branch", lambda: len(tape.tree.branches) == 2)


async def test_a_tape_of_a_missing_model_is_refused(tmp_path: Path) -> None:
    async with tape_app(tmp_path) as app:
        await app.pilot.press("s")
        await wait_until(app.pilot, "the path", lambda: "Saved the tape" in note_of(app.app))
    (path,) = texts_folder().glob("tape-*.json")
    other = tiny_app(tmp_path / "other")
    tiny_model_file(tmp_path / "tiny.safetensors", rng_seed=1)
    tiny_model_file(tmp_path / "other" / "tiny.safetensors", rng_seed=2)
    other.session.tape = path
    async with other.run_test() as pilot:
        await wait_until(pilot, "the reason", lambda: "or replaced" in note_of(other))


@pytest.mark.parametrize(
    "make",
    [lambda path: path.write_text('{"format": 1, "model": 7}'), os.mkfifo],
    ids=["7", "pipe"],
)
async def test_what_is_named_as_a_tape_and_is_none(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    app = tiny_app(tmp_path)
    app.session.tape = tmp_path / "none.json"
    make(app.session.tape)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the reason", lambda: "This is not a tape" in note_of(app))
