"""Which characters can be typed into a tape: those that the model can generate."""

import unicodedata
from pathlib import Path

import pytest

from tests.support.open_app import note_of, settings_of, tiny_app
from tests.support.shown_screen import is_asked, screen_text
from tests.support.tape_app import LENGTH, TapeApp
from tests.support.tiny_model import CORPUS, TRAINING, random_tensors, tiny_config
from tests.support.waiting import wait_until
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.tui.dialogs import AskTextScreen
from tui_charrnn.tui.tape.panel import TapePanel

CHARACTERS = "\n abc가\ufffd"


@pytest.mark.parametrize(
    ("typed", "is_taken"),
    [("\ufffd", False), ("a\ufffdb", False), ("x", False), ("cab", True), ("a\u1100\u1161b", True)],
)
async def test_the_symbol_for_rare_characters_is_read_and_never_typed(
    tmp_path: Path, typed: str, is_taken: bool
) -> None:
    app = tiny_app(tmp_path)
    data = serialize_model(
        random_tensors(tiny_config(), len(CHARACTERS)),
        tiny_config(),
        Vocabulary(CHARACTERS, "\ufffd"),
        corpus=CORPUS,
        training=TRAINING,
    )
    (tmp_path / "tiny.safetensors").write_bytes(data)
    settings_of(app).speed, settings_of(app).length = None, LENGTH
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} characters." in note_of(app))
        await pilot.press("f2")
        await wait_until(pilot, "the tape", lambda: bool(app.main.query(TapePanel)))
        opened = TapeApp(app, pilot)
        await opened.press("home", "right", "i")
        await wait_until(pilot, "a question", lambda: is_asked(app))
        question = app.screen
        assert isinstance(question, AskTextScreen)
        question.field.value = typed
        await pilot.press("enter")
        if is_taken:
            await wait_until(pilot, "a branch", lambda: opened.text.branch == 1)
            assert opened.tape.text(1, 1, 4) == unicodedata.normalize("NFC", typed)
        else:
            await wait_until(pilot, "why not", lambda: "never seen" in screen_text(app))
            assert app.screen is question
            assert len(opened.tape.tree.branches) == 1
