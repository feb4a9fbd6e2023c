"""Whatever is typed into a prompt of the app, the app stays, and the prompt says what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.support.fake_run import fake_run
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file

pytestmark = pytest.mark.pty

CLEAR: Final = b"\x05\x15"
"""To the end of the line, then away with all before it."""
NO_PATHS: Final = {
    b"~nosuchuser": "no user",
    b"x" * 300: "255 bytes",
    b"/": "a folder",
    b"\x1b[200~/no/a\0b\x1b[201~": "no file /no/a",  # NUL is shown as a sign for it
    b"/no/\xff": "no file /no/",  # no UTF-8
}
"""What is typed, and what is said of it where a file is asked for."""
NO_TEXTS: Final = {
    b"~nosuchuser": "11 characters will be read",  # may well be a text
    b"/": "a folder",
    b"/no/\xff": "no file /no/",
    b"/" + b"x" * 300: "255 bytes",
}
NO_NAMES: Final = {b"~x": "name", b"/": "name", b"x" * 300: "name", b"\xff/": "name"}
NO_CORPORA: Final = {b"~nosuchuser": "no user", b"x" * 300: "255 bytes", b"/no/\xff": "no file or"}


def type_all(terminal: Terminal, title: str, refusals: Mapping[bytes, str]) -> None:
    """Type each line into a prompt until it says why it does not take it."""
    terminal.wait_for_text(title)
    for line, refusal in refusals.items():
        terminal.write(CLEAR + line)
        terminal.wait_for_text(refusal)
        assert title in terminal.text


def close(terminal: Terminal, title: str) -> None:
    terminal.write("\x1b")
    terminal.wait_for(f"no {title}", lambda: title not in terminal.text)


def test_no_prompt_ends_the_app(tmp_path: Path) -> None:
    fake_run(tmp_path / "runs", name="old")
    model = tiny_model_file(tmp_path / "tiny.safetensors")
    command = app_command(model, tmp_path / "runs")
    short = {"CHARRNN_LENGTH": "200"}  # so that it need not be drawn all the time
    with Terminal(command, size=(120, 36), environment=short) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("\x10\x1b[6~")  # the palette and PageDown at once, as on a slow line
        terminal.wait_for_text("Search for commands")
        close(terminal, "Search for commands")
        terminal.write("\t")
        terminal.wait_for_text("t Tape")
        terminal.write("r")
        type_all(terminal, "X-ray a text", NO_TEXTS)
        close(terminal, "X-ray a text")
        terminal.write("k")
        type_all(terminal, "Originality", NO_PATHS)
        close(terminal, "A file to compare with")
        terminal.write("\x1bOQ")  # F2: the tape
        terminal.wait_for_text("leaves")
        terminal.write("o")
        type_all(terminal, "Open a tape", NO_PATHS)
        close(terminal, "Open a tape")
        terminal.write("\x1bOS")  # F4: the runs
        terminal.wait_for_text("written")  # of the run under the cursor, so the list is there
        terminal.write("n")
        type_all(terminal, "Rename the run", NO_NAMES)
        close(terminal, "Rename the run")
        terminal.write("\x0e")  # the form for a new run
        terminal.wait_for_text("Tab or")  # the path is where one types
        type_all(terminal, "Train a model", NO_CORPORA)
        close(terminal, "Train a model")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
