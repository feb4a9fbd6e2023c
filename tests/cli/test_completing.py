"""Shell completion."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.command import ROOT, run_program
from tests.support.fake_run import fake_run

HOSTILE: Final = (
    "p\\$(touch x)",
    "p$(touch x)",
    "p`touch x`",
    "p;touch x",
    "p|touch x",
    "p&touch x",
    "p>x",
    "p<x",
    "p*",
    "p?",
    "p[a]",
    "p{a,b}",
    "p'",
    'p"',
    "p!!",
    "p#",
    "p x",
    "p(x)",
    "-p",
    "=p",
)
"""Names of folders that a shell would interpret."""


def completed(*words: str, incomplete: str = "") -> list[str]:
    """The completions in bash after some words."""
    variables = {
        "_CHARRNN_TUI_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["charrnn-tui", *words, incomplete]),
        "COMP_CWORD": str(len(words) + 1),
    }
    ended = run_program(variables=variables)
    assert ended.stderr == b""
    return ended.stdout.decode().split()


@pytest.fixture
def folder(isolated_home: Path) -> Path:
    folder = isolated_home / "runs"
    for name in ("plays", "poems", "news"):
        fake_run(folder, name=name)
    (folder / "plain").mkdir()
    (folder / "p\x1b[31m").mkdir()
    (folder / "p\x1b[31m" / "run.json").touch()
    return folder


@pytest.mark.parametrize(
    "words",
    [["attach"], ["stop"], ["resume"], ["doctor"], ["runs", "show"], ["runs", "rm", "news"]],
)
def test_names_of_runs_are_completed(folder: Path, words: list[str]) -> None:
    assert completed(*words, incomplete="p") == ["plays", "poems"]


def test_they_are_those_of_the_folder_that_was_named(folder: Path) -> None:
    words = ("runs", "show", "--runs-dir")
    assert completed(*words, str(folder), incomplete="n") == ["news"]
    assert completed(*words, str(folder / "plain")) == []
    assert completed(*words, str(folder / "none")) == []


@pytest.mark.parametrize("command", ["generate", "score", "neurons"])
def test_models_are_bundled_ones_and_runs(folder: Path, command: str) -> None:
    assert completed(command, "--model", incomplete="p") == ["python", "plays", "poems"]


@pytest.mark.parametrize("command", ["train", "doctor"])
def test_presets_are_completed(command: str) -> None:
    assert completed(command, "--preset", incomplete="t") == ["tiny", "tutorial"]


def test_wrong_settings_do_not_prevent_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARRNN_CONFIG", str(folder / "no such file"))
    assert completed("attach", incomplete="ne") == ["news"]


@pytest.fixture
def hostile_folder(folder: Path) -> Path:
    for name in HOSTILE:
        (folder / name).mkdir()
        (folder / name / "run.json").touch()
    (folder / "시").mkdir()
    (folder / "시" / "run.json").touch()
    return folder


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_no_shell_gets_a_name_that_it_would_interpret(hostile_folder: Path, shell: str) -> None:
    line = f"charrnn-tui resume --runs-dir {hostile_folder} "
    variables = {
        "_CHARRNN_TUI_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "COMP_WORDS": line,
        "COMP_CWORD": "4",
    }
    printed = run_program(variables=variables).stdout.decode()
    for name in ("plays", "poems", "news", "시"):
        assert name in printed
    assert not [name for name in HOSTILE if name in printed.replace("\\", "")]
    assert "touch" not in printed


def test_bash_runs_nothing_and_inserts_nothing_that_it_would_run(
    hostile_folder: Path, tmp_path: Path
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    program = tmp_path / "bin" / "charrnn-tui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tui_charrnn "$@"\n')
    program.chmod(0o755)
    script = """
    eval "$(_CHARRNN_TUI_COMPLETE=source_bash charrnn-tui)"
    COMP_WORDS=(charrnn-tui resume --runs-dir "$1" "$2") COMP_CWORD=4
    _charrnn_tui_completion charrnn-tui
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    place = tmp_path / "here"
    place.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{program.parent}:{os.environ['PATH']}",
    }
    printed = [
        subprocess.run(
            [bash, "--norc", "-c", script, "bash", str(hostile_folder), word],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for word in ("p", "$")
    ]
    assert printed == [["plays", "poems"], []]
    assert list(place.iterdir()) == []


def offered(shell: str, line: str) -> list[str]:
    """The completions in zsh or fish of a command line."""
    variables = {
        "_CHARRNN_TUI_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ended = run_program(variables=variables)
    assert ended.stderr == b""
    printed = ended.stdout.decode()
    return re.findall(r'"([^"]*)"', printed) if shell == "zsh" else printed.split()


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("fish", "train"),
        *[
            ("zsh", words)
            for words in (
                "train",
                "score",
                "neurons",
                "corpora inspect",
                "generate --corpus",
                "generate --seed-file",
                "score x --html",
                "--tape",
                "--xray",
                "runs export plays",
                "generate --model",
            )
        ],
    ],
)
def test_paths_are_completed_where_the_shell_does_not(
    folder: Path, tmp_path: Path, shell: str, words: str
) -> None:
    place = tmp_path / "texts"
    (place / "poems").mkdir(parents=True)
    for name in ("play.txt", "other.txt", ".hidden", "p $(touch x)"):
        (place / name).touch()
    line = f"charrnn-tui {words} {place}/p"
    assert offered(shell, line) == [f"{place}/play.txt", f"{place}/poems/"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("train sh", ["shakespeare"]),
        ("neurons x --property bra", ["braces", "brackets", "bracket-depth"]),
        ("train x --cell ", ["lstm", "gru", "rnn"]),
    ],
)
def test_texts_properties_and_choices_are_completed(
    isolated_home: Path, words: str, names: list[str]
) -> None:
    assert offered("fish", f"charrnn-tui {words}") == names


@pytest.mark.parametrize(
    ("words", "place"), [('charrnn-tui "half', "1"), ("charrnn-tui", "x"), ("", ""), ("a\\", "9")]
)
def test_garbage_completes_nothing_and_prints_nothing(words: str, place: str) -> None:
    variables = {
        "_CHARRNN_TUI_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": place,
    }
    ended = run_program(variables=variables)
    assert (ended.returncode, ended.stderr) == (0, b"")
