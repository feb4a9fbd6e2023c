"""Several processes number a text concurrently, are killed, or find the disk full."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tui_charrnn.errors import ExitCode
from tui_charrnn.text import numbering
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import find_cached, read_corpus
from tui_charrnn.text.numbered_text import encoded_folder
from tui_charrnn.text.sources import find_sources

TEXT = "to be, or not to be: 죽느냐 사느냐\n" * 20_000
READ = """
import os, resource, signal, sys
from tui_charrnn.errors import CharRNNError
from tui_charrnn.text import numbering
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.numbered_text import encoded_folder

numbering.KEPT_IN_MEMORY = 1000
path, wish = sys.argv[1:]

def check_cancelled():
    if wish == "die" and encoded_folder().exists():
        os.kill(os.getpid(), signal.SIGKILL)

if wish == "no room":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    print(read_corpus([path], check_cancelled=check_cancelled).sha256)
except CharRNNError as error:
    print(error)
    sys.exit(int(error.exit_code))
"""


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "KEPT_IN_MEMORY", 1_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def start(path: Path, wish: str = "nothing") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", READ, str(path), wish]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def end(children: "Sequence[subprocess.Popen[str]]") -> list[tuple[int, str]]:
    """Exit code and output of each, when all have ended."""
    outputs = [child.communicate()[0] for child in children]
    return [(child.returncode, output) for child, output in zip(children, outputs, strict=True)]


def is_kept(path: Path) -> bool:
    return find_cached(find_sources([str(path)], encoding="utf-8"), Reading()) is not None


def test_two_at_once_make_the_same(path: Path) -> None:
    ended = end([start(path) for _ in range(3)])
    assert len(set(ended)) == 1
    assert ended[0][0] == 0
    assert is_kept(path)
    assert len(list(encoded_folder().iterdir())) == 1


def test_a_killed_process_leaves_nothing(path: Path) -> None:
    (died,) = end([start(path, "die")])
    assert died[0] == -signal.SIGKILL
    assert list(encoded_folder().iterdir()) == []
    assert not is_kept(path)
    assert read_corpus([str(path)]).text == TEXT
    assert is_kept(path)


def test_a_full_disk_is_told_and_nothing_is_left(path: Path) -> None:
    ((code, output),) = end([start(path, "no room")])
    assert code == ExitCode.CANNOT_SAVE
    assert output.startswith(f"{encoded_folder()} cannot be written: ")
    assert "CHARRNN_CACHE" in output
    assert list(encoded_folder().iterdir()) == []
    assert read_corpus([str(path)]).text == TEXT


def test_a_folder_that_cannot_be_made_is_told(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARRNN_CACHE", str(path / "below a file"))
    ((code, output),) = end([start(path)])
    assert code == ExitCode.CANNOT_SAVE
    assert "CHARRNN_CACHE" in output
