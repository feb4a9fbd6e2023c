"""The program in a pseudo-terminal: typed to, it answers; no foreign control arrives."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.hostile_text import HOSTILE, foreign_controls
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.runs.records import RunFailed, RunWarned, encode_record

pytestmark = pytest.mark.pty


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "tiny.safetensors")


def test_a_seed_is_typed_and_answered(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("badge\r")
        terminal.wait_for(
            "the seed stands above an answer",
            lambda: terminal.text.count("badge") == 2,
        )
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.left_changed() == []


def test_the_shell_gets_its_terminal_and_the_whole_screen_is_drawn_when_it_lets_go(
    tmp_path: Path, model: Path
) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        stopped = os.P_PID, terminal.process.pid, os.WSTOPPED | os.WNOHANG
        terminal.write("\t")  # to the text: in the seed box ^z takes back what was typed
        terminal.wait_for_text("t Tape")
        terminal.write("\x1a")
        terminal.wait_for("it has stopped", lambda: os.waitid(*stopped) is not None)
        # what it wrote before it stopped may not have been read yet
        terminal.wait_for("its modes are restored", lambda: terminal.left_changed() == [])
        seen = len(terminal.raw)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.wait_for("its title again", lambda: b"charrnn-tui" in terminal.raw[seen:])
        terminal.wait_for("its keys again", lambda: b"Help" in terminal.raw[seen:])
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0


def test_no_foreign_control_reaches_the_terminal(tmp_path: Path) -> None:
    run = fake_run(
        tmp_path / "runs",
        text=f"to be{HOSTILE} or not ".replace("\0", "") * 99,
        losses=[3.0, 2.0],
        evaluations={2: 2.5},
        end=None,
    )
    with run.events.open("a", encoding="utf-8") as events:
        events.write(encode_record(RunWarned(HOSTILE)) + "\n")
        events.write(encode_record(RunFailed(HOSTILE)) + "\n")
    evil = run.path.rename(run.path.with_name("evil\x1b]0;title\x07\u202e[red]"))
    attach = [sys.executable, "-m", "tui_charrnn", "attach", str(evil)]
    with Terminal(attach, size=(120, 36)) as terminal:
        terminal.wait_for_text("run evil␛]0;title")
        terminal.write("A\x1b[200~\x1b]52;c;AA\x07\u202e\x1b[201~\r")  # pasted
        terminal.wait_for_text("Left out")
        terminal.write("\x06\x06\x06")  # ^f: as fast as it goes
        terminal.wait_for_text("2,000 characters.")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
    assert "␛" in terminal.raw.decode("utf-8")
    assert foreign_controls(terminal.raw) == []
