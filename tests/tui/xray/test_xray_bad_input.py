"""Invalid input at every prompt of the x-ray shows an error and changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.widgets import Input

from tests.support.hostile_text import STRINGS, as_argument, as_file_name, harm_in
from tests.support.neuron_app import NeuronApp, neuron_app
from tests.support.open_app import note_of, shown_text
from tests.support.shown_screen import is_asked, screen_text
from tests.support.tape_app import TapeApp
from tests.support.waiting import wait_until
from tests.support.xray_app import color, xray_app
from tui_charrnn.text import suffix_index
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.text.external_text import ExternalTextScreen
from tui_charrnn.tui.xray.neuron_panel import NeuronPanel

SIZE = (100, 40)
BINARY = b"\x7fELF\x00\x01\x02\x00" * 40


def check(app: App[Any]) -> None:
    """Check that the screen has no control characters."""
    assert harm_in(screen_text(app), is_text=True) == []


async def answer(app: TapeApp, key: str, typed: str) -> None:
    """Open a prompt by its key, and submit a line."""
    await app.pilot.press(key)
    await wait_until(app.pilot, "it", lambda: is_asked(app.app))
    app.app.screen.query_one(Input).value = typed
    await app.pilot.press("enter")


async def give(app: TapeApp, text: str) -> None:
    """Submit a text, or the path of a text file, to the x-ray."""
    await app.pilot.press("r")
    await wait_until(app.pilot, "the box", lambda: isinstance(app.app.screen, ExternalTextScreen))
    app.app.post_message(events.Paste(text))
    await wait_until(app.pilot, "it", lambda: "will be read." in screen_text(app.app))
    check(app.app)
    await app.pilot.press("enter")


async def test_what_names_no_neuron_and_no_gate_is_refused(tmp_path: Path) -> None:
    wrong = ["", "0:", "c1", "9:c0", "0:c-1", "0:c5", "0:x1", "0:c\u0661", "0:c" + "9" * 400, "f"]
    async with xray_app(tmp_path, size=SIZE) as app:
        await color(app, "entropy")
        for typed in wrong + [as_argument(string) for string in STRINGS.values()]:
            await answer(app, "p", typed)
            await wait_until(app.pilot, typed, lambda: "Received: " in screen_text(app.app))
            check(app.app)
            assert isinstance(app.app.screen, AskTextScreen)
            await app.pilot.press("escape")
            assert app.colors.coloring is not None
            assert app.colors.coloring.name == "entropy"


async def test_a_file_without_text_has_nothing_that_could_be_copied(tmp_path: Path) -> None:
    (tmp_path / "no text").write_bytes(BINARY)
    async with xray_app(tmp_path, size=SIZE) as app:
        await answer(app, "k", str(tmp_path / "no text"))
        words = "k names a text to compare with."
        await wait_until(app.pilot, "why", lambda: note_of(app.app).endswith(words))
        assert "no text" in note_of(app.app)
        await wait_until(
            app.pilot, "the legend", lambda: "there is no text to compare" in screen_text(app.app)
        )


async def test_a_text_too_long_for_an_index_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suffix_index, "LONGEST", 50)
    (tmp_path / "long.txt").write_text("abc\n" * 50)
    async with xray_app(tmp_path, size=SIZE) as app:
        await answer(app, "k", str(tmp_path / "long.txt"))
        await wait_until(app.pilot, "why", lambda: "is too long for an index" in note_of(app.app))


@pytest.mark.parametrize("key", ["k", "o"])
async def test_what_is_no_file_is_refused_as_one_types(tmp_path: Path, key: str) -> None:
    async with neuron_app(tmp_path) as app:
        if key == "k":
            await app.pilot.press("escape")
        for typed in ("/nowhere/at all.txt", "~nobody/text", "/", "x" * 5000):
            await answer(app, key, typed)
            await wait_until(app.pilot, typed, lambda: bool(app.app.screen.query(".-problem")))
            assert isinstance(app.app.screen, AskTextScreen)
            await app.pilot.press("escape")


def words_of(panel: NeuronPanel) -> str:
    """Return the message that the list shows instead of neurons, without line breaks."""
    rows = [panel.render_line(y).text for y in range(panel.size.height)]
    return " ".join(" ".join(rows).split())


async def test_neurons_are_not_looked_for_in_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(BINARY)
    async with neuron_app(tmp_path, size=SIZE) as app:
        await answer(app, "o", str(tmp_path / "picture"))
        await wait_until(app.pilot, "why", lambda: "is not text" in words_of(app.neurons))
        assert app.neurons.rows == []
        await app.pilot.press("enter", "c", "plus", "r", "f", "F")  # the list has no rows
        assert app.app.session.settings.active_clamps.clamps == ()
        await app.read(tmp_path / "brackets.txt")


async def test_a_file_that_cannot_be_read_leaves_all_as_it_was(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=SIZE) as app:
        before = shown_text(app.app)
        for contents, why in (
            (BINARY, "is not text"),
            (b"", "is empty"),
            (b"caf\xe9 " * 9, "UTF-8"),
        ):
            (tmp_path / "no text").write_bytes(contents)
            await give(app, str(tmp_path / "no text"))
            await app.noted(why)
            assert shown_text(app.app) == before


async def test_names_and_texts_that_do_harm_are_shown_as_signs(tmp_path: Path) -> None:
    async with xray_app(tmp_path, size=SIZE) as app:
        for kind, string in STRINGS.items():
            await give(app, f"abba {as_argument(string)}")
            await wait_until(app.pilot, kind, lambda: _read(app, is_file=False))
            check(app.app)
            file = tmp_path / as_file_name(string)
            file.write_text("abba cafe\n" * 20)
            app.pane.read_text(file)  # like `--xray`
            await wait_until(app.pilot, kind, lambda: _read(app, is_file=True))
            assert app.tape.text() == "abba cafe\n" * 20
            check(app.app)


def _read(app: TapeApp, *, is_file: bool) -> bool:
    """Return whether the whole text of the file was read."""
    note = note_of(app.app)
    return note.startswith("Read ") and note.startswith("Read 200 ") is is_file


async def test_names_of_corpora_that_do_harm_are_shown_as_signs(tmp_path: Path) -> None:
    async with neuron_app(tmp_path, size=SIZE) as app:
        for string in STRINGS.values():
            file = tmp_path / as_file_name(string)
            file.write_text("((a)(b))\n" * 90)
            await search_in(app, str(file))
            check(app.app)


async def search_in(app: NeuronApp, path: str) -> None:
    """Search a file of any name for neurons."""
    app.neurons.look(path)
    await app.found()
    assert app.neurons.found is not None
