"""The keys of the generated text and of the seed input, in the whole app."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from tests.support.open_app import note_of, settings_of, shown_text, tiny_app
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.folders import state_folder
from tui_charrnn.generation.stream import CharacterStream, PrimedSeed
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.session import DEFAULT_LENGTH
from tui_charrnn.tui.text.saving import texts_folder
from tui_charrnn.tui.text.search import SearchBar
from tui_charrnn.tui.text.seed_input import LONGEST_SEED, SeedHistory


@pytest.fixture(autouse=True)
def unknown_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set whether the terminal takes copies, and use another home folder."""
    for variable in ("TERM_PROGRAM", "WT_SESSION", "TMUX", "STY", "ZELLIJ"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def fast_app(folder: Path) -> CharRNNApp:
    """Return an app that always generates the same 2,000 characters, without delay."""
    app = tiny_app(folder)
    settings_of(app).speed = None
    settings_of(app).sampling = SamplingConfig(rng_seed=5)
    return app


async def whole_text(pilot: object, app: CharRNNApp) -> str:
    """Wait for the end of the first text, and return it; it has the focus then."""
    await wait_until(pilot, "the end", lambda: "2,000 characters." in note_of(app))  # type: ignore[arg-type]  # any pilot
    return shown_text(app)


async def test_tab_goes_to_the_text_and_back(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("tab")
        assert app.focused is app.main.text_pane.view
        await pilot.press("c")
        assert app.main.text_pane.seed.text == ""
        await pilot.press("tab", "x", "shift+tab")
        assert app.main.text_pane.seed.text == "x"
        assert app.focused is app.main.text_pane.view


async def test_the_row_offers_the_keys_of_the_text(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "c Copy" not in screen_text(app)
        await pilot.press("tab")
        await wait_until(pilot, "the keys", lambda: "c Copy s Save / Find" in screen_text(app))


async def test_copying_takes_the_whole_text_also_into_a_file(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        shown = await whole_text(pilot, app)
        await pilot.press("tab", "c")
        assert app.clipboard == shown
        await wait_until(pilot, "the path", lambda: "also saved to" in note_of(app))
        (copy,) = texts_folder().iterdir()
        assert copy.read_text() == shown
        assert str(copy) in note_of(app)


async def test_a_terminal_that_takes_copies_needs_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "c")
        await wait_until(pilot, "the note", lambda: "Copied 2,000 characters." in note_of(app))
        assert not texts_folder().exists()


async def test_only_the_last_text_is_copied_or_what_is_selected(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        first = await whole_text(pilot, app)
        await pilot.press(*"cab", "enter")
        length = len(first) + 3 + DEFAULT_LENGTH
        await wait_until(pilot, "the second", lambda: len(shown_text(app)) == length)
        await pilot.press("tab", "c")
        assert app.clipboard == shown_text(app)[len(first) :]
        await pilot.press("home", "v", "v")
        await wait_until(pilot, "how", lambda: note_of(app).startswith("The arrows select;"))
        await pilot.press("right", "right", "c")
        assert app.clipboard == first[:2]
        await pilot.press("a", "c")
        assert app.clipboard.startswith(first[:50])
        rule = re.search(r"\n── \d\d:\d\d · RNG \d+ ──\ncab", app.clipboard)
        assert rule is not None


async def test_saving_writes_the_text_and_its_settings(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        shown = await whole_text(pilot, app)
        await pilot.press("tab", "s")
        await wait_until(pilot, "the path", lambda: str(texts_folder()) in note_of(app))
        text, settings = sorted(texts_folder().iterdir(), key=lambda path: path.suffix)[::-1]
        assert text.read_text() == shown
        found = json.loads(settings.read_text())
        assert (found["rng_seed"], found["length"]) == (5, DEFAULT_LENGTH)
        assert str(tmp_path / "tiny.safetensors") in found["command"]


async def test_a_changed_temperature_is_saved_with_the_text(
    tmp_path: Path,
) -> None:
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        await whole_text(pilot, app)
        await pilot.press("f8", "ctrl+g")
        await wait_until(pilot, "more", lambda: len(shown_text(app)) == 2 * DEFAULT_LENGTH)
        await pilot.press("tab", "s")
        await wait_until(pilot, "the path", lambda: str(texts_folder()) in note_of(app))
        found = json.loads(next(texts_folder().glob("*.json")).read_text())
        assert [change["after"] for change in found["changes"]] == [DEFAULT_LENGTH]
        assert found["command"] is None


async def test_a_failed_save_is_reported(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    texts_folder().parent.mkdir(parents=True)
    texts_folder().write_text("in the way")
    async with app.run_test() as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "s")
        await wait_until(pilot, "the reason", lambda: "could not be saved" in note_of(app))


async def test_a_search_counts_its_matches_steps_through_them_and_closes(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        shown = await whole_text(pilot, app)
        await pilot.press("tab", "slash")
        await wait_until(pilot, "the row", lambda: app.main.query(SearchBar).first().is_mounted)
        await pilot.press("a", "b")
        count = shown.count("ab")
        await wait_until(pilot, "a count", lambda: f"/{count}" in screen_text(app))
        pane = app.main.text_pane
        at = pane.search_bar.search.count
        await pilot.press("enter")
        assert app.focused is pane.view
        await pilot.press("n")
        assert pane.search_bar.search.count != at
        await pilot.press("N")
        assert pane.search_bar.search.count == at
        await pilot.press("escape")
        assert pane.search_bar.search.count == ""
        assert app.focused is pane.view
        assert not app.main.query(SearchBar).first().display
        await pilot.press("escape")
        await wait_until(pilot, "the seed box", lambda: app.focused is app.main.text_pane.seed)


async def test_a_search_that_is_opened_again_begins_with_the_last(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "n")  # without a search, the same as /
        pane = app.main.text_pane
        await wait_until(pilot, "the row", lambda: len(app.main.query("#search-field")) == 1)
        await pilot.press("a", "escape", "slash")
        await wait_until(pilot, "the last", lambda: "/" in pane.search_bar.search.count)
        await pilot.press("z")
        assert pane.search_bar.search.count == "no match"
        await pilot.press("escape")
        assert pane.search_bar.search.count == ""


async def test_escape_stops_the_text_while_a_seed_is_typed_beside_a_search(
    tmp_path: Path,
) -> None:
    app = tiny_app(tmp_path)
    settings_of(app).speed = 10
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "some characters", lambda: len(shown_text(app)) > 2)
        await pilot.press("tab", "slash", "a", "enter")
        app.main.text_pane.seed.focus()
        await pilot.press("escape")
        await wait_until(pilot, "the note", lambda: note_of(app).startswith("Stopped."))
        assert app.main.text_pane.search_bar.search.count


async def test_hostile_characters_are_looked_for_by_their_signs(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "slash")
        await wait_until(pilot, "the row", lambda: len(app.main.query("#search-field")) == 1)
        app.main.text_pane.view.append("\x1b[31m")
        app.post_message(events.Paste("\x1b[31"))
        pane = app.main.text_pane
        await wait_until(pilot, "it is found", lambda: pane.search_bar.search.count == "1/1")
        assert "␛[31" in screen_text(app)


async def test_escape_leaves_the_cursor_first(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "v")
        await wait_until(pilot, "the note", lambda: "v begins to select" in note_of(app))
        await pilot.press("escape")
        assert not app.main.text_pane.view.selection.has_cursor
        assert app.focused is app.main.text_pane.view


async def test_a_new_seed_is_followed_again(tmp_path: Path) -> None:
    app = fast_app(tmp_path)
    async with app.run_test(size=(40, 14)) as pilot:
        await whole_text(pilot, app)
        await pilot.press("tab", "home", "tab", "c", "enter")
        await wait_until(pilot, "the end", lambda: app.main.text_pane.view.follows_end)


async def test_nothing_to_copy_or_save_is_reported(tmp_path: Path) -> None:
    app = CharRNNApp(tiny_app(tmp_path).session)
    app.session.model = str(tmp_path / "missing.safetensors")
    async with app.run_test() as pilot:
        await wait_until(pilot, "the problem", lambda: "no model" in note_of(app))
        await pilot.press("tab", "c")
        await wait_until(pilot, "the note", lambda: "no text to copy" in note_of(app))
        await pilot.press("s")
        await wait_until(pilot, "the note", lambda: "no text to save" in note_of(app))


async def test_seeds_are_remembered_from_one_session_to_the_next(tmp_path: Path) -> None:
    history = SeedHistory(state_folder() / "seeds.jsonl")
    async with tiny_app(tmp_path / "one").run_test() as pilot:
        await pilot.press(*"abc", "enter")
        await wait_until(pilot, "it is written", lambda: history.read() == ["abc"])
    app = tiny_app(tmp_path / "two")
    async with app.run_test() as pilot:
        seed = app.main.text_pane.seed
        await wait_until(pilot, "it is read", lambda: seed.submitted_seeds == ["abc"])
        await pilot.press("up")
        assert seed.text == "abc"


async def test_seeds_that_cannot_be_saved_are_remembered_until_the_app_quits(
    tmp_path: Path,
) -> None:
    folder = state_folder()
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a warning", lambda: len(app._notifications) == 1)
        await pilot.press("a", "enter", "b", "enter", "up", "up")
        assert app.main.text_pane.seed.text == "a"
        assert "until you quit" in next(iter(app._notifications)).message
        assert len(app._notifications) == 1


async def test_a_huge_paste_is_cut_and_reported(tmp_path: Path) -> None:
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await wait_until(pilot, "a text", lambda: app.main.text_pane.view.streaming)
        app.post_message(events.Paste("ROMEO:\n\x1b[31m" + "a b" * 350_000))
        note = "The seed is the last 10,000 characters"
        await wait_until(pilot, "the note", lambda: note in note_of(app))
        seed = app.main.text_pane.seed
        assert len(seed.text) == LONGEST_SEED
        assert seed.text.endswith("a ba b")
        await pilot.press("c")
        assert len(seed.text) == LONGEST_SEED
        assert seed.text.endswith("a bc")


async def test_reading_a_long_seed_is_announced_and_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, given_up = threading.Event(), threading.Event()
    prime = CharacterStream.prime

    def read_for_ever(
        stream: CharacterStream, seed_text: str, should_stop: Callable[[], bool] | None = None
    ) -> PrimedSeed:
        if should_stop is not None and len(seed_text) > 2000:
            began.set()
            while not should_stop():
                given_up.wait(0.01)
            given_up.set()
        return prime(stream, seed_text, should_stop)

    monkeypatch.setattr(CharacterStream, "prime", read_for_ever)
    app = fast_app(tmp_path)
    async with app.run_test() as pilot:
        shown = await whole_text(pilot, app)
        app.main.text_pane.seed.load_text("abc" * 1000)
        await pilot.press("enter")
        await wait_until(pilot, "the reading", began.is_set)
        assert note_of(app) == "Reading the seed text, 3,000 characters … Esc cancels."
        await pilot.press("escape")
        await wait_until(pilot, "its end", lambda: note_of(app) == "Stopped before the text began.")
        assert given_up.is_set()
        assert shown_text(app) == shown
        await pilot.press("ctrl+g")
        await wait_until(pilot, "more", lambda: len(shown_text(app)) == len(shown) + 2000)
