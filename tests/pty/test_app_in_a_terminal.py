"""The program in a real pseudo-terminal: what arrives, and what it leaves behind."""

import os
import re
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.hostile_text import HARMFUL, HOSTILE
from tests.support.terminal import Terminal
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.runs.record_codec import encode_record
from tui_charrnn.runs.records import RunFailed, RunWarned

pytestmark = pytest.mark.pty

ALLOWED = re.compile(
    r"\x1b\[[0-9;]*[mH]"  # colors, places
    r"|\x1b\[\?[0-9;]+[hl]|\x1b\[\?[0-9]+\$p"  # modes, and questions about them
    r"|\x1b\[<u"
    r"|\x1b\]22;[a-z-]*\x07"  # the shape of the mouse pointer
)
"""Everything that Textual itself writes."""
MOUSE_MODES = (1000, 1003, 1006, 1015)


def command(model: Path, runs: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "tui_charrnn",
        "--model",
        str(model),
        "--runs-dir",
        str(runs),
    ]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "tiny.safetensors")


def test_a_seed_is_typed_and_answered(tmp_path: Path, model: Path) -> None:
    with Terminal(command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("badge\r")
        terminal.wait_for(
            "the seed stands above an answer",
            lambda: terminal.text.count("badge") == 2,
        )
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        assert not any(terminal.private_modes()[mode] for mode in (1049, *MOUSE_MODES))


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
        terminal.write("\x1b[15~\x1b[15~\x1b[15~")  # F5: as fast as it goes
        terminal.wait_for_text("2,000 characters.")
        terminal.write("\x11")
        assert terminal.wait_for_end() == 0
        rest = ALLOWED.sub("", terminal.raw.decode("utf-8"))
    assert "␛" in rest
    found = [rest[m.start() : m.start() + 30] for m in HARMFUL.finditer(rest) if m[0] not in "\r\n"]
    assert found == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_a_clean_terminal(
    tmp_path: Path, model: Path, number: signal.Signals
) -> None:
    with Terminal(command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.process.send_signal(number)
        assert terminal.wait_for_end() == 128 + number
        modes = terminal.private_modes()
        assert modes[25]  # a cursor
        assert not any(modes[mode] for mode in (1049, 2004, 1004, *MOUSE_MODES))


def test_a_terminal_that_stopped_reading_does_not_hold_the_program(
    tmp_path: Path, model: Path
) -> None:
    with Terminal(command(model, tmp_path / "runs"), size=(200, 60)) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("\x1bOP\x1b" * 40)  # F1, Esc: frames without end
        full = [-1]

        def is_stuck() -> bool:
            full.append(terminal.unread())
            return full[-1] > 0 and len(set(full[-30:])) == 1

        terminal.wait_for("the output is stuck", is_stuck, reads=False)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait_for_end(limit=10, reads=False) == 128 + signal.SIGTERM


def test_a_closed_window_ends_the_program(tmp_path: Path, model: Path) -> None:
    with Terminal(command(model, tmp_path / "runs")) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.hang_up()
        assert terminal.wait_for_end(limit=10, reads=False) == 128 + signal.SIGHUP


def test_a_crash_restores_the_terminal_and_names_a_file(tmp_path: Path, model: Path) -> None:
    script = tmp_path / "crash.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            from pathlib import Path
            from tui_charrnn.tui import app
            from tui_charrnn.tui.screens.main import MainScreen

            def fail(self, event):
                secret = "the user's text"
                raise ZeroDivisionError("a defect \\x1b[31m")

            MainScreen.on_seed_submitted = fail
            sys.exit(app.run_app(None, Path({str(tmp_path / "runs")!r}), {str(model)!r}))
            """
        ),
        encoding="utf-8",
    )
    with Terminal(
        [sys.executable, str(script)], environment={"PYTHONPATH": str(Path.cwd())}
    ) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("a\r")
        assert terminal.wait_for_end() == 1
        assert not terminal.private_modes()[1049]
        after = terminal.raw.decode().rpartition("\x1b[?1049l")[2]
    assert "a defect ␛[31m" in after
    assert "secret" not in after
    reports = list((tmp_path / "home/state/charrnn-tui").glob("crash-*.txt"))
    assert len(reports) == 1
    assert "ZeroDivisionError" in reports[0].read_text(encoding="utf-8")


def test_killing_the_app_leaves_the_trainer_at_work(tmp_path: Path, model: Path) -> None:
    corpus, pid_file, stub = tmp_path / "text.txt", tmp_path / "pid", tmp_path / "stub"
    corpus.write_text("abcdefg hijk\n" * 800, encoding="utf-8")
    stub.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 600\n", encoding="utf-8")
    stub.chmod(0o755)
    script = (
        "import sys; from pathlib import Path; from tui_charrnn.tui.app import run_app; "
        f"sys.executable = {str(stub)!r}; "  # what the launcher starts in the place of a trainer
        f"run_app(None, Path({str(tmp_path / 'runs')!r}), {str(model)!r})"
    )
    with Terminal([sys.executable, "-c", script]) as terminal:
        terminal.wait_for_text("model tiny")
        terminal.write("\x1bOR")  # F3
        terminal.wait_for_text("Train a model")
        terminal.write(f"{corpus}\r")
        terminal.wait_for("a trainer", lambda: pid_file.exists() and bool(pid_file.read_text()))
        trainer = int(pid_file.read_text())
        try:
            terminal.process.send_signal(signal.SIGKILL)
            terminal.process.wait()
            terminal.hang_up()
            assert Path(f"/proc/{trainer}/cmdline").read_bytes().startswith(b"sleep")
            assert os.getsid(trainer) == trainer
        finally:
            os.kill(trainer, signal.SIGKILL)
