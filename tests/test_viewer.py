"""Everything but training works where TensorFlow is not installed."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from tests.support.command import ROOT
from tests.support.fake_run import created_run, fake_run

HIDE = """
import importlib.machinery

find = importlib.machinery.PathFinder.find_spec


def without(name, *rest):
    return None if name.partition(".")[0] in {"tensorflow", "keras"} else find(name, *rest)


importlib.machinery.PathFinder.find_spec = without
"""
"""Used as `sitecustomize`: hides both packages."""

COMMANDS = [
    (["--version"], 0),
    (["generate", "The ", "-n", "20", "--rng-seed", "1"], 0),
    (["score", "text.txt"], 0),
    (["which", "The "], 0),
    (["fill", "The k_ng"], 0),
    (["embedding"], 0),
    (["neurons", "text.txt"], 0),
    (["models"], 0),
    (["history"], 0),
    (["corpora"], 0),
    (["corpora", "inspect", "text.txt"], 0),
    (["runs"], 0),
    (["runs", "show", "fake"], 0),
    (["runs", "export", "fake"], 0),
    (["stop", "fake"], 0),
    (["config", "show"], 0),
    (["doctor"], 1),
    (["train", "--headless", "text.txt"], 2),
    (["resume", "--headless", "begun"], 2),
]
ALL = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from tui_charrnn.cli.main import run
import tui_charrnn.tui.app
ended = []
for words in json.loads(sys.argv[1]):
    told = io.StringIO()
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())), redirect_stderr(told):
        ended.append([run(words), told.getvalue()])
print(json.dumps(ended))
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """Exit code and output of every command, in one process without TensorFlow."""
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
    (folder / "text.txt").write_text("to be, or not to be: that is it.\n" * 90, encoding="utf-8")
    fake_run(folder / "runs")
    created_run(folder / "runs", name="begun")
    words = json.dumps([words for words, _ in COMMANDS])
    environment = {"PYTHONPATH": f"{folder}:{ROOT}", "CHARRNN_RUNS": str(folder / "runs")}
    environment |= dict.fromkeys(
        ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(folder)
    )
    done = subprocess.run(
        [sys.executable, "-c", ALL, words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert {path.name for path in (folder / "runs").glob("[!.]*")} == {"fake", "begun"}
    results = json.loads(done.stdout)
    return {
        " ".join(words): (code, told)
        for (words, _), (code, told) in zip(COMMANDS, results, strict=True)
    }


@pytest.mark.parametrize(("words", "code"), COMMANDS, ids=[" ".join(each) for each, _ in COMMANDS])
def test_a_command_without_tensorflow(
    words: list[str], code: int, ended: dict[str, tuple[int, str]]
) -> None:
    found, told = ended[" ".join(words)]
    assert found == code, told
    assert ("tensorflow and keras, not installed" in told) == (code != 0)


def test_a_viewer_is_asked_for_all_but_what_trains() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "viewer.txt").read_text("utf-8").splitlines()
    asked = {line for line in lines if not line.startswith("#")}
    trains = ("tensorflow", "keras")
    assert asked == {each for each in project["dependencies"] if not each.startswith(trains)}
