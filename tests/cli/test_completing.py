"""What a shell is told to complete."""

from pathlib import Path

import pytest

from tests.support.command import run_program
from tests.support.fake_run import fake_run


def completed(*words: str, incomplete: str = "") -> list[str]:
    """What bash is offered after some words."""
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


def test_settings_that_are_wrong_are_no_hindrance(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARRNN_CONFIG", str(folder / "no such file"))
    assert completed("attach", incomplete="ne") == ["news"]
