"""Texts and names that do harm, in a real terminal: the history in the app, and plain commands."""

import sys
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.generations import make_generation
from tests.support.hostile_text import STRINGS, as_argument, as_file_name, foreign_controls
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.history.generation import ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History

pytestmark = pytest.mark.pty


def test_the_history_page_sends_no_foreign_control(tmp_path: Path) -> None:
    texts = [
        make_generation(
            text, text, model=ModelReference(ModelLabel.parse(text), as_file_name(text), None)
        )
        for text in STRINGS.values()
    ]
    History().add(texts)
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    with Terminal(app_command(model, tmp_path / "runs"), size=(120, 36)) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("\x1b[Z")  # from the seed to the text
        terminal.wait_for_text("h History")
        terminal.write("h")
        terminal.wait_for_text("evil")
        for _ in texts:
            terminal.write("\x1b[B")
        terminal.wait_for_text("␛[31m")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
    assert foreign_controls(terminal.raw) == []


@pytest.mark.parametrize("words", [["runs"], ["history"], ["history", "show", "1"], ["--EVIL"]])
def test_commands_send_no_foreign_control(tmp_path: Path, words: list[str]) -> None:
    for number, text in enumerate(STRINGS.values()):
        run = fake_run(tmp_path / "runs", name=f"run{number}")
        run.path.rename(run.path.with_name(as_file_name(text)))
    History().add([make_generation("\n".join(STRINGS.values()), text) for text in STRINGS.values()])
    given = [word.replace("EVIL", as_argument(STRINGS["controls"])) for word in words]
    command = [sys.executable, "-m", "tui_charrnn", *given]
    runs = {"CHARRNN_RUNS": str(tmp_path / "runs")}
    with Terminal(command, size=(120, 36), environment=runs) as terminal:
        terminal.wait_for_end()
    assert b"evil" in terminal.raw
    assert foreign_controls(terminal.raw.replace(b"\t", b" ")) == []


def test_a_pasted_text_presses_no_keys(tmp_path: Path) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    with Terminal(app_command(model, tmp_path / "runs"), size=(120, 36)) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write(
            "\x1b[200~to \x1b[31mbe\x1bOP\x1b[13u\x11\x1b[201~"
        )  # F1, Enter and ^q in it
        terminal.wait_for_text("to ␛[31mbe␛OP␛[13u␑")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
    assert foreign_controls(terminal.raw) == []
