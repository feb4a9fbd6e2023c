"""If the app cannot be opened: one sentence, which names the commands that work without it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.fake_run import fake_run
from tests.support.terminal import Terminal
from tui_charrnn.cli.opening import foreign_encoding

PROGRAM = [sys.executable, "-m", "tui_charrnn"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.pty
@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"TERM": "dumb"}, "only prints lines (TERM=dumb)"),
        ({"LC_ALL": "ko_KR.eucKR"}, "eucKR: it needs UTF-8"),
        ({"PYTHONIOENCODING": "euc-kr"}, "euc_kr: it needs UTF-8"),
        (ASCII, "it needs UTF-8"),
    ],
    ids=["dumb", "locale", "streams", "ascii"],
)
@pytest.mark.parametrize("command", ["", "attach"])
def test_a_terminal_that_cannot_show_the_app_gets_one_sentence(
    isolated_home: Path, variables: dict[str, str], reason: str, command: str
) -> None:
    run = fake_run(isolated_home / "runs")
    words = [*PROGRAM, command, run.name] if command else PROGRAM
    with Terminal(words, size=(300, 24), environment=variables) as terminal:
        assert terminal.wait_for_end() == 2
        printed = terminal.raw.decode().split("\r\n")
    assert printed[0].startswith("charrnn-tui: The app cannot be drawn in ")
    assert reason in printed[0]
    assert all(f"{name}`" in printed[0] for name in ("generate", "train --headless", "runs"))
    assert printed[1:] == [""]


@pytest.mark.pty
@pytest.mark.parametrize("redirection", ["</dev/null", "| cat", "2>/dev/null"])
def test_a_stream_that_is_no_terminal_gets_one_sentence(redirection: str) -> None:
    script = f'"$@" {redirection}; echo "exit $?"'
    command = ["/bin/sh", "-c", script, "sh", *PROGRAM]
    with Terminal(command, size=(300, 24)) as terminal:
        assert terminal.wait_for_end() == 0
        shown = terminal.raw.decode()
    assert terminal.private_modes() == {}
    assert ("There is no terminal" in shown) is ("2>" not in redirection)
    assert "exit 2" in shown or "|" in redirection


def test_without_any_terminal_the_exit_code_is_2() -> None:
    ended = subprocess.run(
        PROGRAM, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.count(b"\n") == 1
    assert b"generate`" in ended.stderr


@pytest.mark.parametrize(
    ("written_in", "variables", "foreign"),
    [
        ("utf-8", {}, ""),
        ("UTF8", {"LANG": "ko_KR.UTF-8"}, ""),
        ("utf-8", {"LC_ALL": "C", "LANG": "ko_KR.eucKR"}, ""),
        ("utf-8", {"LANG": "de_DE@euro"}, ""),
        ("utf-8", {"LC_CTYPE": "ja_JP.SJIS", "LANG": "C.UTF-8"}, "SJIS"),
        ("utf-8", {"LANG": "de_DE.ISO-8859-15@euro"}, "ISO-8859-15"),
        ("utf-8", {"LANG": "x.\0"}, "\0"),
        ("cp949", {"LANG": "ko_KR.UTF-8"}, "cp949"),
    ],
)
def test_the_encoding_is_that_of_the_stream_and_of_the_locale(
    written_in: str, variables: dict[str, str], foreign: str
) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding=written_in) as stream:
        assert foreign_encoding(stream, variables) == foreign


def test_plain_commands_work_in_any_terminal() -> None:
    ended = subprocess.run(
        [*PROGRAM, "runs"],
        cwd=ROOT,
        env={**os.environ, **ASCII, "TERM": "dumb"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0
