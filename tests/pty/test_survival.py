"""However the app ends, it leaves a terminal as it found it, an honest exit code and no process."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.terminal import Terminal, app_command
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.tui.terminal import GRACE, WRITE_LIMIT

pytestmark = pytest.mark.pty

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
LIMIT = 120.0
"""Seconds for an end that takes three on a machine with time, and long where there is none."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "tiny.safetensors")


def session_members(leader: int) -> list[int]:
    """The living processes of a session."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            members.append(int(entry.parent.name))
    return members


def is_stuck(terminal: PseudoTerminal, seen: list[int]) -> bool:
    """Whether nothing more goes into a terminal that nobody reads."""
    seen.append(terminal.unread())
    return seen[-1] > 0 and len(seen) > 50 and len(set(seen[-50:])) == 1


def let_it_stick(terminal: Terminal) -> None:
    """Stop reading, and ask for frames until the app cannot write them any more."""
    terminal.write("\x1bOP\x1b" * 40)  # F1, Esc
    seen: list[int] = []
    terminal.wait_for("the output is stuck", lambda: is_stuck(terminal, seen), reads=False)


def test_an_end_by_force_takes_less_than_three_seconds() -> None:
    assert GRACE + WRITE_LIMIT < 3.0


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_leaves_a_clean_terminal(
    tmp_path: Path, model: Path, number: signal.Signals
) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        before = terminal.attributes()
        terminal.wait_for_text("model tiny")
        assert terminal.attributes() != before
        terminal.process.send_signal(number)
        assert terminal.wait_for_end() == 128 + number
        assert terminal.left_changed() == []
        assert terminal.attributes() == before
        assert session_members(terminal.process.pid) == []


@pytest.mark.parametrize("key", ["\x0e", "\x1bOP"], ids=["form", "help"])
def test_a_signal_ends_it_whatever_is_open(tmp_path: Path, model: Path, key: str) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write(key)
        terminal.wait_for("something is open", lambda: "model tiny" not in terminal.text)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 128 + signal.SIGTERM
        assert terminal.left_changed() == []


def test_a_signal_before_the_first_frame_leaves_a_clean_terminal(
    tmp_path: Path, model: Path
) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        before = terminal.attributes()
        terminal.wait_for("the first byte", lambda: bool(terminal.raw))
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 128 + signal.SIGTERM
        assert terminal.left_changed() == []
        assert terminal.attributes() == before


def test_a_stop_and_a_continuation_draw_the_screen_again(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.wait_for("the shell's screen", lambda: not terminal.private_modes()[1049])
        terminal.wait_for("the stop", lambda: terminal.is_stopped)  # what a shell waits for
        terminal.process.send_signal(signal.SIGCONT)
        # pasting comes last: until then the terminal keeps Ctrl+Q to itself
        terminal.wait_for("the app's screen", lambda: terminal.private_modes()[2004])
        terminal.write("badge")
        terminal.wait_for_text("badge")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert terminal.left_changed() == []


def test_a_terminal_that_stopped_reading_does_not_hold_the_program(
    tmp_path: Path, model: Path
) -> None:
    with Terminal(app_command(model, tmp_path / "runs"), size=(200, 60)) as terminal:
        terminal.wait_for_text("model tiny")
        let_it_stick(terminal)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_for_end(limit=LIMIT, reads=False) == 128 + signal.SIGTERM


def test_a_closed_window_ends_the_program(tmp_path: Path, model: Path) -> None:
    with Terminal(app_command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.hang_up()
        assert terminal.wait_for_end(limit=LIMIT, reads=False) == 128 + signal.SIGHUP
        assert session_members(terminal.process.pid) == []


def test_a_window_that_closes_without_telling_ends_it_too(tmp_path: Path, model: Path) -> None:
    ignoring = "import os, signal, sys; signal.signal(1, signal.SIG_IGN); os.execv(sys.argv[1], "
    nohup = [sys.executable, "-c", f"{ignoring}sys.argv[1:])"]
    command = [*nohup, *app_command(model, tmp_path / "runs")]
    with Terminal(command, is_controlling=False) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.hang_up()
        assert terminal.wait_for_end(limit=LIMIT, reads=False) == 128 + signal.SIGHUP


class StartedTraining:
    """The app in a terminal, after its form has started a trainer that only says it is there."""

    def __init__(self, folder: Path, model: Path) -> None:
        corpus, self.pid, self.beats = (folder / name for name in ("text.txt", "pid", "beats"))
        stub = folder / "stub"
        corpus.write_text("abcdefg hijk\n" * 800, encoding="utf-8")
        stub.write_text(
            f'#!/bin/sh\ncase "$*" in *tui_charrnn.training\\ */runs/*) ;; *) exit 1 ;; esac\n'
            f"echo $$ > {self.pid}\n"
            f"while echo x >> {self.beats}; do sleep 0.05; done\n",
            encoding="utf-8",
        )
        stub.chmod(0o755)
        script = (
            "import sys; from pathlib import Path; from tui_charrnn.tui.app import run_app; "
            f"sys.executable = {str(stub)!r}; "  # what is started in the place of a trainer
            f"sys.exit(run_app(Path({str(folder / 'runs')!r}), {{'model': {str(model)!r}}}))"
        )
        self._corpus = corpus
        self.terminal = Terminal([sys.executable, "-c", script], size=(120, 40))

    def __enter__(self) -> "StartedTraining":
        terminal = self.terminal
        terminal.wait_for_text("model tiny")
        terminal.write("\x0e")  # ^n
        terminal.wait_for_text("Train a model")
        terminal.write(f"\x1b[200~{self._corpus}\x1b[201~\r")
        terminal.wait_for("a trainer", lambda: self.pid.exists() and bool(self.pid.read_text()))
        return self

    def __exit__(self, *error: object) -> None:
        if self.pid.exists():
            os.kill(int(self.pid.read_text()), signal.SIGKILL)
        self.terminal.__exit__(None, None, None)

    def wait_for_beats(self) -> None:
        """See that the trainer is at work."""
        before = self.beats.stat().st_size
        self.terminal.wait_for(
            "the trainer goes on", lambda: self.beats.stat().st_size > before + 3, reads=False
        )


def test_killing_the_app_leaves_the_trainer_at_work(tmp_path: Path, model: Path) -> None:
    with StartedTraining(tmp_path, model) as started:
        started.terminal.process.send_signal(signal.SIGKILL)
        started.terminal.process.wait()
        started.terminal.hang_up()
        started.wait_for_beats()
        trainer = int(started.pid.read_text())
        assert os.getsid(trainer) == trainer


def test_a_terminal_that_stopped_reading_does_not_hold_the_trainer(
    tmp_path: Path, model: Path
) -> None:
    with StartedTraining(tmp_path, model) as started:
        let_it_stick(started.terminal)
        started.wait_for_beats()
        started.terminal.process.send_signal(signal.SIGTERM)
        code = started.terminal.wait_for_end(limit=LIMIT, reads=False)
        assert code == 128 + signal.SIGTERM
        started.wait_for_beats()
