"""Behavior of every command: streams, locale and unexpected errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, ROOT, run_program
from tests.support.fake_run import fake_run
from tui_charrnn.cli import main

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def run_in_shell(redirection: str, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    words = [sys.executable, "-m", "tui_charrnn", *arguments]
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *words],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    path = tmp_path / "corpus.txt"
    path.write_text("caf\u00e9, \ud55c\uae00\n" * 200, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("command", ["--version", "--help", "corpora", "runs", "inspect"])
def test_a_reader_that_has_had_enough_is_no_error(
    tmp_path: Path, isolated_home: Path, corpus: str, command: str
) -> None:
    fake_run(isolated_home / "runs")
    ours, theirs = os.pipe()
    os.close(ours)
    words = ["corpora", "inspect", corpus] if command == "inspect" else [command]
    ended = subprocess.run(
        [sys.executable, "-m", "tui_charrnn", *words],
        cwd=ROOT,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", ["corpora", "--help", "runs list --help"])
def test_a_full_disk_is_reported_in_a_sentence(words: str) -> None:
    ended = run_in_shell(">/dev/full", *words.split())
    assert ended.returncode == 6
    assert ended.stderr.startswith(b"charrnn-tui: Cannot write to standard output: No space")
    assert ended.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "words", ["score x.txt", "train --headless x.txt", "corpora inspect x.txt"]
)
def test_a_folder_that_was_removed_is_named_as_the_reason(tmp_path: Path, words: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = [sys.executable, "-m", "tui_charrnn", *words.split()]
    ended = subprocess.run(
        ["/bin/sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *program],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ended.returncode == 3, ended.stderr
    assert b"The current folder was removed" in ended.stderr


def test_a_locale_that_lacks_a_character_gets_its_escape(corpus: str) -> None:
    ended = run_program("corpora", "inspect", corpus, variables=ASCII)
    assert ended.returncode == 0, ended.stderr
    assert rb"\xe9" in ended.stdout
    assert rb"\ud55c" in ended.stdout


def test_a_name_that_is_no_text_is_json_all_the_same(isolated_home: Path) -> None:
    run = fake_run(isolated_home / "runs")
    name = os.fsdecode(b"caf\xe9")
    run.path.rename(run.path.with_name(name))
    listed = run_program("runs", "--json", variables={"PYTHONIOENCODING": "utf-8:strict"})
    assert listed.returncode == 0, listed.stderr
    assert json.loads(listed.stdout)[0]["name"] == name


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["", "train", "attach"])
def test_closed_streams_are_no_terminal(
    isolated_home: Path, corpus: str, redirection: str, command: str
) -> None:
    run = fake_run(isolated_home / "runs")
    words = {"": [], "train": ["train", corpus], "attach": ["attach", run.name]}[command]
    ended = run_in_shell(redirection, *words)
    assert ended.returncode == 2, ended.stderr
    assert "2>" in redirection or b"There is no terminal" in ended.stderr


def test_closed_standard_input_is_no_corpus(tmp_path: Path) -> None:
    ended = run_in_shell("<&-", "train", "--headless", "-", "--runs-dir", str(tmp_path / "runs"))
    assert ended.returncode == 3
    assert b"Standard input cannot be read" in ended.stderr


def test_without_streams_a_finished_run_can_be_resumed(isolated_home: Path) -> None:
    run = fake_run(isolated_home / "runs")
    assert run_in_shell("<&- >&- 2>&-", "resume", run.name).returncode == 0


def test_a_defect_is_reported_even_where_no_report_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a defect")

    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(main, "command_line", fail)
    assert main.run([]) == 1
    printed = capsys.readouterr().err
    assert "ZeroDivisionError: a defect" in printed
    assert "No report could be written" in printed


def test_the_commands_load_no_numpy() -> None:
    code = (
        "import sys; from tui_charrnn.cli.main import COMMANDS, load_command; "
        "[load_command(name) for name in COMMANDS]; "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_list_of_runs_loads_no_more_than_it_needs() -> None:
    code = (
        "import sys; from tui_charrnn.cli.main import load_command; load_command('runs'); "
        "print([name for name in ('numpy', 'http.client', 'rich.progress')"
        " if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    assert printed.stdout == b"[]\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_the_version_on_a_full_disk_is_reported_in_a_sentence() -> None:
    ended = run_in_shell(">/dev/full", "--version")
    assert (ended.returncode, ended.stderr.count(b"\n")) == (6, 1)


def test_an_interrupt_while_modules_are_loaded_is_no_traceback() -> None:
    code = (
        "import sys; sys.argv[1:] = ['corpora']\n"
        "from tui_charrnn.__main__ import main\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'tui_charrnn.cli.main': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (130, b"")
